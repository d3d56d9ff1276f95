"""The API document says what the code does, completely, and the committed copy is the one the code makes."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from api.spec_links import LINKS
from api.spec_texts import EVENTS, ROLES, TAGS
from cli.spec import DOCUMENT, FOLDER, as_text, generated
from cli.spec import EVENTS as EVENTS_FILE
from rules.envelopes import VERIFICATION, Fact, envelope, with_challenge
from rules.events import ENTITLEMENTS, EVENT_TYPES, PARTICIPANTS, PARTIES
from rules.scopes import SCOPES
from tests.builders import Api, report_body
from tests.contracts.answers import Answers

MADE = generated()
PATHS = MADE[DOCUMENT]["paths"]
COMPONENTS = MADE[DOCUMENT]["components"]
FORMS = {"issue_token", "revoke_token"}
"""They read forms and refuse in the words of RFC 6749."""

OPERATIONS: dict[str, Any] = {
    operation["operationId"]: operation for item in PATHS.values() for operation in item.values()
}
SNAKE_CASE = re.compile(r"[a-z]+(?:_[a-z]+)*")


def _all_nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from _all_nodes(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _all_nodes(inner)


@pytest.mark.parametrize("name", [DOCUMENT, EVENTS_FILE])
def test_the_committed_file_is_what_the_code_makes(name: str) -> None:
    committed = (FOLDER / name).read_text(encoding="utf-8")
    assert committed == as_text(MADE[name]), "run ./tongli spec and read the difference"


def test_it_is_made_the_same_every_time() -> None:
    assert as_text(generated()[DOCUMENT]) == as_text(MADE[DOCUMENT])


def test_every_route_under_v1_is_documented(app: FastAPI) -> None:
    served = {
        (context.path_format, method)
        for context in iter_route_contexts(app.routes)
        for method in context.methods or ()
        if str(context.path_format).startswith("/v1/") and method not in ("HEAD", "OPTIONS")
    }
    assert served == {
        (path, method.upper()) for path, item in PATHS.items() for method in item if path.startswith("/v1")
    }


def test_operation_ids_are_unique_and_fit_for_a_code_generator() -> None:
    ids = [operation["operationId"] for item in PATHS.values() for operation in item.values()]
    assert len(ids) == len(set(ids))
    assert [name for name in ids if not SNAKE_CASE.fullmatch(name)] == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_does(name: str) -> None:
    operation = OPERATIONS[name]
    assert 10 <= len(operation["summary"]) <= 120
    assert operation["description"].startswith(operation["summary"])
    assert set(operation["tags"]) <= set(TAGS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_failure_has_the_shape_of_a_problem(name: str) -> None:
    for status, answer in OPERATIONS[name]["responses"].items():
        if status < "400" or (name in FORMS and status in ("400", "401", "429")):
            continue
        resolved = COMPONENTS["responses"][answer["$ref"].rpartition("/")[2]]
        assert resolved["content"]["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_success_is_named_with_its_shape(name: str) -> None:
    responses = OPERATIONS[name]["responses"]
    assert "default" not in responses
    successes = {status: answer for status, answer in responses.items() if status < "300"}
    assert successes
    for status, answer in successes.items():
        schemas = [media["schema"] for media in answer.get("content", {}).values()]
        assert schemas or status == "204" or name == "revoke_token"
        assert all(schema not in ({}, {"type": "object"}) for schema in schemas)


PROVED_OTHERWISE = {"/v1/inbound/{source_id}", "/v1/inbound/{source_id}/receipts/{receipt_id}"}
"""Asked by partners' systems, which hold no token of ours: by signature, token of the source, or certificate."""


@pytest.mark.parametrize("path", [path for path in PATHS if path.startswith("/v1/") and path not in PROVED_OTHERWISE])
def test_every_operation_under_v1_names_the_right_it_needs(path: str) -> None:
    for operation in PATHS[path].values():
        ((scheme, scopes),) = [(name, needed) for way in operation["security"] for name, needed in way.items()]
        assert scheme == "oauth"
        assert set(scopes) <= set(SCOPES)


def test_changes_ask_for_a_key_and_steps_for_a_tag() -> None:
    """The contract's list of exceptions, so that a new POST has to be thought about."""
    posts = {item["post"]["operationId"]: item["post"] for path, item in PATHS.items() if "post" in item}
    without_key = {name for name, operation in posts.items() if not _asks(operation, "IdempotencyKey")}
    assert without_key == {*FORMS, "reveal_values", "search_cases", "receive_inbound", "try_inbound_mapping"}
    changes = [item[method] for item in PATHS.values() for method in ("put", "patch", "delete") if method in item]
    tagged = [*changes, posts["take_case_step"], posts["take_referral_step"]]
    untagged = [operation["operationId"] for operation in tagged if not _asks(operation, "IfMatch")]
    assert untagged == ["save_feed_cursor"], "the last word stands: a consumer's own place"


def _asks(operation: dict[str, Any], part: str) -> bool:
    return {"$ref": f"#/components/parameters/{part}"} in operation.get("parameters", ())


def test_no_number_but_integers_crosses_the_wire() -> None:
    assert [node for node in _all_nodes(MADE[DOCUMENT]) if node.get("type") == "number"] == []
    assert [
        node for node in _all_nodes(MADE[DOCUMENT]) if any(isinstance(value, float) for value in node.values())
    ] == []


def test_every_reference_leads_somewhere() -> None:
    for node in _all_nodes(MADE[DOCUMENT]):
        reference = node.get("$ref")
        if isinstance(reference, str):
            target: Any = MADE[DOCUMENT]
            for step in reference.removeprefix("#/").split("/"):
                target = target[step]


def test_every_link_fits_the_operation_it_leads_to() -> None:
    for link in LINKS:
        known = {f"{given['in']}.{given['name']}" for given in map(_resolved, OPERATIONS[link.target]["parameters"])}
        assert set(link.described()["parameters"]) <= known, link


def _resolved(parameter: dict[str, Any]) -> dict[str, Any]:
    name = parameter.get("$ref", "").rpartition("/")[2]
    return COMPONENTS["parameters"][name] if name else parameter


def test_every_event_and_role_has_a_meaning_in_both_languages() -> None:
    assert tuple(EVENTS) == EVENT_TYPES
    assert set(ROLES) == {*PARTICIPANTS, *PARTIES}
    assert tuple(MADE[DOCUMENT]["webhooks"]) == EVENT_TYPES
    table = {entry["type"]: entry for entry in MADE[EVENTS_FILE]["types"]}
    assert {name: (tuple(entry["full"]), tuple(entry["thin"])) for name, entry in table.items()} == {
        name: (rule.full, rule.thin) for name, rule in ENTITLEMENTS.items()
    }


@pytest.mark.parametrize("event_type", [VERIFICATION, "referral.accepted"])
def test_a_webhook_has_the_shape_the_document_declares(event_type: str, answers: Answers) -> None:
    fact = Fact(
        id=uuid4(),
        type=event_type,
        subject_type="referral",
        subject_id=uuid4(),
        version=1,
        actor=UUID(int=1),
        correlation_id="c",
        data={"from": "requested", "to": "accepted", "changed": ["status"]},
        occurred_at=datetime(2026, 3, 9, tzinfo=UTC),
    )
    sent = envelope(fact, UUID(int=2), "full", 7)
    if event_type == VERIFICATION:
        sent = with_challenge(sent, "challenge")
    operation = MADE[DOCUMENT]["webhooks"][event_type]["post"]
    answers.check(sent, operation["requestBody"]["content"]["application/json"]["schema"])


async def test_the_answers_of_the_main_job_have_the_shapes_declared(union: Api, labour: Api, answers: Answers) -> None:
    basis = {"kind": "consent", "reference": "同意书", "recipients": [str(labour.id)]}
    report = await labour.post("/v1/reports", report_body(sharing_basis=basis))
    case = f"/v1/cases/{report.json()['case']['id']}"
    referral = await union.post(f"{case}/referrals", {"matter": "LAB-09", "to_agency": str(labour.id)})
    answers.fit(report, "file_report")
    answers.fit(referral, "refer")
    path = f"/v1/referrals/{referral.json()['id']}"
    for step, words in (("accept", {}), ("start", {}), ("complete", {"outcome": "met", "text": "已就业"})):
        tag = (await labour.get(path, purpose="referral")).headers["etag"]
        answers.fit(await labour.post(f"{path}/{step}", words, if_match=tag), "take_referral_step")
    answers.fit(await labour.get(path, purpose="referral"), "read_referral")
    answers.fit(await union.get(case), "read_case")
    answers.fit(await union.get(f"{case}/file", purpose="assistance"), "read_case_file")
    answers.fit(await union.get(f"{case}/timeline"), "read_timeline")
    answers.fit(await labour.get("/v1/referrals", params={"box": "in"}), "list_referrals")
    answers.fit(await union.get("/v1/cases", params={"limit": 1}), "list_cases")
    answers.fit(await labour.post(f"{path}/start", {}, if_match=1), "take_referral_step")


async def test_the_pages_and_the_document_are_served_from_here_alone(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert address.startswith("/")
        assert (await http.get(address)).status_code == 200, address
    served = await http.get("/openapi.json")
    assert served.json() == MADE[DOCUMENT]
    again = await http.get("/openapi.json", headers={"if-none-match": served.headers["etag"]})
    assert again.status_code == 304


async def test_no_other_file_can_be_asked_for(http: httpx.AsyncClient) -> None:
    for name in ("..%2fdocs.py", "README.md", "docs.html"):
        assert (await http.get(f"/docs/{name}")).status_code == 404
