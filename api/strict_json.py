"""One way of reading a request: what a careful partner would send is accepted, everything doubtful is refused.

Python's own reader takes NaN, duplicate keys, UTF-16, a 5,000-digit number and lone surrogates; in a plain FastAPI
service each of them became a 500 or a silently changed record. What is refused here never reaches a schema.

Cost: about 10 us for a body of 1 kB. Every check that would have to look at each value is first ruled out by one pass
of C code over the bytes (no `\\u`, few commas, few brackets, NFC already); only a body that fails that test is walked.
"""

import json
import re
from collections.abc import Callable, Coroutine, Iterator
from email.message import Message
from itertools import accumulate
from typing import NoReturn, TypeAlias
from unicodedata import is_normalized, normalize
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIRouter
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from starlette.routing import Match
from starlette.types import Scope

from rules.errors import (
    FieldError,
    Hidden,
    MalformedRequest,
    PayloadTooLarge,
    UnknownField,
    UnknownParameter,
    UnsupportedMediaType,
)

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | bool | None"
Handler: TypeAlias = Callable[[Request], Coroutine[object, object, Response]]

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
MAX_DEPTH = 32
MAX_ITEMS = 1_000
MAX_INTEGER = 2**53 - 1  # RFC 7493 section 2.2: beyond it a JavaScript partner would round
_MAX_INTEGER_CHARACTERS = len(str(-MAX_INTEGER))
_MAX_FORM_FIELDS = 50

_SURROGATE = re.compile("[\ud800-\udfff]")
# Controls but LF and TAB; then the marks that reorder what a reader sees (UAX 9).
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# The closing quote is optional so that an unterminated string is one match to the end: with it required, a body of
# backslash-quote pairs would cost the square of its length.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?', re.DOTALL)
_STEPS = bytes.maketrans(b"[{]}", b"\x02\x02\x00\x00")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[{]}"))


def read_json(body: bytes) -> JsonValue:
    """Read one JSON text, strictly: UTF-8, unique keys, no floats, strings in NFC.

    Raises MalformedRequest with reason `empty`, `bom`, `encoding`, `syntax`, `depth`, `duplicate-key`, `constant`,
    `float`, `integer`, `surrogate` or `character`; PayloadTooLarge for more than 1,000 items in one array or object.
    """
    text = _decode(body)
    _refuse_deep(body)
    try:
        value: JsonValue = _DECODER.decode(text)
    except json.JSONDecodeError:
        raise MalformedRequest("syntax") from None
    if b"\\u" in body or body.count(b",") >= MAX_ITEMS or not is_normalized("NFC", text):
        return _walked(value)
    # CR can only stand between values here: inside a string the decoder has refused every raw control.
    refuse_characters(text.replace("\r", ""))
    return value


def canonical(value: JsonValue) -> bytes:
    """The one spelling of a value: keys sorted, no spaces, UTF-8. What fingerprints are taken of."""
    return _ENCODER.encode(value).encode()


def read_form(body: bytes) -> dict[str, str]:
    """Read `application/x-www-form-urlencoded`, where each parameter stands once (RFC 6749 section 3.2).

    Raises MalformedRequest with reason `encoding`, `syntax`, `character` or `repeated-parameter`.
    """
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FORM_FIELDS, errors="strict")
    except UnicodeDecodeError:
        raise MalformedRequest("encoding") from None
    except ValueError:
        raise MalformedRequest("syntax") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MalformedRequest("repeated-parameter")
    for pair in pairs:
        refuse_characters("".join(pair))
    return fields


def refuse_characters(text: str) -> None:
    """Raise MalformedRequest for controls (but LF and TAB), bidi marks and lone surrogates."""
    if _SURROGATE.search(text):
        raise MalformedRequest("surrogate")
    if _FORBIDDEN.search(text):
        raise MalformedRequest("character")


def _decode(body: bytes) -> str:
    if not body:
        raise MalformedRequest("empty")
    if body.startswith(b"\xef\xbb\xbf"):
        raise MalformedRequest("bom")
    if b"\0" in body:  # UTF-16 and UTF-32 of any byte order; a raw NUL has no place in JSON either
        raise MalformedRequest("encoding")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise MalformedRequest("encoding") from None


def _refuse_deep(body: bytes) -> None:
    """Count nesting before anything recursive sees it; most bodies have too few brackets to be deep."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    brackets = _STRING.sub(b"", body).translate(_STEPS, _NOT_BRACKETS)
    if max(accumulate(map((-1).__add__, brackets)), default=0) > MAX_DEPTH:
        raise MalformedRequest("depth")


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedRequest("duplicate-key")
    if len(members) > MAX_ITEMS:
        raise PayloadTooLarge(reason="items")
    return members


def _integer(digits: str) -> int:
    # By length first: converting 5,000 digits costs their square.
    if len(digits) > _MAX_INTEGER_CHARACTERS or abs(number := int(digits)) > MAX_INTEGER:
        raise MalformedRequest("integer")
    return number


def _refuse_float(_digits: str) -> NoReturn:
    raise MalformedRequest("float")


def _refuse_constant(_name: str) -> NoReturn:
    raise MalformedRequest("constant")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_refuse_float, parse_constant=_refuse_constant
)


_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _walked(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        refuse_characters(value)
        return normalize("NFC", value)
    if isinstance(value, dict):
        return _object([(_key(name), _walked(member)) for name, member in value.items()])
    if isinstance(value, list):
        if len(value) > MAX_ITEMS:
            raise PayloadTooLarge(reason="items")
        return [_walked(item) for item in value]
    return value


def _key(name: str) -> str:
    refuse_characters(name)
    return normalize("NFC", name)


class _ReadRequest(Request):
    """A request whose body has been read strictly; FastAPI asks `json()` and gets that value."""

    def __init__(self, request: Request, body: bytes, value: JsonValue) -> None:
        super().__init__(request.scope, request.receive)
        self._body = body
        self._value = value

    async def json(self) -> JsonValue:
        return self._value


class StrictRoute(APIRoute):
    """A route whose body and query are read strictly. Use as `APIRouter(route_class=StrictRoute)`.

    Refuses before any dependency runs: unknown or repeated query parameters (400), a body that is not
    `application/json` (PATCH: `application/merge-patch+json`) or is compressed (415), a body nobody asked for (422).
    The value is left in `request.state.json` (None without a body) for idempotency fingerprints.

    Query parameters may be declared on the endpoint, its dependencies and the router, not in
    `include_router(dependencies=...)`: the route does not see those, so they would be refused as unknown.
    A list in a query is one comma-separated value, since repeating a parameter is refused.
    """

    def get_route_handler(self) -> Handler:
        answer: Handler = super().get_route_handler()
        names = frozenset(_query_names(self.dependant))
        media_type = _media_type(self)

        async def read_then_answer(request: Request) -> Response:
            _check_address(request, names)
            request.state.json = None
            return await answer(await self.read(request, media_type))

        return read_then_answer

    async def read(self, request: Request, media_type: str) -> Request:
        """The request with its body read. Raises MalformedRequest, UnsupportedMediaType, UnknownField."""
        if not _has_body(request):
            return self._without_body(request)
        check_media_type(request, media_type)
        body = await request.body()
        if not body:
            return self._without_body(request)
        value = read_json(body)
        if self.body_field is None and value != {}:
            raise UnknownField(FieldError("", "no-body"))
        request.state.json = value
        return _ReadRequest(request, body, value)

    def _without_body(self, request: Request) -> Request:
        if self.body_field is not None and self.body_field.field_info.is_required():
            raise MalformedRequest("empty")
        return request


class StrictRouter(APIRouter):
    """An APIRouter of strict routes that is asked only about paths with its own prefix in them.

    FastAPI tries every route of every included router, twice: with 125 routes 180 us a request. Give each noun its
    prefix, as in `StrictRouter("/v1/cases")`.
    """

    def __init__(self, prefix: str = "", *, route_class: type[APIRoute] = StrictRoute, tags: list[str] | None = None):
        super().__init__(prefix=prefix, route_class=route_class, tags=list(tags or ()))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if self.prefix not in scope["path"]:
            return Match.NONE, {}
        return super().matches(scope)


class RawBodyRoute(StrictRoute):
    """A strict route that reads its body itself: signed webhooks, uploads. The size limit still holds."""

    async def read(self, request: Request, media_type: str) -> Request:  # noqa: ARG002 - the endpoint decides on types
        return request


def _media_type(route: APIRoute) -> str:
    if "PATCH" not in (route.methods or ()) or route.body_field is None:
        return JSON
    if getattr(route.body_field.field_info, "media_type", None) != MERGE_PATCH:
        raise TypeError(f"{route.path}: declare a PATCH body as Annotated[Model, MergePatchBody]")
    return MERGE_PATCH


def _has_body(request: Request) -> bool:
    headers = request.headers
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def check_media_type(request: Request, expected: str) -> None:
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType(expected=expected, reason="content-encoding")
    declared = request.headers.getlist("content-type")
    if declared == [expected]:
        return
    message = Message()
    message["content-type"] = declared[0] if len(declared) == 1 else ""
    charset = message.get_content_charset("utf-8")
    parameters = {name for name, _ in message.get_params([])[1:]}
    if message.get_content_type() != expected or charset != "utf-8" or parameters - {"charset"}:
        raise UnsupportedMediaType(expected=expected, reason="content-type")


def _check_address(request: Request, names: frozenset[str]) -> None:
    """A NUL or a bidi mark in a path names nothing; in a query it is malformed, before a database sees it."""
    if _FORBIDDEN.search(request.scope["path"]):
        raise Hidden
    if not request.scope["query_string"]:
        return
    seen: set[str] = set()
    for name, value in request.query_params.multi_items():
        if name not in names or name in seen:
            raise UnknownParameter(name)
        seen.add(name)
        refuse_characters(value)


def _query_names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for name, info in annotation.model_fields.items():
                yield _alias(info, name)
        else:
            yield _alias(field.field_info, field.name)
    for dependency in dependant.dependencies:
        yield from _query_names(dependency)


def _alias(info: FieldInfo, name: str) -> str:
    alias = info.validation_alias if isinstance(info.validation_alias, str) else info.alias
    return alias or name
