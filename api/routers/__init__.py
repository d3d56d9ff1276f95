"""Every router of the API, in the order of the document.

Routers of nouns below a case stand before the case's own, whose `/{case_id}/{step}` would take their paths.
"""

from api.routers import (
    agencies,
    cases,
    clients,
    codes,
    credentials,
    deliveries,
    devices,
    divisions,
    events,
    matters,
    problems,
    referrals,
    reports,
    results,
    staff,
    webhook_endpoints,
)

ROUTERS = (
    results.of_report,
    reports.router,
    referrals.of_case,
    results.of_case,
    cases.router,
    referrals.router,
    results.router,
    matters.router,
    agencies.router,
    divisions.router,
    codes.router,
    events.router,
    webhook_endpoints.router,
    deliveries.router,
    clients.router,
    staff.router,
    devices.router,
    credentials.router,
    problems.router,
)
