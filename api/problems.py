"""The body of a problem answer (RFC 9457) in the caller's language.

Texts come from `api.problem_catalogue`. The only values carried are the facts an error class names on purpose (a scope,
a state, a pointer); nothing that was submitted, no SQL, no stack, no address. A 422 that echoes an identity number is a
leak.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from api.problem_catalogue import KINDS, REASONS, Kind, Language, OpenPlaces, Text

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | bool | None"

DEFAULT_LANGUAGE: Final[Language] = "zh-CN"
_MAX_LANGUAGE_CHARACTERS = 256
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# What a path of ours holds apart from ids: short words and codes, no run of digits long enough for a person's number.
_PLAIN_SEGMENT = re.compile(r"(?!.*[0-9]{7})[A-Za-z0-9._~-]{0,64}")
_FIELD_NAME = re.compile(r"(?!.*[0-9]{7})[A-Za-z_][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Occasion:
    """Where a problem occurred: what an answer repeats whatever its kind."""

    public_url: str
    path: str
    trace_id: str
    language: Language = DEFAULT_LANGUAGE


def problem(
    code: str, occasion: Occasion, *, facts: Mapping[str, object] | None = None, errors: Sequence[Json] = ()
) -> dict[str, Json]:
    """The body of one answer. Only facts the kind lists as members, or its text names, are carried."""
    kind = KINDS[code]
    known = facts or {}
    body: dict[str, Json] = {
        "type": f"{occasion.public_url}/problems/{code}",
        "code": code,
        "title": kind.title.in_language(occasion.language),
        "status": kind.status,
        "detail": _detail(kind, known, occasion.language),
        "instance": safe_path(occasion.path),
        "trace_id": occasion.trace_id,
        "retryable": kind.retryable,
    }
    if errors:
        body["errors"] = list(errors)
    body.update({name: _plain(known[name]) for name in kind.members if known.get(name) is not None})
    return body


def field_problem(
    pointer: str, code: str, language: Language, *, facts: Mapping[str, str | int] | None = None
) -> dict[str, Json]:
    """One entry of `errors`: where, what, and what is expected there instead."""
    text = FIELD_TEXTS.get(code, FIELD_TEXTS["invalid"])
    places = OpenPlaces({name: str(value) for name, value in (facts or {}).items()})
    return {"pointer": pointer, "code": code, "detail": text.in_language(language).format_map(places)}


def preferred_language(accept_language: str | None) -> Language:
    """The language of `Accept-Language` we can serve: highest q first, else zh-CN (RFC 9110 section 12.5.4)."""
    return _preferred(accept_language[:_MAX_LANGUAGE_CHARACTERS]) if accept_language else DEFAULT_LANGUAGE


def safe_path(path: str) -> str:
    """The path, with `-` for every segment that is neither an id nor a short word: it may hold a person's number."""
    return "/".join(segment if _may_show(segment) else "-" for segment in path.split("/"))


def is_field_name(name: str) -> bool:
    """Whether a name the caller invented looks like a field or parameter, so that naming it back leaks nothing."""
    return _FIELD_NAME.fullmatch(name) is not None


def _may_show(segment: str) -> bool:
    return bool(_PLAIN_SEGMENT.fullmatch(segment) or _UUID.fullmatch(segment))


def _detail(kind: Kind, facts: Mapping[str, object], language: Language) -> str:
    text = REASONS.get(str(facts.get("reason")), kind.detail).in_language(language)
    return text.format_map(OpenPlaces({name: str(value) for name, value in facts.items()}))


def _plain(value: object) -> Json:
    if isinstance(value, str | int | bool):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)


@lru_cache(maxsize=256)
def _preferred(header: str) -> Language:
    best: tuple[float, Language] = (0.0, DEFAULT_LANGUAGE)
    for item in header.split(","):
        tag, _, parameters = item.partition(";")
        language, quality = _served(tag.strip().lower()), _quality(parameters)
        if language is not None and quality > best[0]:
            best = (quality, language)
    return best[1]


def _served(tag: str) -> Language | None:
    primary = tag.partition("-")[0]
    if primary == "en":
        return "en"
    return DEFAULT_LANGUAGE if primary in ("zh", "*") else None


def _quality(parameters: str) -> float:
    """`q=` between 0 and 1; what cannot be read counts as 0, so that a broken entry never wins."""
    text = parameters.replace(" ", "").lower()
    if not text:
        return 1.0
    match = re.fullmatch(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", text)
    return float(match[1]) if match else 0.0


# What is wrong with one value. Rules add codes of their own; a code without a text here gets that of `invalid`.
FIELD_TEXTS: Final[dict[str, Text]] = {
    "required": Text("此字段必填。", "This field is required."),
    "unknown-field": Text("没有此字段，请核对拼写。", "There is no such field; check the spelling."),
    "unknown-parameter": Text("参数未知或重复。", "The parameter is unknown or repeated."),
    "no-body": Text(
        "本接口不接受内容，请发送空请求体或 {{}}。", "This endpoint takes no content: send no body or {{}}."
    ),
    "wrong-type": Text("类型应为 {expected}。", "This must be of type {expected}."),
    "too-short": Text("至少 {min_length} 个字符。", "At least {min_length} characters are needed."),
    "too-long": Text("最多 {max_length} 个字符。", "At most {max_length} characters are allowed."),
    "too-few": Text("至少 {min_length} 项。", "At least {min_length} items are needed."),
    "too-many": Text("最多 {max_length} 项。", "At most {max_length} items are allowed."),
    "too-small": Text("不得小于 {least}。", "This must not be less than {least}."),
    "too-large": Text("不得大于 {most}。", "This must not be greater than {most}."),
    "not-allowed": Text("只能取下列值之一：{expected}。", "This must be one of: {expected}."),
    "pattern": Text("须符合格式 {pattern}。", "This must match {pattern}."),
    "instant": Text(
        "须为带时区的 RFC 3339 时间，如 2026-02-26T01:30:00Z（网址中的 + 写作 %2B）。",
        "An RFC 3339 time with offset is needed, such as 2026-02-26T01:30:00Z (in a URL write + as %2B).",
    ),
    "day": Text("须为真实日期，写作 YYYY-MM-DD。", "A real day is needed, written YYYY-MM-DD."),
    "year": Text("年份须在 1900 至 2100 之间。", "The year must be between 1900 and 2100."),
    "uuid": Text("须为带连字符的 UUID。", "A UUID with hyphens is needed."),
    "whole-number": Text("须为不带符号的十进制整数。", "A whole number in plain decimal digits is needed."),
    "object": Text("须为 JSON 对象。", "A JSON object is needed."),
    "flag": Text("须为 true 或 false。", "This must be true or false."),
    "invalid": Text("此值不可接受，请对照接口文档。", "This value is not acceptable; see the API document."),
}
