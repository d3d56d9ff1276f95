"""Counts that coordination is steered by."""

from pydantic import BaseModel

from api.schemas.cases import AgencyName
from api.schemas.escalations import MatterName


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
