"""A world for the authorization matrix: one case with an agency in each relation to it, and one of every thing that an
operation may name. Who has which part is written down here by hand, not asked of the code under test."""

import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import asyncpg

from crypto.ids import new_id
from crypto.tokens import TokenAuthority
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.embedded import EmbeddedPostgres
from db.engine import open_database
from rules.identity_numbers import masked
from rules.rights import OF_OFFICES, OF_UNIONS, STAFF_ROLES, Role
from rules.scopes import SCOPES
from settings import Settings
from tests.actions import story
from tests.actions.instances import Instance, instance_on, superuser
from tests.actions.matches import report_pair
from tests.actions.people import signed_in, token_of
from tests.actions.world import register_witness, seal_now
from tests.builders import CONSULTATION, PROPOSAL, Api, person_body

FRESH_S: Final = 120.0
COORDINATOR: Final = "coordinator"
RELATIONS: Final[Mapping[str, str]] = {
    COORDINATOR: "DEMO-340802-UNION",
    "reporter": "DEMO-340802-LABOUR",
    "receiver": "DEMO-340802-EDUCATION",
    "referred": "DEMO-340802-MEDICAL",
    "offered": "DEMO-340802-EMPLOYMENT",
    "finished": "DEMO-340802-CIVIL",
    "ended": "DEMO-340802-INSURANCE",
    "observer": "DEMO-340802-FINANCE",
    "sibling": "DEMO-990101-UNION",
    "parent": "DEMO-340800-UNION",
    "none": "DEMO-990102-LABOUR",
}
"""An agency of the demo province for each relation to the case. `referred`: asked, has not accepted; `offered`: one of
an open pool; `finished`: its work is done, its result shared; `ended`: its part has ended; `sibling`: another county's
union; `parent`: the union above."""

MARKS: Final[Mapping[str, str]] = {
    "basic": "欧阳矩阵",
    "contact": "矩阵路七号",
    "economic": "7351946",
    "medical": "matrix-chronic",
    "legal": "矩阵诉讼",
    "mood": "矩阵心绪",
    "family": "司徒亲属",
}
"""One mark for each class of what was reported; an answer shows a class if and only if it holds its mark."""


@dataclass(slots=True)
class FreshToken:
    """A token that is minted anew before it can run out, or be too old for a step-up, however slow the machine is."""

    mint: Callable[[], str]
    minted: tuple[float, str] | None = None

    def text(self) -> str:
        now = time.monotonic()
        if self.minted is None or now - self.minted[0] > FRESH_S:
            self.minted = (now, self.mint())
        return self.minted[1]


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who asks: a relation's agency, the roles held in it, and a token with every scope there is."""

    relation: str
    agency: UUID
    agency_kind: str
    roles: frozenset[Role]
    principal_id: UUID
    fresh: FreshToken = field(repr=False)
    device_id: UUID | None = None

    @property
    def token(self) -> str:
        return self.fresh.text()

    @property
    def counting(self) -> frozenset[Role]:
        """The roles that mean anything in an agency of this kind."""
        return self.roles - (OF_OFFICES if self.agency_kind == "union" else OF_UNIONS)

    @property
    def is_machine(self) -> bool:
        return Role.integration in self.roles

    def __str__(self) -> str:
        return f"{'+'.join(sorted(self.roles))} of {self.relation}"


@dataclass(frozen=True, slots=True)
class Thing:
    """One of the things operations name, and the parts of each relation in it."""

    id: str
    parts: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Shown:
    """What an answer holds if it shows a class of the reported person, and the minimum set of each referral at work."""

    marks: Mapping[str, str]
    minimum: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class RightsWorld:
    instance: Instance
    tokens: TokenAuthority
    principals: tuple[Principal, ...]
    things: Mapping[str, Thing]
    shown: Shown

    def narrowed(self, principal: Principal, scopes: frozenset[str]) -> str:
        """A token of the principal with these scopes only."""
        if principal.is_machine:
            return _machine_token(self.tokens, principal.principal_id, principal.agency, scopes)
        assert principal.device_id is not None
        return token_of(self.tokens, principal.principal_id, principal.agency, principal.device_id, scopes)

    def parts(self, thing: str, principal: Principal) -> frozenset[str]:
        """The parts that the principal's agency has in a thing; the union above has one for its supervisors only."""
        found = self.things[thing].parts.get(principal.relation, frozenset())
        return found if Role.union_supervisor in principal.counting else found - {"supervisor"}


def _parts(**by_relation: str) -> Mapping[str, frozenset[str]]:
    return {relation: frozenset(parts.split()) for relation, parts in by_relation.items()}


_CASE = _parts(
    coordinator="coordinator",
    reporter="reporter",
    receiver="receiver",
    finished="receiver",
    observer="observer",
    parent="supervisor",
)
_REFERRALS = {
    "requested": _parts(coordinator="sender coordinator", referred="receiver", parent="supervisor"),
    "in_progress": _parts(coordinator="sender coordinator", receiver="receiver", parent="supervisor"),
    "completed": _parts(coordinator="sender coordinator", finished="receiver", parent="supervisor"),
    "failed": _parts(coordinator="sender coordinator", ended="receiver", parent="supervisor"),
    "draft": _parts(coordinator="sender"),
    "pooled": _parts(coordinator="sender coordinator", offered="pool", reporter="pool", parent="supervisor"),
}
_REPORT = _parts(coordinator="coordinator", reporter="owner")
_RESULT = {**_CASE, "finished": frozenset({"owner", "receiver"})}
_EXPECTED = _parts(receiver="owner", coordinator="coordinator", parent="supervisor")
_REQUEST = _parts(coordinator="decider coordinator", reporter="filer")
_OWN_NUMBER = _parts(coordinator="reader", reporter="owner")
_PAIR = _parts(coordinator="owner", reporter="reader", parent="supervisor")
_OWN = _parts(coordinator="owner")
_READ_BY_ALL = {relation: frozenset({"owner" if relation == COORDINATOR else "reader"}) for relation in RELATIONS}
_ASSESSMENT = {
    "title": "矩阵评估",
    "matters": ["LAB-09"],
    "field_classes": ["basic"],
    "measures": "最小必要",
    "assessed_by": "保护负责人",
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_until": "2036-01-01T00:00:00Z",
}


@asynccontextmanager
async def world_of_rights(
    cluster: EmbeddedPostgres, template: str, vault: Vault, settings: Settings
) -> AsyncIterator[RightsWorld]:
    """On a database of its own, cloned from the template and dropped at the end."""
    name = f"rights_{os.urandom(6).hex()}"
    async with superuser(cluster.superuser_dsn("postgres").url()) as raw:
        await raw.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    url = cluster.superuser_dsn(name).url()
    database = open_database(role_url(url, names.APP, vault.keyring), vault=vault)
    async with instance_on(database, url, settings) as instance:
        yield await build_world(instance, TokenAuthority(vault.keyring, settings.public_url))
    await database.close()
    async with superuser(cluster.superuser_dsn("postgres").url()) as raw:
        await raw.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@asynccontextmanager
async def without_row_security(world: RightsWorld) -> AsyncIterator[None]:
    """Switches the second wall off, so that only what the application itself asks is left."""
    async with superuser(world.instance.admin_url) as raw:
        tables = [row["t"] for row in await raw.fetch(_WALLED)]
        for table in tables:
            await raw.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        try:
            yield
        finally:
            for table in tables:
                await raw.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")


_WALLED = """SELECT oid::regclass::text AS t FROM pg_class
              WHERE relrowsecurity AND relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"""


async def build_world(instance: Instance, tokens: TokenAuthority) -> RightsWorld:
    apis = {relation: await instance.api(code) for relation, code in RELATIONS.items()}
    things, shown = await _happen(apis)
    size, _ = await seal_now(instance)
    _, witness = await register_witness(instance, apis[COORDINATOR])
    things |= {
        "checkpoint": Thing(str(size), {}),
        "witness": Thing(witness, {}),
        "own_witness": Thing(witness, _OWN),
    }
    async with superuser(instance.admin_url) as raw:
        principals = [
            principal for relation, api in apis.items() for principal in await _people(raw, tokens, relation, api)
        ]
        things |= await _house(raw, apis[COORDINATOR])
        things |= await _matches(raw, apis)
        things |= await _conferred(apis)
        things |= await _shared(apis)
        things["letter"] = await _letter(raw, apis, things["case"].id)
        things |= await _proposals(apis)
        things |= await _glass(raw, instance.database.vault, apis, things["case"].id)
    return RightsWorld(instance, tokens, tuple(principals), things, shown)


async def _happen(apis: Mapping[str, Api]) -> tuple[dict[str, Thing], Shown]:
    """The case, what was referred in it, and one shared result."""
    union, person = apis[COORDINATOR], _person()
    member = {"name": MARKS["family"], "relation": "spouse", "health": "chronic"}
    recipients = [str(apis[name].id) for name in ("receiver", "finished")]
    filed = await story.report(
        apis["reporter"],
        person=person,
        household=[member],
        narrative=None,
        sharing_basis=None,
    )
    case_id = filed["case"]["id"]
    basis = {"kind": "consent", "reference": "同意书", "recipients": recipients}
    assert (await union.post(f"/v1/cases/{case_id}/sharing-bases", basis)).status_code == 201
    spent = basis | {"kind": "emergency", "recipients": recipients[:1]}
    assert (await union.post(f"/v1/cases/{case_id}/sharing-bases", spent)).status_code == 201
    bases = (await union.get(f"/v1/cases/{case_id}/sharing-bases")).json()["data"]
    of_receiver = [row["id"] for row in bases if row["recipient"]["id"] == recipients[0]]
    kept, ended = of_receiver
    assert (await union.post(f"/v1/sharing-bases/{ended}/withdraw", {"withdrawn_by": "person"})).status_code == 200
    assessment = await union.post("/v1/impact-assessments", _ASSESSMENT)
    assert assessment.status_code == 201, assessment.text
    await union.post(f"{assessment.headers['location']}/revoke")
    requested = await story.refer(union, case_id, apis["referred"], matter="MED-01")
    at_work = await story.refer(union, case_id, apis["receiver"], matter="EDU-02")
    at_work = await story.step(apis["receiver"], at_work, "accept")
    await story.step(apis["receiver"], at_work, "start")
    done = await story.refer(union, case_id, apis["finished"], matter="CIV-01")
    for name, words in (("accept", {}), ("start", {}), ("complete", _COMPLETED)):
        done = await story.step(apis["finished"], done, name, **words)
    failed = await story.refer(union, case_id, apis["ended"], matter="LAB-14")
    failed = await story.step(apis["ended"], await story.step(apis["ended"], failed, "accept"), "fail")
    draft = await story.refer(union, case_id, apis["referred"], matter="MED-02", draft=True)
    pooled = await story.refer(union, case_id, None, matter="LAB-09")
    invited = await union.post(f"/v1/cases/{case_id}/participants", {"agency": str(apis["observer"].id)})
    assert invited.status_code == 201, invited.text
    founding = (await union.get(f"/v1/cases/{case_id}/links")).json()["data"][0]
    (result,) = (await union.get(f"/v1/cases/{case_id}/results")).json()["data"]
    awaited = (await union.get(f"/v1/expected-adoptions?box=others&case={case_id}")).json()["data"]
    of_whom = {row["agency"]["id"]: row["id"] for row in awaited if row["result_id"] == result["id"]}
    asked = await apis["reporter"].post(f"/v1/cases/{case_id}/person-requests", _ASKED, headers={"tongli-actor": "m-1"})
    assert asked.status_code == 201, asked.text
    taken = await union.post(f"/v1/person-requests/{asked.json()['id']}/review", {}, if_match=1)
    assert taken.status_code == 200, taken.text
    own = await apis["reporter"].post(f"/v1/cases/{case_id}/case-links", _NUMBERED)
    assert own.status_code == 201, own.text
    second = (await story.report(apis["reporter"], household=None, sharing_basis=None))["case"]["id"]
    pair = {"kind": "same_root_cause", "other_case": second, "reason": "同一原因"}
    paired = await union.post(f"/v1/cases/{case_id}/case-links", pair)
    assert paired.status_code == 201, paired.text
    things = {
        "person_request": Thing(asked.json()["id"], _REQUEST),
        "own_number": Thing(own.json()["id"], _OWN_NUMBER),
        "pair": Thing(paired.json()["id"], _PAIR),
        "case": Thing(case_id, _CASE),
        "report": Thing(filed["id"], _REPORT),
        "founding": Thing(founding["id"], _parts(coordinator="coordinator")),
        "leaf": Thing(filed["receipt"]["leaf_id"], _REPORT),
        "result": Thing(result["id"], _RESULT),
        "expected": Thing(of_whom[str(apis["receiver"].id)], _EXPECTED),
        "basis": Thing(kept, _parts(coordinator="owner coordinator", receiver="recipient")),
        "withdrawn": Thing(ended, _parts(coordinator="owner coordinator", receiver="recipient")),
        "assessment": Thing(assessment.json()["id"], _READ_BY_ALL),
        "requested": Thing(requested["id"], _REFERRALS["requested"]),
        "in_progress": Thing(at_work["id"], _REFERRALS["in_progress"]),
        "completed": Thing(done["id"], _REFERRALS["completed"]),
        "failed": Thing(failed["id"], _REFERRALS["failed"]),
        "draft": Thing(draft["id"], _REFERRALS["draft"]),
        "pooled": Thing(pooled["id"], _REFERRALS["pooled"]),
    }
    marks = {
        **MARKS,
        "identity": masked(person["id_number"]),
        "finance_account": masked(person["bank_account"]),
    }
    minimum = {
        "in_progress": await _minimum(union, "EDU-02"),
        "completed": await _minimum(union, "CIV-01"),
    }
    return things, Shown(marks, minimum)


async def _minimum(api: Api, matter: str) -> frozenset[str]:
    return frozenset((await api.get(f"/v1/matters/{matter}")).json()["minimum_fields"]["classes"])


_COMPLETED = {"result": {"kind": "recognition", "code": "dibao", "text": "已认定"}}
_NUMBERED = {"kind": "own_number", "system": "matrix", "number": "M-2026-1"}

_ASKED = {
    "kind": "copy",
    "proof": {"document": "resident_id", "seen_by": "desk-7", "seen_at": "2026-01-05T01:00:00Z"},
}


def _person() -> dict[str, Any]:
    person = person_body(name=MARKS["basic"], health=MARKS["medical"])
    return person | {
        "address": {"division_code": "340802", "detail": MARKS["contact"]},
        "monthly_income_fen": int(MARKS["economic"]),
        "legal_note": MARKS["legal"],
        "mood_note": MARKS["mood"],
        "bank_account": "6222020000123456788",
    }


async def _people(raw: asyncpg.Connection, tokens: TokenAuthority, relation: str, api: Api) -> list[Principal]:
    """The agency's system and one person of each role. Roles are written behind the API, which would refuse some."""
    kind = await raw.fetchval("SELECT kind FROM agency WHERE id = $1", api.id)
    await raw.execute("UPDATE client SET scopes = $2 WHERE id = $1", api.agency.client_id, list(SCOPES))
    client_id = api.agency.client_id
    mint = partial(_machine_token, tokens, client_id, api.id, frozenset(SCOPES))
    found = [Principal(relation, api.id, kind, frozenset({Role.integration}), client_id, FreshToken(mint))]
    for roles in _HELD:
        login = f"matrix-{'-'.join(roles)}"
        staff_id, device_id, _ = await signed_in(raw, tokens, api.id, roles, login=f"{login}-{relation}")
        await raw.execute("UPDATE staff SET login = $2 WHERE id = $1", staff_id, login)
        fresh = FreshToken(partial(token_of, tokens, staff_id, api.id, device_id))
        found.append(Principal(relation, api.id, kind, frozenset(roles), staff_id, fresh, device_id))
    return found


_HELD = (*((role,) for role in STAFF_ROLES), (Role.union_coordinator, Role.union_supervisor))
"""Each role alone, and the pair whose one role may write while the other sees further."""


def _machine_token(tokens: TokenAuthority, client_id: UUID, agency: UUID, scopes: frozenset[str]) -> str:
    return tokens.mint(
        principal_kind="client",
        principal_id=client_id,
        client_id=client_id,
        agency_id=agency,
        scopes=scopes,
        now=datetime.now(UTC),
        lifetime_s=600,
    )


async def _house(raw: asyncpg.Connection, coordinator: Api) -> dict[str, Thing]:
    """Accounts, an endpoint and a delivery of the coordinator's own."""
    made = {name: new_id() for name in ("client", "staff", "qualification", "endpoint", "delivery", "replay")} | {
        name: new_id() for name in ("inbound_source", "inbound_receipt")
    }
    await raw.execute(_HOUSE, coordinator.id, *made.values())
    return {name: Thing(str(made_id), _OWN) for name, made_id in made.items()} | {
        "agency": Thing(str(coordinator.id), _READ_BY_ALL)
    }


async def _matches(raw: asyncpg.Connection, apis: Mapping[str, Api]) -> dict[str, Thing]:
    """A possible match within the coordinator's cases, one with another county's, what was asked about that; and a
    transfer of the coordinator's role."""
    reporter, sibling = apis["none"], apis["sibling"]
    both = await report_pair(raw, reporter, reporter, places=("340802", "340802"))
    half = await report_pair(raw, reporter, reporter, places=("990101", "340802"))
    asked = await apis[COORDINATOR].post(f"/v1/match-candidates/{half.id}/access-requests", _ACCESS)
    assert asked.status_code == 201, asked.text
    assert asked.json()["holder"]["id"] == str(sibling.id)
    moved = await apis[COORDINATOR].post(f"/v1/cases/{both.case}/transfers", _MOVED | {"to_agency": str(sibling.id)})
    assert moved.status_code == 201, moved.text
    assert (await reporter.post("/v1/signals", _SIGNAL)).status_code == 201
    alert = await raw.fetchval("SELECT id FROM alert WHERE subject_key = '340802' AND status <> 'resolved'")
    plan = (await apis[COORDINATOR].post("/v1/plans", _PLAN)).json()
    drill = (await apis[COORDINATOR].post(f"/v1/plans/{plan['id']}/activations", {"drill": True})).json()
    return {
        "plan": Thing(plan["id"], _OWN),
        "activation": Thing(drill["id"], _OWN),
        "plan_task": Thing(drill["tasks"][0]["id"], _parts(coordinator="owner", reporter="doer")),
        "alert": Thing(str(alert), _parts(coordinator="owner", parent="above")),
        "transfer": Thing(moved.json()["id"], _parts(coordinator="giver", sibling="taker")),
        "match": Thing(str(both.id), _parts(coordinator="coordinator holder comparer")),
        "half_match": Thing(str(half.id), _parts(coordinator="coordinator", sibling="holder")),
        "access": Thing(asked.json()["id"], _parts(coordinator="asker", sibling="holder")),
    }


async def _conferred(apis: Mapping[str, Api]) -> dict[str, Thing]:
    """A session of the coordinator and the receiver, with one question open and one decided, which became a task."""
    union, member = apis[COORDINATOR], apis["receiver"]
    members = [str(member.id)]
    said = {"name": "矩阵联席会议", "division_code": "340802", "members": members, "quorum": 1}
    conference = await _made(union, "/v1/conferences", said)
    soon = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    called = {"kind": "special", "starts_at": soon, "venue": "矩阵"}
    session = await _made(union, f"/v1/conferences/{conference}/sessions", called)
    path = f"/v1/conference-sessions/{session}"
    item, settled = [await _made(union, f"{path}/agenda-items", {"title": title}) for title in ("矩阵", "方阵")]
    opened = await union.post(f"{path}/open", {"attended": members}, if_match=1)
    assert opened.status_code == 200, opened.text
    task = {"owner": members[0], "text": "矩阵", "due_on": soon[:10]}
    decision = {"text": "矩阵", "tasks": [task]}
    decided = await union.post(f"/v1/agenda-items/{settled}/decide", decision, if_match=1)
    assert decided.status_code == 200, decided.text
    parts = _parts(coordinator="convener member", receiver="member")
    found = {"conference": conference, "session": session, "agenda_item": item}
    found["conference_task"] = decided.json()["tasks"][0]
    return {name: Thing(each, parts) for name, each in found.items()}


CATALOGUE_ITEM: Final = {
    **{"name": "矩阵目录", "items": ["状态"], "format": "JSON", "update_frequency": "每月", "mode": "batch"},
    **{"share_type": "unconditional", "classification": "一般", "approved_by": "局长"},
}
SHARE_REQUEST: Final = {
    **{"basis": {"kind": "consent", "reference": "矩阵同意书"}, "persons": 3, "consents": 3, "scene": "矩阵核对"},
    **{"scope": ["状态"], "mode": "batch", "until": "2099-12-31", "approved_by": "主席"},
}


async def _shared(apis: Mapping[str, Api]) -> dict[str, Thing]:
    """An item of the coordinator's own in the catalogue, and what it asks of the receiver's."""
    own = await _made(apis[COORDINATOR], "/v1/catalogue-items", CATALOGUE_ITEM)
    item = await _made(apis["receiver"], "/v1/catalogue-items", CATALOGUE_ITEM)
    asked = await _made(apis[COORDINATOR], "/v1/share-requests", SHARE_REQUEST | {"item": item})
    return {
        "catalogue_item": Thing(own, _READ_BY_ALL),
        "foreign_item": Thing(item, {}),
        "share_request": Thing(asked, _parts(coordinator="asker", receiver="provider")),
    }


async def _letter(raw: asyncpg.Connection, apis: Mapping[str, Api], case_id: str) -> Thing:
    """A proposal of the coordinator's to the reporter, a labour office, after an opinion that nobody answered. The
    observer has a copy, though it is no procuratorate."""
    said = {"violations": ["wage_arrears"], "workers": 3, "facts": "矩阵", "demands": "矩阵", "employer": "矩阵厂"}
    path = f"/v1/cases/{case_id}/letters"
    opinion = await _made(apis[COORDINATOR], path, said | {"kind": "opinion"})
    await raw.execute("UPDATE letter SET due_by = now() - interval '1 day', overdue_at = now() WHERE id = $1", opinion)
    proposal = said | {"kind": "proposal", "follows": opinion, "to_agency": str(apis["reporter"].id)}
    made = await _made(apis[COORDINATOR], path, proposal)
    await raw.execute("UPDATE letter SET copied_agency_id = $2 WHERE id = $1", made, apis["observer"].id)
    return Thing(made, _parts(coordinator="author", reporter="addressee", observer="copied"))


async def _made(api: Api, path: str, body: Mapping[str, Any]) -> str:
    """The id of what was made."""
    answer = await api.post(path, body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


_PLAN = {
    "title": "矩阵预案",
    "level": 1,
    "actions": [{"title": "矩阵任务", "agency_kind": "labour", "within_hours": 24}],
}
_SIGNAL = {
    "kind": "unemployment",
    "subject": {"kind": "division", "division_code": "340802"},
    "measured": {"percent": 7, "months": 2},
    "source": "矩阵统计",
    "observed_on": "2026-01-05",
}


async def _proposals(apis: Mapping[str, Api]) -> dict[str, Thing]:
    """A proposal that was sent to the observer, a draft to it, which is its union's alone, and a consultation."""
    found = {}
    for name in ("proposal", "draft_proposal"):
        said = PROPOSAL | {"addressee_agency": str(apis["observer"].id)}
        drafted = await apis[COORDINATOR].post("/v1/proposals", said)
        assert drafted.status_code == 201, drafted.text
        found[name] = drafted.json()["id"]
    sent = await apis[COORDINATOR].post(f"/v1/proposals/{found['proposal']}/send", {}, if_match=1)
    assert sent.status_code == 200, sent.text
    registered = await apis[COORDINATOR].post("/v1/consultations", CONSULTATION)
    assert registered.status_code == 201, registered.text
    return {
        "consultation": Thing(registered.json()["id"], _OWN),
        "proposal": Thing(found["proposal"], _parts(coordinator="owner", observer="addressee")),
        "draft_proposal": Thing(found["draft_proposal"], _parts(coordinator="owner")),
    }


_MOVED = {"reason": "moved", "text": "矩阵迁居", "basis": {"kind": "consent", "reference": "矩阵同意书"}}
_ACCESS = {"purpose": "assistance", "basis": {"kind": "consent", "reference": "矩阵同意书"}, "reason": "矩阵核对"}


_HOUSE = """
WITH c AS (INSERT INTO client (id, agency_id, name, scopes, status, created_at, version)
           VALUES ($2, $1, 'matrix', '{cases:read}', 'active', now(), 1)),
k AS (INSERT INTO client_key (client_id, kid, agency_id, jwk, created_at)
           SELECT $2, 'matrix', $1, jwk, now() FROM client_key WHERE agency_id = $1 LIMIT 1),
s AS (INSERT INTO staff (id, agency_id, login, name, roles, status, created_at, version)
      VALUES ($3, $1, 'matrix-own', '矩阵', '{auditor}', 'active', now(), 1)),
q AS (INSERT INTO qualification (id, agency_id, staff_id, area, result, certificate, valid_from, valid_until,
                                 recorded_at)
      VALUES ($4, $1, $3, 'law', 'passed', 'M-1', now(), now(), now())),
e AS (INSERT INTO webhook_endpoint (id, agency_id, url, types, status, keys, public_key, challenge, created_at,
                                    version)
      VALUES ($5, $1, 'https://matrix.example/', '{}', 'active', '', '', '', now(), 1)),
p AS (INSERT INTO webhook_replay (id, endpoint_id, agency_id, selection, event_ids, types, state, looked_at, until,
                                  queued, created_at)
      VALUES ($7, $5, $1, 'types', '{}', '{*}', 'finished', 0, 0, 0, now())),
i AS (INSERT INTO inbound_source (id, agency_id, client_id, name, kind, status, digest, mapping_version, created_at,
                                  updated_at, version)
      VALUES ($8, $1, $2, 'matrix', 'bearer', 'active', '\\x01', 1, now(), now(), 1)),
m AS (INSERT INTO inbound_mapping (source_id, version, agency_id, document, created_at)
      VALUES ($8, 1, $1, '{"language": 1, "rules": [{"name": "none", "target": "nothing"}]}', now())),
r AS (INSERT INTO inbound_receipt (id, source_id, agency_id, body, status, reason, problems, tries, received_at,
                                   version)
      VALUES ($9, $8, $1, '\\x02', 'quarantined', 'no-mapping', '[]', 1, now(), 1))
INSERT INTO delivery (id, endpoint_id, agency_id, event_id, event_type, subject_id, sequence, body, status, attempts,
                      replay, created_at)
VALUES ($6, $5, $1, $6, 'case.opened', $6, 1, '{}', 'dead', 0, false, now())"""


async def _glass(raw: asyncpg.Connection, vault: Vault, apis: Mapping[str, Api], case_id: str) -> dict[str, Thing]:
    """Everybody who takes part has an emergency use behind it that nobody judged in time, so that none can open another
    and change what it sees; the observer's first was judged."""
    judged = new_id()
    uses = [
        ("observer", judged),
        *((relation, new_id()) for relation in ("observer", "reporter", "receiver", "finished")),
    ]
    for relation, use_id in uses:
        text = vault.cipher.seal("矩阵", f"break_glass.text:{use_id}")
        await raw.execute(_USE, use_id, UUID(case_id), apis[relation].id, apis[COORDINATOR].id, text, use_id == judged)
    return {"glass": Thing(str(judged), _parts(coordinator="coordinator", observer="owner", parent="supervisor"))}


_USE = """
INSERT INTO break_glass (id, case_id, agency_id, coordinator_agency_id, principal_id, danger, text, opened_at, ends_at,
                         review_by, reminded, reviewed_at, verdict)
VALUES ($1, $2, $3, $4, $1, 'health', $5, now() - interval '2 days', now() - interval '1 day', now() - interval '1 day',
        true, CASE WHEN $6 THEN now() END, CASE WHEN $6 THEN 'not_justified' END)"""
