"""Every router of the API, in the order of the document."""

from api.routers import cases, reports

ROUTERS = (reports.router, cases.router)
