"""staff: a human account of the caller's agency. Names are personal data, shown to the agency's own administrators."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from api.params import CodeText
from api.schemas.base import StrictModel
from api.schemas.reports import PersonName

RoleText = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=64)]


def _once_each(roles: list[str]) -> list[str]:
    return list(dict.fromkeys(roles))


RolesIn = Annotated[list[RoleText], Field(min_length=1, max_length=20), AfterValidator(_once_each)]


class StaffIn(StrictModel):
    """`login` is unique in the agency and never used again."""

    login: CodeText
    name: PersonName
    roles: RolesIn


class StaffChange(StrictModel):
    """A merge patch; `roles` are replaced as a whole."""

    name: PersonName = ""
    roles: RolesIn = Field(default_factory=list)


class EnrolmentIn(StrictModel):
    """`reset_second_factor` for a person who has lost it; otherwise it stays, and only the password is chosen anew."""

    reset_second_factor: bool


class EnrolmentShown(BaseModel):
    """Shown this once. The person types the code at `enrolment_url`."""

    staff_id: UUID
    enrolment_code: str
    enrolment_url: str
    expires_at: datetime


class StaffShown(BaseModel):
    id: UUID
    login: str
    name: str
    roles: list[str]
    status: str
    created_at: datetime
    revoked_at: datetime | None
    version: int
