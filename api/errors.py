"""From an exception to an answer: the one place that knows status codes and headers of failures.

Expected failures are classes of `rules/errors.py`. A database in trouble is recognised by class name and SQLSTATE, so
that this layer need not import a driver. Anything else is a defect: 500, logged by type and place, never by message.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from api.problem_catalogue import KINDS, Language
from api.problems import Json, Occasion, field_problem, is_field_name, preferred_language, problem
from rules.errors import (
    FieldError,
    IdempotencyInProgress,
    Merged,
    PreconditionFailed,
    TongliError,
    Unavailable,
    UnknownParameter,
    ValidationFailed,
)

MAX_ERRORS = 50
_REALM = 'Bearer realm="tongli"'
_STEP_UP_SECONDS = 300
_OWN_CODE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")

_CODE_OF_STATUS = {
    401: "not-authenticated",
    403: "insufficient-role",
    404: "not-found",
    405: "method-not-allowed",
    408: "request-timeout",
    410: "gone",
    413: "payload-too-large",
    415: "unsupported-media-type",
    422: "validation-failed",
    429: "quota-exceeded",
    503: "dependency-unavailable",
}

# Class of a PostgreSQL error code (appendix A of its manual) or the whole code: worth another try.
_SQLSTATES = ("08", "53", "57", "40001", "40P01", "55P03", "25006", "25P03", "25P04")
_DISK_FULL = "53100"
_DRIVERS = ("asyncpg", "sqlalchemy")
_OUTAGES = frozenset(
    {
        "OperationalError",
        "InterfaceError",
        "DisconnectionError",
        "TimeoutError",
        "ConnectionDoesNotExistError",
        "TooManyConnectionsError",
        "QueryCanceledError",
        "InternalClientError",
        "InvalidCachedStatementError",
    }
)

_log = structlog.get_logger(component="errors")


class ProblemResponse(Response):
    """An answer of type `application/problem+json`."""

    # With charset although RFC 8259 needs none: old Java clients guess ISO-8859-1 and show Chinese as noise.
    media_type = "application/problem+json; charset=utf-8"


@dataclass(slots=True)
class _Diagnosis:
    code: str
    facts: Mapping[str, object] = field(default_factory=dict)
    errors: Sequence[Json] = ()
    headers: dict[str, str] = field(default_factory=dict)


def install_error_handlers(app: FastAPI, public_url: str) -> None:
    """Answer every failure of `app` as a problem, and never redirect: a 307 would carry the Host header's word."""
    app.router.redirect_slashes = False

    async def handle(request: Request, error: Exception) -> Response:
        return answer(error, request.scope, public_url)

    for kind in (TongliError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, handle)


def answer(error: Exception, scope: Scope, public_url: str) -> ProblemResponse:
    """The answer to a failure of the request of `scope`. Logs what is not the caller's doing."""
    headers = Headers(scope=scope)
    language = preferred_language(headers.get("accept-language"))
    diagnosis = _diagnose(error, scope, language)
    occasion = Occasion(public_url, scope["path"], scope.get("state", {}).get("request_id", ""), language)
    body = problem(diagnosis.code, occasion, facts=diagnosis.facts, errors=diagnosis.errors)
    return ProblemResponse(
        json.dumps(body, ensure_ascii=False).encode(),
        status_code=KINDS[diagnosis.code].status,
        headers={
            **_challenge(diagnosis, presented="authorization" in headers),
            **diagnosis.headers,
            "Content-Language": language,
        },
    )


def _diagnose(error: Exception, scope: Scope, language: Language) -> _Diagnosis:
    if isinstance(error, TongliError):
        return _expected(error, scope, language)
    if isinstance(error, RequestValidationError):
        return _invalid(error, language)
    if isinstance(error, HTTPException):
        return _http(error, scope)
    outage = _outage(error)
    if outage is not None:
        return outage
    _log.error("unhandled exception", exc_info=error)
    return _Diagnosis("internal")


def _expected(error: TongliError, scope: Scope, language: Language) -> _Diagnosis:
    diagnosis = _Diagnosis(error.code if error.code in KINDS else "internal", error.facts)
    if isinstance(error, ValidationFailed):
        diagnosis.errors = [
            _own_field_problem(item.pointer, item.code, language, item.facts) for item in error.errors[:MAX_ERRORS]
        ]
    elif isinstance(error, UnknownParameter):
        diagnosis.errors = [field_problem(_parameter_pointer(error), "unknown-parameter", language)]
    elif isinstance(error, Unavailable):
        diagnosis.headers["Retry-After"] = str(error.retry_after)
    elif isinstance(error, IdempotencyInProgress):
        diagnosis.headers["Retry-After"] = "1"
    elif isinstance(error, Merged):
        diagnosis.headers["Location"] = scope["path"].replace(str(error.case_id), str(error.kept))
    elif isinstance(error, PreconditionFailed):
        diagnosis.headers["ETag"] = error.current
    return diagnosis


def _own_field_problem(pointer: str, code: str, language: Language, facts: Mapping[str, str | int]) -> dict[str, Json]:
    """Facts that are text are masked values of both sides of a contradiction; numbers only fill the sentence."""
    entry = field_problem(pointer, code, language, facts=facts)
    masked: dict[str, Json] = {name: value for name, value in facts.items() if isinstance(value, str)}
    return {**entry, "masked": masked} if masked else entry


def _parameter_pointer(error: UnknownParameter) -> str:
    name = str(error.facts.get("parameter", ""))
    return f"query:{name}" if is_field_name(name) else "query:"


def _challenge(diagnosis: _Diagnosis, *, presented: bool) -> dict[str, str]:
    """RFC 6750 section 3: without credentials only the scheme; RFC 9470 for a sign-in that is too old."""
    if KINDS[diagnosis.code].status == 401:
        return {"WWW-Authenticate": f'{_REALM}, error="invalid_token"' if presented else _REALM}
    if diagnosis.code == "insufficient-scope":
        return {"WWW-Authenticate": f'{_REALM}, error="insufficient_scope", scope="{diagnosis.facts.get("scope", "")}"'}
    if diagnosis.code == "step-up-required":
        return {"WWW-Authenticate": f'{_REALM}, error="insufficient_user_authentication", max_age="{_STEP_UP_SECONDS}"'}
    return {}


def _http(error: HTTPException, scope: Scope) -> _Diagnosis:
    fallback = "internal" if error.status_code >= 500 else "malformed-request"
    diagnosis = _Diagnosis(_CODE_OF_STATUS.get(error.status_code, fallback))
    if error.status_code == 405:
        diagnosis.headers["Allow"] = ", ".join(_allowed_methods(scope))
    kept = {name.title(): value for name, value in (error.headers or {}).items()}
    diagnosis.headers.update({name: kept[name] for name in ("Retry-After", "Connection") if name in kept})
    return diagnosis


def _allowed_methods(scope: Scope) -> list[str]:
    """Every method of every route with this path; the framework names only those of the first route that matched."""
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    methods: set[str] = set()
    for route in iter_route_contexts(scope["app"].routes):
        pattern = getattr(route, "path_regex", None)
        if pattern is not None and pattern.match(path):
            methods |= route.methods or set()
    return sorted(methods)


def _outage(error: Exception) -> _Diagnosis | None:
    for cause in _causes(error):
        state = str(getattr(cause, "sqlstate", None) or "")
        if state == _DISK_FULL:
            return _logged_outage("storage-full", cause, state, seconds=30)
        if state.startswith(_SQLSTATES) or _is_outage(cause):
            return _logged_outage("dependency-unavailable", cause, state, seconds=1)
    return None


def _is_outage(cause: BaseException) -> bool:
    if isinstance(cause, TimeoutError | ConnectionError):
        return True
    driver = type(cause).__module__.partition(".")[0] in _DRIVERS
    return driver and any(kind.__name__ in _OUTAGES for kind in type(cause).__mro__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The wrapped driver error first: its SQLSTATE says more than the class of its wrapper."""
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen and len(seen) < 8:
        seen.append(following)
        wrapped = getattr(following, "orig", None)
        following = wrapped if isinstance(wrapped, BaseException) else following.__cause__
    return reversed(seen)


def _logged_outage(code: str, cause: BaseException, state: str, *, seconds: int) -> _Diagnosis:
    _log.warning("dependency unavailable", problem=code, error=type(cause).__qualname__, sqlstate=state, exc_info=cause)
    return _Diagnosis(code, headers={"Retry-After": str(seconds)})


def _invalid(error: RequestValidationError, language: Language) -> _Diagnosis:
    """Pydantic's findings in our words: its own messages and inputs repeat what was sent."""
    findings = error.errors()
    if any(finding["loc"][0] == "path" for finding in findings):
        return _Diagnosis("not-found")  # an id that cannot be one names nothing
    if any(finding["type"] == "json_invalid" for finding in findings):
        return _Diagnosis("malformed-request", {"reason": "syntax"})
    entries = [_field_entry(finding, error.body, language) for finding in findings[:MAX_ERRORS]]
    unknown = any(finding["type"] == "extra_forbidden" for finding in findings)
    return _Diagnosis("unknown-field" if unknown else "validation-failed", errors=entries)


def field_errors(error: ValidationError, document: object) -> list[FieldError]:
    """Pydantic's findings of a document that is no request's body, as the rules say them."""
    found = []
    for finding in error.errors(include_url=False, include_input=False)[:MAX_ERRORS]:
        code, facts = _code_and_facts(str(finding["type"]), finding.get("ctx") or {})
        found.append(FieldError(_pointer(finding["loc"], document), code, facts))
    return found


def _field_entry(finding: Mapping[str, object], body: object, language: Language) -> dict[str, Json]:
    location = finding["loc"]
    context = finding.get("ctx") or {}
    assert isinstance(location, tuple)
    assert isinstance(context, dict)
    code, facts = _code_and_facts(str(finding["type"]), context)
    where, *steps = location
    pointer = _pointer(steps, body) if where == "body" else f"{where}:{'.'.join(map(str, steps))}"
    return field_problem(pointer, code, language, facts=facts)


def _pointer(location: Sequence[str | int], body: object) -> str:
    """A JSON pointer (RFC 6901) along what was sent: names of union branches are skipped, strange keys not repeated."""
    pointer, here = "", body
    for position, step in enumerate(location):
        last = position == len(location) - 1
        if isinstance(here, dict) and (step in here or last) and isinstance(step, str):
            if not is_field_name(step):
                break
            pointer, here = f"{pointer}/{step}", here.get(step)
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            pointer, here = f"{pointer}/{step}", here[step]
    return pointer


_TYPES = {"string": "text", "int": "integer", "bool": "true/false", "list": "list", "dict": "object", "model": "object"}
_CODES = {
    "missing": "required",
    "union_tag_not_found": "required",
    "extra_forbidden": "unknown-field",
    "string_too_short": "too-short",
    "string_too_long": "too-long",
    "too_short": "too-few",
    "too_long": "too-many",
    "string_pattern_mismatch": "pattern",
    "greater_than_equal": "too-small",
    "greater_than": "too-small",
    "less_than_equal": "too-large",
    "less_than": "too-large",
    "enum": "not-allowed",
    "literal_error": "not-allowed",
    "union_tag_invalid": "not-allowed",
}
# Names pydantic gives to what the schema says; other names of its context hold what was sent.
_SCHEMA_FACTS = {
    "min_length": "min_length",
    "max_length": "max_length",
    "pattern": "pattern",
    "expected": "expected",
    "expected_tags": "expected",
    "ge": "least",
    "gt": "least",
    "le": "most",
    "lt": "most",
}


def _code_and_facts(kind: str, context: Mapping[str, object]) -> tuple[str, dict[str, str | int]]:
    facts: dict[str, str | int] = {name: str(context[key]) for key, name in _SCHEMA_FACTS.items() if key in context}
    raised = getattr(context.get("error"), "code", None)  # rules raise ValueErrors that name their own code
    if isinstance(raised, str) and _OWN_CODE.fullmatch(raised):
        return raised, {}
    if kind in _CODES:
        return _CODES[kind], facts
    if kind.endswith("_type"):
        return "wrong-type", {"expected": _TYPES.get(kind.partition("_")[0], "object")}
    return (kind, {}) if _OWN_CODE.fullmatch(kind) else ("invalid", {})  # pydantic's own kinds are in snake_case
