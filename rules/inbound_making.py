"""Applies a mapping to a body: which rule holds, and what it makes. Pure; every body ends within fixed bounds.

Absent is what is not there, null, and text of blanks: partners send all three for the same thing. Faults carry the
place in the body (`/body/…`) and a code, never the value.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rules.errors import FieldError
from rules.inbound_conversions import Json, NotConvertible, convert
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

MAX_STEPS: Final = 20_000
MAX_CHARACTERS: Final = 262_144
MAX_FAULTS: Final = 50
BODY: Final = "/body"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a body asks for under a mapping. `faults` are why it cannot be done; then the rest is not to be used."""

    rule: str
    target: Target
    document: Mapping[str, Json]
    where: Mapping[str, Json]
    step: str | None
    own_number: Mapping[str, Json] | None
    faults: tuple[FieldError, ...]


def apply_mapping(mapping: SourceMapping, body: Json) -> Outcome | None:
    """What the first rule that holds makes of the body; None where none holds. Work and size are bounded."""
    making = _Making(mapping, body)
    try:
        rule = next((rule for rule in mapping.rules if rule.when is None or making.holds(rule.when)), None)
        return None if rule is None else making.outcome(rule)
    except _TooMuch:
        return Outcome("", "nothing", {}, {}, None, None, (FieldError(BODY, "mapping-too-costly"),))


class _TooMuch(Exception):  # noqa: N818  ends the making
    pass


@dataclass(slots=True)
class _Making:
    mapping: SourceMapping
    body: Json
    faults: list[FieldError] = field(default_factory=list)
    items: list[tuple[Json, str]] = field(default_factory=list)
    steps: int = 0
    characters: int = 0

    def outcome(self, rule: Rule) -> Outcome:
        document = self.value(rule.make)
        where = None if rule.where is None else self.value(rule.where)
        step = None if rule.step is None else self.value(rule.step)
        number = None if rule.own_number is None else self.value(rule.own_number)
        if rule.step is not None and not isinstance(step, str) and not self.faults:
            self._fault("/made/step", "required")
        return Outcome(
            rule=rule.name,
            target=rule.target,
            document=document if isinstance(document, dict) else {},
            where=where if isinstance(where, dict) else {},
            step=step if isinstance(step, str) else None,
            own_number=number if isinstance(number, dict) and "number" in number else None,
            faults=tuple(self.faults[:MAX_FAULTS]),
        )

    def value(self, expression: Expression) -> Json:  # noqa: PLR0911  one for each kind of expression
        """None where it comes out absent."""
        self._spend()
        match expression:
            case Constant(value):
                return value
            case Selected():
                return self._selected(expression)
            case Made(members):
                made = {name: self.value(member) for name, member in members.items()}
                return {name: value for name, value in made.items() if value is not None} or None
            case Listed(items):
                return self._several(items)
            case FirstOf(options):
                return next((value for value in map(self.value, options) if value is not None), None)
            case Joined(parts, mark):
                return self._joined(parts, mark)
            case Each():
                return self._each(expression)
            case Chosen(when, then, otherwise):
                if self.holds(when):
                    return self.value(then)
                return None if otherwise is None else self.value(otherwise)

    def holds(self, condition: Condition) -> bool:
        self._spend()
        match condition:
            case Present(at):
                return self._at(at)[0] is not None
            case OneOf(at, values):
                found = self._at(at)[0]
                return any(type(found) is type(value) and found == value for value in values)
            case Together(conditions, every):
                return all(map(self.holds, conditions)) if every else any(map(self.holds, conditions))
            case Not(inner):
                return not self.holds(inner)

    def _several(self, expressions: Sequence[Expression]) -> list[Json]:
        return [value for value in map(self.value, expressions) if value is not None]

    def _joined(self, parts: Sequence[Expression], mark: str) -> Json:
        values = self._several(parts)
        if any(isinstance(value, dict | list | bool) for value in values):
            self._fault("/made", "not-a-text")
            return None
        return self._kept(mark.join(map(str, values))) if values else None

    def _selected(self, selected: Selected) -> Json:
        value, place = self._at(selected.at)
        for name, given in selected.conversions:
            if value is None:
                break
            self._spend(len(value) if isinstance(value, list) else 1)
            try:
                value = self._kept(_absent_as_none(convert(value, name, given, self.mapping.tables)))
            except NotConvertible as fault:
                self._fault(place, fault.code)
                return None
        if value is not None:
            return value
        if selected.default is not None:
            return self.value(selected.default)
        if selected.needed:
            self._fault(place, "required")
        return None

    def _each(self, each: Each) -> Json:
        found, place = self._at(each.at)
        if found is None:
            return None
        if not isinstance(found, list):
            self._fault(place, "not-a-list")
            return None
        made = []
        for number, item in enumerate(found):
            self.items.append((item, f"{place}/{number}"))
            if each.when is None or self.holds(each.when):
                made.append(self.value(each.make))
            self.items.pop()
        return [value for value in made if value is not None] or None

    def _at(self, pointer: Pointer) -> tuple[Json, str]:
        """What stands there, None where absent, and the place in the body."""
        self._spend(len(pointer.names))
        here, place = self.items[-1] if pointer.of_item and self.items else (self.body, BODY)
        for name in pointer.names:
            here, place = _member(here, name), f"{place}/{name.replace('~', '~0').replace('/', '~1')}"
        return self._kept(_absent_as_none(here)), place

    def _kept(self, value: Json) -> Json:
        if isinstance(value, str):
            self.characters += len(value)
        elif isinstance(value, dict | list):
            self.characters += sum(map(len, _texts(value)))
        if self.characters > MAX_CHARACTERS * 4:
            raise _TooMuch
        return value

    def _spend(self, steps: int = 1) -> None:
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise _TooMuch

    def _fault(self, place: str, code: str) -> None:
        fault = FieldError(place, code)
        if fault not in self.faults:
            self.faults.append(fault)


def _member(here: Json, name: str) -> Json:
    if isinstance(here, dict):
        return here.get(name)
    if isinstance(here, list) and name.isascii() and name.isdigit() and len(name) < 5 and int(name) < len(here):
        return here[int(name)]
    return None


def _absent_as_none(value: Json) -> Json:
    return None if isinstance(value, str) and not value.strip() else value


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
