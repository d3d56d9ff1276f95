"""Every router of the API, in the order of the document.

Routers of nouns below a case stand before the case's own, whose `/{case_id}/{step}` would take their paths.
"""

from api.routers import (
    agencies,
    cases,
    clients,
    codes,
    divisions,
    matters,
    problems,
    referrals,
    reports,
    results,
    staff,
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
    clients.router,
    staff.router,
    problems.router,
)
