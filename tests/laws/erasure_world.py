"""A case with a marked value in every place that can hold one, and ways to look for marks in everything stored."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.engine import Raw, open_database
from db.queries.keys import sealed_tables
from rules.audit import commitment
from settings import Settings
from tests.actions import story
from tests.actions.instances import Instance, StoryClock, instance_on, superuser
from tests.api.answering import link_for, next_link, without_system
from tests.api.inbound_partner import done, intake_on, partner_of
from tests.api.test_person_requests import file, take
from tests.builders import Api, person_body, report_body

TEN_YEARS = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of one case, and the things it left: `marks` are values of its people and nobody else's."""

    case_id: str
    report_id: str
    report_body: Mapping[str, Any]
    report_key: str
    referral_id: str
    result_id: str
    marks: Mapping[str, str]


@dataclass(slots=True)
class ErasureWorld:
    instance: Instance
    clock: StoryClock
    vault: Vault
    union: Api
    labour: Api
    medical: Api
    stranger: Api

    def later(self, by: timedelta) -> None:
        self.clock.set((self.clock() + by).isoformat())


@asynccontextmanager
async def erasure_world(admin_url: str, vault: Vault, settings: Settings) -> AsyncIterator[ErasureWorld]:
    """On a database of its own, with business time that the test moves."""
    clock = StoryClock(datetime.now(UTC).isoformat())
    url = role_url(admin_url, names.APP, vault.keyring)
    database = open_database(url, vault=vault, clock=clock)
    async with instance_on(database, admin_url, settings) as instance:
        codes = ("DEMO-340802-UNION", "DEMO-340802-LABOUR", "DEMO-340802-MEDICAL", "DEMO-990102-UNION")
        union, labour, medical, stranger = [await instance.api(code) for code in codes]
        yield ErasureWorld(instance, clock, vault, union, labour, medical, stranger)
    await database.close()


async def tell(world: ErasureWorld, mark: str, person: Mapping[str, Any] | None = None) -> Told:
    """A story in which everything that can be said is said, each with a mark of its own."""
    union, labour, medical = world.union, world.labour, world.medical
    code = "-".join(str(ord(character)) for character in mark)
    base = dict(person or person_body(name=f"欧阳{mark}"))
    told = base | {
        "health": f"health-{code}",
        "address": {"division_code": "340802", "detail": f"{mark}路七号"},
        "as_received": {"address": f"原址{mark}"},
    }
    key = f"0123456789abcdef-{code}"
    body = report_body(
        person=told,
        household=[{"name": f"司徒{mark}", "relation": "spouse", "health": f"illness-{code}"}],
        narrative=f"经过{mark}",
        sharing_basis={"kind": "consent", "reference": f"同意书{mark}", "recipients": [str(labour.id)]},
    )
    body["source"]["record_id"] = f"REC-{code}"
    filed = await labour.post("/v1/reports", body, key=key)
    assert filed.status_code == 201, filed.text
    case_id = filed.json()["case"]["id"]
    referral = await story.refer(union, case_id, medical, matter="MED-01", note=f"说明{mark}")
    given = [{"kind": "medical", "depth": "recovery", "amount_fen": 1, "source": f"来源{mark}"}]
    result = {"kind": "other", "code": "helped", "text": f"病情{mark}"}
    said: story.Json = {"text": f"办妥{mark}", "result": result, "assistance": given}
    referral = await _came_in(world, referral, mark)
    for name in ("start", "complete"):
        referral = await story.step(medical, referral, name, **(said if name == "complete" else {}))
    (shared,) = (await union.get(f"/v1/cases/{case_id}/results")).json()["data"]
    partly = {"decision": "partly", "reason_code": "other_standard", "reason": f"口径{mark}"}
    assert (await union.post(f"/v1/results/{shared['id']}/adoptions", partly)).status_code == 201
    danger = {"danger": "health", "text": f"突发病情须立即查阅{mark}", "hours": 1}
    glass = await labour.post(f"/v1/cases/{case_id}/break-glass", danger, headers={"tongli-actor": "desk-7"})
    assert glass.status_code == 201, glass.text
    judged = {"verdict": "justified", "text": f"复核无误{mark}"}
    review = await union.post(f"/v1/break-glass/{glass.json()['id']}/review", judged)
    assert review.status_code == 200, review.text
    await story.dispute(union, case_id, labour)
    gap = await union.post(f"/v1/cases/{case_id}/policy-gaps", story.GAP | {"text": f"无人认领{mark}"})
    assert gap.status_code == 201, gap.text
    await _linked(world, case_id, mark, code)
    await _answered_by_link(world, case_id, mark)
    await _wrote(world, case_id, mark)
    request = await file(
        union,
        case_id,
        "correction",
        correction={"name": f"上官{mark}"},
        text=f"请求{mark}",
        reporting_agency=str(labour.id),
    )
    request = await take(labour, request, "review", text=f"审查{mark}")
    await take(labour, request, "fulfil", text=f"更正{mark}")
    marks = {
        "name": told["name"],
        "corrected": f"上官{mark}",
        "family": f"司徒{mark}",
        "number": told["id_number"],
        "phone": told["phones"][0],
        "address": f"{mark}路七号",
        "received": f"原址{mark}",
        "health": f"health-{code}",
        "illness": f"illness-{code}",
        "features": f'"340802","{mark}路","7"',  # as the linker writes it, and nobody else
        "narrative": f"经过{mark}",
        "basis": f"同意书{mark}",
        "record": f"REC-{code}",
        "note": f"说明{mark}",
        "step": f"办妥{mark}",
        "result": f"病情{mark}",
        "source": f"来源{mark}",
        "adoption": f"口径{mark}",
        "gap": f"无人认领{mark}",
        "danger": f"须立即查阅{mark}",
        "judged": f"复核无误{mark}",
        "request": f"请求{mark}",
        "review": f"审查{mark}",
        "answer": f"更正{mark}",
        "exit": f"脱困{mark}",
        "own number": f"（2026）民初{mark}号",
        "number elsewhere": f"外省{mark}号",
        "address elsewhere": f"https://helping.example.cn/{code}",
        "moved": f"已迁居{mark}",
        "inbound": f"来函附言{mark}",
        "one household": f"同户{mark}",
        "undone": f"误登{mark}",
        "facts of a letter": f"欠薪{mark}",
        "demands of a letter": f"补发{mark}",
        "answer to a letter": f"拒收{mark}",
        "clerk asked": f"受托{mark}",
        "clerk who answered": f"经手{mark}",
    }
    return Told(case_id, filed.json()["id"], body, key, referral["id"], shared["id"], marks)


async def _came_in(world: ErasureWorld, referral: Mapping[str, Any], mark: str) -> story.Json:
    """The referral, accepted by a message of the receiver's own system, which says more than the mapping takes."""
    partner = await partner_of(world.medical, _ACCEPTS, kind="bearer")
    url = role_url(world.instance.admin_url, names.JOBS, world.vault.keyring)
    jobs = open_database(url, vault=world.vault, clock=world.clock, pool_size=1)
    receipt = await done(
        intake_on(jobs, world.instance.database), partner, {"referral": referral["id"], "remark": f"来函附言{mark}"}
    )
    await jobs.close()
    assert receipt["status"] == "done", receipt
    return story.body_of(await world.medical.get(f"/v1/referrals/{referral['id']}"))


_ACCEPTS: story.Json = {
    "language": 1,
    "rules": [
        {"name": "accept", "target": "step", "step": "accept", "referral": {"id": {"$get": "/referral"}}, "make": {}}
    ],
}


async def _linked(world: ErasureWorld, case_id: str, mark: str, code: str) -> None:
    """An own number, a case elsewhere, which was undone, and a second case of the household."""
    path = f"/v1/cases/{case_id}/case-links"
    own = {"kind": "own_number", "system": f"files-{code}", "number": f"（2026）民初{mark}号"}
    assert (await world.labour.post(path, own)).status_code == 201
    elsewhere = {
        "kind": "elsewhere",
        "division_code": "330100",
        "authority": f"authority-{code}",
        "number": f"外省{mark}号",
        "url": f"https://helping.example.cn/{code}",
        "reason": f"已迁居{mark}",
    }
    link = await world.union.post(path, elsewhere)
    assert link.status_code == 201, link.text
    undone = await world.union.post(f"/v1/case-links/{link.json()['id']}/undo", {"reason": f"误登{mark}"}, if_match=1)
    assert undone.status_code == 200, undone.text
    second = (await story.report(world.labour))["case"]["id"]
    pair = {"kind": "same_household", "other_case": second, "reason": f"同户{mark}"}
    assert (await world.union.post(path, pair)).status_code == 201


async def _answered_by_link(world: ErasureWorld, case_id: str, mark: str) -> None:
    """A link meant for one clerk, and used by another, who brought the matter to an end."""
    office = await world.instance.api("DEMO-340802-EDUCATION")
    await without_system(world.instance.admin_url, office)
    referral = await story.refer(world.union, case_id, office, matter="EDU-02")
    link = (await link_for(world.union, referral, clerk=f"受托{mark}"))["url"]
    for step in ("accept", "complete"):
        version = str((await world.union.get(f"/v1/referrals/{referral['id']}")).json()["version"])
        said = {"link": link, "step": step, "version": version, "clerk": f"经手{mark}"}
        page = await world.instance.http.post("/answer", data=said | ({"outcome": "met"} if step == "complete" else {}))
        assert page.status_code == 200, page.text
        link = next_link(page) or ""


async def _wrote(world: ErasureWorld, case_id: str, mark: str) -> None:
    """An opinion to the employer, which did not take it."""
    said = {"kind": "opinion", "employer": "某厂", "violations": ["wage_arrears"], "workers": 1}
    words = {"facts": f"欠薪{mark}", "demands": f"补发{mark}"}
    letter = await world.union.post(f"/v1/cases/{case_id}/letters", said | words)
    assert letter.status_code == 201, letter.text
    path = f"/v1/letters/{letter.json()['id']}/record_refusal"
    assert (await world.union.post(path, {"text": f"拒收{mark}"}, if_match=1)).status_code == 200


async def close(world: ErasureWorld, told: Told) -> None:
    """Ends a case with words of its own."""
    path = f"/v1/cases/{told.case_id}"
    for name in ("activate", "propose_closing", "close"):
        words = {"exit_reason": "lifted", "text": told.marks["exit"]} if name == "close" else {}
        version = (await world.union.get(path)).json()["version"]
        moved = await world.union.post(f"{path}/{name}", words, if_match=version)
        assert moved.status_code == 200, moved.text


async def tables(raw: Raw) -> list[str]:
    """Every table that holds rows of its own."""
    rows = await raw.fetch(
        "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    return [row["relname"] for row in rows]


async def found_in_clear(raw: Raw, values: Iterable[str]) -> set[str]:
    """Which of these stand anywhere in the rows as a dump writes them, as text or as bytes."""
    wanted, found = set(values), set()
    for table in await tables(raw):
        for row in await raw.fetch(f'SELECT t::text AS row FROM "{table}" t'):
            text = row["row"].lower()
            found |= {value for value in wanted if value.lower() in text or value.encode().hex() in text}
    return found


async def found_opened(raw: Raw, vault: Vault, values: Iterable[str]) -> set[str]:
    """Which of these stand in any sealed value, opened with the whole keyring."""
    wanted, found = set(values), set()
    for table in sealed_tables():
        for row in await raw.fetch(f'SELECT * FROM "{table.name}"'):
            for column in table.contexts:
                if row[column]:
                    text = vault.cipher.open_bytes(row[column], table.context(column, row)).decode()
                    plain = text.encode().decode("unicode_escape") if "\\u" in text else text
                    found |= {value for value in wanted if value in text or value in _readable(text, plain)}
    return found


def _readable(text: str, unescaped: str) -> str:
    """JSON writes other scripts with escapes; what they stand for is looked for as well."""
    return text + unescaped


async def sealed_values(raw: Raw, case_id: str) -> set[str]:
    """Every sealed value and blind index that stands on a row of the case, in hexadecimal."""
    found: set[str] = set()
    for table, column in (
        *(
            ("person_record", name)
            for name in ("name", "id_number", "contact", "details", "id_index", "name_birth_index")
        ),
        *(("report", name) for name in ("body", "source_record", "body_sha256")),
        *(("referral", "note"), ("result", "text"), ("adoption", "reason"), ("assistance", "source")),
        *(("sharing_basis", "reference"), ("idempotency_record", "answer")),
        *(("person_request", "said"), ("person_request", "answer"), ("letter", "said"), ("letter", "answer")),
        *(("case_link", name) for name in ("number", "number_index", "url", "reason", "undo_reason")),
    ):
        rows = await raw.fetch(
            f'SELECT encode("{column}", \'hex\') AS v FROM "{table}" WHERE case_id = $1', UUID(case_id)
        )
        found |= {row["v"] for row in rows if row["v"]}
    rows = await raw.fetch(
        "SELECT encode(f.features, 'hex') AS v FROM link_feature f JOIN person_record r ON r.id = f.record_id "
        " WHERE r.case_id = $1",
        UUID(case_id),
    )
    found |= {row["v"] for row in rows}
    rows = await raw.fetch(
        "SELECT encode(i.envelope, 'hex') AS v FROM inbound_receipt i JOIN referral r ON r.id = i.referral_id "
        " WHERE r.case_id = $1 AND i.envelope IS NOT NULL",
        UUID(case_id),
    )
    return found | {row["v"] for row in rows}


async def leaves(raw: Raw) -> dict[UUID, dict[str, Any]]:
    return {row["id"]: dict(row) for row in await raw.fetch("SELECT *, facts::text AS said FROM audit_leaf")}


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def opens(leaf: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether a leaf that still has its salt gives its commitment."""
    written = {
        "id": str(leaf["id"]),
        "at": leaf["at"].isoformat(),
        **{name: leaf[name] and str(leaf[name]) for name in ("agency_id", "principal_id", "subject_id", "case_id")},
        **{name: leaf[name] for name in ("principal_kind", "actor", "action", "subject_type", "purpose", "request_id")},
        "field_classes": sorted(leaf["field_classes"]),
        "facts": dict(facts),
    }
    return bool(commitment(written, leaf["salt"], _sha256) == leaf["commitment"])


__all__ = ["TEN_YEARS", "ErasureWorld", "Told", "close", "erasure_world", "superuser", "tell"]
