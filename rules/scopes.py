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
    "alerts:read": "read alerts of early warning",
    "alerts:write": "state signals and handle alerts",
    "policy:read": "count policy gaps, read proposals and the register of consultations",
    "policy:write": "draft, send and reply to proposals, keep the register of consultations",
    "events:read": "read the event feed",
    "webhooks:manage": "manage webhook endpoints, deliveries and inbound sources",
    "persons:match": "look persons up for linking",
    "persons:reveal": "see masked values in full",
    "linkage:encode": "fetch the agency's key for encoding what it may not disclose",
    "exports:create": "export data",
    "audit:read": "read audit leaves and proofs",
    "audit:witness": "cosign checkpoints of the audit log",
    "agency:admin": "manage the agency's own staff and clients",
}

BARRED_WITH_SECRET = frozenset({"persons:match", "persons:reveal", "linkage:encode", "exports:create"})
"""A client secret travels with each sign-in; what it may open is kept small."""


def grantable(held: Iterable[str], *, administers: bool) -> frozenset[str]:
    """The scopes that whoever holds these may give to a client of its agency: a machine only its own, a person who
    administers the agency every one."""
    return frozenset(SCOPES if administers else held)


AGENCY_SCOPES = tuple(scope for scope in SCOPES if scope not in BARRED_WITH_SECRET)
"""What an ordinary integration of an agency holds."""
