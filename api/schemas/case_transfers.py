"""case_transfer: the coordinator's role on its way from one union to another."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel

from api.params import DivisionCode, LongText, ShortText, Uuid
from api.schemas.base import StrictModel
from api.schemas.cases import AgencyName
from rules.case_transfers import TransferReason, TransferRefusal
from rules.sharing import BasisKind


class TransferPart(StrEnum):
    giver = "giver"
    taker = "taker"


class TransferBasisIn(StrictModel):
    """The ground on which the file goes along, and where it is written."""

    kind: BasisKind
    reference: ShortText


class TransferIn(StrictModel):
    """Why another union should coordinate. `to_agency`: left out by a union that asks for the role itself. `new_place`:
    where the case is from then on."""

    to_agency: Uuid | None = None
    reason: TransferReason
    text: LongText
    basis: TransferBasisIn
    new_place: DivisionCode | None = None


class TransferStepIn(StrictModel):
    """A rejection needs reason and text."""

    reason: TransferRefusal | None = None
    text: LongText | None = None


class HandoverShown(BaseModel):
    """What stood open when the role moved: referrals by id, numbers of tasks and of requests of persons."""

    referrals: list[UUID]
    tasks: int
    requests: int


class TransferRow(BaseModel):
    """A transfer without its words. Place, kind, needs and open referrals are those of when it was asked for: what the
    taker may know before."""

    id: UUID
    case_id: UUID
    kind: str
    status: str
    reason: str
    basis_kind: str
    giver: AgencyName
    taker: AgencyName
    place: str
    new_place: str | None
    case_kind: str
    needs: list[str]
    open_referrals: int
    refusal: str | None
    created_at: datetime
    updated_at: datetime
    decided_at: datetime | None
    version: int


class TransferShown(TransferRow):
    """With what the caller may do now, and, once accepted, what was handed over."""

    handover: HandoverShown | None
    allowed_steps: list[str]


class TransferOpened(TransferShown):
    """With its words; null once the case was erased."""

    text: str | None
    reference: str | None
    answer: str | None
