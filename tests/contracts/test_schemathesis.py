"""The API, attacked with its own document: nothing the document does not say, nothing that breaks the service.

A few cases per operation, the same on every run: what a careful partner may send, and what it may not.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.python.asgi import ASGIClient, get_client
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cli.spec import DOCUMENT, generated
from crypto.checkpoints import COSIGNATURE, SigningKey
from tests.builders import Api, report_body
from tests.contracts.provinces import Province

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LABOUR = "DEMO-340802-LABOUR"
FINISHED = {"outcome": "met", "text": "认定", "result": {"kind": "recognition", "code": "hard-to-employ"}}

_document = dict(generated()[DOCUMENT])
_profile = settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def _schema(mode: GenerationMode) -> BaseSchema:
    schema = schemathesis.openapi.from_dict(_document)
    schema.config.generation.modes = [mode]
    schema.config.phases.coverage.enabled = False
    schema.config.phases.examples.enabled = False
    return schema


_good, _bad = _schema(GenerationMode.POSITIVE), _schema(GenerationMode.NEGATIVE)


@pytest.fixture(scope="session")
async def known(province: Province) -> dict[str, str]:
    """One of each thing that has an id, as one agency sees it, so that more than 404 is met; and its token."""
    async with province.calling() as http:
        union, labour = province.api(http, "DEMO-340802-UNION"), province.api(http, LABOUR)
        reported = await _made(union, "/v1/reports", report_body())
        case = f"/v1/cases/{reported['case']['id']}"
        finished = await _made(union, f"{case}/referrals", {"matter": "LAB-09", "to_agency": str(labour.id)})
        for step, words in (("accept", {}), ("start", {}), ("complete", FINISHED)):
            path = f"/v1/referrals/{finished['id']}"
            tag = (await labour.get(path, purpose="assistance")).headers["etag"]
            assert (await labour.post(f"{path}/{step}", words, if_match=tag)).status_code == 200
        opened = await _made(union, f"{case}/referrals", {"matter": "LAB-07", "to_agency": str(labour.id)})
        (result,) = (await union.get(f"{case}/results")).json()["data"]
        endpoint = await _made(union, "/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/"})
        replay = await _made(union, f"/v1/webhook-endpoints/{endpoint['id']}/replays", {"types": ["case.*"]})
        await province.number_events()
        key = SigningKey("union.example/w", COSIGNATURE, province.keyring.derive("a witness that is attacked"))
        witness = await _made(union, "/v1/audit/witnesses", {"key": key.verifier.text})
        await province.seal()
        size = (await union.get("/v1/audit/checkpoint")).text.split("\n")[1]
        (delivery, *_) = (await union.get("/v1/deliveries")).json()["data"]
        client = {"name": "另一系统", "scopes": ["cases:read"], "with_secret": True}
        return {
            "token": await union.token(),
            "report_id": reported["id"],
            "case_id": reported["case"]["id"],
            "referral_id": opened["id"],
            "result_id": result["id"],
            "agency_id": str(union.id),
            "to_agency": str(labour.id),
            "agency": str(labour.id),
            "recipients": str(labour.id),
            "matter": "LAB-01",
            "id_type": "none",
            "phones": "+8613900000001",
            "roles": "auditor",
            "scopes": "cases:read",
            "url": "http://127.0.0.1:9/",
            "endpoint_id": endpoint["id"],
            "source_id": (await _made(union, "/v1/inbound-sources", {"name": "对方", "kind": "bearer"}))["id"],
            "delivery_id": delivery["id"],
            "replay_id": replay["id"],
            "leaf_id": reported["receipt"]["leaf_id"],
            "witness_id": witness["id"],
            "size": size,
            "level": "0",
            "place": f"000.p/{size}",
            "client_id": (await _made(union, "/v1/clients", client))["id"],
            "staff_id": (await _made(union, "/v1/staff", {"login": "li", "name": "李", "roles": ["auditor"]}))["id"],
        }


async def _made(agency: Api, path: str, body: object) -> dict[str, Any]:
    answer = await agency.post(path, body)
    assert answer.status_code in (201, 202), answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture(scope="session")
def session(province: Province) -> Iterator[ASGIClient]:
    """A caller in a thread of its own, on a pool of its own."""
    from api.main import create_app  # noqa: PLC0415  tests of pure rules should not wait for the whole API

    app: Any = create_app(province.settings, province.database())
    with get_client(app) as client:
        yield client


def _call(case: Case[Any], session: ASGIClient, province: Province, known: dict[str, str]) -> None:
    if "wait" in (case.query or {}):
        case.query["wait"] = 0
    case.call_and_validate(
        session=session,
        base_url=province.settings.public_url,
        headers={"authorization": f"Bearer {known['token']}"},
        checks=CHECKS,
    )


def _sensible(value: Any, known: dict[str, str], name: str = "") -> Any:
    """The same with what no schema can say: texts are legible, integers written as such, codes and agencies exist."""
    if isinstance(value, list):
        return [_sensible(item, known, name) for item in value]
    if name in known:
        return known[name]
    if isinstance(value, str):
        text = "".join(character if character.isprintable() else "字" for character in value)
        return re.sub(r"^[0-9]{4}(-[0-9]{2}-[0-9]{2})", r"2026\1", text.replace("-02-29", "-02-28"))
    if isinstance(value, dict):
        return {key: _sensible(item, known, key) for key, item in value.items()}
    return int(value) if isinstance(value, float) else value


def _current_tag(case: Case[Any], session: ASGIClient, headers: dict[str, str], base: str) -> str:
    """The entity tag of what the request is about: the first thing with an id in its path."""
    thing = "/".join(case.formatted_path.split("/")[:4])
    return str(session.get(f"{base}{thing}", headers=headers).headers.get("etag", '"v1"'))


@_good.parametrize()
@_profile
def test_good_requests_are_answered_as_the_document_says(
    case: Case[Any], session: ASGIClient, province: Province, known: dict[str, str]
) -> None:
    for name in case.path_parameters or {}:
        case.path_parameters[name] = known.get(name, case.path_parameters[name])
    if isinstance(case.body, dict):
        case.body = _sensible(case.body, known)
    case.query = _sensible(dict(case.query or {}), {})
    if "If-Match" in (case.headers or {}):
        headers = {"authorization": f"Bearer {known['token']}", "tongli-purpose": "assistance"}
        case.headers["If-Match"] = _current_tag(case, session, headers, province.settings.public_url)
    _call(case, session, province, known)


@_bad.parametrize()
@_profile
def test_bad_requests_are_answered_as_the_document_says(
    case: Case[Any], session: ASGIClient, province: Province, known: dict[str, str]
) -> None:
    _call(case, session, province, known)


def _undocumented() -> Iterator[tuple[str, str]]:
    """Methods no operation of a path has, also not one of a template that covers it (`/{case_id}/{step}`)."""
    for path in _document["paths"]:
        concrete = _concrete(path)
        covering = [item for other, item in _document["paths"].items() if _covers(other, concrete)]
        documented = {method.upper() for item in covering for method in item}
        yield from ((method, concrete) for method in METHODS if method not in documented)


def _concrete(path: str) -> str:
    return re.sub(r"\{\w+\}", "019363a0-0000-7000-8000-000000000000", path)


def _covers(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None


@pytest.mark.parametrize(("method", "path"), list(_undocumented()))
def test_other_methods_answer_405_and_name_those_there_are(
    method: str, path: str, session: ASGIClient, province: Province, known: dict[str, str]
) -> None:
    answer = session.request(
        method, f"{province.settings.public_url}{path}", headers={"authorization": f"Bearer {known['token']}"}
    )
    assert answer.status_code == 405
    documented = {
        method.upper() for other, item in _document["paths"].items() if _concrete(other) == path for method in item
    }
    assert documented <= set(answer.headers["allow"].split(", "))
    assert method not in answer.headers["allow"].split(", ")


def test_links_lead_from_one_answer_to_the_next_request(
    session: ASGIClient, province: Province, known: dict[str, str]
) -> None:
    """A few walks along the links; the first step of each is a request that stands alone."""

    class Walk(_good.as_state_machine()):  # type: ignore[misc]  # made at run time
        def before_call(self, case: Case[Any]) -> None:
            if isinstance(case.body, dict):
                case.body = _sensible(case.body, known)
            case.query = _sensible(dict(case.query or {}), {}) | ({"wait": 0} if "wait" in (case.query or {}) else {})

        def get_call_kwargs(self, _case: Case[Any]) -> dict[str, Any]:
            headers = {"authorization": f"Bearer {known['token']}"}
            return {"session": session, "base_url": province.settings.public_url, "headers": headers}

        def validate_response(self, response: Response, case: Case[Any], **_options: Any) -> None:
            walked.append((case.operation.label, response.status_code))
            case.validate_response(response, checks=CHECKS)

    walked: list[tuple[str, int]] = []
    Walk.run(settings=settings(_profile, max_examples=60, stateful_step_count=6))
    followed = [label for label, status in walked if "{" in label and status < 300]
    assert followed, "no answer led to another"
