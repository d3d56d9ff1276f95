"""Of a possible match no value and no weight reaches the other side: not before a grant, not beyond it, not after it.

Every operation of the document about matches is asked, whatever it answers, and every place where an agency reads what
happened. An operation that is not played here fails the law.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from cli.spec import DOCUMENT, generated
from db.clock import real_time
from db.engine import Raw
from rules.identity_numbers import masked
from rules.match_candidates import decimal_text
from tests.actions.instances import superuser
from tests.actions.matches import Pair, report_pair
from tests.builders import Api
from tests.conftest import OpenApi

PURPOSE = "assistance"
EMPLOYER, STREET = "哨兵纺织厂", "哨兵路九百号"
NAMED = {"name": EMPLOYER, "uscc": None}
ASKED = {"purpose": "assistance", "basis": {"kind": "consent", "reference": "x"}, "reason": "x"}


@dataclass(frozen=True, slots=True)
class Told:
    """A pair with what must not be told of its earlier side, by class, and of the comparison."""

    pair: Pair
    values: Mapping[str, frozenset[str]]
    weights: frozenset[str]


@pytest.fixture
async def raw(admin_url: str) -> AsyncIterator[Raw]:
    async with superuser(admin_url) as behind:
        yield behind


@pytest.fixture
async def county(open_api: OpenApi) -> Api:
    """The union of the later case: the asker."""
    return await open_api("DEMO-990101-UNION")


@pytest.fixture
async def told(labour: Api, raw: Raw) -> Told:
    address = {"division_code": "340802", "detail": STREET}
    pair = await report_pair(raw, labour, labour, address=address, employer=NAMED)
    row = await raw.fetchrow("SELECT weight FROM match_candidate WHERE id = $1", pair.id)
    assert row is not None
    weights = await raw.fetch(
        "SELECT (t ->> 'weight')::float8 AS weight FROM match_candidate, jsonb_array_elements(terms) t WHERE id = $1",
        pair.id,
    )
    number = pair.earlier["id_number"]
    values = {
        "identity": frozenset({number, masked(number)}),
        "contact": frozenset({STREET}),
        "basic": frozenset({EMPLOYER}),
    }
    numbers = {decimal_text(found["weight"]) for found in (row, *weights) if found["weight"]}
    return Told(pair, values, frozenset(numbers | {'"rarity"', "numbers_differ", "<svg"}))


async def _everything(api: Api, told: Told, request_id: str, *, version: int = 99) -> dict[str, str]:
    """What each operation about matches answers to this agency, and each list of what happened, by name. Writes are
    based on a stale tag, or are such that nothing changes."""
    match, access = f"/v1/match-candidates/{told.pair.id}", f"/v1/access-requests/{request_id}"
    in_a_day = (real_time() + timedelta(days=1)).isoformat()
    reads = {
        "list_match_candidates": "/v1/match-candidates?limit=200",
        "read_match_candidate": match,
        "draw_match_candidate": f"{match}/waterfall.svg",
        "list_access_requests": "/v1/access-requests?limit=200",
        "read_access_request": access,
        "feed": "/v1/events?limit=200",
        "leaves": "/v1/audit/leaves?limit=200",
        "timeline": f"/v1/cases/{told.pair.case}/timeline",
        "links": f"/v1/cases/{told.pair.case}/links",
        "file": f"/v1/cases/{told.pair.case}/file",
        "other case": f"/v1/cases/{told.pair.other}",
        "other file": f"/v1/cases/{told.pair.other}/file",
    }
    writes: dict[str, tuple[str, Any]] = {
        "decide_not_duplicate": (f"{match}/not-duplicate", {"reason": "namesake"}),
        "confirm_match_candidate": (f"{match}/confirm", None),
        "undo_match_decision": (f"{match}/undo", None),
        "decide_match_candidates": (
            "/v1/match-candidates/bulk",
            {"source_system": "labour-inspection", "decision": "not_duplicate", "reason": "namesake"},
        ),
        "ask_holder": (f"{match}/access-requests", ASKED),
        "grant_access": (f"{access}/grant", {"field_classes": ["basic"], "expires_at": in_a_day}),
        "refuse_access": (f"{access}/refuse", {"reason_code": "no_basis", "text": "x"}),
        "revoke_access": (f"{access}/revoke", None),
    }
    answers = {name: (await api.get(path, purpose=PURPOSE)).text for name, path in reads.items()}
    for name, (path, body) in writes.items():
        answers[name] = (await api.post(path, body, if_match=version)).text
    return answers


def _found(answers: Mapping[str, str], marks: frozenset[str]) -> set[tuple[str, str]]:
    return {(name, mark) for name, text in answers.items() for mark in marks if mark in text}


async def _ask(api: Api, told: Told) -> str:
    answer = await api.post(f"/v1/match-candidates/{told.pair.id}/access-requests", ASKED)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def _grant(api: Api, request_id: str, *classes: str) -> None:
    said = {"field_classes": list(classes), "expires_at": (real_time() + timedelta(days=1)).isoformat()}
    granted = await api.post(f"/v1/access-requests/{request_id}/grant", said, if_match=1)
    assert granted.status_code == 200, granted.text


async def test_every_operation_about_matches_is_asked(county: Api, told: Told) -> None:
    ours = {
        operation["operationId"]
        for item in generated()[DOCUMENT]["paths"].values()
        for operation in item.values()
        if "matches" in operation.get("tags", ())
    }
    asked = set(await _everything(county, told, await _ask(county, told)))
    assert ours - asked == set(), "play these here"


async def test_without_a_grant_nothing_of_the_other_side_is_told(county: Api, told: Told) -> None:
    answers = await _everything(county, told, await _ask(county, told))
    assert '"comparison":null' in answers["read_match_candidate"]
    every = frozenset[str]().union(*told.values.values())
    assert _found(answers, every | told.weights) == set()
    asked_by_id = ("other case", "other file")
    unasked = {name: text for name, text in answers.items() if name not in asked_by_id}
    assert _found(unasked, frozenset({told.pair.other})) == set()


async def test_the_holder_learns_no_more_of_the_asker(union: Api, county: Api, told: Told) -> None:
    answers = await _everything(union, told, await _ask(county, told))
    number = told.pair.later["id_number"]
    marks = {number, masked(number), told.pair.later["address"]["detail"], told.pair.case}
    assert (
        _found({k: v for k, v in answers.items() if k not in ("timeline", "file", "links")}, frozenset(marks)) == set()
    )
    assert _found(answers, told.weights) == set()


async def test_a_grant_shows_its_classes_and_never_a_weight(union: Api, county: Api, told: Told) -> None:
    request_id = await _ask(county, told)
    await _grant(union, request_id, "contact")
    answers = await _everything(county, told, request_id)
    assert STREET in answers["read_match_candidate"], "or the law would find nothing whatever was shown"
    assert _found(answers, told.values["identity"] | told.values["basic"] | told.weights) == set()
    del answers["read_match_candidate"]
    assert _found(answers, told.values["contact"]) == set()


@pytest.mark.parametrize("end", ["expired", "revoked"])
async def test_once_a_grant_has_ended_nothing_is_told_any_more(
    union: Api, county: Api, told: Told, raw: Raw, end: str
) -> None:
    request_id = await _ask(county, told)
    await _grant(union, request_id, "basic", "contact", "identity", "family")
    assert STREET in (await _everything(county, told, request_id))["read_match_candidate"]
    if end == "expired":
        await raw.execute("UPDATE access_request SET expires_at = now() WHERE id = $1::text::uuid", request_id)
    else:
        revoked = await union.post(f"/v1/access-requests/{request_id}/revoke", if_match=2)
        assert revoked.status_code == 200, revoked.text
    answers = await _everything(county, told, request_id)
    assert _found(answers, frozenset[str]().union(*told.values.values()) | told.weights) == set()


async def test_whoever_coordinates_both_is_shown_them(union: Api, labour: Api, raw: Raw) -> None:
    """The marks are values that the product does show: to whom it concerns."""
    pair = await report_pair(raw, labour, labour, places=("340802", "340802"), employer=NAMED)
    shown = (await union.get(f"/v1/match-candidates/{pair.id}", purpose=PURPOSE)).text
    assert EMPLOYER in shown
    assert masked(pair.earlier["id_number"]) in shown
    assert '"rarity"' in shown
