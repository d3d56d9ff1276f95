"""Every router of the API, in the order of the document.

Routers of nouns below a case stand before the case's own, whose `/{case_id}/{step}` would take their paths.
"""

from api.routers import (
    agencies,
    assessments,
    break_glass,
    cases,
    clients,
    codes,
    deliveries,
    divisions,
    events,
    matters,
    problems,
    qualifications,
    referrals,
    reports,
    results,
    sharing,
    staff,
    webhook_endpoints,
)

ROUTERS = (
    results.of_report,
    reports.router,
    referrals.of_case,
    results.of_case,
    sharing.of_case,
    break_glass.of_case,
    cases.router,
    sharing.of_referral,
    referrals.router,
    results.router,
    sharing.router,
    break_glass.router,
    assessments.router,
    matters.router,
    agencies.router,
    divisions.router,
    codes.router,
    events.router,
    webhook_endpoints.router,
    deliveries.router,
    clients.router,
    qualifications.router,
    staff.router,
    problems.router,
)
