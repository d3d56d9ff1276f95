"""The authorization matrix: every operation of the document, asked by every role in every relation to what it names.

One request is judged against the model for its status, and for each field class that its answer shows. A write is
sent so that whoever may do it is stopped after the walls (a stale tag, a value that names nothing): nothing changes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx

from rules.disclosure import classes_of_file, classes_of_report, classes_of_roles
from rules.purposes import Purpose, classes_for
from rules.rights import (
    EVERYBODY,
    OPERATIONS,
    SEEING_PARTS,
    Operation,
    Subject,
    Verdict,
    judge_part,
    judge_principal,
    scopes_of_roles,
)
from rules.scopes import SCOPES
from tests.builders import fresh_key, report_body
from tests.laws.rights_world import CATALOGUE_ITEM, COORDINATOR, MARKS, SHARE_REQUEST, Principal, RightsWorld

PURPOSE: Final = Purpose.assistance
NOTHING: Final = "00000000-0000-7000-8000-000000000000"
_STALE: Final = {"if-match": '"v999"'}
_ANY: Final = frozenset({200, 201, 202, 204})


@dataclass(frozen=True, slots=True)
class Call:
    """How an operation is asked for: `{thing}` stands for the id of the thing it names. `ends` are the statuses that
    whoever may ask gets; `things`, the states of its subject that are tried."""

    method: str
    path: str
    ends: frozenset[int]
    things: tuple[str, ...] = ()
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def _get(path: str, *things: str) -> Call:
    return Call("GET", path, frozenset({200}), things)


def _post(path: str, ends: int, *things: str, body: Mapping[str, Any] | None = None, stale: bool = False) -> Call:
    return Call("POST", path, frozenset({ends}), things, body if body is not None else {}, _STALE if stale else {})


def _stale(method: str, path: str, *things: str, body: Mapping[str, Any] | None = None) -> Call:
    patch = {"content-type": "application/merge-patch+json"} if method == "PATCH" else {}
    return Call(method, path, frozenset({412}), things, body, {**_STALE, **patch})


_WITHDRAWAL: Final = {"withdrawn_by": "person"}
_DANGER: Final = {"danger": "health", "text": "矩阵中的紧急情况，需要立即查阅", "hours": 1}
_UNDONE: Final = {"reason": "登记有误"}
_REVIEW: Final = {"verdict": "justified", "text": "复核"}
_REVEAL: Final = {"person_id": NOTHING, "fields": ["id_number"], "reason": "verify_identity"}
_MATCHES = ("match", "half_match")
_PAST: Final = {
    "source_system": "x",
    "decision": "not_duplicate",
    "reason": "namesake",
    "until": "2020-01-01",
}
_TRANSFER = {"to_agency": NOTHING, "reason": "moved", "text": "x", "basis": {"kind": "consent", "reference": "x"}}
_LETTER: Final = {"kind": "proposal", "violations": ["wage_arrears"], "workers": 1, "facts": "x", "demands": "x"}
_CONFERENCE: Final = {"name": "矩阵", "members": [NOTHING], "quorum": 1}
_LONG_AGO: Final = {"kind": "special", "starts_at": "2020-01-01T00:00:00Z", "venue": "x"}
_NO_GAP: Final = {"need": "employment", "ground": "no_matter", "text": "x"}
_GROUNDLESS: Final = {
    "purpose": "assistance",
    "basis": {"kind": "statutory_duty", "reference": "x"},
    "reason": "x",
}
_GRANT: Final = {"field_classes": ["basic"], "expires_at": "2030-01-01T00:00:00Z"}
_REFUSAL: Final = {"reason_code": "no_basis", "text": "x"}
_PLAN_LISTS: Final = {
    "list_plans": "plans",
    "list_plan_activations": "plan-activations",
    "list_plan_tasks": "plan-tasks",
}
_REFERRALS = ("requested", "in_progress", "completed", "failed", "draft", "pooled")
_WITHOUT_MANDATE: Final = {
    "kind": "copy",
    "asked_by": "agent",
    "proof": {"document": "resident_id", "seen_by": "desk-7", "seen_at": "2026-01-05T01:00:00Z"},
}

CALLS: Final[Mapping[str, Call]] = {
    "list_matters": _get("/v1/matters"),
    "read_matter": _get("/v1/matters/LAB-09"),
    "list_divisions": _get("/v1/divisions?limit=1"),
    "read_division": _get("/v1/divisions/340802"),
    "list_codes": _get("/v1/codes"),
    "list_agencies": _get("/v1/agencies?limit=1"),
    "read_agency": _get("/v1/agencies/{thing}", "agency"),
    "open_department": _post("/v1/agencies", 422),
    "change_agency": _stale("PATCH", "/v1/agencies/{thing}", "agency", body={"name": "矩阵"}),
    "list_clients": _get("/v1/clients"),
    "read_client": _get("/v1/clients/{thing}", "client"),
    "open_client": _post("/v1/clients", 422),
    "change_client": _stale("PATCH", "/v1/clients/{thing}", "client", body={"name": "矩阵"}),
    "add_client_key": _post("/v1/clients/{thing}/keys", 422, "client", body={"public_jwk": {"kty": "EC"}}),
    "revoke_client_key": _stale("DELETE", "/v1/clients/{thing}/keys/matrix", "client"),
    "rotate_client_secret": _post("/v1/clients/{thing}/rotate-secret", 409, "client", stale=True),
    "revoke_client": _post("/v1/clients/{thing}/revoke", 412, "client", stale=True),
    "list_staff": _get("/v1/staff"),
    "read_staff": _get("/v1/staff/{thing}", "staff"),
    "open_staff": _post("/v1/staff", 422),
    "change_staff": _stale("PATCH", "/v1/staff/{thing}", "staff", body={"name": "矩阵"}),
    "revoke_staff": _post("/v1/staff/{thing}/revoke", 412, "staff", stale=True),
    "list_qualifications": _get("/v1/staff/{thing}/qualifications", "staff"),
    "record_qualification": _post(
        "/v1/staff/{thing}/qualifications",
        422,
        "staff",
        body={
            "area": "law",
            "result": "passed",
            "certificate": "x",
            "valid_from": "2026-02-01",
            "valid_until": "2026-01-01",
        },
    ),
    "read_me": _get("/v1/me"),
    "list_devices": _get("/v1/me/devices"),
    "invite_staff": _post(f"/v1/staff/{NOTHING}/enrolment", 404, body={"reset_second_factor": False}),
    "register_webhook_endpoint": _post("/v1/webhook-endpoints", 422),
    "list_webhook_endpoints": _get("/v1/webhook-endpoints"),
    "read_webhook_endpoint": _get("/v1/webhook-endpoints/{thing}", "endpoint"),
    "change_webhook_endpoint": _stale("PATCH", "/v1/webhook-endpoints/{thing}", "endpoint", body={"types": ["case.*"]}),
    "rotate_webhook_secret": _post("/v1/webhook-endpoints/{thing}/rotate-secret", 200, "endpoint"),
    "verify_webhook_endpoint": _post("/v1/webhook-endpoints/{thing}/verify", 409, "endpoint"),
    "enable_webhook_endpoint": _post("/v1/webhook-endpoints/{thing}/enable", 409, "endpoint"),
    "approve_webhook_url": _post("/v1/webhook-endpoints/{thing}/approve-url", 412, "endpoint", stale=True),
    "reject_webhook_url": _post("/v1/webhook-endpoints/{thing}/reject-url", 412, "endpoint", stale=True),
    "read_webhook_statistics": _get("/v1/webhook-endpoints/{thing}/statistics", "endpoint"),
    "list_webhook_keys": _get("/v1/webhook-endpoints/{thing}/keys", "endpoint"),
    "delete_webhook_endpoint": _stale("DELETE", "/v1/webhook-endpoints/{thing}", "endpoint"),
    "replay_events": _post("/v1/webhook-endpoints/{thing}/replays", 202, "endpoint", body={"types": ["case.opened"]}),
    "list_webhook_replays": _get("/v1/webhook-endpoints/{thing}/replays", "endpoint"),
    "read_webhook_replay": _get("/v1/webhook-replays/{thing}", "replay"),
    "cancel_webhook_replay": _post("/v1/webhook-replays/{thing}/cancel", 409, "replay"),
    "list_deliveries": _get("/v1/deliveries"),
    "read_delivery": _get("/v1/deliveries/{thing}", "delivery"),
    "open_inbound_source": _post(
        "/v1/inbound-sources", 422, body={"name": "matrix", "kind": "bearer", "client_id": NOTHING}
    ),
    "list_inbound_sources": _get("/v1/inbound-sources"),
    "read_inbound_source": _get("/v1/inbound-sources/{thing}", "inbound_source"),
    "change_inbound_source": _stale("PATCH", "/v1/inbound-sources/{thing}", "inbound_source", body={"name": "x"}),
    "rotate_inbound_credential": _post("/v1/inbound-sources/{thing}/rotate-secret", 200, "inbound_source"),
    "retry_inbound_source": _post(
        "/v1/inbound-sources/{thing}/retry", 202, "inbound_source", body={"reason": "none-such"}
    ),
    "add_inbound_mapping": _post("/v1/inbound-sources/{thing}/mappings", 422, "inbound_source", body={"document": {}}),
    "list_inbound_mappings": _get("/v1/inbound-sources/{thing}/mappings", "inbound_source"),
    "read_inbound_mapping": _get("/v1/inbound-sources/{thing}/mappings/1", "inbound_source"),
    "use_inbound_mapping": _post("/v1/inbound-sources/{thing}/mappings/1/use", 200, "inbound_source"),
    "try_inbound_mapping": _post(
        "/v1/inbound-sources/{thing}/mappings/dry-run", 200, "inbound_source", body={"body": {}}
    ),
    "list_inbound_receipts": _get("/v1/inbound/receipts"),
    "read_inbound_receipt": _get("/v1/inbound/receipts/{thing}", "inbound_receipt"),
    "retry_inbound_receipt": _post("/v1/inbound/receipts/{thing}/retry", 412, "inbound_receipt", stale=True),
    "discard_inbound_receipt": _post(
        "/v1/inbound/receipts/{thing}/discard", 412, "inbound_receipt", body={"reason": "not_ours"}, stale=True
    ),
    "read_feed": _get("/v1/events"),
    "list_feed_cursors": _get("/v1/feed-cursors"),
    "read_feed_cursor": Call("GET", "/v1/feed-cursors/none", frozenset({404})),
    "save_feed_cursor": Call("PUT", "/v1/feed-cursors/none", frozenset({400}), (), {"cursor": "x"}),
    "read_audit_log": _get("/v1/audit/log"),
    "read_audit_checkpoint": _get("/v1/audit/checkpoint"),
    "read_audit_checkpoint_of_size": _get("/v1/audit/checkpoints/{thing}", "checkpoint"),
    "prove_audit_inclusion": _get("/v1/audit/proofs/inclusion?index=0"),
    "prove_audit_consistency": _get("/v1/audit/proofs/consistency?from=1"),
    "read_audit_entries": _get("/v1/audit/tile/entries/000.p/1"),
    "read_audit_tile": _get("/v1/audit/tile/0/000.p/1"),
    "read_audit_witness": _get("/v1/audit/witnesses/{thing}", "witness"),
    "register_audit_witness": _post("/v1/audit/witnesses", 422, body={"key": "none"}),
    "revoke_audit_witness": _post("/v1/audit/witnesses/{thing}/revoke", 412, "own_witness", stale=True),
    "cosign_audit_checkpoint": _post(
        "/v1/audit/checkpoints/{thing}/cosignatures", 422, "checkpoint", body={"cosignature": "none"}
    ),
    "list_audit_leaves": _get("/v1/audit/leaves?limit=1"),
    "read_audit_leaf": _get("/v1/audit/leaves/{thing}", "leaf"),
    "file_report": _post("/v1/reports", 422, body=report_body() | {"needs": ["nonsense"]}),
    "read_report": _get("/v1/reports/{thing}", "report"),
    "read_linkage_encoding_key": _get("/v1/linkage-encoding-key"),
    "list_cases": _get("/v1/cases"),
    "search_cases": _post("/v1/cases/search", 200, body={"name": MARKS["basic"], "birth_date": "1960-01-01"}),
    "read_case": _get("/v1/cases/{thing}", "case"),
    "read_case_file": _get("/v1/cases/{thing}/file", "case"),
    "read_timeline": _get("/v1/cases/{thing}/timeline", "case"),
    "list_participants": _get("/v1/cases/{thing}/participants", "case"),
    "list_links": _get("/v1/cases/{thing}/links", "case"),
    "list_case_links": _get("/v1/cases/{thing}/case-links", "case"),
    "link_case": _post("/v1/cases/{thing}/case-links", 422, "case", body={"kind": "own_number"}),
    "read_case_link": _get("/v1/case-links/{thing}", "own_number", "pair"),
    "undo_case_link": _post("/v1/case-links/{thing}/undo", 412, "own_number", "pair", body=_UNDONE, stale=True),
    "ask_transfer": Call("POST", "/v1/cases/{thing}/transfers", frozenset({409, 422}), ("case",), _TRANSFER),
    "list_transfers": _get("/v1/case-transfers"),
    "read_transfer": _get("/v1/case-transfers/{thing}", "transfer"),
    "state_signal": _post("/v1/signals", 422),
    "list_alerts": _get("/v1/alerts"),
    "read_alert": _get("/v1/alerts/{thing}", "alert"),
    "take_alert_step": _post("/v1/alerts/{thing}/acknowledge", 412, "alert", stale=True),
    "open_plan": _post("/v1/plans", 422),
    **{name: _get(f"/v1/{path}") for name, path in _PLAN_LISTS.items()},
    "retire_plan": _post("/v1/plans/{thing}/retire", 412, "plan", stale=True),
    "activate_plan": _post("/v1/plans/{thing}/activations", 422, "plan", body={"drill": False}),
    "read_plan_activation": _get("/v1/plan-activations/{thing}", "activation"),
    "stand_down_plan": _post("/v1/plan-activations/{thing}/stand-down", 412, "activation", stale=True),
    "finish_plan_task": _post("/v1/plan-tasks/{thing}/finish", 412, "plan_task", stale=True),
    "take_transfer_step": _post("/v1/case-transfers/{thing}/cancel", 412, "transfer", stale=True),
    "record_policy_gap": _post("/v1/cases/{thing}/policy-gaps", 422, "case", body=_NO_GAP),
    "read_policy_gaps": _get("/v1/cases/{thing}/policy-gaps", "case"),
    "count_policy_gaps": _get("/v1/policy-gaps/counts"),
    "register_consultation": _post("/v1/consultations", 422),
    "list_consultations": _get("/v1/consultations"),
    "count_consultations": _get("/v1/consultations/counts"),
    "read_consultation": _get("/v1/consultations/{thing}", "consultation"),
    "change_consultation": _stale("PATCH", "/v1/consultations/{thing}", "consultation", body={"title": "矩阵"}),
    "draft_proposal": _post("/v1/proposals", 422),
    "list_proposals": _get("/v1/proposals"),
    "read_proposal": _get("/v1/proposals/{thing}", "proposal", "draft_proposal"),
    "change_proposal": _stale("PATCH", "/v1/proposals/{thing}", "proposal", "draft_proposal", body={"title": "矩阵"}),
    "take_proposal_step": _post("/v1/proposals/{thing}/withdraw", 412, "proposal", "draft_proposal", stale=True),
    "list_case_tasks": _get("/v1/cases/{thing}/tasks", "case"),
    "invite_participant": _post("/v1/cases/{thing}/participants", 422, "case", body={"agency": NOTHING}),
    "end_participation": _stale("DELETE", f"/v1/cases/{{thing}}/participants/{NOTHING}", "case"),
    "record_sharing_basis": _post(
        "/v1/cases/{thing}/sharing-bases",
        422,
        "case",
        body={"kind": "consent", "reference": "x", "recipients": [NOTHING]},
    ),
    "list_sharing_bases": _get("/v1/cases/{thing}/sharing-bases", "case"),
    "read_sharing_basis": _get("/v1/sharing-bases/{thing}", "basis"),
    "undo_link": _post("/v1/links/{thing}/undo", 409, "founding", body={"reason": "different_persons"}),
    "withdraw_sharing_basis": _post("/v1/sharing-bases/{thing}/withdraw", 409, "withdrawn", body=_WITHDRAWAL),
    "list_assessments": _get("/v1/impact-assessments"),
    "read_assessment": _get("/v1/impact-assessments/{thing}", "assessment"),
    "record_assessment": _post("/v1/impact-assessments", 422),
    "revoke_assessment": _post("/v1/impact-assessments/{thing}/revoke", 409, "assessment"),
    "break_glass": _post("/v1/cases/{thing}/break-glass", 409, "case", body=_DANGER),
    "list_break_glass": _get("/v1/cases/{thing}/break-glass", "case"),
    "read_break_glass": _get("/v1/break-glass/{thing}", "glass"),
    "review_break_glass": _post("/v1/break-glass/{thing}/review", 409, "glass", body=_REVIEW),
    "reveal_values": Call(
        "POST", "/v1/cases/{thing}/reveal", frozenset({422}), ("case",), _REVEAL, {"tongli-actor": "matrix-auditor"}
    ),
    "read_people_of_referral": _get("/v1/referrals/{thing}/people", "in_progress", "completed"),
    "read_access_log": _get("/v1/cases/{thing}/access-log", "case"),
    "file_person_request": _post("/v1/cases/{thing}/person-requests", 422, "case", body=_WITHOUT_MANDATE),
    "list_person_requests": _get("/v1/person-requests"),
    "read_person_request": _get("/v1/person-requests/{thing}", "person_request"),
    "read_person_document": _get("/v1/person-requests/{thing}/document", "person_request"),
    "print_person_document": _get("/v1/person-requests/{thing}/document.html", "person_request"),
    "take_person_request_step": _post("/v1/person-requests/{thing}/withdraw", 412, "person_request", stale=True),
    "list_match_candidates": _get("/v1/match-candidates"),
    "read_match_candidate": _get("/v1/match-candidates/{thing}", "match", "half_match"),
    "draw_match_candidate": _get("/v1/match-candidates/{thing}/waterfall.svg", "match", "half_match"),
    "decide_not_duplicate": _post(
        "/v1/match-candidates/{thing}/not-duplicate", 412, *_MATCHES, body={"reason": "namesake"}, stale=True
    ),
    "confirm_match_candidate": _post("/v1/match-candidates/{thing}/confirm", 412, *_MATCHES, stale=True),
    "undo_match_decision": _post("/v1/match-candidates/{thing}/undo", 412, *_MATCHES, stale=True),
    "decide_match_candidates": _post("/v1/match-candidates/bulk", 422, body=_PAST),
    "ask_holder": _post("/v1/match-candidates/{thing}/access-requests", 422, *_MATCHES, body=_GROUNDLESS),
    "list_access_requests": _get("/v1/access-requests"),
    "read_access_request": _get("/v1/access-requests/{thing}", "access"),
    "grant_access": _post("/v1/access-requests/{thing}/grant", 412, "access", body=_GRANT, stale=True),
    "refuse_access": _post("/v1/access-requests/{thing}/refuse", 412, "access", body=_REFUSAL, stale=True),
    "revoke_access": _post("/v1/access-requests/{thing}/revoke", 412, "access", stale=True),
    "take_case_step": _post("/v1/cases/{thing}/assess", 412, "case", stale=True),
    "refer": _post("/v1/cases/{thing}/referrals", 422, "case", body={"matter": "NONE-01"}),
    "list_referrals_of_case": _get("/v1/cases/{thing}/referrals", "case"),
    "list_referrals": _get("/v1/referrals?box=in"),
    "list_escalations": _get("/v1/escalations"),
    "read_adoption_rates": _get(
        "/v1/statistics/adoptions?arisen_from=2026-01-01T00:00:00Z&arisen_before=2026-02-01T00:00:00Z"
    ),
    "read_push_backs": _get(
        "/v1/statistics/push-backs?requested_from=2026-01-01T00:00:00Z&requested_before=2026-12-31T00:00:00Z"
    ),
    "read_referral": _get("/v1/referrals/{thing}", *_REFERRALS),
    "take_referral_step": _post("/v1/referrals/{thing}/cancel", 412, *_REFERRALS, stale=True),
    "make_answer_link": _post("/v1/referrals/{thing}/answer-links", 409, *_REFERRALS),
    "list_answer_links": _get("/v1/referrals/{thing}/answer-links", *_REFERRALS),
    "revoke_answer_link": _post(f"/v1/referrals/{{thing}}/answer-links/{NOTHING}/revoke", 404, *_REFERRALS),
    "list_catalogue_items": _get("/v1/catalogue-items"),
    "read_catalogue_item": _get("/v1/catalogue-items/{thing}", "catalogue_item"),
    "publish_catalogue_item": _post("/v1/catalogue-items", 422),
    "revise_catalogue_item": _stale("PUT", "/v1/catalogue-items/{thing}", "catalogue_item", body=CATALOGUE_ITEM),
    "ask_for_data": _post("/v1/share-requests", 422, body=SHARE_REQUEST | {"item": NOTHING}),
    "list_share_requests": _get("/v1/share-requests"),
    "read_share_request": _get("/v1/share-requests/{thing}", "share_request"),
    "take_share_step": _post("/v1/share-requests/{thing}/withdraw", 412, "share_request", stale=True),
    "write_letter": _post("/v1/cases/{thing}/letters", 422, "case", body=_LETTER),
    "list_letters": _get("/v1/letters"),
    "read_letter": _get("/v1/letters/{thing}", "letter"),
    "print_letter": _get("/v1/letters/{thing}/document.html", "letter"),
    "take_letter_step": _post("/v1/letters/{thing}/withdraw", 412, "letter", stale=True),
    "found_conference": Call(
        "POST", "/v1/conferences", frozenset({409, 422}), (), _CONFERENCE | {"division_code": "340802"}
    ),
    "list_conferences": _get("/v1/conferences"),
    "read_conference": _get("/v1/conferences/{thing}", "conference"),
    "change_conference": _stale("PUT", "/v1/conferences/{thing}", "conference", body=_CONFERENCE),
    "call_session": _post("/v1/conferences/{thing}/sessions", 422, "conference", body=_LONG_AGO),
    "list_sessions": _get("/v1/conferences/{thing}/sessions", "conference"),
    "read_participation": _get(
        "/v1/conferences/{thing}/participation?since=2026-01-01T00:00:00Z&before=2026-12-31T00:00:00Z", "conference"
    ),
    "read_session": _get("/v1/conference-sessions/{thing}", "session"),
    "take_session_step": _post("/v1/conference-sessions/{thing}/close", 412, "session", stale=True),
    "raise_agenda_item": _post("/v1/conference-sessions/{thing}/agenda-items", 422, "session"),
    "read_agenda_item": _get("/v1/agenda-items/{thing}", "agenda_item"),
    "ask_opinions": _post("/v1/agenda-items/{thing}/opinions", 422, "agenda_item", body={"agencies": [NOTHING]}),
    "give_opinion": _post("/v1/agenda-items/{thing}/opinions/own", 409, "agenda_item", body={"stance": "agrees"}),
    "take_agenda_item_step": Call(
        "POST", "/v1/agenda-items/{thing}/defer", frozenset({409, 412}), ("agenda_item",), {"text": "x"}, _STALE
    ),
    "list_conference_tasks": _get("/v1/conference-tasks"),
    "read_conference_task": _get("/v1/conference-tasks/{thing}", "conference_task"),
    "take_conference_task_step": Call(
        "POST", "/v1/conference-tasks/{thing}/start", frozenset({412}), ("conference_task",), {}, _STALE
    ),
    "list_results": _get("/v1/cases/{thing}/results", "case"),
    "list_assistance": _get("/v1/cases/{thing}/assistance", "case"),
    "read_result": _get("/v1/results/{thing}", "result"),
    "list_adoptions": _get("/v1/results/{thing}/adoptions", "result"),
    "adopt_result": _post("/v1/results/{thing}/adoptions", 422, "result", body={"decision": "not_adopted"}),
    "withdraw_result": _post("/v1/results/{thing}/withdraw", 412, "result", body={"reason": "renounced"}, stale=True),
    "list_expected_adoptions": _get("/v1/expected-adoptions"),
    "read_expected_adoption": _get("/v1/expected-adoptions/{thing}", "expected"),
    "adopt_expected": _post("/v1/expected-adoptions/{thing}/adoptions", 422, "expected", body={"decision": "partly"}),
    "adopt_report": _post("/v1/reports/{thing}/adoptions", 422, "report", body={"decision": "not_adopted"}),
}
"""Every operation of the model but those that change the world although they may not be asked twice (EXEMPT)."""

PRISTINE: Final[Mapping[str, Operation]] = dict(OPERATIONS)
"""The model as it was written, while mutants of it are tried."""

EXEMPT: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("change_password", "begin_second_factor", "confirm_second_factor", "revoke_device", "revoke_all_devices"),
        "changes who is signed in: tests/api/test_credentials.py and test_devices.py hold its rights",
    ),
    "redeliver": "starts a delivery over: tests/api/test_webhooks.py holds its rights",
    "test_webhook_endpoint": "sends an event: tests/api/test_webhooks.py holds its rights",
    "revoke_qualification": "ends for good what it names: tests/api/test_qualifications.py holds its rights",
}


NOBODYS: Final = frozenset({"checkpoint"})
"""Things that every caller may name."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One request of the matrix."""

    operation: str
    thing: str | None
    principal: Principal
    without_scope: bool = False
    without_purpose: bool = False


@dataclass(frozen=True, slots=True)
class Mismatch:
    cell: Cell
    expected: str
    got: str

    def __str__(self) -> str:
        asked = f"{self.cell.operation}({self.cell.thing or ''})"
        return f"{asked} by {self.cell.principal}: expected {self.expected}, got {self.got}"


def cells(world: RightsWorld, operations: frozenset[str] | None = None) -> Iterator[Cell]:
    """Role × relation × operation × state of what it names; and each operation once without its scope or purpose."""
    for name, call in CALLS.items():
        if operations is not None and name not in operations:
            continue
        yield from _lacking(world, name, call)
        for principal in world.principals:
            for thing in call.things or (None,):
                yield Cell(name, thing, principal)


def _lacking(world: RightsWorld, name: str, call: Call) -> Iterator[Cell]:
    asker = next(p for p in world.principals if p.relation == COORDINATOR and p.is_machine)
    thing = call.things[0] if call.things else None
    if PRISTINE[name].scope is not None:
        yield Cell(name, thing, asker, without_scope=True)
    if PRISTINE[name].purpose:
        yield Cell(name, thing, asker, without_purpose=True)


def expected(world: RightsWorld, cell: Cell, model: Mapping[str, Operation] = PRISTINE) -> Verdict | str:
    """What the model says of a cell."""
    operation, principal = model[cell.operation], cell.principal
    roles = principal.counting
    held = frozenset(SCOPES) if principal.is_machine else scopes_of_roles(roles)
    if cell.without_scope:
        held -= {operation.scope or ""}
    verdict = judge_principal(operation, scopes=held, roles=roles)
    if verdict is not Verdict.allowed:
        return verdict
    if cell.without_purpose:
        return "purpose-required"
    if cell.thing in NOBODYS or cell.thing is None or operation.subject is Subject.public:
        return Verdict.allowed
    return judge_part(operation.subject, world.parts(cell.thing, principal), operation)


_STATUS: Final = {
    Verdict.scope: (403, "insufficient-scope"),
    Verdict.role: (403, "insufficient-role"),
    Verdict.part: (403, "insufficient-role"),
    Verdict.hidden: (404, "not-found"),
    "purpose-required": (400, "purpose-required"),
}


async def ask(world: RightsWorld, cell: Cell) -> httpx.Response:
    call = CALLS[cell.operation]
    path = call.path.format(thing=world.things[cell.thing].id if cell.thing else "")
    headers = {"authorization": f"Bearer {_token(world, cell)}", **call.headers}
    if not cell.without_purpose:
        headers["tongli-purpose"] = PURPOSE
    if call.method == "POST":
        headers["idempotency-key"] = fresh_key()
    return await world.instance.http.request(call.method, path, json=call.body, headers=headers)


def _token(world: RightsWorld, cell: Cell) -> str:
    if not cell.without_scope:
        return cell.principal.token
    return world.narrowed(cell.principal, frozenset(SCOPES) - {PRISTINE[cell.operation].scope or ""})


def mismatch(
    world: RightsWorld, cell: Cell, answer: httpx.Response, model: Mapping[str, Operation] = PRISTINE
) -> Mismatch | None:
    """Compares status, problem code and shown field classes with the model."""
    verdict = expected(world, cell, model)
    if verdict is Verdict.allowed:
        if answer.status_code not in CALLS[cell.operation].ends:
            return Mismatch(cell, f"{set(CALLS[cell.operation].ends)}", f"{answer.status_code} {answer.text[:200]}")
        wanted = granted_classes(world, cell)
    else:
        status, code = _STATUS[verdict]
        if (answer.status_code, _problem_code(answer)) != (status, code):
            return Mismatch(cell, f"{status} {code}", f"{answer.status_code} {answer.text[:200]}")
        wanted = frozenset()
    shown = shown_classes(world, answer)
    return None if shown == wanted else Mismatch(cell, f"classes {sorted(wanted)}", f"classes {sorted(shown)}")


def _problem_code(answer: httpx.Response) -> str | None:
    """None for what is no problem: a page, a list."""
    if "problem+json" not in answer.headers.get("content-type", ""):
        return None
    code: str = answer.json()["code"]
    return code


def shown_classes(world: RightsWorld, answer: httpx.Response) -> frozenset[str]:
    """The field classes of the reported person that an answer shows."""
    return frozenset(name for name, mark in world.shown.marks.items() if mark in answer.text)


def granted_classes(world: RightsWorld, cell: Cell) -> frozenset[str]:
    """The field classes that an allowed answer shows of the case's people; nothing but these shows any."""
    marked, roles = frozenset(world.shown.marks), cell.principal.counting
    parts = world.parts(cell.thing, cell.principal) if cell.thing else frozenset()
    if cell.operation == "read_case_file":
        return classes_of_file(parts, roles=roles, purpose=PURPOSE) & marked
    if cell.operation in ("read_person_document", "print_person_document"):
        return marked - {"family", "identity", "finance_account"}  # others are masked; own numbers stand in clear
    if cell.operation == "read_report":
        return classes_of_report(parts, roles=roles, purpose=PURPOSE) & marked
    if cell.operation in ("read_referral", "read_people_of_referral") and "receiver" in parts:
        minimum = world.shown.minimum.get(cell.thing or "", frozenset())
        return minimum & classes_of_roles(roles) & classes_for(PURPOSE) & marked
    return frozenset()


def strangers(world: RightsWorld, of: Subject | None) -> Iterator[Cell]:
    """Requests for things, of one subject or of all, in which the asking agency has no part at all."""
    for cell in cells(world):
        subject = OPERATIONS[cell.operation].subject
        if of is not None and subject is not of:
            continue
        if (
            cell.thing is None
            or cell.thing in NOBODYS
            or subject.value in ("public", "agency")
            or cell.without_scope
            or cell.without_purpose
        ):
            continue
        if not SEEING_PARTS[subject].intersection(world.parts(cell.thing, cell.principal)):
            yield cell


async def foreign_rows(world: RightsWorld, of: Subject | None = None) -> tuple[list[str], int]:
    foreign, asked = [], 0
    for cell in strangers(world, of):
        answer = await ask(world, cell)
        asked += 1
        if answer.status_code not in (403, 404) or shown_classes(world, answer):
            foreign.append(f"{cell.operation}({cell.thing}) by {cell.principal}")
    return foreign, asked


def mutants() -> Iterator[tuple[str, str, Operation]]:
    for name in CALLS:
        operation = OPERATIONS[name]
        if operation.scope is not None:
            yield name, "scope", replace(operation, scope=None)
        if operation.roles != EVERYBODY:
            yield name, "roles", replace(operation, roles=EVERYBODY)
        if operation.parts != SEEING_PARTS[operation.subject]:
            yield name, "parts", replace(operation, parts=SEEING_PARTS[operation.subject])
        if operation.purpose and name != "read_case_file":  # which asks once more where it opens people
            yield name, "purpose", replace(operation, purpose=False)
        if operation.barred:
            yield name, "barred", replace(operation, barred=None)


async def is_caught(world: RightsWorld, name: str) -> bool:
    for cell in cells(world, frozenset({name})):
        if mismatch(world, cell, await ask(world, cell)) is not None:
            return True
    return False
