"""Every router of the API, in the order of the document.

Routers of nouns below a case stand before the case's own, whose `/{case_id}/{step}` would take their paths.
"""

from api.routers import cases, referrals, reports, results

ROUTERS = (
    results.of_report,
    reports.router,
    referrals.of_case,
    results.of_case,
    cases.router,
    referrals.router,
    results.router,
)
