"""Retention (保存期限): how long what is kept, by which rule, and whether a case may be erased now. Pure.

PIPL arts. 19 and 47: no longer than the purpose needs, then deleted without being asked; a period of law or
administrative regulation that has not run out comes first.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from rules.deadlines import shanghai_day


class Basis(StrEnum):
    """Where a period comes from: a law, a rule of a place, or ourselves."""

    law = "law"
    local = "local"
    default = "default"


class DataClass(StrEnum):
    case_and_dossier = "case_and_dossier"
    sharing_records = "sharing_records"
    impact_assessments = "impact_assessments"
    finance_vouchers = "finance_vouchers"
    logs = "logs"
    consents = "consents"


@dataclass(frozen=True, slots=True)
class Retention:
    """`years` from `since`; `least_months` where the law asks for less than what is kept."""

    years: int
    since: str
    basis: Basis
    source: str
    least_months: int | None = None


RETENTION: dict[DataClass, Retention] = {
    DataClass.case_and_dossier: Retention(10, "exit", Basis.local, "湖南省困难职工档案管理: 退出后至少十年"),
    DataClass.sharing_records: Retention(
        3, "record", Basis.law, "政务数据共享条例 art. 29; 网络数据安全管理条例 art. 12"
    ),
    DataClass.impact_assessments: Retention(3, "record", Basis.law, "个人信息保护法 art. 56"),
    DataClass.finance_vouchers: Retention(30, "record", Basis.law, "会计档案管理办法 (recalled)"),
    DataClass.logs: Retention(3, "record", Basis.default, "网络安全法 art. 21 asks for six months", least_months=6),
    DataClass.consents: Retention(3, "erasure", Basis.default, "as long as the data is kept, and three years more"),
}
"""Table of periods, §5.5 of the domain reference."""


class ErasureRule(StrEnum):
    """Why a case may be erased."""

    period_over = "retention_period_over"
    entered_in_error = "entered_in_error"


class Obstacle(StrEnum):
    """Why it may not be erased yet: LegalReason has the same words."""

    still_needed = "still_needed"
    retention_period = "retention_period"


@dataclass(frozen=True, slots=True)
class Erasability:
    """`rule` where all of it may go now; else the obstacle, from which day it may, and whether what no duty keeps may
    go at once."""

    rule: ErasureRule | None
    obstacle: Obstacle | None = None
    possible_from: date | None = None
    partly: bool = False


def years_after(day: date, years: int) -> date:
    """The same day years later; the last of February where it has none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def kept_until(closed_at: datetime) -> date:
    """The last day in Shanghai on which a case and its dossier must be kept."""
    return years_after(shanghai_day(closed_at), RETENTION[DataClass.case_and_dossier].years)


def latest_close_to_erase(now: datetime) -> date:
    """Cases closed on an earlier day than this one have passed their period on the day of `now`."""
    today = shanghai_day(now)
    return years_after(today, -RETENTION[DataClass.case_and_dossier].years)


def erasability(*, status: str, closed_at: datetime | None, now: datetime, in_error: bool) -> Erasability:
    """Whether a case may be erased at `now`.

    What was entered by mistake was never needed, so no period protects it; its coordinator confirms that. A case that
    is at work is needed. One that ended is kept for its period, but for what the duty to keep does not reach.
    """
    if in_error:
        return Erasability(ErasureRule.entered_in_error)
    if status != "closed" or closed_at is None:
        return Erasability(None, Obstacle.still_needed)
    last = kept_until(closed_at)
    if shanghai_day(now) > last:
        return Erasability(ErasureRule.period_over)
    return Erasability(None, Obstacle.retention_period, date.fromordinal(last.toordinal() + 1), partly=True)
