"""Counts that coordination is steered by."""

from typing import Literal, TypeAlias

from pydantic import BaseModel

from api.schemas.cases import AgencyName
from api.schemas.escalations import MatterName
from rules.results import ResultKind


class PushBackRow(BaseModel):
    """What became of the referrals of one matter to one office. `returned` and `rejected` say that it happened at least
    once, `not_mine` that the reason was that another body is competent; `late`, that a date passed unmet."""

    office: AgencyName
    matter: MatterName
    referred: int
    accepted: int
    returned: int
    rejected: int
    not_mine: int
    disputed: int
    expired: int
    late: int
    completed: int


class PushBacks(BaseModel):
    data: list[PushBackRow]


AdoptionKind: TypeAlias = ResultKind | Literal["report"]


class AdoptionCounts(BaseModel):
    """What became of what one agency was to adopt. `kind`: `report`, or the kind of a result. `overdue`: the date
    passed before it was said, whether or not it was said since. `rate_permille`: how much of what was
    answered was adopted, in full or in part, of a thousand; null where nothing was answered."""

    agency: AgencyName
    kind: str
    expected: int
    adopted: int
    partly: int
    not_adopted: int
    waiting: int
    overdue: int
    rate_permille: int | None


class AdoptionRates(BaseModel):
    data: list[AdoptionCounts]
