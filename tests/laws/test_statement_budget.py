"""How many statements a request costs, BEGIN and COMMIT included, counted at the driver."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import event

from crypto.keys import Keyring
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.engine import Database, open_database
from jobs.sealer import Log, seal
from settings import Settings
from tests.actions.instances import Instance, instance_on
from tests.actions.story import refer, report, step, try_step
from tests.api.answering import link_for, without_system
from tests.api.people import Phone, enrolment_code, new_app, new_person
from tests.builders import Api, report_body


@dataclass(slots=True)
class Recorder:
    """Every statement that reaches PostgreSQL through a pool."""

    seen: list[str] = field(default_factory=list)

    def attach(self, connection: Any, _record: object) -> None:
        connection.driver_connection.add_query_logger(lambda logged: self.seen.append(logged.query))

    @asynccontextmanager
    async def budget(self, most: int) -> AsyncIterator[None]:
        """Fails where the block costs more than `most`. The driver tells of each statement a turn of the loop late."""
        await asyncio.sleep(0.01)
        self.seen.clear()
        yield
        await asyncio.sleep(0.01)
        assert self.seen, "nothing was recorded"
        assert len(self.seen) <= most, "\n".join(f"{n} {sql[:110]!r}" for n, sql in enumerate(self.seen, start=1))


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(scope="module")
async def instance(
    admin_url: str, keyring: Keyring, vault: Vault, settings: Settings, recorder: Recorder
) -> AsyncIterator[Instance]:
    database = open_database(role_url(admin_url, names.APP, keyring), vault=vault)
    event.listen(database.engine.sync_engine, "connect", recorder.attach)
    async with instance_on(database, admin_url, settings) as opened:
        yield opened
    await database.close()


@pytest.fixture
async def union(instance: Instance) -> Api:
    return await _warm(await instance.api("DEMO-340802-UNION"))


@pytest.fixture
async def labour(instance: Instance) -> Api:
    return await _warm(await instance.api("DEMO-340802-LABOUR"))


async def _warm(api: Api) -> Api:
    """Signed in, its block of budget leased."""
    assert (await api.get("/v1/cases")).status_code == 200
    return api


async def test_reading_a_case_costs_four(union: Api, recorder: Recorder) -> None:
    case_id = (await report(union))["case"]["id"]
    async with recorder.budget(4):
        assert (await union.get(f"/v1/cases/{case_id}")).status_code == 200


async def test_a_persons_request_costs_what_a_machines_does(
    instance: Instance, union: Api, admin_url: str, recorder: Recorder
) -> None:
    """That its device lives is asked in the statement that is sent anyway."""
    person, phone = await new_person(union, "union_coordinator"), Phone(instance.http, await new_app(admin_url))
    await phone.enrol(await enrolment_code(union, person), person.password)
    await phone.exchange(await phone.sign_in(person))
    assert (await phone.get("/v1/cases")).status_code == 200
    async with recorder.budget(4):
        assert (await phone.get("/v1/cases")).status_code == 200


@pytest.mark.parametrize("path", ["/v1/cases", "/v1/referrals", "/v1/referrals?box=out"])
async def test_a_list_costs_four(union: Api, recorder: Recorder, path: str) -> None:
    await report(union)
    async with recorder.budget(4):
        assert (await union.get(path)).status_code == 200


async def test_an_audited_read_costs_eight(union: Api, recorder: Recorder) -> None:
    filed = await report(union)
    async with recorder.budget(8):
        assert (await union.get(f"/v1/cases/{filed['case']['id']}/file", purpose="assistance")).status_code == 200
    async with recorder.budget(8):
        assert (await union.get(f"/v1/reports/{filed['id']}", purpose="assistance")).status_code == 200


async def test_a_receivers_read_of_people_costs_nine(union: Api, labour: Api, recorder: Recorder) -> None:
    basis = {"kind": "consent", "reference": "同意书", "recipients": [str(labour.id)]}
    case_id = (await report(union, sharing_basis=basis))["case"]["id"]
    referral = await step(labour, await refer(union, case_id, labour), "accept")
    async with recorder.budget(9):
        assert (await labour.get(f"/v1/referrals/{referral['id']}", purpose="assistance")).json()["people"]


async def test_accepting_a_referral_costs_sixteen(union: Api, labour: Api, recorder: Recorder) -> None:
    referral = await refer(union, (await report(union))["case"]["id"], labour)
    async with recorder.budget(16):
        assert (await try_step(labour, referral, "accept")).status_code == 200


async def test_a_report_costs_twenty_one_however_many_live_in_the_household(union: Api, recorder: Recorder) -> None:
    """Once a block of the caller's budget of reports is leased, which is a transaction of its own every 60 reports."""
    await report(union)
    one, many = report_body(), report_body(household=[{"name": f"王{n}", "relation": "child"} for n in "一二三四五六"])
    for body in (one, many):
        async with recorder.budget(21):
            assert (await union.post("/v1/reports", body)).status_code == 201


async def test_links_of_a_case_cost_fifteen_to_say_and_five_to_list(
    union: Api, labour: Api, recorder: Recorder
) -> None:
    one, two = [(await report(labour))["case"]["id"] for _ in range(2)]
    path = f"/v1/cases/{one}/case-links"
    own = {"kind": "own_number", "system": "files", "number": f"F-{one}"}
    async with recorder.budget(15):
        assert (await labour.post(path, own)).status_code == 201
    pair = {"kind": "same_root_cause", "other_case": two, "reason": "企业停产"}
    async with recorder.budget(15):
        said = await union.post(path, pair)
    async with recorder.budget(5):
        assert len((await union.get(path)).json()["data"]) == 2
    async with recorder.budget(15):
        undone = await union.post(f"/v1/case-links/{said.json()['id']}/undo", {"reason": "误登"}, if_match=1)
        assert undone.status_code == 200


async def test_requesting_a_referral_costs_twenty_one(union: Api, labour: Api, recorder: Recorder) -> None:
    case_id = (await report(union))["case"]["id"]
    async with recorder.budget(21):
        await refer(union, case_id, labour)


async def test_completing_with_result_and_help_costs_twenty(union: Api, labour: Api, recorder: Recorder) -> None:
    referral = await refer(union, (await report(union))["case"]["id"], labour)
    for name in ("accept", "start"):
        referral = await step(labour, referral, name)
    given = [{"kind": "training", "depth": "recovery", "quantity": n, "unit": "hour", "source": "x"} for n in (1, 2, 3)]
    async with recorder.budget(20):
        await step(labour, referral, "complete", result={"kind": "other", "code": "x"}, assistance=given)


async def test_a_leaf_with_its_proof_costs_six_and_a_list_of_leaves_five(
    union: Api, recorder: Recorder, jobs_database: Database, keyring: Keyring
) -> None:
    """Tiles and checkpoint are one statement each, however big the log."""
    leaf_id = (await report(union))["receipt"]["leaf_id"]
    while await seal(jobs_database, Log.of(keyring, "http://127.0.0.1:8000", "sha256")):
        pass
    async with recorder.budget(6):
        assert (await union.get(f"/v1/audit/leaves/{leaf_id}")).json()["proof"]["hashes"] is not None
    async with recorder.budget(5):
        assert (await union.get("/v1/audit/proofs/consistency?from=1")).status_code == 200
    async with recorder.budget(5):
        assert (await union.get("/v1/audit/leaves")).json()["data"]


async def test_a_list_of_many_costs_what_a_list_of_one_does(union: Api, recorder: Recorder) -> None:
    """A loop around a query is a bug: the timeline and the results of a case, a search."""
    filed = await report(union)
    path = f"/v1/cases/{filed['case']['id']}"
    for part, most in (("/timeline", 5), ("/participants", 5), ("/links", 5), ("/results", 5), ("/referrals", 5)):
        async with recorder.budget(most):
            assert (await union.get(path + part)).status_code == 200


async def test_a_repeat_costs_little(union: Api, recorder: Recorder) -> None:
    body, key = report_body(), "0123456789abcdef-budget"
    await union.post("/v1/reports", body, key=key)
    async with recorder.budget(5):
        assert (await union.post("/v1/reports", body, key=key)).headers["idempotency-replayed"] == "true"


async def test_filing_a_request_of_a_person_costs_sixteen_and_reading_it_six(union: Api, recorder: Recorder) -> None:
    case_id = (await report(union))["case"]["id"]
    proof = {"document": "resident_id", "seen_by": "desk-7", "seen_at": "2026-01-05T01:00:00Z"}
    actor = {"tongli-actor": "desk-7"}
    async with recorder.budget(16):
        filed = await union.post(
            f"/v1/cases/{case_id}/person-requests", {"kind": "copy", "proof": proof}, headers=actor
        )
    assert filed.status_code == 201, filed.text
    async with recorder.budget(6):
        assert (await union.get(f"/v1/person-requests/{filed.json()['id']}", purpose="person_request")).is_success
    async with recorder.budget(6):
        assert (await union.get(f"/v1/cases/{case_id}/access-log", purpose="person_request")).is_success


async def test_an_answer_through_a_link_costs_a_step_and_the_look_at_the_link(
    instance: Instance, union: Api, recorder: Recorder
) -> None:
    """Three short transactions before it: the try, whose link it is, the try given back. A forged one costs nothing."""
    office = await instance.api("DEMO-340802-EDUCATION")
    await without_system(instance.admin_url, office)
    referral = await refer(union, (await report(union))["case"]["id"], office, matter="EDU-02")
    async with recorder.budget(14):
        link = (await link_for(union, referral))["url"]
    look = {"link": link}
    assert (await instance.http.post("/answer", data=look)).status_code == 200  # the driver has met its types
    async with recorder.budget(17):
        assert (await instance.http.post("/answer", data=look)).status_code == 200
    said = look | {"step": "accept", "version": str(referral["version"]), "clerk": "王守门"}
    async with recorder.budget(32):
        assert (await instance.http.post("/answer", data=said)).status_code == 200
    recorder.seen.clear()
    assert (await instance.http.post("/answer", data={"link": "tla_" + "A" * 76})).status_code == 404
    await asyncio.sleep(0.01)
    assert recorder.seen == []
