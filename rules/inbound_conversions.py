"""inbound_mapping (来函映射): how one value of a partner's body becomes one of ours. Pure, exact, and bounded.

No pattern is ever compiled from a mapping: a date format is a row of fixed fields, text is cut at literal marks. What
cannot be converted is refused with a code and never with the value.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"
Tables: TypeAlias = Mapping[str, Mapping[str, Json]]

SHANGHAI: Final = timezone(timedelta(hours=8))
MAX_INTEGER: Final = 2**53 - 1
MAX_ITEMS: Final = 1_000
OTHERWISE: Final = "*"
"""The entry of a table for whatever it does not name."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,16}")
_AMOUNT = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,6})?|[0-9]{1,13}(?:\.[0-9]{1,6})?")
_FEN_IN: Final[Mapping[str, int]] = {"fen": 1, "jiao": 10, "yuan": 100, "wan_yuan": 1_000_000}
_SECONDS_IN: Final[Mapping[str, int]] = {"seconds": 1, "milliseconds": 1_000}
# Longest first, so that MM is not read as two single digits.
_FIELDS: Final = (("YYYY", 4, 4), ("MM", 2, 2), ("DD", 2, 2), ("hh", 2, 2), ("mm", 2, 2), ("ss", 2, 2))
_LOOSE: Final = (("M", 1, 2), ("D", 1, 2), ("h", 1, 2))
_PART_OF: Final[Mapping[str, str]] = {
    **{"YYYY": "year", "MM": "month", "M": "month", "DD": "day", "D": "day"},
    **{"hh": "hour", "h": "hour", "mm": "minute", "ss": "second"},
}


class NotConvertible(ValueError):  # noqa: N818  a statement about a value
    """The value is not what a conversion takes. `code` says why; the value is not in it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def convert(value: Json, name: str, given: Json, tables: Tables) -> Json:
    """`value` after one conversion of a mapping that was read. Of a list, each item, where the conversion is of one
    value. Raises NotConvertible."""
    if name in _OF_LISTS:
        return _OF_LISTS[name](value, given)
    if isinstance(value, list):
        return [convert(item, name, given, tables) for item in value]
    if name == "table":
        return _translated(value, tables[str(given)])
    return _OF_VALUES[name](value, given)


def _text(value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise NotConvertible("not-a-text")


def _translated(value: Json, table: Mapping[str, Json]) -> Json:
    key = _text(value).strip() if not isinstance(value, bool) else str(value).lower()
    if key in table:
        return table[key]
    if OTHERWISE in table:
        return table[OTHERWISE]
    raise NotConvertible("no-translation")


def _integer(value: Json, _given: Json) -> Json:
    text = _text(value).strip()
    if not _WHOLE.fullmatch(text) or abs(int(text)) > MAX_INTEGER:
        raise NotConvertible("not-an-integer")
    return int(text)


def _fen(value: Json, unit: Json) -> Json:
    """Exactly: half a fen is refused, not rounded."""
    text = _text(value).strip().removesuffix("元").strip()
    if not _AMOUNT.fullmatch(text):
        raise NotConvertible("not-an-amount")
    try:
        amount = Decimal(text.replace(",", "")) * _FEN_IN[str(unit)]
    except InvalidOperation:
        raise NotConvertible("not-an-amount") from None
    if amount != amount.to_integral_value():
        raise NotConvertible("not-an-amount")
    return int(amount)


def _date(value: Json, formats: Json) -> Json:
    return _moment(value, formats).date().isoformat()


def _instant(value: Json, formats: Json) -> Json:
    """Local times are Shanghai's."""
    return _moment(value, formats).astimezone(UTC).isoformat().replace("+00:00", "Z")


def _since_1970(value: Json, unit: Json) -> Json:
    number = _integer(value, None)
    assert isinstance(number, int)
    try:
        moment = datetime.fromtimestamp(number // _SECONDS_IN[str(unit)], UTC)
    except (ValueError, OverflowError, OSError):
        raise NotConvertible("not-a-time") from None
    return moment.isoformat().replace("+00:00", "Z")


def _moment(value: Json, formats: Json) -> datetime:
    text = unicodedata.normalize("NFKC", _text(value)).strip()
    for wanted in formats if isinstance(formats, list) else [formats]:
        parts = read_parts(text, unicodedata.normalize("NFKC", str(wanted)))
        if parts is not None:
            try:
                return _moment_of({"month": 1, "day": 1} | parts)
            except ValueError:
                break
    raise NotConvertible("not-a-time")


def _moment_of(parts: Mapping[str, int]) -> datetime:
    """Raises ValueError where there is no such moment."""
    year, month, day = (parts[name] for name in ("year", "month", "day"))
    hour, minute, second = (parts.get(name, 0) for name in ("hour", "minute", "second"))
    return datetime(year, month, day, hour, minute, second, tzinfo=SHANGHAI)


def read_parts(text: str, wanted: str) -> dict[str, int] | None:
    """The fields of `text` by a format such as `YYYY年M月D日 hh:mm`; None where it has another shape."""
    found: dict[str, int] = {}
    at = position = 0
    while position < len(wanted):
        field = next((one for one in (*_FIELDS, *_LOOSE) if wanted.startswith(one[0], position)), None)
        if field is None:
            if not text.startswith(wanted[position], at):
                return None
            position, at = position + 1, at + 1
            continue
        name, least, most = field
        digits = re.match(r"[0-9]*", text[at : at + most])
        if digits is None or len(digits[0]) < least:
            return None
        found[_PART_OF[name]] = int(digits[0])
        position, at = position + len(name), at + len(digits[0])
    return found if at == len(text) and "year" in found else None


def is_format(text: str) -> bool:
    """Whether a date format has a year and names no part of a moment twice."""
    position, parts = 0, []
    while position < len(text):
        field = next((one[0] for one in (*_FIELDS, *_LOOSE) if text.startswith(one[0], position)), None)
        if field is not None:
            parts.append(_PART_OF[field])
        position += len(field or ".")
    return "year" in parts and len(parts) == len(set(parts))


def _cut(value: Json, given: Json) -> Json:
    assert isinstance(given, list)
    first, last = given
    assert isinstance(first, int)
    assert isinstance(last, int)
    return _text(value)[first:last]


def _split(value: Json, mark: Json) -> Json:
    items = [part.strip() for part in _text(value).split(str(mark)) if part.strip()]
    if len(items) > MAX_ITEMS:
        raise NotConvertible("too-many-items")
    return list(items)


def _join(value: Json, mark: Json) -> Json:
    return str(mark).join(_text(item) for item in _list(value))


def _item(value: Json, position: Json) -> Json:
    items = _list(value)
    assert isinstance(position, int)
    return items[position] if -len(items) <= position < len(items) else None


def _list(value: Json) -> Sequence[Json]:
    if not isinstance(value, list):
        raise NotConvertible("not-a-list")
    return value


def _half_width(value: Json, _given: Json) -> Json:
    return unicodedata.normalize("NFKC", _text(value))


_OF_VALUES: Final[Mapping[str, Callable[[Json, Json], Json]]] = {
    "text": lambda value, _: _text(value),
    "trim": lambda value, _: _text(value).strip(),
    "upper": lambda value, _: _text(value).upper(),
    "lower": lambda value, _: _text(value).lower(),
    "half_width": _half_width,
    "digits": lambda value, _: "".join(sign for sign in _text(value) if sign in "0123456789"),
    "integer": _integer,
    "fen": _fen,
    "date": _date,
    "instant": _instant,
    "since_1970": _since_1970,
    "before": lambda value, mark: _text(value).partition(str(mark))[0],
    "after": lambda value, mark: _text(value).partition(str(mark))[2],
    "without": lambda value, mark: _text(value).replace(str(mark), ""),
    "prefix": lambda value, mark: str(mark) + _text(value),
    "cut": _cut,
    "split": _split,
}
_OF_LISTS: Final[Mapping[str, Callable[[Json, Json], Json]]] = {"join": _join, "item": _item}

PLAIN: Final = frozenset({"text", "trim", "upper", "lower", "half_width", "digits", "integer"})
"""Conversions that are only named."""

MARKED: Final = frozenset({"before", "after", "without", "prefix", "split", "join"})
"""Conversions that take a text."""

UNITS: Final[Mapping[str, Mapping[str, int]]] = {"fen": _FEN_IN, "since_1970": _SECONDS_IN}
FORMATTED: Final = frozenset({"date", "instant"})
