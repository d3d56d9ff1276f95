"""Who gets which event and how much of it: the whole table, role by role."""

from datetime import UTC, datetime, timedelta
from itertools import chain
from uuid import UUID

import pytest

from rules.envelopes import Fact, Part, envelope, is_pattern, roles_at, wants, with_challenge
from rules.events import ENTITLEMENTS, EVENT_TYPES, PARTICIPANTS, PARTIES, audience, view_of

NOW = datetime(2026, 2, 26, 9, 30, tzinfo=UTC)
ONE, TWO = UUID(int=1), UUID(int=2)

FACT = Fact(
    id=UUID(int=9),
    type="referral.accepted",
    subject_type="referral",
    subject_id=UUID(int=8),
    version=3,
    actor=ONE,
    correlation_id="request-1",
    data={"from": "requested", "to": "accepted", "changed": ["status"]},
    occurred_at=NOW,
)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_role_of_every_type_is_full_thin_or_nothing_as_the_table_says(event_type: str) -> None:
    rule = ENTITLEMENTS[event_type]
    for role in (*PARTICIPANTS, *PARTIES):
        expected = "full" if role in rule.full else "thin" if role in rule.thin else None
        assert view_of(event_type, [role]) == expected
    assert {*rule.full, *rule.thin} <= {*PARTICIPANTS, *PARTIES}
    assert rule.full or rule.thin, "somebody must learn of it"


@pytest.mark.parametrize(
    ("event_type", "participants", "parties", "expected"),
    [
        ("report.received", {"u": ["coordinator"], "l": ["reporter"], "m": ["reporter"]}, {"l": ["actor"]},
         {"u": "full", "l": "full"}),
        ("case.closed", {"u": ["coordinator"], "l": ["reporter"], "m": ["receiver"], "o": ["observer"]}, {},
         {"u": "full", "l": "full", "m": "full", "o": "full"}),
        ("case.linked", {"u": ["coordinator"], "l": ["reporter"]}, {}, {"u": "full"}),
        ("referral.requested", {"u": ["coordinator"], "r": ["reporter"]},
         {"u": ["actor", "sender"], "l": ["addressee"]}, {"u": "full", "l": "full"}),
        ("referral.requested", {"u": ["coordinator"]}, {"u": ["sender"], "l": ["pool"], "m": ["pool"]},
         {"u": "full", "l": "thin", "m": "thin"}),
        ("referral.accepted", {"u": ["coordinator"]}, {"l": ["addressee", "pool"], "m": ["pool"]},
         {"u": "full", "l": "full", "m": "thin"}),
        ("referral.started", {"u": ["coordinator"]}, {"l": ["addressee"], "m": ["pool"]}, {"u": "full", "l": "full"}),
        ("participant.joined", {"u": ["coordinator"], "l": ["reporter"]}, {"m": ["other"]}, {"u": "full", "m": "full"}),
        ("endpoint.disabled", {}, {"u": ["actor"], "l": ["owner"]}, {"l": "full"}),
        ("referral.accepted", {"o": ["observer"], "r": ["reporter"]}, {}, {}),
    ],
)  # fmt: skip
def test_an_audience_is_what_participants_and_parties_are_entitled_to(
    event_type: str, participants: dict[str, list[str]], parties: dict[str, list[str]], expected: dict[str, str]
) -> None:
    assert audience(event_type, participants, parties) == expected


def test_a_part_counts_from_its_beginning_and_not_from_its_end_on() -> None:
    parts = [
        Part(ONE, "coordinator", NOW, None),
        Part(ONE, "reporter", NOW - timedelta(days=1), NOW),
        Part(TWO, "observer", NOW - timedelta(days=1), NOW + timedelta(microseconds=1)),
    ]
    assert roles_at(parts, NOW) == {str(ONE): ["coordinator"], str(TWO): ["observer"]}
    assert roles_at(parts, NOW - timedelta(seconds=1)) == {str(ONE): ["reporter"], str(TWO): ["observer"]}


def test_the_envelope_is_that_of_the_contract() -> None:
    assert envelope(FACT, ONE, "full", 7) == {
        "id": str(FACT.id),
        "type": "referral.accepted",
        "timestamp": "2026-02-26T09:30:00Z",
        "sequence": 7,
        "subject": {
            "type": "referral",
            "id": str(FACT.subject_id),
            "version": 3,
            "href": f"/v1/referrals/{FACT.subject_id}",
        },
        "actor_agency": str(ONE),
        "correlation_id": "request-1",
        "data": {"from": "requested", "to": "accepted", "changed": ["status"]},
    }


def test_another_agency_does_not_get_the_actors_correlation_id() -> None:
    assert envelope(FACT, TWO, "full", 7)["correlation_id"] is None


def test_a_thin_view_says_neither_who_nor_what() -> None:
    thin = envelope(FACT, TWO, "thin", 7)
    assert thin["actor_agency"] is None
    assert thin["correlation_id"] is None
    assert thin["data"] == {"from": "requested", "to": "accepted", "changed": []}


def test_a_challenge_is_added_to_a_copy() -> None:
    sent = envelope(FACT, ONE, "full", 7)
    assert with_challenge(sent, "c")["data"] == {
        "from": "requested",
        "to": "accepted",
        "changed": ["status"],
        "challenge": "c",
    }
    assert "challenge" not in str(sent)


@pytest.mark.parametrize(
    ("patterns", "wanted"),
    [(["*"], True), (["referral.*"], True), (["referral.accepted"], True), (["referral.started"], False),
     (["case.*"], False), (["case.*", "referral.accepted"], True), ([], False), (["referral"], False)],
)  # fmt: skip
def test_a_list_of_types_covers_a_type_by_star_noun_or_name(patterns: list[str], wanted: bool) -> None:
    assert wants(patterns, "referral.accepted") is wanted


def test_only_types_nouns_and_the_star_are_patterns() -> None:
    assert all(map(is_pattern, chain(EVENT_TYPES, ("*", "case.*", "endpoint.*"))))
    assert not any(
        map(is_pattern, ("", ".", "*.*", "case", "case.", "case.opened.x", "moon.*", "case.landed", "*.opened"))
    )
