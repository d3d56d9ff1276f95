"""Possible matches: the queue of a union, side by side, the decision, its undoing and lapse, many at once."""

import math
from collections.abc import AsyncIterator
from datetime import date, timedelta
from uuid import UUID
from xml.etree import ElementTree

import pytest

from db.clock import real_time
from db.engine import Database, Raw
from jobs.clocks import look_once
from rules.identity_numbers import masked
from rules.phones import masked_phone
from tests.actions.instances import superuser
from tests.actions.matches import Json, Pair, report_pair
from tests.actions.story import body_of, report
from tests.builders import Api, fresh_key
from tests.conftest import OpenApi

PATH = "/v1/match-candidates"
PURPOSE = "assistance"
HOME = ("340802", "340802")


@pytest.fixture
async def raw(admin_url: str) -> AsyncIterator[Raw]:
    async with superuser(admin_url) as behind:
        yield behind


@pytest.fixture
async def county(open_api: OpenApi) -> Api:
    """The union of the other county, which coordinates the later case of a pair."""
    return await open_api("DEMO-990101-UNION")


async def _read(api: Api, pair: Pair) -> Json:
    answer = await api.get(f"{PATH}/{pair.id}", purpose=PURPOSE)
    assert answer.status_code == 200, answer.text
    return body_of(answer)


async def _decide(api: Api, pair: Pair, *, version: int = 1, **words: object) -> Json:
    answer = await api.post(f"{PATH}/{pair.id}/not-duplicate", {"reason": "namesake"} | words, if_match=version)
    assert answer.status_code == 200, answer.text
    return body_of(answer)


async def _standing(raw: Raw, pair: Pair) -> int:
    """Standing `different` assertions between the two records."""
    return int(
        await raw.fetchval(
            "SELECT count(*) FROM link l JOIN match_candidate m ON m.id = $1 "
            "WHERE l.verdict = 'different' AND l.source = 'person' AND l.undone_at IS NULL "
            "AND ARRAY[l.record_id, l.other_record_id] <@ ARRAY[m.record_id, m.other_record_id] "
            "AND NOT EXISTS (SELECT FROM link w WHERE w.withdraws = l.id)",
            pair.id,
        )
    )


# Side by side


async def test_whoever_coordinates_both_cases_sees_both_masked_and_the_terms(union: Api, labour: Api, raw: Raw) -> None:
    pair = await report_pair(raw, labour, labour, places=HOME)
    seen = await _read(union, pair)
    assert (seen["comparable"], seen["case_id"], seen["other_case_id"]) == (True, pair.case, pair.other)
    made = seen["comparison"]
    assert [side["own"] for side in made["sides"]] == [True, True]
    for side, said in zip(made["sides"], (pair.later, pair.earlier), strict=True):
        assert side["household_size"] == 1
        assert side["person"]["name"] == said["name"]
        assert side["person"]["birth_date"] == said["birth_date"]
        assert side["person"]["id_number"] == masked(said["id_number"])
        assert side["person"]["phones"] == [masked_phone(said["phones"][0])]
        assert side["person"]["address"] == said["address"]["detail"]
    assert {"comparison": "name", "level": "exact"} in made["levels"]
    assert made["access"] is None


async def test_terms_sum_to_the_weight(union: Api, labour: Api, raw: Raw) -> None:
    pair = await report_pair(raw, labour, labour, places=HOME)
    made = (await _read(union, pair))["comparison"]
    assert abs(math.fsum(float(term["weight"]) for term in made["terms"]) - float(made["weight"])) <= 1e-9
    assert made["terms"][0]["comparison"] == "prior"
    assert all(term["comparison_zh"] and term["level_zh"] for term in made["terms"])
    kept = await raw.fetchval("SELECT weight FROM match_candidate WHERE id = $1", pair.id)
    assert float(made["weight"]) == kept


async def test_a_purpose_that_needs_less_shows_less(union: Api, labour: Api, raw: Raw) -> None:
    pair = await report_pair(raw, labour, labour, places=HOME)
    answer = await union.get(f"{PATH}/{pair.id}", purpose="follow_up")
    made = answer.json()["comparison"]
    assert made["field_classes"] == ["basic", "contact"]
    assert all("id_number" not in side["person"] for side in made["sides"])
    assert all(side["household_size"] is None for side in made["sides"])
    assert "number" not in {level["comparison"] for level in made["levels"]}


async def test_a_correction_stands_before_what_was_reported(union: Api, labour: Api, raw: Raw) -> None:
    pair = await report_pair(raw, labour, labour, places=HOME)
    proof = {"document": "resident_id", "seen_by": "desk-7", "seen_at": "2026-01-05T01:00:00Z"}
    said = {
        "kind": "correction",
        "proof": proof,
        "correction": {"name": "欧阳更正"},
        "reporting_agency": str(labour.id),
    }
    asked = await labour.post(f"/v1/cases/{pair.other}/person-requests", said, headers={"tongli-actor": "desk-7"})
    path = f"/v1/person-requests/{asked.json()['id']}"
    for version, step in ((1, "review"), (2, "fulfil")):
        taken = await labour.post(f"{path}/{step}", {"text": "已核对"}, if_match=version)
        assert taken.status_code == 200, taken.text
    sides = (await _read(union, pair))["comparison"]["sides"]
    assert [side["person"]["name"] for side in sides] == [pair.later["name"], "欧阳更正"]


async def test_the_waterfall_is_drawn_for_whoever_may_see_the_terms(
    union: Api, labour: Api, county: Api, raw: Raw
) -> None:
    both, half = [await report_pair(raw, labour, labour, places=places) for places in (HOME, ("340802", "990101"))]
    drawn = await union.get(f"{PATH}/{both.id}/waterfall.svg", purpose=PURPOSE)
    assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml")
    assert ElementTree.fromstring(drawn.text).tag.endswith("svg")
    assert "证件号码" in drawn.text
    for api in (union, county):
        refused = await api.get(f"{PATH}/{half.id}/waterfall.svg", purpose=PURPOSE)
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-role")


async def test_whoever_coordinates_one_side_learns_that_there_is_another_and_whom_to_ask(
    union: Api, labour: Api, county: Api, raw: Raw
) -> None:
    pair = await report_pair(raw, labour, labour)
    for api, own, holder in ((union, pair.other, county), (county, pair.case, union)):
        seen = await _read(api, pair)
        assert (seen["case_id"], seen["other_case_id"], seen["holder"]["id"]) == (own, None, str(holder.id))
        assert (seen["band"], seen["comparable"], seen["comparison"]) == ("review", False, None)
        assert seen["since_quarter"] == f"{real_time().year}-Q{(real_time().month + 2) // 3}"


async def test_others_know_of_no_match(labour: Api, stranger: Api, raw: Raw) -> None:
    pair = await report_pair(raw, labour, labour)
    hidden = await stranger.get(f"{PATH}/{UUID(int=7)}", purpose=PURPOSE)
    for api in (labour, stranger):
        answer = await api.get(f"{PATH}/{pair.id}", purpose=PURPOSE)
        assert (answer.status_code, answer.json()["title"]) == (404, hidden.json()["title"])
        queue = body_of(await api.get(PATH, params={"limit": 200}))["data"]
        assert str(pair.id) not in {match["id"] for match in queue}


async def test_of_a_judicial_match_only_the_holder_knows(
    union: Api, labour: Api, county: Api, open_api: OpenApi, raw: Raw
) -> None:
    justice = await open_api("DEMO-340802-JUSTICE")
    pair = await report_pair(raw, justice, labour)
    assert (await _read(union, pair))["holder"]["id"] == str(county.id)
    for path in (f"{PATH}/{pair.id}", f"{PATH}/{pair.id}/waterfall.svg"):
        assert (await county.get(path, purpose=PURPOSE)).status_code == 404
    assert (await county.post(f"{PATH}/{pair.id}/not-duplicate", {"reason": "namesake"}, if_match=1)).status_code == 404
    assert str(pair.id) not in (await county.get(PATH)).text
    events = await raw.fetch("SELECT case_id FROM event WHERE subject_id = $1", pair.id)
    assert [str(row["case_id"]) for row in events] == [pair.other]


async def test_a_purpose_must_be_named_and_the_read_leaves_its_mark_in_both_cases(
    union: Api, labour: Api, raw: Raw
) -> None:
    pair = await report_pair(raw, labour, labour, places=HOME)
    assert (await union.get(f"{PATH}/{pair.id}")).json()["code"] == "purpose-required"
    answer = await union.get(f"{PATH}/{pair.id}", purpose=PURPOSE)
    leaves = await raw.fetch(
        "SELECT case_id, field_classes, purpose FROM audit_leaf WHERE request_id = $1", answer.headers["request-id"]
    )
    assert {str(leaf["case_id"]) for leaf in leaves} == {pair.case, pair.other}
    assert {leaf["purpose"] for leaf in leaves} == {PURPOSE}
    assert all("identity" in leaf["field_classes"] for leaf in leaves)


async def test_reading_has_a_budget_of_its_own(union: Api, labour: Api, raw: Raw) -> None:
    pair = await report_pair(raw, labour, labour)
    await _read(union, pair)
    spent = "UPDATE rate_bucket SET tokens = 0, refilled_at = now() WHERE policy = 'match-read' AND principal_id = $1"
    await raw.execute(spent, union.agency.client_id)
    refused = await union.get(f"{PATH}/{pair.id}", purpose=PURPOSE)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota-exceeded")
    assert '"match-read"' in refused.headers["ratelimit"]


# The queue


async def test_the_queue_shows_open_ones_first_by_due_date_page_by_page(
    open_api: OpenApi, labour: Api, raw: Raw
) -> None:
    union = await open_api("DEMO-340802-UNION")
    first, second, third = [await report_pair(raw, labour, labour, places=HOME) for _ in range(3)]
    await raw.execute("UPDATE match_candidate SET due_at = now() + interval '1 day' WHERE id = $1", third.id)
    await _decide(union, first)
    ours = {str(pair.id) for pair in (first, second, third)}
    rows: list[Json] = []
    cursor: dict[str, str | int] = {}
    while True:
        page = body_of(await union.get(PATH, params={"limit": 2, **cursor}))
        rows += page["data"]
        if not page["page"]["has_more"]:
            break
        cursor = {"cursor": page["page"]["next"]}
    assert [row["id"] for row in rows if row["id"] in ours] == [str(third.id), str(second.id), str(first.id)]
    assert len({row["id"] for row in rows}) == len(rows)
    (row,) = [row for row in rows if row["id"] == str(second.id)]
    assert (row["case_id"], row["other_case_id"], row["comparable"]) == (second.case, second.other, True)
    assert "weight" not in row


async def test_the_queue_is_filtered_by_state_case_and_source(union: Api, county: Api, labour: Api, raw: Raw) -> None:
    pair = await report_pair(raw, labour, labour)
    await raw.execute("UPDATE match_candidate SET due_at = now() - interval '1 day' WHERE id = $1", pair.id)

    async def found(api: Api, **params: str) -> bool:
        return str(pair.id) in (await api.get(PATH, params={"limit": 200, **params})).text

    assert await found(union, status="open")
    assert await found(union, overdue="true", case_id=pair.other)
    assert not await found(union, overdue="false")
    assert not await found(union, status="not_duplicate")
    assert not await found(union, case_id=pair.case), "the other side's case opens no filter"
    assert await found(county, source_system="labour-inspection", agency_id=str(labour.id))
    assert not await found(county, source_system="elsewhere")
    assert not await found(union, agency_id=str(labour.id)), "who reported on the other side is not told by a filter"


# Not a duplicate


async def test_two_people_stay_two_until_somebody_takes_it_back(union: Api, county: Api, labour: Api, raw: Raw) -> None:
    pair = await report_pair(raw, labour, labour)
    decided = await _decide(county, pair)
    assert (decided["status"], decided["reason"], decided["decided_by"]["id"]) == (
        "not_duplicate",
        "namesake",
        str(county.id),
    )
    assert await _standing(raw, pair) == 1
    assert (await _read(union, pair))["reason"] is None, "the reason is for whoever decided"
    undone = await union.post(f"{PATH}/{pair.id}/undo", if_match=2)
    assert (undone.status_code, undone.json()["status"], undone.json()["decided_at"]) == (200, "open", None)
    assert undone.headers["etag"] == '"v3"'
    assert await _standing(raw, pair) == 0
    await _decide(union, pair, version=3)
    assert await _standing(raw, pair) == 1


async def test_a_person_said_to_be_another_is_not_linked_or_asked_about_again_while_it_stands(
    union: Api, labour: Api, raw: Raw
) -> None:
    """The assertion is what the linker reads: both persons are a pair it knows to be two."""
    pair = await report_pair(raw, labour, labour, places=HOME)
    await _decide(union, pair)
    people = await raw.fetchrow(
        "SELECT a.person_id AS one, b.person_id AS other FROM match_candidate m "
        "JOIN person_record a ON a.id = m.record_id JOIN person_record b ON b.id = m.other_record_id WHERE m.id = $1",
        pair.id,
    )
    assert people is not None
    pairs = await raw.fetch("SELECT * FROM link_differences($1)", [people["one"], people["other"]])
    assert [{row["one"], row["other"]} for row in pairs] == [{people["one"], people["other"]}]
    await union.post(f"{PATH}/{pair.id}/undo", if_match=2)
    assert await raw.fetch("SELECT * FROM link_differences($1)", [people["one"], people["other"]]) == []


async def test_a_decision_until_a_day_lapses_on_that_day(
    union: Api, labour: Api, raw: Raw, jobs_database: Database
) -> None:
    pair = await report_pair(raw, labour, labour, places=HOME)
    until = date.today() + timedelta(days=3)  # noqa: DTZ011  the rule counts in Shanghai; three days off suffice
    await _decide(union, pair, until=until.isoformat())
    await look_once(jobs_database)
    assert (await _read(union, pair))["status"] == "not_duplicate"
    await raw.execute("UPDATE match_candidate SET until = now() - interval '1 minute' WHERE id = $1", pair.id)
    await look_once(jobs_database)
    seen = await _read(union, pair)
    assert (seen["status"], seen["until"], seen["version"]) == ("open", None, 3)
    assert await _standing(raw, pair) == 0
    kinds = await raw.fetch("SELECT type FROM event WHERE subject_id = $1 ORDER BY position", pair.id)
    assert [row["type"] for row in kinds] == ["match.found", "match.decided", "match.undone"]
    leaf = await raw.fetchrow(
        "SELECT principal_kind, agency_id FROM audit_leaf WHERE subject_id = $1 AND action = 'match.undone'", pair.id
    )
    assert leaf is not None
    assert (leaf["principal_kind"], leaf["agency_id"]) == ("system", union.id)


async def test_bad_decisions_are_refused_by_name(union: Api, labour: Api, raw: Raw) -> None:
    pair = await report_pair(raw, labour, labour, places=HOME)
    path = f"{PATH}/{pair.id}"
    past = await union.post(f"{path}/not-duplicate", {"reason": "namesake", "until": "2020-01-01"}, if_match=1)
    assert [(e["pointer"], e["code"]) for e in past.json()["errors"]] == [("/until", "in-the-past")]
    assert (await union.post(f"{path}/not-duplicate", {"reason": "because"}, if_match=1)).status_code == 422
    assert (await union.post(f"{path}/not-duplicate", {"reason": "namesake"})).status_code == 428
    assert (await union.post(f"{path}/not-duplicate", {"reason": "namesake"}, if_match=9)).status_code == 412
    assert (await union.post(f"{path}/undo", if_match=1)).json()["code"] == "invalid-transition"
    await _decide(union, pair)
    twice = await union.post(f"{path}/not-duplicate", {"reason": "namesake"}, if_match=2)
    assert twice.json()["code"] == "invalid-transition"


async def test_the_same_key_decides_once(union: Api, labour: Api, raw: Raw) -> None:
    pair, key = await report_pair(raw, labour, labour, places=HOME), fresh_key()
    path = f"{PATH}/{pair.id}/not-duplicate"
    first, again = [await union.post(path, {"reason": "namesake"}, if_match=1, key=key) for _ in range(2)]
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert await _standing(raw, pair) == 1
    other = await union.post(path, {"reason": "family_member"}, if_match=1, key=key)
    assert other.json()["code"] == "idempotency-mismatch"


async def test_a_client_without_the_scope_decides_nothing(open_api: OpenApi, labour: Api, raw: Raw) -> None:
    pair = await report_pair(raw, labour, labour, places=HOME)
    reader = await open_api("DEMO-340802-UNION", scopes=("cases:read",))
    refused = await reader.post(f"{PATH}/{pair.id}/not-duplicate", {"reason": "namesake"}, if_match=1)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")


async def test_many_of_one_source_are_decided_until_none_is_left(
    union: Api, county: Api, labour: Api, raw: Raw
) -> None:
    pairs = [await report_pair(raw, labour, labour, places=HOME) for _ in range(3)]
    half = await report_pair(raw, labour, labour)
    sources = "UPDATE report SET source_system = 'old-register' WHERE case_id = ANY ($1)"
    await raw.execute(sources, [UUID(pair.case) for pair in (*pairs, half)])
    said = {"source_system": "old-register", "decision": "not_duplicate", "reason": "entered_in_error", "limit": 2}
    answers = [await union.post(f"{PATH}/bulk", said | {"agency": str(labour.id)}) for _ in range(3)]
    assert [answer.json() for answer in answers] == [{"decided": 2}, {"decided": 1}, {"decided": 0}]
    assert [await _standing(raw, pair) for pair in pairs] == [1, 1, 1]
    assert await _standing(raw, half) == 0
    assert (await county.post(f"{PATH}/bulk", said)).json() == {"decided": 0}
    marks = await raw.fetch(
        "SELECT subject_id FROM audit_leaf WHERE action = 'match_candidate.not_duplicate' AND request_id = ANY ($1)",
        [answer.headers["request-id"] for answer in answers],
    )
    assert {row["subject_id"] for row in marks} == {pair.id for pair in pairs}


# Events


async def test_each_side_is_told_in_its_own_case_and_whoever_reported_is_not(
    union: Api, county: Api, labour: Api, raw: Raw
) -> None:
    pair = await report_pair(raw, labour, labour)
    for api, case_id in ((union, pair.other), (county, pair.case)):
        told = body_of(await api.get(f"/v1/cases/{case_id}/timeline"))["data"]
        (found,) = [entry for entry in told if entry["type"] == "match.found"]
        assert (found["actor_agency"], found["changed"]) == (None, [])
    for case_id in (pair.case, pair.other):
        told = body_of(await labour.get(f"/v1/cases/{case_id}/timeline"))["data"]
        assert "match.found" not in {entry["type"] for entry in told}
    rows = await raw.fetch(
        "SELECT data::text AS data, parties::text AS parties FROM event WHERE subject_id = $1", pair.id
    )
    assert all(row["data"] == '{"changed": []}' for row in rows)
    assert all(str(union.id) not in row["parties"] and str(county.id) not in row["parties"] for row in rows)


async def test_of_two_persons_people_are_asked_once_however_many_records_they_have(
    labour: Api, open_api: OpenApi, union: Api, raw: Raw
) -> None:
    """And not again once it was said that they are two."""
    pair = await report_pair(raw, labour, labour)

    async def asked_of(reporter: Api) -> int:
        bare = {"household": None, "sharing_basis": None, "narrative": None}
        filed = await report(reporter, person=pair.later, **bare)
        assert filed["case"]["id"] == pair.case, "a third record of the later person"
        found: int = await raw.fetchval(
            "SELECT count(*) FROM match_candidate m JOIN person_record r ON r.id = m.record_id WHERE r.report_id = $1",
            UUID(filed["id"]),
        )
        return found

    assert await asked_of(await open_api("DEMO-990101-LABOUR")) == 0
    said = await union.post(f"{PATH}/{pair.id}/not-duplicate", {"reason": "namesake"}, if_match=1)
    assert said.status_code == 200, said.text
    assert await asked_of(await open_api("DEMO-990101-MEDICAL")) == 0
