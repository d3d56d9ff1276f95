"""catalogue_item (共享目录项) and share_request (数据共享申请)."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from api.params import Day, LongText, ShortText, Uuid
from api.schemas.base import StrictModel
from api.schemas.cases import AgencyName
from rules.share_requests import ShareMode, ShareRefusal, ShareType
from rules.sharing import BasisKind

Persons = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Sha256 = Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{64}$")]
Names = Annotated[list[ShortText], Field(min_length=1, max_length=100)]


class CatalogueItemIn(StrictModel):
    """An entry with the fields of the regulation (政务数据共享条例 art. 12). `conditions` with `conditional`, and
    `legal_citation` with `not_shared`. `approved_by`: the head who approved it."""

    name: ShortText
    items: Names
    format: ShortText
    update_frequency: ShortText
    share_type: ShareType
    mode: ShareMode
    conditions: LongText | None = None
    legal_citation: ShortText | None = None
    classification: ShortText
    approved_by: ShortText


class CatalogueItemChange(CatalogueItemIn):
    """As it is to be; `retired`: nobody may ask for it any more."""

    retired: bool = False


class CatalogueItemShown(BaseModel):
    id: UUID
    provider: AgencyName
    name: str
    items: list[str]
    format: str
    update_frequency: str
    share_type: str
    mode: str
    conditions: str | None
    legal_citation: str | None
    classification: str
    approved_by: str
    retired_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class ShareBasisIn(StrictModel):
    kind: BasisKind
    reference: ShortText


class ShareRequestIn(StrictModel):
    """What is asked for (art. 20): basis, scene, scope (parts of the item), mode, how long, and the head who approved
    it. Of persons only how many; of a consent basis, how many consents are there."""

    item: Uuid
    basis: ShareBasisIn
    persons: Persons
    consents: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = 0
    scene: LongText
    scope: Names
    mode: ShareMode
    until: Day
    approved_by: ShortText


class ShareStepIn(StrictModel):
    """What each step brings: `missing` with `ask_supplement`; with `supplement`, where consents were missing, `count`:
    how many there are now; `approved_by`, the data authority, with `extend`; `reason` with `refuse`; `count` and
    `sha256` with `deliver`; `count`, records that are wrong, with `ask_correction`; `certificate` with `dispose`.
    `text` with all but `agree`, `deliver` and `dispose`."""

    text: LongText | None = None
    reason: ShareRefusal | None = None
    missing: Annotated[list[ShortText], Field(max_length=50)] = Field(default_factory=list)
    approved_by: ShortText | None = None
    count: Persons | None = None
    sha256: Sha256 | None = None
    certificate: ShortText | None = None


class EntryShown(BaseModel):
    """An entry of the catalogue as it stood when it was asked for."""

    name: str
    items: list[str]
    format: str
    update_frequency: str
    share_type: str
    mode: str
    conditions: str | None
    legal_citation: str | None
    classification: str
    approved_by: str


class ShareStepShown(BaseModel):
    """A step, by which side, and what was said with it."""

    step: str
    agency: UUID
    at: datetime
    text: str | None = None
    reason: str | None = None
    missing: list[str] = Field(default_factory=list)
    approved_by: str | None = None
    count: int | None = None
    sha256: str | None = None
    certificate: str | None = None


class ShareRequestRow(BaseModel):
    """`due_at`: when what the present status asks for is due; null where nothing is, and it stands while `paused`.
    `wrong`: records that were to be corrected. `dispute`: the level a refusal was taken to."""

    id: UUID
    item_id: UUID
    item_name: str
    item_version: int
    item: EntryShown
    share_type: str
    asker: AgencyName
    provider: AgencyName
    basis_kind: str
    basis_reference: str
    consents: int
    persons: int
    scene: str
    scope: list[str]
    mode: str
    until: date
    approved_by: str
    status: str
    supplemented: bool
    extended: bool
    missing: list[str]
    refusal: str | None
    dispute: str | None
    steps: list[ShareStepShown]
    delivered: int | None
    sha256: str | None
    wrong: int | None
    certificate: str | None
    due_at: datetime | None
    due_confirmed: bool
    paused: bool
    overdue: bool
    created_at: datetime
    updated_at: datetime
    version: int


class ShareRequestShown(ShareRequestRow):
    """With what the caller may do now."""

    allowed_steps: list[str]
