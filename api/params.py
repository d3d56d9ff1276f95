"""Types of single values as they cross the wire: one spelling each, checked before anything else sees them.

Pydantic's lax reading takes a number for an instant, `1_000` and ` 12 ` for an integer and four spellings of a UUID;
its strict reading takes no UUID or date from JSON at all once FastAPI has parsed the body. These types say exactly what
is taken. They work in bodies (`api.schemas.base.StrictModel`), queries and paths alike.
"""

import re
from datetime import UTC, date, datetime
from typing import Annotated, TypeAlias
from unicodedata import normalize
from uuid import UUID

from fastapi import Body
from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.strict_json import MAX_INTEGER, MERGE_PATCH

FIRST_YEAR, LAST_YEAR = 1900, 2100
MAX_FEN = 10**12  # ten thousand million yuan: more than any fund, far below 2**53

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(_DAY.pattern + r"T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,15}")
_FLAGS = {"true": True, "false": False}


def read_instant(value: object) -> datetime:
    """An RFC 3339 date-time with offset, as aware UTC; digits beyond microseconds are dropped.

    Raises PydanticCustomError `instant` for another spelling, `year` outside 1900 to 2100.
    """
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if not isinstance(value, str) or not _INSTANT.fullmatch(value.upper()):
        raise PydanticCustomError("instant", "not an RFC 3339 instant with offset")
    _check_year(value)
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("instant", "no such instant") from None


def read_day(value: object) -> date:
    """A day `YYYY-MM-DD`. Raises PydanticCustomError `day` for another spelling, `year` outside 1900 to 2100."""
    if type(value) is date:
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise PydanticCustomError("day", "not YYYY-MM-DD")
    _check_year(value)
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("day", "no such day") from None


def read_uuid(value: object) -> UUID:
    """A UUID of 36 characters with hyphens. Raises PydanticCustomError `uuid` for braces, URNs and bare digits."""
    if isinstance(value, UUID):
        return value
    if not isinstance(value, str) or not _UUID.fullmatch(value.lower()):
        raise PydanticCustomError("uuid", "not a UUID with hyphens")
    return UUID(value)


def _check_year(text: str) -> None:
    if not FIRST_YEAR <= int(text[:4]) <= LAST_YEAR:
        raise PydanticCustomError("year", "outside 1900 to 2100")


def whole_number(value: object) -> int:
    """An integer from the text of a query. Raises PydanticCustomError `whole-number` for `+1`, `1_0`, ` 1 `, `1.0`."""
    if isinstance(value, int) and not isinstance(value, bool):  # a default given in code
        return value
    if not isinstance(value, str) or not _WHOLE.fullmatch(value):
        raise PydanticCustomError("whole-number", "not a whole number in digits")
    return int(value)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value not in _FLAGS:
        raise PydanticCustomError("flag", "neither true nor false")
    return _FLAGS[value]


def _nfc(value: str) -> str:
    return normalize("NFC", value)


def _json_object(value: object) -> object:
    if not isinstance(value, dict):
        raise PydanticCustomError("object", "not an object")
    return value


Instant = Annotated[datetime, BeforeValidator(read_instant)]
Day = Annotated[date, BeforeValidator(read_day)]
Uuid = Annotated[UUID, BeforeValidator(read_uuid)]

Fen = Annotated[int, Field(strict=True, ge=0, le=MAX_FEN, description="amount of money in fen (0.01 yuan)")]
Count = Annotated[int, Field(strict=True, ge=0, le=MAX_INTEGER)]

# `\S`: a text of blanks says nothing.
ShortText = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200, pattern=r"\S")]
LongText = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=10_000, pattern=r"\S")]
CodeText = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
DivisionCode = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]{6}(?:[0-9]{3}){0,2}$")]

# An object whose shape another schema decides later; `read_json` has kept floats and deep nesting out already.
JsonObject: TypeAlias = Annotated[
    dict[str, object], PlainValidator(_json_object), WithJsonSchema({"type": "object", "additionalProperties": True})
]

# For queries and headers, where every value arrives as text.
WholeNumber = Annotated[int, Field(ge=0, le=MAX_INTEGER), BeforeValidator(whole_number)]
Flag = Annotated[bool, BeforeValidator(_flag)]
QueryText = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_nfc)]

MergePatchBody = Body(media_type=MERGE_PATCH)
