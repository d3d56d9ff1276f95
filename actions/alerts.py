"""Early warning: agencies state signals, new cases are counted, alerts are raised, acknowledged, resolved, cleared.

An alert is told to the unions of its place and above, and to nobody else: not to whoever stated a signal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import accumulate
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.cases import case_tag
from actions.events import record_event
from actions.system import SystemFact, record_all_for_system
from crypto.ids import new_id
from db.engine import Raw
from db.queries import agencies, alerts, divisions, employers
from db.transaction import Tx
from db.warnings import shipped_levels, shipped_rule
from rules.alerts import (
    AlertStep,
    Level,
    Outcome,
    SignalKind,
    SubjectKind,
    Threshold,
    allowed_steps,
    check_signal,
    check_step,
    common_division,
    in_division,
    level_of,
    parts_in_alert,
    read_thresholds,
    report_by,
)
from rules.clusters import Counts, chance_of, peers_of
from rules.deadlines import shanghai_day
from rules.errors import FieldError, Hidden, PreconditionFailed, ValidationFailed
from rules.linkage.employer_names import seek_employer
from rules.reports import EmployerSaid
from rules.rights import Subject


@dataclass(frozen=True, slots=True)
class SignalSaid:
    """Of whom, what, how much, from which source; `industry` or `employer` where the signal is about one."""

    kind: SignalKind
    subject: SubjectKind
    division_code: str
    employer: EmployerSaid | None
    industry: str | None
    measured: Mapping[str, int]
    source: str
    observed_on: date


@dataclass(frozen=True, slots=True)
class OpenedAlert:
    """An alert as a union of its line sees it, with the signals that were stated."""

    alert: asyncpg.Record
    allowed_steps: tuple[str, ...]
    signals: tuple[asyncpg.Record, ...] = ()


async def state_signal(tx: Tx, said: SignalSaid) -> tuple[UUID, Level | None]:
    """Keeps the signal; its level, None where it reaches none. Four statements, two more for an employer.

    Raises ValidationFailed for an unknown division, a day to come, or a subject that is not what the signal is about.
    """
    check_signal(said.kind, said.subject, employer=said.employer is not None, industry=said.industry is not None)
    if said.observed_on > shanghai_day(tx.now):
        raise ValidationFailed(FieldError("/observed_on", "in-the-future"))
    if not await agencies.known_division(tx, said.division_code):
        raise ValidationFailed(FieldError("/subject/division_code", "unknown-division"))
    own = await alerts.own_thresholds(tx, said.division_code, shanghai_day(tx.now))
    level = level_of(said.kind, said.subject, said.measured, _holding(own))
    subject = await _subject(tx, said)
    signal_id = new_id()
    signal = subject | {
        "id": str(signal_id),
        "kind": said.kind.value,
        "measured": dict(said.measured),
        "source": said.source,
        "observed_on": said.observed_on.isoformat(),
    }
    done = await alerts.state_signal(tx, signal, _alert(subject, said.kind, level, now=tx.now))
    if done.get("did") in ("raised", "worsened"):
        line = [UUID(agency) for agency in done["line"]]
        _tell(tx, _fact("alert.raised", UUID(done["id"]), done["version"], line, changed=("level",)))
    leave_mark(
        tx,
        "signal.state",
        subject_type="signal",
        subject_id=signal_id,
        case_id=None,
        facts={"kind": said.kind.value, "subject": said.subject.value} | ({"level": level} if level else {}),
    )
    return signal_id, level


async def _subject(tx: Tx, said: SignalSaid) -> dict[str, object]:
    """An employer is looked for by number, or by name and place, as in a report."""
    key, name = said.division_code, said.division_code
    if said.industry is not None:
        key, name = f"{said.division_code}:{said.industry}", said.industry
    if said.employer is not None:
        sought = seek_employer(said.employer.name, said.employer.uscc, said.division_code, await divisions.places(tx))
        (employer_id,) = await employers.employers_for(tx, [(new_id(), new_id(), sought)])
        key, name = str(employer_id), said.employer.name
    return {
        "subject_kind": said.subject.value,
        "subject_key": key,
        "subject_name": name,
        "division_code": said.division_code,
    }


def _holding(own: list[list[Mapping[str, object]]]) -> tuple[Threshold, ...]:
    return in_division(shipped_levels().thresholds, [read_thresholds(each) for each in own])


def _alert(
    subject: Mapping[str, object], cause: SignalKind, level: Level | None, *, now: datetime, cases: int | None = None
) -> dict[str, object] | None:
    """What raise_alert is given; None where no level is reached."""
    if level is None:
        return None
    due = report_by(level, now, shipped_levels().report_within_hours)
    said: dict[str, object] = {**subject, "id": str(new_id()), "level": int(level), "cause": cause.value}
    return said | ({"report_by": due.isoformat()} if due else {}) | ({"cases": cases} if cases else {})


async def read_alert(tx: Tx, alert_id: UUID) -> OpenedAlert:
    """The alert with its signals. Two statements. Raises Hidden."""
    alert = await _seen(tx, alert_id)
    return OpenedAlert(alert, _steps(tx, alert), tuple(await alerts.signals_of(tx, alert_id)))


async def take_alert_step(
    tx: Tx, alert_id: UUID, step: str, *, reported_to: str | None, outcome: Outcome | None, version: int
) -> OpenedAlert:
    """Acknowledges an alert, naming who was told, or resolves it. Four statements.

    Raises Hidden, InsufficientRole above the union of the place, PreconditionFailed, InvalidTransition,
    ValidationFailed.
    """
    await _seen(tx, alert_id)
    alert = await alerts.lock_alert(tx, alert_id)
    if alert is None:
        raise Hidden
    if alert["version"] != version:
        raise PreconditionFailed(case_tag(alert["version"]))
    check_step(step, alert["status"], _parts(tx, alert), reported_to=reported_to, outcome=outcome)
    if step == AlertStep.acknowledge:
        assert reported_to is not None
        await alerts.acknowledge_alert(tx, alert_id, reported_to)
    else:
        assert outcome is not None
        await alerts.resolve_alert(tx, alert_id, outcome)
    after = await alerts.find_alert(tx, alert_id)
    assert after is not None
    event = "alert.acknowledged" if step == AlertStep.acknowledge else "alert.cleared"
    _tell(tx, _fact(event, alert_id, after["version"], after["line"], changed=("status",)))
    leave_mark(
        tx,
        f"alert.{step}",
        subject_type="alert",
        subject_id=alert_id,
        case_id=None,
        facts={"outcome": outcome.value} if outcome else {},
    )
    return OpenedAlert(after, _steps(tx, after))


async def _seen(tx: Tx, alert_id: UUID) -> asyncpg.Record:
    alert = await alerts.find_alert(tx, alert_id)
    if alert is None:
        raise Hidden
    require_part(tx, Subject.alert, _parts(tx, alert))
    return alert


def _parts(tx: Tx, alert: asyncpg.Record) -> frozenset[str]:
    return parts_in_alert(tx.agency_id, alert["line"])


def _steps(tx: Tx, alert: asyncpg.Record) -> tuple[str, ...]:
    return allowed_steps(alert["status"], _parts(tx, alert))


def _tell(tx: Tx, fact: SystemFact) -> None:
    """In the name of who acts, what the platform would say in its own."""
    record_event(
        tx,
        fact.type,
        subject_type=fact.subject_type,
        subject_id=fact.subject_id,
        version=fact.version,
        case_id=None,
        parties={"other": [agency for agency in fact.parties["other"] if agency is not None]},
        changed=fact.changed,
    )


# The platform's own


@dataclass(slots=True)
class _Counted:
    """New cases of an employer or a county, and the places they lie in."""

    employer: UUID | None
    county: str | None
    by_window: list[int]
    places: set[str] = field(default_factory=set)

    @property
    def kind(self) -> SubjectKind:
        return SubjectKind.division if self.employer is None else SubjectKind.employer

    @property
    def counts(self) -> Counts:
        *recent, history = self.by_window
        return Counts(tuple(accumulate(recent)), history)

    @property
    def peers(self) -> tuple[str, str]:
        """Employers are held against those of their city, counties against those of their province."""
        return self.kind, min(self.places)[: 4 if self.employer is not None else 2]


async def watch_clusters(raw: Raw, now: datetime) -> int:
    """Counts new cases, raises what chance does not explain, clears what has been quiet; how many were told. Four
    statements, three more for each cluster."""
    rule = shipped_rule()
    counted = _summed(await alerts.new_cases(raw, now, rule.windows, rule.history_days), len(rule.windows))
    peers: dict[tuple[str, str], list[Counts]] = {}
    for each in counted:
        peers.setdefault(each.peers, []).append(each.counts)
    common = {key: peers_of(subjects, rule) for key, subjects in peers.items()}
    facts = []
    for each in counted:
        if chance_of(each.counts, common[each.peers], rule) <= rule.chance:
            facts += await _raise_cluster(raw, each, now)
    facts += [
        _fact("alert.cleared", alert["id"], alert["version"], alert["line"], changed=("status",))
        for alert in await alerts.clear_alerts(raw, now - timedelta(days=rule.quiet_days), now)
    ]
    await record_all_for_system(raw, facts, now)
    return len(facts)


def _summed(rows: Sequence[asyncpg.Record], windows: int) -> list[_Counted]:
    found: dict[tuple[UUID | None, str | None], _Counted] = {}
    for row in rows:
        who = row["employer"], row["county"]
        each = found.setdefault(who, _Counted(*who, [0] * (windows + 1)))
        each.by_window[row["window_at"]] += row["cases"]
        each.places |= {row["first_place"], row["last_place"]}
    return list(found.values())


async def _raise_cluster(raw: Raw, found: _Counted, now: datetime) -> list[SystemFact]:
    cases, place = found.counts.recent[-1], common_division(found.places)
    own = await alerts.own_thresholds(raw, place, shanghai_day(now))
    level = level_of(SignalKind.cluster, found.kind, {"cases": cases}, _holding(own))
    named = {
        "subject_kind": found.kind.value,
        "subject_key": str(found.employer or found.county),
        "subject_name": await alerts.name_of_subject(raw, found.employer, found.county),
        "division_code": place,
    }
    alert = _alert(named, SignalKind.cluster, level, now=now, cases=cases)
    done = await alerts.raise_alert(raw, alert, now) if alert else {}
    if done.get("did") not in ("raised", "worsened"):
        return []
    line = [UUID(agency) for agency in done["line"]]
    return [_fact("alert.raised", UUID(done["id"]), done["version"], line, changed=("level",))]


async def tell_of_late_alerts(raw: Raw, limit: int, *, now: datetime) -> int:
    """Tells, once for each level it came to, of alerts whose reporting clock passed unacknowledged; how many."""
    late = await alerts.late_alerts(raw, now, limit)
    await record_all_for_system(
        raw, [_fact("alert.overdue", row["id"], row["version"], row["line"], changed=()) for row in late], now
    )
    return len(late)


def _fact(kind: str, alert_id: UUID, version: int, line: Sequence[UUID], *, changed: tuple[str, ...]) -> SystemFact:
    return SystemFact(
        type=kind,
        action=kind,
        subject_type="alert",
        subject_id=alert_id,
        version=version,
        agency_id=line[0],
        parties={"other": line},
        changed=changed,
    )
