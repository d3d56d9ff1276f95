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

from api.problem_catalogue import KINDS, Kind, Language, OpenPlaces
from api.problem_reasons import REASONS
from api.problem_texts import FIELD_TEXTS

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
