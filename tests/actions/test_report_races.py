"""Reports that race: one person stays one person, one household one case, and nobody waits for nothing."""

import asyncio
from typing import Any

from tests.actions.instances import superuser
from tests.actions.story import Json, report
from tests.builders import Api, person_body, report_body


def _about(person: Json, **changes: Any) -> Json:
    return report_body(**changes) | {"person": person}


async def test_two_agencies_that_report_one_person_at_once_make_one_person_and_one_case(
    union: Api, labour: Api, medical: Api, admin_url: str
) -> None:
    for _ in range(20):
        person = person_body()
        answers = await asyncio.gather(*(api.post("/v1/reports", _about(person)) for api in (union, labour, medical)))
        assert [answer.status_code for answer in answers] == [201] * 3, [answer.text for answer in answers]
        filed = [answer.json() for answer in answers]
        assert len({receipt["case"]["id"] for receipt in filed}) == 1
        assert sorted(receipt["case"]["opened"] for receipt in filed) == [False, False, True]
        async with superuser(admin_url) as raw:
            persons = await raw.fetchval(
                "SELECT count(DISTINCT person_id) FROM person_record "
                "WHERE report_id = ANY ($1) AND id_type = 'resident_id'",
                [receipt["id"] for receipt in filed],
            )
        assert persons == 1


async def test_families_reported_crosswise_at_once_do_not_lock_each_other_out(union: Api, labour: Api) -> None:
    """Each knows the number of another member: their identifiers come in another order."""
    for _ in range(5):
        one, two = person_body(), person_body()
        bare = [{key: p[key] for key in ("name", "birth_date", "phones")} for p in (one, two)]
        answers = await asyncio.gather(
            union.post("/v1/reports", _about(one, household=[bare[1] | {"relation": "spouse"}])),
            labour.post("/v1/reports", _about(two, household=[bare[0] | {"relation": "spouse"}])),
        )
        assert [answer.status_code for answer in answers] == [201, 201], [answer.text for answer in answers]


async def test_a_report_that_waits_for_a_case_to_close_opens_a_new_one(union: Api, labour: Api, admin_url: str) -> None:
    """It found the case active, waited for its lock, and must look again."""
    person = person_body()
    first = await report(union, person=person)
    async with superuser(admin_url) as raw:
        async with raw.transaction():
            lock = "SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 4))"
            await raw.execute(lock, first["case"]["id"])
            late = asyncio.create_task(labour.post("/v1/reports", _about(person)))
            await asyncio.sleep(0.3)
            await raw.execute(
                "UPDATE \"case\" SET status = 'closed', version = version + 1 WHERE id = $1", first["case"]["id"]
            )
        filed = (await late).json()
        status = await raw.fetchval('SELECT status FROM "case" WHERE id = $1', filed["case"]["id"])
    assert status == "reported"
    assert filed["case"]["opened"] is True
