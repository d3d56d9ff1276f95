"""What we send: every event type as a webhook of the API document, and the table of who learns of what."""

from typing import Final

from api.spec_schemas import Node
from api.spec_texts import EVENTS, ROLES
from rules.envelopes import NOTICES, VERIFICATION
from rules.events import ENTITLEMENTS, EVENT_TYPES, PARTICIPANTS, PARTIES, Rule

_SIGNATURE_HEADERS: Final[Node] = {
    "WebhookId": {
        "name": "webhook-id",
        "description": "id of the event: the same on every attempt, so that it is handled once",
    },
    "WebhookTimestamp": {
        "name": "webhook-timestamp",
        "description": "seconds since 1970 of this attempt; refuse more than 300 s from now",
    },
    "WebhookSignature": {
        "name": "webhook-signature",
        "description": "signatures of `id.timestamp.body`, parted by blanks: `v1,` HMAC-SHA256 under the endpoint's"
        " secret and `v1a,` Ed25519 (Standard Webhooks 1.0), in base64. One good signature is enough; several stand"
        " here while a secret rotates",
    },
}


def signature_parameters() -> Node:
    """The three headers, as parameters other parts refer to."""
    return {
        part: {**header, "in": "header", "required": True, "schema": {"type": "string"}}
        for part, header in _SIGNATURE_HEADERS.items()
    }


def webhooks() -> Node:
    """One webhook per event type."""
    return {event_type: {"post": _delivery(event_type)} for event_type in EVENT_TYPES}


def _delivery(event_type: str) -> Node:
    text = EVENTS[event_type]
    return {
        "operationId": f"receive_{event_type.replace('.', '_')}",
        "tags": ["webhooks"],
        "summary": text.en,
        "description": f"{text.zh}。 {text.en}. {_learners(ENTITLEMENTS[event_type])}",
        "security": [],
        "parameters": [{"$ref": f"#/components/parameters/{part}"} for part in _SIGNATURE_HEADERS],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _message(event_type)}},
        },
        "responses": _answers(event_type),
    }


def _message(event_type: str) -> Node:
    own: Node = {"type": {"const": event_type}}
    if event_type == VERIFICATION:
        own["data"] = {"$ref": "#/components/schemas/VerificationData"}
    elif event_type in NOTICES:
        own["data"] = {"$ref": "#/components/schemas/NoticeData"}
    return {"allOf": [{"$ref": "#/components/schemas/EventEnvelope"}, {"type": "object", "properties": own}]}


def _learners(rule: Rule) -> str:
    told = f"Sent to: {', '.join(rule.full)}."
    return f"{told} Thin, without actor and changed fields, to: {', '.join(rule.thin)}." if rule.thin else told


def _answers(event_type: str) -> Node:
    done: Node = {"description": "Taken. Any 2xx within 15 s counts; the body is not looked at."}
    if event_type == VERIFICATION:
        done = {
            "description": "The endpoint is proven and becomes active.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ChallengeAnswer"}}},
        }
    return {
        "200": done,
        "410": {"description": "Never again: the endpoint is disabled. The feed keeps its events."},
        "429": {"description": "Slower, as `Retry-After` says; so do 502 and 504."},
        "503": {"description": "Later, as `Retry-After` says. Every other answer is tried again as well."},
    }


def event_table() -> Node:
    """Content of openapi/events.json: types × roles, whole or thin, with their meanings."""
    return {
        "about": {
            "zh": "每类事件发给谁：full 为完整事件，thin 只说明发生了此事，不含办理机构和变更字段。",
            "en": "Who gets an event of each type: full is the whole event; thin says that it happened, without the"
            " acting agency and the changed fields.",
        },
        "roles": {
            role: {
                "kind": "participant of the case" if role in PARTICIPANTS else "party of the fact",
                "zh": ROLES[role].zh,
                "en": ROLES[role].en,
            }
            for role in (*PARTICIPANTS, *PARTIES)
        },
        "types": [
            {
                "type": event_type,
                "zh": EVENTS[event_type].zh,
                "en": EVENTS[event_type].en,
                "full": list(rule.full),
                "thin": list(rule.thin),
            }
            for event_type, rule in ENTITLEMENTS.items()
        ],
    }
