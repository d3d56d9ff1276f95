"""signal, alert (信号, 预警): what points to trouble of many, how grave it is, and by when it is told. Pure.

Agencies state signals of an employer, an industry or a division; clusters of new cases are a signal of our own. The
gravest level whose thresholds a signal reaches raises the one open alert of its subject, or worsens it. The union of
the place acknowledges it by the level's clock, which says that it has told upwards, and resolves it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Final

from rules.errors import FieldError, InvalidTransition, ValidationFailed


class SubjectKind(StrEnum):
    employer = "employer"
    industry = "industry"
    division = "division"


class SignalKind(StrEnum):
    """What an agency may state; `cluster` is counted by the platform itself."""

    wage_arrears = "wage_arrears"
    contribution_stop = "contribution_stop"
    utility_drop = "utility_drop"
    court_filings = "court_filings"
    layoff_plan = "layoff_plan"
    closure = "closure"
    owner_fled = "owner_fled"
    unemployment = "unemployment"
    cluster = "cluster"


STATED: Final = tuple(kind for kind in SignalKind if kind is not SignalKind.cluster)


class Level(IntEnum):
    """I is the gravest."""

    I = 1  # noqa: E741  the law's own numeral
    II = 2
    III = 3
    IV = 4


class AlertStatus(StrEnum):
    open = "open"
    acknowledged = "acknowledged"
    resolved = "resolved"


class AlertStep(StrEnum):
    acknowledge = "acknowledge"
    resolve = "resolve"


class Outcome(StrEnum):
    """How an alert ended; `subsided`: a cluster that was absent long enough, which the platform says itself."""

    handled = "handled"
    unfounded = "unfounded"
    subsided = "subsided"


MEASURES: Final = ("persons", "workforce", "months", "percent", "filings", "cases")
"""What signals are measured in: people concerned, people employed, months unpaid, percent (of a drop, of unemployment),
filings with a court, new cases."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """From these figures on a signal of this kind about such a subject is of this level. `share_percent` is `persons`
    of `workforce`; `basis` and `mark` say where the figures come from."""

    signal: SignalKind
    subject: SubjectKind
    level: Level
    at_least: Mapping[str, int]
    basis: str
    mark: str


@dataclass(frozen=True, slots=True)
class Levels:
    """Thresholds, and within how many hours each level must have been told upwards; a level without has no clock."""

    thresholds: tuple[Threshold, ...]
    report_within_hours: Mapping[Level, int]


def read_thresholds(said: Iterable[Mapping[str, object]]) -> tuple[Threshold, ...]:
    """Raises ValueError for a word or a figure that is none."""
    known = {*MEASURES, "share_percent"}
    found = []
    for each in said:
        at_least = each["at_least"]
        if not isinstance(at_least, Mapping) or not known.issuperset(at_least):
            raise ValueError(f"threshold: {at_least}")
        if not all(isinstance(value, int) and value > 0 for value in at_least.values()):
            raise ValueError(f"threshold: {at_least}")
        found.append(
            Threshold(
                SignalKind(str(each["signal"])),
                SubjectKind(str(each["subject"])),
                Level(int(str(each["level"]))),
                at_least,
                str(each["basis"]),
                str(each["mark"]),
            )
        )
    return tuple(found)


def in_division(shipped: Sequence[Threshold], own: Iterable[Sequence[Threshold]]) -> tuple[Threshold, ...]:
    """What holds in a division. `own`: thresholds of the divisions above and of its own, highest first; what a division
    says of a kind of signal and subject replaces whatever held for that kind."""
    holding = tuple(shipped)
    for said in own:
        replaced = {(each.signal, each.subject) for each in said}
        holding = tuple(each for each in holding if (each.signal, each.subject) not in replaced) + tuple(said)
    return holding


def level_of(
    signal: SignalKind, subject: SubjectKind, measured: Mapping[str, int], thresholds: Iterable[Threshold]
) -> Level | None:
    """The gravest level that is reached; None where the signal is only kept."""
    figures = dict(measured)
    if figures.get("workforce") and "persons" in figures:
        figures["share_percent"] = figures["persons"] * 100 // figures["workforce"]
    return min(
        (
            each.level
            for each in thresholds
            if (each.signal, each.subject) == (signal, subject)
            and all(figures.get(name, 0) >= value for name, value in each.at_least.items())
        ),
        default=None,
    )


def report_by(level: Level, now: datetime, within_hours: Mapping[Level, int]) -> datetime | None:
    """Hours of the clock, by night and on days off as well."""
    hours = within_hours.get(level)
    return None if hours is None else now + timedelta(hours=hours)


def common_division(codes: Iterable[str]) -> str:
    """The smallest county, city or province that holds all of these places."""
    first, last = min(codes := [code[:6] for code in codes]), max(codes)
    for digits in (6, 4, 2):
        if first[:digits] == last[:digits]:
            return first[:digits].ljust(6, "0")
    return "000000"


def parts_in_alert(agency: object, line: Sequence[object]) -> frozenset[str]:
    """`owner`: the union of the place, first of the line; `above`: those over it."""
    if agency not in line:
        return frozenset()
    return frozenset({"owner" if agency == line[0] else "above"})


def allowed_steps(status: str, parts: Collection[str]) -> tuple[str, ...]:
    """What an agency with these parts may do now."""
    if "owner" not in parts or status == AlertStatus.resolved:
        return ()
    both = (AlertStep.acknowledge, AlertStep.resolve)
    return both if status == AlertStatus.open else (AlertStep.resolve,)


def check_step(
    step: str, status: str, parts: Collection[str], *, reported_to: str | None, outcome: Outcome | None
) -> None:
    """Raises InvalidTransition, and ValidationFailed for an acknowledgement that names nobody who was told, a
    resolution without an outcome, or words that do not belong to the step."""
    allowed = allowed_steps(status, parts)
    if step not in allowed:
        raise InvalidTransition(status, allowed)
    said = {"reported_to": reported_to, "outcome": outcome}
    wanted = "reported_to" if step == AlertStep.acknowledge else "outcome"
    wrong = [
        FieldError(f"/{name}", "required" if name == wanted else "not-with-this-step")
        for name, value in said.items()
        if (value is None) == (name == wanted)
    ]
    if wrong:
        raise ValidationFailed(*wrong)
    if outcome is Outcome.subsided:
        raise ValidationFailed(FieldError("/outcome", "not-with-this-step"))


def check_signal(kind: SignalKind, subject: SubjectKind, *, employer: bool, industry: bool) -> None:
    """Raises ValidationFailed where what is named is not what the signal is about."""
    if kind is SignalKind.cluster:
        raise ValidationFailed(FieldError("/kind", "counted-by-the-platform"))
    named = {"employer": employer, "industry": industry}
    wrong = [
        FieldError(f"/subject/{name}", "required" if subject.value == name else "not-with-this-subject")
        for name, given in named.items()
        if given != (subject.value == name)
    ]
    if wrong:
        raise ValidationFailed(*wrong)
