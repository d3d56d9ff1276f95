"""access_request: one side of a possible match asks the other to show what it holds."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from api.params import Instant, LongText, ShortText
from api.schemas.base import StrictModel
from api.schemas.cases import AgencyName
from rules.access_requests import RefusalReason
from rules.purposes import Purpose
from rules.sharing import BasisKind


class AccessRole(StrEnum):
    asker = "asker"
    holder = "holder"


class AccessBasisIn(StrictModel):
    """The ground, and where it is written. Unions have no statutory duty to name to each other."""

    kind: BasisKind
    reference: ShortText


class AccessRequestIn(StrictModel):
    """What for, on which ground, and why this match."""

    purpose: Purpose
    basis: AccessBasisIn
    reason: LongText


class GrantedClass(StrEnum):
    basic = "basic"
    contact = "contact"
    identity = "identity"
    family = "family"


class GrantIn(StrictModel):
    """Which classes of the comparison are opened, and until when: 90 days at most, 72 hours for an emergency."""

    field_classes: Annotated[list[GrantedClass], Field(min_length=1, max_length=4)]
    expires_at: Instant


class RefusalIn(StrictModel):
    reason_code: RefusalReason
    text: LongText


class AccessRequestShown(BaseModel):
    """A request without its words. `case_id` is the caller's own; `status` as of now: a grant expires by itself."""

    id: UUID
    match_id: UUID
    case_id: UUID
    status: str
    purpose: str
    basis_kind: str
    asked_by: AgencyName
    holder: AgencyName
    parts: list[str]
    field_classes: list[str]
    expires_at: datetime | None
    refusal: str | None
    created_at: datetime
    decided_at: datetime | None
    allowed_steps: list[str]
    version: int


class AccessRequestOpened(AccessRequestShown):
    """With its words."""

    reference: str
    reason: str
    refusal_text: str | None


class AccessRequestRow(BaseModel):
    id: UUID
    match_id: UUID
    status: str
    purpose: str
    asked_by: AgencyName
    holder: AgencyName
    field_classes: list[str]
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
