"""Whoever touches the file of an invented person is told to its guardian, once for each touch, and cannot know it."""

import json
from datetime import UTC, datetime
from typing import Any

from db.engine import Database
from db.operator import act_as_owner, open_operator_transaction
from db.queries.honey import mark_honey
from jobs.clocks import look_once
from tests.actions.instances import superuser
from tests.actions.story import report
from tests.builders import Api, person_body


async def _decoy(union: Api, admin_url: str, person: dict[str, Any]) -> str:
    filed = await report(union, person=person)
    async with open_operator_transaction(admin_url) as raw:
        await act_as_owner(raw)
        case_id = await mark_honey(raw, filed["case"]["number"], datetime.now(UTC))
    assert str(case_id) == filed["case"]["id"]
    return str(case_id)


async def _told(admin_url: str, case_id: str) -> list[dict[str, Any]]:
    async with superuser(admin_url) as raw:
        rows = await raw.fetch(
            "SELECT facts::text AS facts FROM audit_leaf "
            "WHERE action = 'honey.touched' AND subject_id = $1 ORDER BY id",
            case_id,
        )
        parties = await raw.fetch(
            "SELECT parties::text AS parties FROM event WHERE type = 'honey.touched' AND subject_id = $1", case_id
        )
    assert len(parties) == len(rows)
    assert all('"owner"' in row["parties"] for row in parties)
    return [json.loads(row["facts"]) for row in rows]


async def test_each_touch_of_a_decoy_is_told_once_with_who_it_was(
    union: Api, labour: Api, admin_url: str, jobs_database: Database
) -> None:
    person = person_body()
    case_id = await _decoy(union, admin_url, person)
    await look_once(jobs_database)
    before = len(await _told(admin_url, case_id))
    curious = await report(labour, person=person)
    assert curious["case"]["id"] == case_id, "a report about the decoy joins its case and tells nothing apart"
    await look_once(jobs_database)
    await look_once(jobs_database)
    told = (await _told(admin_url, case_id))[before:]
    assert [(touch["by"], touch["did"]) for touch in told] == [(str(labour.id), "report.file")]
    assert (await union.get(f"/v1/cases/{case_id}/file", purpose="assistance")).status_code == 200
    await look_once(jobs_database)
    assert (await _told(admin_url, case_id))[-1]["did"] == "case.read_file"


async def test_nobody_marks_a_case_that_is_not_there(admin_url: str) -> None:
    async with open_operator_transaction(admin_url) as raw:
        await act_as_owner(raw)
        assert await mark_honey(raw, "TL-000000-2026-0000000-0", datetime.now(UTC)) is None
