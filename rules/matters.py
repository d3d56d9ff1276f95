"""The responsibility list (责任清单): a matter, whose duty it is, its clocks, and the fields its lead may see.

Figures carry where they come from. `figure_basis`: `law`, `local` (one province's rule taken as a starting value) or
`default` (ours); `figure_marks`: V read in the source, R recalled, L read in a local rule, D our default. A division
may make a clock stricter, never looser.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, TypeVar

from rules.deadlines import IncomparablePeriods, Period, stricter
from rules.field_classes import SENSITIVE_CLASSES, FieldClass
from rules.qualifications import CompetenceArea
from rules.results import Recognition

W = TypeVar("W", bound=StrEnum)
ClockName = Literal["acknowledge", "accept", "resolve", "extension"]

CLOCKS: tuple[ClockName, ...] = ("acknowledge", "accept", "resolve", "extension")
_COLUMNS = (
    *("code", "title_zh", "title_en", "lead", "support_kinds", "support_bodies"),
    *("acknowledge", "accept", "resolve", "resolve_note", "legal_basis", "statutory_duty"),
    *("needs", "minimum_fields", "default_urgency", "urgency_note", "qualification"),
    *("checks", "relies_on", "adopt"),
)

EMERGENCY_ACKNOWLEDGE = Period(2, "hour")
EMERGENCY_FIRST_HELP = Period(24, "hour")


class AgencyKind(StrEnum):
    union = "union"
    labour = "labour"
    finance = "finance"
    judicial = "judicial"
    civil_affairs = "civil_affairs"
    medical_insurance = "medical_insurance"
    education = "education"
    health = "health"
    housing = "housing"
    disabled_federation = "disabled_federation"
    emergency = "emergency"
    court = "court"
    procuratorate = "procuratorate"
    leadership = "leadership"
    charity = "charity"
    enterprise = "enterprise"


class FigureBasis(StrEnum):
    law = "law"
    local = "local"
    default = "default"


class FigureMark(StrEnum):
    read = "V"
    recalled = "R"
    local = "L"
    default = "D"


class ClockStart(StrEnum):
    """What sets the resolve clock going: the request, or acceptance (立案、受理) where the law counts from there."""

    request = "request"
    acceptance = "acceptance"


class Urgency(StrEnum):
    normal = "normal"
    urgent = "urgent"
    emergency = "emergency"


class Need(StrEnum):
    living = "living"
    employment = "employment"
    training = "training"
    schooling = "schooling"
    medical = "medical"
    legal = "legal"
    social_insurance = "social_insurance"
    pension = "pension"
    housing = "housing"
    work_injury = "work_injury"
    wage = "wage"
    safety_health = "safety_health"
    work_environment = "work_environment"
    democratic_rights = "democratic_rights"
    counselling = "counselling"


class MatterError(ValueError):
    """A row of the responsibility list that cannot be read: which matter, which field."""

    def __init__(self, matter: str, field: str) -> None:
        super().__init__(f"matter {matter}: {field} is missing or wrong")
        self.matter = matter
        self.field = field


class LooserOverride(ValueError):  # noqa: N818  named by what is wrong, as in rules/errors.py
    """An override that is not provably at least as strict as the list; `clock` names the figure."""

    def __init__(self, matter: str, clock: ClockName) -> None:
        super().__init__(f"matter {matter}: the override of {clock} must be at least as strict as the list")
        self.matter = matter
        self.clock = clock


@dataclass(frozen=True, slots=True)
class Clocks:
    """Figures in force. `resolve` None: the work ends with an occasion, no date; `extension` None: none is allowed.

    `accept_is_ours`: no rule of law or place stands behind the accept figure, it is our default.
    """

    acknowledge: Period
    accept: Period
    resolve: Period | None
    extension: Period | None
    accept_is_ours: bool = False


@dataclass(frozen=True, slots=True)
class ClockOverride:
    """A division's own figures; None leaves a figure as it is."""

    acknowledge: Period | None = None
    accept: Period | None = None
    resolve: Period | None = None
    extension: Period | None = None


@dataclass(frozen=True, slots=True)
class Matter:
    """One row. `lead_body` and `support_bodies` are the offices in Chinese, also those without a kind of their own.

    `checks`: the recognition it is about, not asked for again while one stands; `relies_on`: those its work may rest
    on; `adopt`: until when others say whether they adopt, None is our default.
    """

    code: str
    title_zh: str
    title_en: str
    lead_kind: AgencyKind
    lead_body: str
    support_kinds: tuple[AgencyKind, ...]
    support_bodies: tuple[str, ...]
    acknowledge: Period
    accept: Period
    resolve: Period | None
    resolve_from: ClockStart
    extension: Period | None
    resolve_note: str | None
    figure_basis: Mapping[ClockName, FigureBasis]
    figure_marks: Mapping[ClockName, FigureMark]
    legal_basis: tuple[str, ...]
    statutory_duty: bool
    needs: tuple[Need, ...]
    minimum_fields: tuple[FieldClass, ...]
    default_urgency: Urgency
    urgency_note: str | None
    qualification: CompetenceArea | None = None
    checks: Recognition | None = None
    relies_on: tuple[Recognition, ...] = ()
    adopt: Period | None = None

    @property
    def sensitive(self) -> tuple[FieldClass, ...]:
        """The classes of the minimum set that only a recorded basis may release (个人信息保护法 art. 28)."""
        return tuple(name for name in self.minimum_fields if name in SENSITIVE_CLASSES)

    @property
    def clocks(self) -> Clocks:
        """The list's own figures."""
        return Clocks(
            self.acknowledge,
            self.accept,
            resolve=self.resolve,
            extension=self.extension,
            accept_is_ours=self.figure_basis["accept"] is FigureBasis.default,
        )


def effective_clocks(matter: Matter, override: ClockOverride | None) -> Clocks:
    """The list's clocks with a division's stricter figures. Raises LooserOverride.

    A resolve clock may be added where the list has none, an extension may not: it would make the clock looser.
    """
    if override is None:
        return matter.clocks
    if override.extension is not None and matter.extension is None:
        raise LooserOverride(matter.code, "extension")
    return Clocks(
        acknowledge=_narrowed(matter, "acknowledge", override) or matter.acknowledge,
        accept=_narrowed(matter, "accept", override) or matter.accept,
        resolve=_narrowed(matter, "resolve", override),
        extension=_narrowed(matter, "extension", override),
        accept_is_ours=matter.clocks.accept_is_ours and override.accept is None,
    )


def tightened(matter: Matter, overrides: Iterable[Mapping[str, object]]) -> Matter:
    """The matter with the strictest figure of each clock, from the JSON of overrides, highest division first.

    A figure that is not stricter changes nothing: the list or a higher division may have moved after it was set.
    """
    for given in overrides:
        for clock in CLOCKS:
            if clock in given:
                matter = _tightened_by(matter, parse_override({clock: given[clock]}, matter=matter.code))
    return matter


def _tightened_by(matter: Matter, override: ClockOverride) -> Matter:
    try:
        now = effective_clocks(matter, override)
    except LooserOverride:
        return matter
    basis = matter.figure_basis if override.accept is None else {**matter.figure_basis, "accept": FigureBasis.local}
    return replace(
        matter,
        acknowledge=now.acknowledge,
        accept=now.accept,
        resolve=now.resolve,
        extension=now.extension,
        figure_basis=basis,
    )


def parse_matter(raw: Mapping[str, object]) -> Matter:
    """A matter from its JSON form in db/reference/matters.json. Raises MatterError, also for an unknown field."""
    row = _Row(raw, matter=str(raw.get("code")))
    row.only(*_COLUMNS)
    resolve = row.optional_part("resolve")
    figures: dict[ClockName, _Row | None] = {
        "acknowledge": row.part("acknowledge"),
        "accept": row.part("accept"),
        "resolve": resolve,
        "extension": resolve.optional_part("extension") if resolve else None,
    }
    return Matter(
        code=row.text("code"),
        title_zh=row.text("title_zh"),
        title_en=row.text("title_en"),
        lead_kind=row.part("lead").word("kind", AgencyKind),
        lead_body=row.part("lead").text("body"),
        support_kinds=row.words("support_kinds", AgencyKind),
        support_bodies=row.texts("support_bodies"),
        acknowledge=row.part("acknowledge").period(),
        accept=row.part("accept").period(),
        resolve=resolve.period() if resolve else None,
        resolve_from=ClockStart(resolve.optional_text("from") or "request") if resolve else ClockStart.request,
        extension=figures["extension"].period() if figures["extension"] else None,
        resolve_note=row.optional_text("resolve_note"),
        figure_basis=_of_each(figures, "basis", FigureBasis),
        figure_marks=_of_each(figures, "mark", FigureMark),
        legal_basis=row.texts("legal_basis"),
        statutory_duty=row.truth("statutory_duty"),
        needs=row.words("needs", Need),
        minimum_fields=row.part("minimum_fields").words("classes", FieldClass),
        default_urgency=row.word("default_urgency", Urgency),
        urgency_note=row.optional_text("urgency_note"),
        qualification=row.word("qualification", CompetenceArea) if "qualification" in raw else None,
        checks=row.word("checks", Recognition) if "checks" in raw else None,
        relies_on=row.words("relies_on", Recognition) if "relies_on" in raw else (),
        adopt=row.part("adopt").period() if "adopt" in raw else None,
    )


def parse_override(raw: Mapping[str, object], *, matter: str) -> ClockOverride:
    """A division's figures from JSON: `{"accept": {"amount": 3, "unit": "working_day"}}`. Raises MatterError."""
    row = _Row(raw, matter)
    row.only(*CLOCKS)
    given = {name: row.part(name).period() for name in CLOCKS if name in raw}
    return ClockOverride(**given)


def _narrowed(matter: Matter, clock: ClockName, override: ClockOverride) -> Period | None:
    listed, given = _figure(matter.clocks, clock), _figure(override, clock)
    if given is None or listed is None:
        return given or listed
    try:
        if stricter(given, listed):
            return given
    except IncomparablePeriods as error:
        raise LooserOverride(matter.code, clock) from error
    raise LooserOverride(matter.code, clock)


def _figure(clocks: Clocks | ClockOverride, clock: ClockName) -> Period | None:
    figures = {
        "acknowledge": clocks.acknowledge,
        "accept": clocks.accept,
        "resolve": clocks.resolve,
        "extension": clocks.extension,
    }
    return figures[clock]


def _of_each(figures: Mapping[ClockName, "_Row | None"], key: str, kind: type[W]) -> Mapping[ClockName, W]:
    return MappingProxyType({clock: row.word(key, kind) for clock, row in figures.items() if row is not None})


@dataclass(frozen=True, slots=True)
class _Row:
    """JSON not trusted yet: each reader returns the type it names or raises MatterError with the field."""

    raw: Mapping[str, object]
    matter: str

    def only(self, *known: str) -> None:
        for key in self.raw:
            if key not in known:
                raise MatterError(self.matter, key)

    def text(self, key: str) -> str:
        value = self.raw.get(key)
        if not isinstance(value, str) or not value:
            raise MatterError(self.matter, key)
        return value

    def optional_text(self, key: str) -> str | None:
        return None if self.raw.get(key) is None else self.text(key)

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.raw.get(key)
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise MatterError(self.matter, key)
        return tuple(value)

    def truth(self, key: str) -> bool:
        value = self.raw.get(key)
        if not isinstance(value, bool):
            raise MatterError(self.matter, key)
        return value

    def word(self, key: str, kind: type[W]) -> W:
        try:
            return kind(self.text(key))
        except ValueError as error:
            raise MatterError(self.matter, key) from error

    def words(self, key: str, kind: type[W]) -> tuple[W, ...]:
        try:
            return tuple(kind(item) for item in self.texts(key))
        except ValueError as error:
            raise MatterError(self.matter, key) from error

    def part(self, key: str) -> "_Row":
        value = self.raw.get(key)
        if not isinstance(value, Mapping):
            raise MatterError(self.matter, key)
        return _Row(value, self.matter)

    def optional_part(self, key: str) -> "_Row | None":
        return None if self.raw.get(key) is None else self.part(key)

    def period(self) -> Period:
        amount = self.raw.get("amount")
        if not isinstance(amount, int) or isinstance(amount, bool):
            raise MatterError(self.matter, "amount")
        try:
            return Period(amount, self.text("unit"))
        except ValueError as error:
            raise MatterError(self.matter, "unit") from error
