"""Every router of the API, in the order of the document.

Routers of nouns below a case stand before the case's own, whose `/{case_id}/{step}` would take their paths.
"""

from api.routers import (
    agencies,
    audit,
    cases,
    clients,
    codes,
    deliveries,
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
    audit.router,
    clients.router,
    staff.router,
    problems.router,
)
