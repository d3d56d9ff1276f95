"""qualification: a certificate that a staff member holds."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel

from api.params import CodeText, Day
from api.schemas.base import StrictModel
from rules.qualifications import CompetenceArea, ExamResult


class QualificationIn(StrictModel):
    """Days in Shanghai, both included. `certificate` is its number at whoever issued it."""

    area: CompetenceArea
    result: ExamResult
    certificate: CodeText
    valid_from: Day
    valid_until: Day


class QualificationShown(BaseModel):
    id: UUID
    area: str
    result: str
    certificate: str
    valid_from: date
    valid_until: date
    recorded_at: datetime
    revoked_at: datetime | None


class Qualifications(BaseModel):
    data: list[QualificationShown]
