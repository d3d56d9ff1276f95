"""Who may do what, as a table: scope AND role AND part."""

from typing import Any
from uuid import UUID

import pytest

from rules.referrals import parts_in_referral
from rules.rights import (
    EVERYBODY,
    OPERATIONS,
    SEEING_PARTS,
    Operation,
    Role,
    Subject,
    Verdict,
    effective_roles,
    judge_part,
    judge_principal,
    scopes_of_roles,
)
from rules.scopes import SCOPES

ME, OTHER, THIRD = UUID(int=1), UUID(int=2), UUID(int=3)


def test_every_scope_an_operation_takes_exists() -> None:
    assert {operation.scope for operation in OPERATIONS.values()} - {None} <= set(SCOPES)


def test_parts_of_an_operation_are_parts_that_see_its_subject() -> None:
    for name, operation in OPERATIONS.items():
        assert operation.parts <= SEEING_PARTS[operation.subject], name


@pytest.mark.parametrize("role", [Role.platform_operator, Role.statistician, Role.leadership, Role.auditor])
def test_some_roles_reach_no_case_whatever_they_ask(role: Role) -> None:
    about_people = {Subject.case, Subject.referral, Subject.report, Subject.result}
    reached = [name for name, asked in OPERATIONS.items() if asked.subject in about_people and role in asked.roles]
    assert reached == []
    assert not scopes_of_roles([role]) & {"cases:read", "cases:write", "reports:read", "referrals:read"}


def test_a_union_writes_nothing_but_what_a_part_of_its_own_allows() -> None:
    """No operation lets a coordinator write what another agency decides: results have no operation of their own but to
    withdraw one's own, and the steps of a referral are judged by party (rules/referrals.py)."""
    for name, operation in OPERATIONS.items():
        if operation.subject is Subject.result and operation.scope != "cases:read":
            assert name == "adopt_result" or operation.parts == {"owner"}


@pytest.mark.parametrize(
    ("roles", "kind", "counting"),
    [
        (["union_coordinator", "agency_caseworker"], "union", {"union_coordinator"}),
        (["union_coordinator", "agency_caseworker"], "labour", {"agency_caseworker"}),
        (["union_supervisor"], "labour", set()),
        (["auditor", "king"], "court", {"auditor"}),
        (["integration"], "union", {"integration"}),
    ],
)
def test_a_role_counts_where_an_agency_of_that_kind_has_it(roles: list[str], kind: str, counting: set[str]) -> None:
    assert effective_roles(roles, kind) == counting


def test_people_are_granted_what_their_roles_may_ask_for_and_no_more() -> None:
    assert scopes_of_roles(["agency_admin"]) == {"agency:admin", "webhooks:manage", "linkage:encode"}
    assert scopes_of_roles(["integration"]) == frozenset()
    assert "referrals:write" not in scopes_of_roles(["union_supervisor"])


_ASKED = Operation("cases:read", frozenset({Role.union_coordinator}), Subject.case, frozenset({"coordinator"}), False)


@pytest.mark.parametrize(
    ("scopes", "roles", "verdict"),
    [
        ({"cases:read"}, {Role.union_coordinator}, Verdict.allowed),
        (set(), {Role.union_coordinator}, Verdict.scope),
        ({"cases:read"}, {Role.auditor}, Verdict.role),
        (set(), set(), Verdict.scope),
    ],
)
def test_a_principal_needs_scope_and_role(scopes: set[str], roles: set[Role], verdict: Verdict) -> None:
    assert judge_principal(_ASKED, scopes=scopes, roles=roles) is verdict


def test_reference_is_for_whoever_signs_in_even_without_a_role_that_counts() -> None:
    public = OPERATIONS["list_matters"]
    assert public.roles == EVERYBODY
    assert judge_principal(public, scopes=set(), roles=set()) is Verdict.allowed


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        ({"coordinator"}, Verdict.allowed),
        ({"observer"}, Verdict.part),
        ({"sender"}, Verdict.hidden),
        (set(), Verdict.hidden),
    ],
)
def test_a_thing_is_hidden_without_a_part_and_refused_without_the_right_one(parts: set[str], verdict: Verdict) -> None:
    assert judge_part(Subject.case, parts, _ASKED) is verdict


def test_what_an_operation_does_not_name_is_only_seen_or_not() -> None:
    assert judge_part(Subject.referral, {"pool"}, _ASKED) is Verdict.allowed
    assert judge_part(Subject.referral, {"pool"}, None) is Verdict.allowed
    assert judge_part(Subject.referral, {"observer"}, None) is Verdict.hidden


def test_a_barred_part_rules_out_whatever_else_there_is() -> None:
    adopt = OPERATIONS["adopt_result"]
    assert judge_part(Subject.result, {"receiver"}, adopt) is Verdict.allowed
    assert judge_part(Subject.result, {"receiver", "owner"}, adopt) is Verdict.part


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"sender": ME}, {"sender"}),
        ({"sender": ME, "coordinator": ME}, {"sender", "coordinator"}),
        ({"receiver": ME}, {"receiver"}),
        ({"receiver": ME, "status": "draft"}, set()),
        ({"coordinator": ME, "status": "draft"}, set()),
        ({"sender": ME, "status": "draft"}, {"sender"}),
        ({"offered": True}, {"pool"}),
        ({"offered": True, "receiver": OTHER}, set()),
        ({"offered": True, "status": "expired"}, set()),
        ({"below": {OTHER}}, {"supervisor"}),
        ({"below": {OTHER}, "status": "draft"}, set()),
        ({}, set()),
    ],
)
def test_parts_in_a_referral(changes: dict[str, Any], parts: set[str]) -> None:
    given: dict[str, Any] = {
        "sender": OTHER, "coordinator": OTHER, "receiver": None, "status": "requested", "offered": False, "below": set()
    } | changes  # fmt: skip
    below = given.pop("below")
    assert parts_in_referral(ME, below, **given) == parts
