"""One operation of the API document: its right, its headers, and every status it can answer.

Its right is in `rules.rights`; the rest is read off the route: the key from its dependencies (`api.deps.ASKED`),
conditional requests and paging from the names its endpoint uses. So a new route is described without a word about
statuses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext

from api.deps import ASKED, Asked
from api.spec_parts import PROBLEM_RESPONSES, parameter, response, response_headers
from api.spec_schemas import Node, never_null, one_line, tidy
from api.spec_texts import ANSWERS
from rules.rights import EVERYBODY, OPERATIONS, Subject

_HEADERS_OF_OUR_OWN: Final = frozenset({"idempotency-key", "if-match", "tongli-actor", "tongli-purpose"})

_ERASABLE: Final = frozenset(
    {
        *(Subject.case, Subject.referral, Subject.report, Subject.result, Subject.person_request),
        *(Subject.sharing_basis, Subject.break_glass),
    }
)


@dataclass(frozen=True, slots=True)
class Route:
    """What a route asks and answers, as far as its code tells."""

    asked: Asked | None
    scope: str | None
    guarded: bool
    names: frozenset[str]
    purpose: bool
    erasable: bool
    has_path: bool
    has_query: bool
    has_body: bool

    @classmethod
    def of(cls, context: RouteContext, operation: Node) -> Self:
        endpoint = context.endpoint
        assert endpoint is not None
        asked = next(_asked(context.dependant), None)
        right = None if asked is None else OPERATIONS[operation["operationId"]]
        places = {(given["in"], given["name"].lower()) for given in operation.get("parameters", ())}
        return cls(
            asked=asked,
            scope=None if right is None else right.scope,
            guarded=right is not None and (right.scope is not None or right.roles != EVERYBODY),
            names=frozenset(endpoint.__code__.co_names),
            purpose=("header", "tongli-purpose") in places,
            erasable=OPERATIONS[operation["operationId"]].subject in _ERASABLE if asked else False,
            has_path=any(place == "path" for place, _ in places),
            has_query=any(place == "query" for place, _ in places),
            has_body="requestBody" in operation,
        )

    @property
    def writes(self) -> bool:
        return self.asked is not None and self.asked.writes

    @property
    def needs_tag(self) -> bool:
        return "expected_version" in self.names

    @property
    def tagged(self) -> bool:
        return bool(self.names & {"not_modified", "unless_known"})

    @property
    def paged(self) -> bool:
        return bool(self.names & {"answer_page", "answer_key_page"})


def _asked(dependant: Dependant) -> Iterator[Asked]:
    if dependant.call in ASKED:
        yield ASKED[dependant.call]
    for dependency in dependant.dependencies:
        yield from _asked(dependency)


def described(context: RouteContext, operation: Node) -> Node:
    """The operation as FastAPI generated it, completed."""
    route = Route.of(context, operation)
    text = one_line(operation["description"])
    told: Node = {
        "operationId": operation["operationId"],
        "tags": operation["tags"],
        "summary": _first_sentence(text),
        "description": text,
        "security": [] if route.asked is None else [{"oauth": [route.scope] if route.scope else []}],
    }
    parameters = _parameters(route, operation)
    if parameters:
        told["parameters"] = parameters
    if route.has_body:
        told["requestBody"] = {**tidy(operation["requestBody"]), "required": True}
    told["responses"] = _responses(route, operation)
    return told


def _first_sentence(text: str) -> str:
    """`Report a worker in trouble` of the docstring: the list of operations reads like the contract."""
    for end in (". ", ": ", "; ", ".\n"):
        text = text.split(end, maxsplit=1)[0]
    return text.rstrip(".")


def _parameters(route: Route, operation: Node) -> list[Node]:
    declared = [_declared(given) for given in operation.get("parameters", ()) if not _is_ours(given)]
    if route.asked is None:
        return declared
    names = ["AcceptLanguage", "Actor"]
    if route.purpose and not route.writes:
        names.append("Purpose" if OPERATIONS[operation["operationId"]].purpose else "PurposeWhereNeeded")
    if route.writes:
        names.append("IdempotencyKey" if route.asked.key_required else "IdempotencyKeyIfWished")
    if route.needs_tag:
        names.append("IfMatch")
    if route.tagged:
        names.append("IfNoneMatch")
    return [*declared, *map(parameter, names)]


def _is_ours(given: Node) -> bool:
    return given["in"] == "header" and given["name"].lower() in _HEADERS_OF_OUR_OWN


def _declared(given: Node) -> Node:
    schema = never_null(tidy(given["schema"]))
    schema.pop("description", None)
    told: Node = {key: value for key, value in given.items() if key != "schema"}
    if told["in"] == "header":  # FastAPI writes headers in small letters
        told["name"] = "-".join("ID" if word == "id" else word.title() for word in told["name"].split("-"))
    return {**told, "schema": schema}


def _responses(route: Route, operation: Node) -> Node:
    given = {
        int(status): answer for status, answer in operation["responses"].items() if status.isdigit() and status < "400"
    }
    told = {status: _success(route, status, answer) for status, answer in given.items()}
    if route.tagged:
        told[304] = {"description": ANSWERS[304], "headers": response_headers("ETag", "RequestId")}
    told |= {status: response(PROBLEM_RESPONSES[status]) for status in _failures(route)}
    return {str(status): told[status] for status in sorted(told)}


def _success(route: Route, status: int, given: Node) -> Node:
    headers = ["RequestId"]
    if route.asked is not None:
        headers += ["RateLimit", "RateLimitPolicy"]
    if route.tagged or route.needs_tag or (route.writes and status == 201):
        headers.append("ETag")
    if status == 201:
        headers.append("Location")
    if route.paged:
        headers.append("Link")
    if route.asked is not None and route.asked.key_required:
        headers.append("IdempotencyReplayed")
    told: Node = {"description": ANSWERS.get(status, given["description"]), "headers": response_headers(*headers)}
    content: dict[str, Any] = given.get("content", {})
    if content:
        told["content"] = tidy(content)
    return told


def _failures(route: Route) -> list[int]:
    """Statuses of failures that this route can answer."""
    conditions = (
        (route.asked is not None, (400, 401, 429, 503)),
        (route.asked is not None and (route.writes or route.guarded), (403,)),
        ("prove_sender" in route.names, (400, 401, 429, 503)),
        ("keep_message" in route.names, (409,)),
        (route.has_path, (404,)),
        (route.erasable or route.scope == "reports:write", (410,)),
        (route.has_query, (422,)),
        (route.has_body, (408, 413, 415, 422)),
        (route.writes, (409, 422)),
        (route.needs_tag, (412, 428)),
    )
    return sorted({status for holds, statuses in conditions if holds for status in statuses})
