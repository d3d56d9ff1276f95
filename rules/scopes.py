"""Scopes: what a client may be allowed to do at most. Rights need more than a scope; see docs of each route. Pure."""

from collections.abc import Iterable

SCOPES: dict[str, str] = {
    "reports:read": "read reports",
    "reports:write": "report workers in trouble",
    "cases:read": "read cases, timelines, participants, results",
    "cases:write": "move cases, invite observers, record sharing bases",
    "referrals:read": "read referrals",
    "referrals:write": "refer needs and take steps on referrals",
    "results:write": "adopt results and reports",
    "events:read": "read the event feed",
    "webhooks:manage": "manage webhook endpoints and deliveries",
    "persons:match": "look persons up for linking",
    "persons:reveal": "see masked values in full",
    "exports:create": "export data",
    "audit:read": "read audit proofs",
    "agency:admin": "manage the agency's own staff and clients",
}

BARRED_WITH_SECRET = frozenset({"persons:match", "persons:reveal", "exports:create"})
"""A client secret travels with each sign-in; what it may open is kept small."""

AGENCY_SCOPES = tuple(scope for scope in SCOPES if scope not in BARRED_WITH_SECRET)
"""What an ordinary integration of an agency holds."""

STAFF_ROLES = (
    "union_coordinator",
    "union_supervisor",
    "agency_caseworker",
    "agency_supervisor",
    "fund_officer",
    "auditor",
    "statistician",
    "agency_admin",
    "platform_operator",
    "leadership",
)

_CASE_WORK = frozenset(
    {
        *("reports:read", "reports:write", "cases:read", "cases:write"),
        *("referrals:read", "referrals:write", "results:write", "events:read"),
    }
)

ROLE_SCOPES: dict[str, frozenset[str]] = {
    "union_coordinator": _CASE_WORK | {"persons:match", "persons:reveal"},
    "union_supervisor": _CASE_WORK | {"persons:match", "persons:reveal", "exports:create", "audit:read"},
    "agency_caseworker": _CASE_WORK,
    "agency_supervisor": _CASE_WORK | {"persons:reveal", "exports:create"},
    "fund_officer": frozenset({"cases:read", "referrals:read", "referrals:write", "results:write"}),
    "auditor": frozenset({"audit:read"}),
    "statistician": frozenset(),
    "agency_admin": frozenset({"agency:admin", "webhooks:manage"}),
    "platform_operator": frozenset(),
    "leadership": frozenset(),
}
"""What each role may hold at most. Who only counts, leads or keeps the machines running reads no case."""

SECOND_FACTOR_ROLES = frozenset(
    {"union_supervisor", "agency_supervisor", "agency_admin", "platform_operator", "auditor"}
)
"""Roles of supervisors and administrators: a password alone does not make anybody one."""


def scopes_of_roles(roles: Iterable[str]) -> frozenset[str]:
    """Everything the roles allow together; nothing for a role that is unknown."""
    return frozenset().union(*(ROLE_SCOPES.get(role, frozenset()) for role in roles))


def proven_roles(roles: Iterable[str], *, second_factor: bool | None) -> frozenset[str]:
    """The roles in force for somebody who signed in so: without a second factor those that ask for one are asleep."""
    return frozenset(roles) if second_factor else frozenset(roles) - SECOND_FACTOR_ROLES


def needs_second_factor(roles: Iterable[str]) -> bool:
    return not SECOND_FACTOR_ROLES.isdisjoint(roles)
