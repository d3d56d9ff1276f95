"""Every field that any answer shows, sent back in every write that does not take it.

What to send is generated from the API document; only one good request for each write is written by hand. A good request
is proven good at the end, by sending it without the added field.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from api.errors import MAX_ERRORS
from crypto.checkpoints import COSIGNATURE, SigningKey
from crypto.public_keys import generate_client_key
from db.engine import Raw
from rules.rights import OPERATIONS, Verdict, judge_principal, scopes_of_roles
from rules.scopes import SCOPES
from tests.actions.instances import superuser
from tests.builders import CONSULTATION, PROPOSAL, fresh_key, report_body
from tests.laws.rights_matrix import CALLS, NOTHING
from tests.laws.rights_world import (
    CATALOGUE_ITEM,
    COORDINATOR,
    SHARE_REQUEST,
    Principal,
    RightsWorld,
)

Json = dict[str, Any]

MOVING: Final = frozenset({"rate_bucket"})
"""Tables that a refused request may change: budgets are spent by asking."""

SERVER_OWNED: Final = frozenset(
    {
        *("id", "version", "status", "number", "agency_id", "case_id", "leaf_id", "coordinator", "sender"),
        *(
            "created_at",
            "updated_at",
            "opened_at",
            "closed_at",
            "reported_at",
            "recorded_at",
            "revoked_at",
            "accepted_at",
        ),
        *("accept_by", "resolve_by", "acknowledge_by", "due_confirmed", "overdue", "withdrawn_at", "reviewed_at"),
        *("coordinator_agency_id", "sender_agency_id", "principal_id", "participants", "role", "level", "parent"),
    }
)
"""What only the service decides."""

CALLERS_ALL_THE_SAME: Final = {
    ("ReportIn", "id"): "a UUID of the caller's own making; one that is taken is refused",
    ("EndpointChange", "status"): "one value, disabled: a caller may silence its own endpoint",
    ("InboundSourceChange", "status"): "active or disabled: a caller may silence its own source",
    ("InvitationIn", "role"): "one value, observer",
    ("CaseLinkIn", "number"): "of the agency's own files, or of another platform; a case's own stays the service's",
    ("CaseLinkIn", "level"): "of another platform",
    ("PlanIn", "level"): "of the alerts that a union's own plan is for; an alert's own stays the service's",
}


@dataclass(frozen=True, slots=True)
class Good:
    """A request that the principal may send; `tag_of` is what it changes, whose entity tag it names."""

    path: str
    body: Json
    ends: int
    tag_of: str | None = None
    by: str = COORDINATOR


@dataclass(frozen=True, slots=True)
class Write:
    """A write of the document with its good request, and what it must refuse: where, and members sent together."""

    name: str
    method: str
    good: Good
    additions: tuple[tuple[tuple[str | int, ...], Json], ...]


@dataclass(slots=True)
class Refusals:
    """What was tried, and what was not refused as it should be."""

    tried: int = 0
    wrong: list[str] = field(default_factory=list)


def good_requests(world: RightsWorld) -> dict[str, Good]:
    """One for each write with a JSON body."""
    thing = {name: found.id for name, found in world.things.items()}
    agency = {one.relation: str(one.agency) for one in world.principals}
    change: Json = {"name": "矩阵"}
    certificate = {"area": "law", "result": "passed", "certificate": "x"}
    certificate |= {"valid_from": "2026-01-01", "valid_until": "2030-01-01"}
    case, referral = f"/v1/cases/{thing['case']}", f"/v1/referrals/{thing['requested']}"
    consent = {"kind": "consent", "reference": "x", "recipients": [agency["finished"]]}
    pair = f"/v1/case-links/{thing['pair']}"
    asked = f"/v1/person-requests/{thing['person_request']}"
    match, access = f"/v1/match-candidates/{thing['match']}", f"/v1/access-requests/{thing['access']}"
    transfer, result = f"/v1/case-transfers/{thing['transfer']}", f"/v1/results/{thing['result']}"
    conference, session = f"/v1/conferences/{thing['conference']}", f"/v1/conference-sessions/{thing['session']}"
    entry, share = f"/v1/catalogue-items/{thing['catalogue_item']}", f"/v1/share-requests/{thing['share_request']}"
    letter = f"/v1/letters/{thing['letter']}"
    item, task = f"/v1/agenda-items/{thing['agenda_item']}", f"/v1/conference-tasks/{thing['conference_task']}"
    members = {"name": "矩阵", "members": [agency["receiver"]], "quorum": 1}
    alert = f"/v1/alerts/{thing['alert']}"
    activation = f"/v1/plan-activations/{thing['activation']}"
    consultation = f"/v1/consultations/{thing['consultation']}"
    proposal = f"/v1/proposals/{thing['draft_proposal']}"
    in_a_day = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    witness = SigningKey("matrix.example/witness", COSIGNATURE, os.urandom(32))
    inbound = f"/v1/inbound-sources/{thing['inbound_source']}"
    receipt = f"/v1/inbound/receipts/{thing['inbound_receipt']}"
    passwords = {"current_password": "none of these", "new_password": "nor of these either"}
    return {
        "file_report": Good("/v1/reports", report_body(), 201),
        "adopt_report": Good(f"/v1/reports/{thing['report']}/adoptions", {"decision": "adopted"}, 201),
        "adopt_result": Good(f"/v1/results/{thing['result']}/adoptions", {"decision": "adopted"}, 201),
        "adopt_expected": Good(
            f"/v1/expected-adoptions/{thing['expected']}/adoptions", {"decision": "adopted"}, 201, by="receiver"
        ),
        "withdraw_result": Good(result + "/withdraw", {"reason": "renounced"}, 200, result, by="finished"),
        "refer": Good(f"{case}/referrals", {"matter": "LAB-12", "to_agency": agency["reporter"]}, 201),
        "record_sharing_basis": Good(f"{case}/sharing-bases", consent, 201),
        "invite_participant": Good(f"{case}/participants", {"agency": agency["sibling"], "role": "observer"}, 201),
        "take_case_step": Good(f"{case}/activate", {"difficulty_class": "deep"}, 200, case),
        "take_referral_step": Good(f"{referral}/cancel", {"reason": "need_gone", "text": "x"}, 200, referral),
        "state_signal": Good("/v1/signals", _SIGNAL, 201),
        "take_alert_step": Good(f"{alert}/acknowledge", {"reported_to": "市总工会"}, 200, alert),
        "open_plan": Good("/v1/plans", _PLAN, 201),
        "activate_plan": Good(f"/v1/plans/{thing['plan']}/activations", {"alert_id": None, "drill": True}, 409),
        "stand_down_plan": Good(f"{activation}/stand-down", {"lesson": "x"}, 200, activation),
        "ask_transfer": Good(f"{case}/transfers", _transfer(agency["sibling"]), 201),
        "take_transfer_step": Good(f"{transfer}/cancel", {}, 200, transfer),
        "publish_catalogue_item": Good("/v1/catalogue-items", dict(CATALOGUE_ITEM), 201),
        "revise_catalogue_item": Good(entry, dict(CATALOGUE_ITEM), 200, entry),
        "ask_for_data": Good("/v1/share-requests", SHARE_REQUEST | {"item": thing["foreign_item"]}, 201),
        "take_share_step": Good(f"{share}/withdraw", {"text": "x"}, 200, share),
        "write_letter": Good(f"{case}/letters", _HINT, 201),
        "take_letter_step": Good(f"{letter}/withdraw", {"text": "x"}, 200, letter),
        "found_conference": Good("/v1/conferences", members | {"division_code": "340802"}, 201),
        "change_conference": Good(conference, members, 200, conference),
        "call_session": Good(f"{conference}/sessions", {"kind": "special", "starts_at": in_a_day, "venue": "x"}, 201),
        "take_session_step": Good(f"{session}/close", {"minutes": "x"}, 409, session),
        "raise_agenda_item": Good(f"{session}/agenda-items", {"title": "x"}, 201),
        "ask_opinions": Good(f"{item}/opinions", {"agencies": [agency["receiver"]]}, 200),
        "give_opinion": Good(f"{item}/opinions/own", {"stance": "agrees"}, 200, by="receiver"),
        "take_agenda_item_step": Good(f"{item}/defer", {"text": "x"}, 200, item),
        "take_conference_task_step": Good(f"{task}/start", {}, 200, task, by="receiver"),
        "record_policy_gap": Good(f"{case}/policy-gaps", dict(CALLS["record_policy_gap"].body or {}), 422),
        "register_consultation": Good("/v1/consultations", CONSULTATION, 201),
        "change_consultation": Good(consultation, {"title": "矩阵"}, 200, consultation),
        "draft_proposal": Good("/v1/proposals", PROPOSAL, 201),
        "change_proposal": Good(proposal, {"title": "矩阵"}, 200, proposal),
        "take_proposal_step": Good(f"{proposal}/withdraw", {}, 200, proposal),
        "make_answer_link": Good(f"{referral}/answer-links", {"clerk": "王守门", "days": 3}, 409),
        "link_case": Good(f"{case}/case-links", {"kind": "own_number", "system": "matrix", "number": "M-2"}, 201),
        "undo_case_link": Good(pair + "/undo", {"reason": "登记有误"}, 200, pair),
        "save_feed_cursor": Good("/v1/feed-cursors/none", {"cursor": "x"}, 400),
        "search_cases": Good("/v1/cases/search", {"name": "x", "birth_date": "1960-01-01"}, 200),
        "reveal_values": Good(f"{case}/reveal", dict(CALLS["reveal_values"].body or {}), 422),
        "break_glass": Good(f"{case}/break-glass", dict(CALLS["break_glass"].body or {}), 409, by="observer"),
        "review_break_glass": Good(
            f"/v1/break-glass/{thing['glass']}/review", dict(CALLS["review_break_glass"].body or {}), 409
        ),
        "withdraw_sharing_basis": Good(f"/v1/sharing-bases/{thing['basis']}/withdraw", {"withdrawn_by": "person"}, 200),
        "undo_link": Good(f"/v1/links/{thing['founding']}/undo", {"reason": "different_persons"}, 409),
        "file_person_request": Good(f"{case}/person-requests", _COPY, 201),
        "take_person_request_step": Good(asked + "/review", {}, 200, asked),
        "decide_not_duplicate": Good(f"{match}/not-duplicate", {"reason": "namesake"}, 200, match),
        "decide_match_candidates": Good(
            "/v1/match-candidates/bulk", {"source_system": "x", "decision": "not_duplicate", "reason": "namesake"}, 200
        ),
        "ask_holder": Good(
            f"/v1/match-candidates/{thing['half_match']}/access-requests",
            {"purpose": "assistance", "basis": {"kind": "consent", "reference": "x"}, "reason": "x"},
            201,
            by="sibling",
        ),
        "grant_access": Good(
            f"{access}/grant", {"field_classes": ["basic"], "expires_at": in_a_day}, 200, access, by="sibling"
        ),
        "refuse_access": Good(f"{access}/refuse", {"reason_code": "no_basis", "text": "x"}, 409, access, by="sibling"),
        "record_assessment": Good("/v1/impact-assessments", _ASSESSMENT, 201),
        "open_department": Good("/v1/agencies", {"suffix": "MATRIX", "name": "矩阵科"}, 201),
        "change_agency": Good(f"/v1/agencies/{agency[COORDINATOR]}", change, 200, ""),
        "register_webhook_endpoint": Good("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/x"}, 201),
        "change_webhook_endpoint": Good(f"/v1/webhook-endpoints/{thing['endpoint']}", {"types": ["case.*"]}, 200, ""),
        "replay_events": Good(f"/v1/webhook-endpoints/{thing['endpoint']}/replays", {"types": ["case.*"]}, 202),
        "open_inbound_source": Good("/v1/inbound-sources", {"name": "matrix", "kind": "bearer"}, 201),
        "change_inbound_source": Good(inbound, change, 200, ""),
        "rotate_inbound_credential": Good(f"{inbound}/rotate-secret", {}, 200),
        "retry_inbound_source": Good(f"{inbound}/retry", {"reason": "none-such"}, 202),
        "add_inbound_mapping": Good(f"{inbound}/mappings", {"document": _MAPPING}, 201),
        "try_inbound_mapping": Good(f"{inbound}/mappings/dry-run", {"body": {}}, 200),
        "discard_inbound_receipt": Good(f"{receipt}/discard", {"reason": "not_ours"}, 200, receipt),
        "register_audit_witness": Good("/v1/audit/witnesses", {"key": witness.verifier.text}, 201, by="observer"),
        "cosign_audit_checkpoint": Good(
            f"/v1/audit/checkpoints/{thing['checkpoint']}/cosignatures", {"cosignature": f"— matrix {'A' * 100}"}, 422
        ),
        "open_client": Good(
            "/v1/clients", {"name": "matrix", "scopes": ["cases:read"], "public_jwk": generate_client_key()[1]}, 201
        ),
        "change_client": Good(f"/v1/clients/{thing['client']}", change, 200, ""),
        "add_client_key": Good(f"/v1/clients/{thing['client']}/keys", {"public_jwk": generate_client_key()[1]}, 201),
        "open_staff": Good("/v1/staff", {"login": "matrix-new", "name": "矩阵", "roles": ["auditor"]}, 201),
        "change_staff": Good(f"/v1/staff/{thing['staff']}", change, 200, ""),
        "record_qualification": Good(f"/v1/staff/{thing['staff']}/qualifications", certificate, 201),
        "invite_staff": Good(f"/v1/staff/{thing['staff']}/enrolment", {"reset_second_factor": False}, 201),
        "change_password": Good("/v1/me/password", passwords, 403),
        "confirm_second_factor": Good("/v1/me/second-factor/confirm", {"code": "000000"}, 403),
    }


_MAPPING: Final[Json] = {"language": 1, "rules": [{"name": "none", "target": "nothing"}]}
_COPY: Final[Json] = {
    "kind": "copy",
    "asked_by": "person",
    "proof": {"document": "resident_id", "seen_by": "desk-7", "seen_at": "2026-01-05T01:00:00Z"},
}
_ASSESSMENT: Final[Json] = {
    "title": "矩阵",
    "matters": ["LAB-09"],
    "field_classes": ["basic"],
    "measures": "x",
    "assessed_by": "x",
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_until": "2036-01-01T00:00:00Z",
}


def writes_of(document: Json) -> dict[str, tuple[str, Json]]:
    """Every write with a JSON body, but what partners send in words of their own: its method and the schema of
    the body."""
    found = {}
    for methods in document["paths"].values():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}) if method != "get" else {}
            for media_type, given in content.items():
                if media_type.endswith("json") and operation["security"]:
                    found[operation["operationId"]] = (method.upper(), given["schema"])
    return found


def shown_fields(document: Json) -> dict[str, list[object]]:
    """Every field of the answers' schemas, with a plausible value of each kind it has somewhere."""
    answers = [_answers(one) for methods in document["paths"].values() for one in methods.values()]
    found: dict[str, list[object]] = {}
    for name in sorted(_schemas_of(document, answers)):
        for shown, schema in document["components"]["schemas"][name].get("properties", {}).items():
            value = _plausible(document, schema)
            values = found.setdefault(shown, [])
            if value not in values:
                values.append(value)
    return found


def plan(world: RightsWorld, document: Json, *, one_by_one: bool) -> list[Write]:
    """Every field of every answer, and what else only the service decides, into every object of each body.

    `one_by_one`: each alone, with every kind of value and null; else as many together as one answer names.
    """
    goods = good_requests(world)
    fields = {owned: list[object]([NOTHING]) for owned in sorted(SERVER_OWNED)} | shown_fields(document)
    planned = []
    for name, (method, schema) in writes_of(document).items():
        additions = tuple(
            (pointer, members)
            for pointer, taken in _closed_objects(document, schema, goods[name].body)
            for members in _members({shown: fields[shown] for shown in fields if shown not in taken}, alone=one_by_one)
        )
        planned.append(Write(name, method, goods[name], additions))
    return planned


def _members(fields: Mapping[str, list[object]], *, alone: bool) -> Iterator[Json]:
    if alone:
        for name, values in fields.items():
            yield from ({name: value} for value in (*values, None))
        return
    names = list(fields)
    for start in range(0, len(names), MAX_ERRORS):
        yield {name: fields[name][0] for name in names[start : start + MAX_ERRORS]}


def _answers(operation: Json) -> object:
    return [answer for status, answer in operation["responses"].items() if status.startswith("2")]


def _schemas_of(document: Json, node: object) -> frozenset[str]:
    """Names of the schemas that are reached from here."""
    seen: set[str] = set()
    waiting = [node]
    while waiting:
        at = waiting.pop()
        if isinstance(at, list):
            waiting += at
        elif isinstance(at, dict):
            name = str(at.get("$ref", "")).rpartition("/")[2]
            if name in document["components"]["schemas"] and name not in seen:
                seen.add(name)
                waiting.append(document["components"]["schemas"][name])
            waiting += [child for key, child in at.items() if key not in ("links", "examples", "example")]
    return frozenset(seen)


def _resolved(document: Json, schema: Json) -> Json:
    """The schema behind a reference; of several alternatives the first that is not null."""
    while True:
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        elif "anyOf" in schema:
            schema = next(one for one in schema["anyOf"] if one.get("type") != "null")
        else:
            return schema


_TEXTS: Final[Mapping[str, str]] = {"uuid": NOTHING, "date-time": "2020-01-01T00:00:00Z", "date": "2020-01-01"}


def _plausible(document: Json, schema: Json) -> object:
    found = _resolved(document, schema)
    if "const" in found or "enum" in found:
        return found.get("const", found.get("enum", [""])[0])
    simple: Mapping[str, object] = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}
    return simple.get(found.get("type", ""), _TEXTS.get(found.get("format", ""), "x"))


def _closed_objects(
    document: Json, schema: Json, body: object, at: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], frozenset[str]]]:
    """Each object of a body whose fields are declared: where it stands, and the fields it takes."""
    found = _resolved(document, schema)
    if isinstance(body, dict) and found.get("additionalProperties") is False:
        yield at, frozenset(found["properties"])
        for name, child in body.items():
            yield from _closed_objects(document, found["properties"][name], child, (*at, name))
    elif isinstance(body, list) and "items" in found:
        for number, child in enumerate(body):
            yield from _closed_objects(document, found["items"], child, (*at, number))


async def refuse_all(world: RightsWorld, writes: Sequence[Write]) -> Refusals:
    """Sends every addition of every write, and compares every table before and after. Tags are read before: some reads
    leave a mark."""
    refusals = Refusals()
    headers_of = {write.name: await _headers(world, write) for write in writes}
    async with superuser(world.instance.admin_url) as raw:
        before = await contents(raw)
        for write in writes:
            for pointer, members in write.additions:
                body = _added(write.good.body, pointer, members)
                answer = await _send(world, raw, write, body, headers_of[write.name])
                refusals.tried += len(members)
                fault = _fault(answer, {"/" + "/".join(map(str, (*pointer, name))) for name in members})
                if fault:
                    refusals.wrong.append(f"{write.name}: {fault}")
        after = await contents(raw)
    refusals.wrong += [f"{table} was changed" for table in before if before[table] != after[table]]
    return refusals


async def send_good(world: RightsWorld, writes: Sequence[Write]) -> list[str]:
    """The good requests as they are, once each: which are not answered as they should be."""
    wrong = []
    async with superuser(world.instance.admin_url) as raw:
        for write in writes:
            answer = await _send(world, raw, write, write.good.body, await _headers(world, write))
            if answer.status_code != write.good.ends or "unknown-field" in answer.text:
                wrong.append(f"{write.name}: {answer.status_code} {answer.json().get('errors') or answer.text[:300]}")
    return wrong


async def contents(raw: Raw) -> dict[str, str]:
    """A hash of every row of every table, by table."""
    tables = await raw.fetch(
        "SELECT oid::regclass::text AS t FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    hashes = {}
    for table in (row["t"] for row in tables if row["t"] not in MOVING):
        hashed = f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"
        hashes[table] = await raw.fetchval(hashed)
    return hashes


def _added(body: Json, pointer: tuple[str | int, ...], members: Json) -> object:
    """The body with these members more in the object at the pointer."""
    if not pointer:
        return body | members
    changed: Any = list(body) if isinstance(body, list) else dict(body)
    changed[pointer[0]] = _added(changed[pointer[0]], pointer[1:], members)
    return changed


def _fault(answer: httpx.Response, pointers: set[str]) -> str | None:
    """None where exactly these fields are refused, each by its name and as unknown."""
    if answer.status_code != 422:
        return f"{answer.status_code} for {sorted(pointers)}"
    body = answer.json()
    told = {(error["pointer"], error["code"]) for error in body.get("errors", [])}
    if body["code"] == "unknown-field" and told == {(pointer, "unknown-field") for pointer in pointers}:
        return None
    return f"{body['code']} {sorted(told.symmetric_difference((p, 'unknown-field') for p in pointers))}"


async def _send(world: RightsWorld, raw: Raw, write: Write, body: object, headers: Mapping[str, str]) -> httpx.Response:
    if write.name in ("search_cases", "reveal_values", "break_glass", "ask_holder") or "inbound" in write.name:
        await raw.execute("DELETE FROM rate_bucket WHERE policy <> 'client'")
    own = {**headers, "idempotency-key": fresh_key()} if write.method == "POST" else headers
    return await world.instance.http.request(write.method, write.good.path, json=body, headers=own)


async def _headers(world: RightsWorld, write: Write) -> dict[str, str]:
    principal = _principal(world, write)
    headers = {"authorization": f"Bearer {principal.token}", "tongli-purpose": "assistance"}
    if write.name in ("reveal_values", "file_person_request"):
        headers["tongli-actor"] = "matrix-auditor"
    if write.good.tag_of is not None:
        seen = await world.instance.http.get(write.good.tag_of or write.good.path, headers=_reading(world))
        headers["if-match"] = seen.headers["etag"]
    if write.method == "PATCH":
        headers["content-type"] = "application/merge-patch+json"
    return headers


def _reading(world: RightsWorld) -> dict[str, str]:
    reader = next(p for p in world.principals if p.relation == COORDINATOR)
    return {"authorization": f"Bearer {reader.token}", "tongli-purpose": "person_request"}


def _principal(world: RightsWorld, write: Write) -> Principal:
    """The first of the agency that may; whoever changes a password of its own is a person."""
    operation = OPERATIONS[write.name]
    for principal in world.principals:
        held = frozenset(SCOPES) if principal.is_machine else scopes_of_roles(principal.counting)
        verdict = judge_principal(operation, scopes=held, roles=principal.counting)
        mine = not (principal.is_machine and "/me/" in write.good.path)
        if principal.relation == write.good.by and verdict is Verdict.allowed and mine:
            return principal
    raise AssertionError(f"nobody of the {write.good.by} may {write.name}")


_PLAN: Json = {
    "title": "矩阵预案",
    "level": 2,
    "signals": ["closure"],
    "actions": [{"title": "矩阵任务", "agency_kind": "labour", "within_hours": 2}],
}
_SIGNAL: Json = {
    "kind": "closure",
    "subject": {"kind": "employer", "division_code": "340802", "employer": {"name": "矩阵纺织厂", "uscc": None}},
    "measured": {"persons": 1},
    "source": "矩阵",
    "observed_on": "2026-01-05",
}


def _transfer(taker: str) -> dict[str, object]:
    return {"to_agency": taker, "reason": "moved", "text": "x", "basis": {"kind": "consent", "reference": "x"}}


_HINT: Final = {
    "kind": "hint",
    "employer": "矩阵厂",
    "violations": ["safety_health"],
    "workers": 3,
    "facts": "矩阵",
    "demands": "矩阵",
}
