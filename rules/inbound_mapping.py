"""inbound_mapping (来函映射): what a source's JSON becomes, as a document that runs no code. Pure.

A mapping has tables of codes and rules. The first rule whose condition holds says what the body asks for (a report, a
referral, a step on a referral, nothing) and makes its document from expressions. The language is described in
docs/integrators/inbound.md; `rules.inbound_making` applies what is read here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn

from rules.errors import FieldError, ValidationFailed
from rules.inbound_conversions import FORMATTED, MARKED, PLAIN, UNITS, Json, Tables, is_format
from rules.inbound_expressions import (
    Chosen,
    Condition,
    Constant,
    Each,
    Expression,
    FirstOf,
    Joined,
    Listed,
    Made,
    Not,
    OneOf,
    Pointer,
    Present,
    Rule,
    Selected,
    SourceMapping,
    Target,
    Together,
)

LANGUAGE: Final = 1
MAX_RULES: Final = 50
MAX_TABLES: Final = 50
MAX_ENTRIES: Final = 1_000
MAX_NODES: Final = 2_000
MAX_DEPTH: Final = 16
MAX_CHARACTERS: Final = 500

_NAME = re.compile(r"(?!.*[0-9]{7})[A-Za-z_$][A-Za-z0-9_-]{0,63}")
"""A name that may be said back: no number of a person."""

TARGETS: Final[Mapping[str, Target]] = {
    "report": "report",
    "referral": "referral",
    "step": "step",
    "nothing": "nothing",
}
LOCATORS: Final[Mapping[str, frozenset[str]]] = {
    "case": frozenset({"id", "own_number", "report_record"}),
    "referral": frozenset({"id", "own_number", "report_record", "case_number", "matter"}),
}
_MEMBERS: Final[Mapping[str, frozenset[str]]] = {
    "report": frozenset({"make"}),
    "referral": frozenset({"case", "make"}),
    "step": frozenset({"referral", "step", "own_number", "make"}),
    "nothing": frozenset(),
}
_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "report": ("make",),
    "referral": ("case", "make"),
    "step": ("referral", "step"),
    "nothing": (),
}


def read_mapping(document: Json, *, at: str = "") -> SourceMapping:
    """The mapping a document says. Raises ValidationFailed, its pointers beginning with `at`."""
    return _Reader(at).mapping(document)


class _Fault(Exception):  # noqa: N818  ends the reading of one part
    def __init__(self, error: FieldError) -> None:
        super().__init__(error.code)
        self.error = error


def _fault(at: str, code: str) -> NoReturn:
    raise _Fault(FieldError(at, code))


@dataclass(slots=True)
class _Reader:
    """Reads one document; counts what it reads, so that no document costs more than it may."""

    at: str
    nodes: int = 0
    tables: Tables = field(default_factory=dict)

    def mapping(self, document: Json) -> SourceMapping:
        try:
            top = self._object(document, self.at, {"language", "tables", "rules"}, required=("language", "rules"))
            if top["language"] != LANGUAGE or isinstance(top["language"], bool):
                _fault(f"{self.at}/language", "unknown-language")
            self.tables = self._tables(top.get("tables", {}), f"{self.at}/tables")
            listed = self._list(top["rules"], f"{self.at}/rules", most=MAX_RULES)
            rules = tuple(self._rule(rule, f"{self.at}/rules/{number}") for number, rule in enumerate(listed))
        except _Fault as fault:
            raise ValidationFailed(fault.error) from None
        return SourceMapping(self.tables, rules)

    def _tables(self, given: Json, at: str) -> Tables:
        if not isinstance(given, dict):
            _fault(at, "object")
        if len(given) > MAX_TABLES:
            _fault(at, "too-many-items")
        for name, table in given.items():
            here = f"{at}/{name}" if _NAME.fullmatch(name) else at
            if not isinstance(table, dict):
                _fault(here, "object")
            if len(table) > MAX_ENTRIES:
                _fault(here, "too-many-items")
            if any(isinstance(value, dict | list) for value in table.values()):
                _fault(here, "not-a-plain-value")
        return {name: table for name, table in given.items() if isinstance(table, dict)}

    def _rule(self, given: Json, at: str) -> Rule:
        if not isinstance(given, dict):
            _fault(at, "object")
        kind = TARGETS.get(str(given.get("target")))
        if kind is None:
            _fault(f"{at}/target", "unknown-target")
        allowed = {"name", "target", "when"} | _MEMBERS[kind]
        rule = self._object(given, at, allowed, required=("name", *_REQUIRED[kind]))
        locator = {"referral": "case", "step": "referral"}.get(kind)
        return Rule(
            name=self._text(rule["name"], f"{at}/name"),
            target=kind,
            when=self._condition(rule["when"], f"{at}/when", 1) if "when" in rule else None,
            make=self._expression(rule.get("make", {}), f"{at}/make", 1),
            where=None if locator is None else self._where(rule[locator], f"{at}/{locator}", locator),
            step=self._expression(rule["step"], f"{at}/step", 1) if "step" in rule else None,
            own_number=self._own_number(rule["own_number"], f"{at}/own_number") if "own_number" in rule else None,
        )

    def _where(self, given: Json, at: str, kind: str) -> Expression:
        place = self._object(given, at, LOCATORS[kind])
        ways = place.keys() - {"matter"}
        if len(ways) != 1 or ("matter" in place and "id" in place):
            _fault(at, "one-way-to-find-it")
        record = place.get("report_record")
        if "report_record" in place:
            self._object(record, f"{at}/report_record", {"system", "record_id"}, required=("system", "record_id"))
        return self._expression(given, at, 1)

    def _own_number(self, given: Json, at: str) -> Expression:
        self._object(given, at, {"system", "number"}, required=("system", "number"))
        return self._expression(given, at, 1)

    def _expression(self, given: Json, at: str, depth: int) -> Expression:
        self._count(at, depth)
        if isinstance(given, list):
            items = self._list(given, at, most=MAX_ENTRIES)
            return Listed(tuple(self._expression(item, f"{at}/{n}", depth + 1) for n, item in enumerate(items)))
        if not isinstance(given, dict):
            return Constant(given)
        operator = next((name for name in given if name.startswith("$")), None)
        if operator is None:
            return Made({name: self._expression(value, f"{at}/{name}", depth + 1) for name, value in given.items()})
        if operator not in _OPERATORS:
            operator = next((name for name in given if name in _OPERATORS), operator)
        if operator not in _OPERATORS:
            _fault(at, "unknown-operator")
        return _OPERATORS[operator](self, given, at, depth)

    def selected(self, given: dict[str, Json], at: str, depth: int) -> Expression:
        self._object(given, at, {"$get", "as", "default", "required"})
        needed = given.get("required", False)
        if not isinstance(needed, bool):
            _fault(f"{at}/required", "flag")
        conversions = self._list(given.get("as", []), f"{at}/as", most=20)
        return Selected(
            self._pointer(given["$get"], f"{at}/$get"),
            tuple(self._conversion(one, f"{at}/as/{number}") for number, one in enumerate(conversions)),
            self._expression(given["default"], f"{at}/default", depth + 1) if "default" in given else None,
            needed,
        )

    def constant(self, given: dict[str, Json], at: str, _depth: int) -> Expression:
        self._object(given, at, {"$constant"})
        return Constant(given["$constant"])

    def first_of(self, given: dict[str, Json], at: str, depth: int) -> Expression:
        self._object(given, at, {"$first"})
        return FirstOf(self._several(given["$first"], f"{at}/$first", depth))

    def joined(self, given: dict[str, Json], at: str, depth: int) -> Expression:
        self._object(given, at, {"$join", "with"})
        parts = self._several(given["$join"], f"{at}/$join", depth)
        return Joined(parts, self._text(given.get("with", " "), f"{at}/with", empty=True))

    def each(self, given: dict[str, Json], at: str, depth: int) -> Expression:
        self._object(given, at, {"$each", "when", "make"}, required=("make",))
        return Each(
            self._pointer(given["$each"], f"{at}/$each"),
            self._condition(given["when"], f"{at}/when", depth + 1) if "when" in given else None,
            self._expression(given["make"], f"{at}/make", depth + 1),
        )

    def chosen(self, given: dict[str, Json], at: str, depth: int) -> Expression:
        self._object(given, at, {"$if", "then", "else"}, required=("then",))
        return Chosen(
            self._condition(given["$if"], f"{at}/$if", depth + 1),
            self._expression(given["then"], f"{at}/then", depth + 1),
            self._expression(given["else"], f"{at}/else", depth + 1) if "else" in given else None,
        )

    def _several(self, given: Json, at: str, depth: int) -> tuple[Expression, ...]:
        items = self._list(given, at, most=100)
        return tuple(self._expression(item, f"{at}/{number}", depth + 1) for number, item in enumerate(items))

    def _condition(self, given: Json, at: str, depth: int) -> Condition:
        self._count(at, depth)
        if not isinstance(given, dict) or len(given) != 1:
            _fault(at, "one-condition")
        ((name, value),) = given.items()
        here = f"{at}/{name}"
        if name == "present":
            return Present(self._pointer(value, here))
        if name in ("equals", "in"):
            pair = self._list(value, here, most=2)
            if len(pair) != 2:
                _fault(here, "place-and-value")
            values = self._list(pair[1], f"{here}/1", most=MAX_ENTRIES) if name == "in" else [pair[1]]
            return OneOf(self._pointer(pair[0], f"{here}/0"), tuple(values))
        if name in ("all", "any"):
            parts = self._list(value, here, most=100)
            read = tuple(self._condition(part, f"{here}/{number}", depth + 1) for number, part in enumerate(parts))
            return Together(read, every=name == "all")
        if name == "not":
            return Not(self._condition(value, here, depth + 1))
        _fault(at, "unknown-operator")

    def _conversion(self, given: Json, at: str) -> tuple[str, Json]:
        if isinstance(given, str):
            if given not in PLAIN:
                _fault(at, "unknown-conversion")
            return given, None
        if not isinstance(given, dict) or len(given) != 1:
            _fault(at, "unknown-conversion")
        ((name, value),) = given.items()
        if not self._takes(name, value, at):
            _fault(at, "unknown-conversion")
        return name, value

    def _takes(self, name: str, value: Json, at: str) -> bool:
        """Whether a conversion of that name takes this."""
        if name in UNITS:
            return value in UNITS[name]
        if name in MARKED:
            return isinstance(value, str) and 0 < len(value) <= MAX_CHARACTERS
        if name in FORMATTED:
            formats = value if isinstance(value, list) else [value]
            return 0 < len(formats) <= 20 and all(isinstance(one, str) and is_format(one) for one in formats)
        if name == "table":
            if value not in self.tables:
                _fault(f"{at}/table", "unknown-table")
            return True
        if name == "item":
            return isinstance(value, int) and not isinstance(value, bool)
        whole = isinstance(value, list) and len(value) == 2 and all(type(part) is int and part >= 0 for part in value)
        return name == "cut" and whole

    def _pointer(self, given: Json, at: str) -> Pointer:
        text = self._text(given, at, empty=True)
        of_item = text.startswith("@")
        text = text.removeprefix("@")
        if text and not text.startswith("/"):
            _fault(at, "not-a-pointer")
        names = tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])
        if len(names) > MAX_DEPTH * 2:
            _fault(at, "too-deep")
        return Pointer(names, of_item)

    def _count(self, at: str, depth: int) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            _fault(at, "mapping-too-large")
        if depth > MAX_DEPTH:
            _fault(at, "too-deep")

    @staticmethod
    def _object(
        given: Json, at: str, allowed: set[str] | frozenset[str], *, required: tuple[str, ...] = ()
    ) -> dict[str, Json]:
        if not isinstance(given, dict):
            _fault(at, "object")
        for name in given:
            if name not in allowed:
                _fault(f"{at}/{name}" if _NAME.fullmatch(name) else at, "unknown-field")
        for name in required:
            if name not in given:
                _fault(f"{at}/{name}", "required")
        return given

    @staticmethod
    def _list(given: Json, at: str, *, most: int) -> list[Json]:
        if not isinstance(given, list):
            _fault(at, "not-a-list")
        if len(given) > most:
            _fault(at, "too-many-items")
        return given

    @staticmethod
    def _text(given: Json, at: str, *, empty: bool = False) -> str:
        if not isinstance(given, str) or len(given) > MAX_CHARACTERS or not (given or empty):
            _fault(at, "not-a-text")
        return given


_OPERATORS: Final[Mapping[str, Callable[[_Reader, dict[str, Json], str, int], Expression]]] = {
    "$get": _Reader.selected,
    "$constant": _Reader.constant,
    "$first": _Reader.first_of,
    "$join": _Reader.joined,
    "$each": _Reader.each,
    "$if": _Reader.chosen,
}
