"""What a mapping says once it is read: a tree of expressions and conditions, and its rules. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rules.inbound_conversions import Json, Tables

Target: TypeAlias = Literal["report", "referral", "step", "nothing"]


@dataclass(frozen=True, slots=True)
class Pointer:
    """A place in the body, or with `of_item` in the item of the list that is being gone through."""

    names: tuple[str, ...]
    of_item: bool


@dataclass(frozen=True, slots=True)
class Constant:
    value: Json


@dataclass(frozen=True, slots=True)
class Selected:
    """A value of the body, converted in order. `default` where it is absent; `needed`: absent is a fault."""

    at: Pointer
    conversions: tuple[tuple[str, Json], ...]
    default: "Expression | None"
    needed: bool


@dataclass(frozen=True, slots=True)
class Made:
    """An object; members that come out absent are left out."""

    members: Mapping[str, "Expression"]


@dataclass(frozen=True, slots=True)
class Listed:
    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class FirstOf:
    options: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """The texts that are there, with `mark` between them."""

    parts: tuple["Expression", ...]
    mark: str


@dataclass(frozen=True, slots=True)
class Each:
    """One `make` for each item of a list for which the condition holds."""

    at: Pointer
    when: "Condition | None"
    make: "Expression"


@dataclass(frozen=True, slots=True)
class Chosen:
    when: "Condition"
    then: "Expression"
    otherwise: "Expression | None"


Expression: TypeAlias = Constant | Selected | Made | Listed | FirstOf | Joined | Each | Chosen


@dataclass(frozen=True, slots=True)
class Present:
    at: Pointer


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value at a place is one of these."""

    at: Pointer
    values: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """All of the conditions, or any of them."""

    conditions: tuple["Condition", ...]
    every: bool


@dataclass(frozen=True, slots=True)
class Not:
    condition: "Condition"


Condition: TypeAlias = Present | OneOf | Together | Not


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing a body may ask for. `where` finds the case or referral, `own_number` is kept with a step's case."""

    name: str
    target: Target
    when: Condition | None
    make: Expression
    where: Expression | None = None
    step: Expression | None = None
    own_number: Expression | None = None


@dataclass(frozen=True, slots=True)
class SourceMapping:
    """A mapping that was read."""

    tables: Tables
    rules: tuple[Rule, ...]
