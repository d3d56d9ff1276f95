"""Who learns of which fact, and how much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.events import ENTITLEMENTS, EVENT_TYPES, PARTICIPANTS, PARTIES, audience, view_of
from rules.referrals import TRANSITIONS

ROLES = (*PARTICIPANTS, *PARTIES)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_rule_speaks_of_known_roles_and_of_each_once(event_type: str) -> None:
    rule = ENTITLEMENTS[event_type]
    assert set(rule.full) | set(rule.thin) <= set(ROLES)
    assert set(rule.full).isdisjoint(rule.thin)


NOT_OF_ONE_CASE = (
    "endpoint.",
    "audit.",
    "honey.",
    "probing.",
    "match.",
    "access_request.",
    "inbound.",
    "case_transfer.",
    "conference.",
    "letter.",
    "share_request.",
    "alert.",
    *("plan.", "plan_task."),
    "proposal.",
)


@pytest.mark.parametrize("event_type", [kind for kind in EVENT_TYPES if not kind.startswith(NOT_OF_ONE_CASE)])
def test_the_coordinator_learns_everything_of_its_case(event_type: str) -> None:
    assert view_of(event_type, ["coordinator"]) == "full"


@pytest.mark.parametrize("event_type", [kind for kind in EVENT_TYPES if kind.startswith("match.")])
def test_the_coordinators_of_a_match_learn_that_it_happened_and_nobody_else_does(event_type: str) -> None:
    told = {role: view_of(event_type, [role]) for role in ROLES}
    assert {role: view for role, view in told.items() if view} == {"coordinator": "thin"}


@pytest.mark.parametrize("event_type", [kind for kind in EVENT_TYPES if kind.startswith("access_request.")])
def test_the_two_sides_of_a_request_for_access_learn_of_it_and_nobody_else_does(event_type: str) -> None:
    assert {role for role in ROLES if view_of(event_type, [role])} == {"actor", "other"}


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_stranger_learns_nothing(event_type: str) -> None:
    assert view_of(event_type, []) is None


@pytest.mark.parametrize("event_type", [kind for kind in EVENT_TYPES if kind.startswith("referral.")])
def test_reporter_and_observer_learn_of_no_referral(event_type: str) -> None:
    assert view_of(event_type, ["reporter"]) is None
    assert view_of(event_type, ["observer"]) is None
    assert view_of(event_type, ["receiver"]) is None, "nor does the receiver of another one"
    assert view_of(event_type, ["addressee"]) == view_of(event_type, ["sender"]) == "full"


def test_the_pool_learns_that_it_is_asked_reminded_and_that_it_is_taken_and_no_more() -> None:
    told = {kind: view_of(kind, ["pool"]) for kind in EVENT_TYPES}
    assert {kind for kind, view in told.items() if view} == {
        *("referral.requested", "referral.accepted", "referral.cancelled", "referral.voided", "referral.expired"),
        "referral.reminded",
    }
    assert {view for view in told.values() if view} == {"thin"}


@pytest.mark.parametrize("role", ["reporter", "receiver", "observer"])
def test_other_agencies_reports_are_not_announced(role: str) -> None:
    assert view_of("report.received", [role]) is None


@pytest.mark.parametrize("role", PARTICIPANTS)
def test_every_participant_learns_of_results_and_of_the_cases_own_state(role: str) -> None:
    for event_type in ("result.shared", "case.closed", "case.reopened"):
        assert view_of(event_type, [role]) == "full"


@pytest.mark.parametrize("event_type", ["case.opened", "case.updated"])
def test_who_else_reported_or_works_is_the_coordinators_business(event_type: str) -> None:
    assert {view_of(event_type, [role]) for role in ("coordinator", "actor")} == {"full"}
    assert {view_of(event_type, [role]) for role in ("reporter", "receiver", "observer")} == {"thin"}


def test_every_step_of_a_referral_has_its_event() -> None:
    assert {t.event for steps in TRANSITIONS.values() for t in steps.values()} <= set(EVENT_TYPES)


_AGENCIES = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.lists(st.sampled_from(ROLES), min_size=1, max_size=3), max_size=3
)


@given(st.sampled_from(EVENT_TYPES), _AGENCIES, _AGENCIES)
def test_an_audience_is_each_agency_judged_by_all_its_roles(
    event_type: str, participants: dict[str, list[str]], parties: dict[str, list[str]]
) -> None:
    views = audience(event_type, participants, parties)
    for agency in {*participants, *parties}:
        roles = [*participants.get(agency, []), *parties.get(agency, [])]
        assert views.get(agency) == view_of(event_type, roles)
    assert set(views) <= {*participants, *parties}
