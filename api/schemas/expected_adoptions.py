"""expected_adoption: what an agency has still to say whether it adopts."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel

from api.schemas.cases import AgencyName
from rules.results import ExpectationStatus


class ExpectedBox(StrEnum):
    """`own`: what the caller's agency has to say; `others`: what others have, in the cases it coordinates or
    supervises."""

    own = "own"
    others = "others"


class ExpectedAdoptionRow(BaseModel):
    """`agency` says until `due_at` whether it adopts the result, or the report: `report_id` is null where the caller
    may not read that one. `kind`: `report`, or the kind of the result; `code` and `valid_to` are the result's.
    `overdue_at`: when it was said to be late."""

    id: UUID
    case_id: UUID
    agency: AgencyName
    result_id: UUID | None
    report_id: UUID | None
    kind: str
    code: str | None
    valid_to: date | None
    status: ExpectationStatus
    arisen_at: datetime
    due_at: datetime
    due_confirmed: bool
    overdue_at: datetime | None
