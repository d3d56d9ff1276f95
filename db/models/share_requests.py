"""catalogue_item (共享目录项) and share_request (数据共享申请): what agencies share, and who asks for it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import document, key, one_of, words
from rules.share_requests import DisputeLevel, ShareMode, ShareRefusal, ShareStatus, ShareType
from rules.sharing import BasisKind


class CatalogueItem(SQLModel, table=True):
    """An entry of the catalogue with the fields of the regulation (art. 12). A change makes the next version of it;
    what was asked for before names the version it was asked under."""

    __tablename__ = "catalogue_item"
    __table_args__ = (
        CheckConstraint(one_of("share_type", *ShareType), name="catalogue_item_share_type"),
        CheckConstraint(one_of("mode", *ShareMode), name="catalogue_item_mode"),
        CheckConstraint("(share_type = 'conditional') = (conditions IS NOT NULL)", name="catalogue_item_conditions"),
        CheckConstraint("(share_type = 'not_shared') = (legal_citation IS NOT NULL)", name="catalogue_item_citation"),
        Index("catalogue_item_by_agency", "agency_id", "id"),
    )

    id: UUID = key()
    agency_id: UUID = Field(foreign_key="agency.id")
    name: str
    items: list[str] = words()
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


class ShareRequest(SQLModel, table=True):
    """Basis, scene, scope, mode and duration (art. 20), how many persons, and each clock. `due_at` is when what the
    present status asks for is due; while `paused_at` it stands. It is `counted_days` working days after `counted_from`,
    whatever prolonged it. `item` is the entry as it was asked for, `steps` what was said with each step, oldest first.
    No data and no person stand here: the data go where they always went."""

    __tablename__ = "share_request"
    __table_args__ = (
        CheckConstraint(one_of("status", *ShareStatus), name="share_request_status"),
        CheckConstraint(one_of("share_type", *ShareType), name="share_request_share_type"),
        CheckConstraint(one_of("basis_kind", *BasisKind), name="share_request_basis"),
        CheckConstraint(one_of("mode", *ShareMode), name="share_request_mode"),
        CheckConstraint(one_of("refusal", *ShareRefusal), name="share_request_refusal"),
        CheckConstraint(one_of("dispute", *DisputeLevel), name="share_request_dispute"),
        CheckConstraint("agency_id <> provider_agency_id", name="share_request_to_another"),
        CheckConstraint("(status = 'disposed') = (certificate IS NOT NULL)", name="share_request_disposed"),
        CheckConstraint(
            "(status IN ('requested', 'supplement_asked', 'agreed', 'correcting')) = (due_at IS NOT NULL)",
            name="share_request_clock",
        ),
        Index("share_request_by_asker", "agency_id", "updated_at", "id"),
        Index("share_request_by_provider", "provider_agency_id", "updated_at", "id"),
        Index("share_request_by_item", "catalogue_item_id"),
        CheckConstraint("(status = 'supplement_asked') = (paused_at IS NOT NULL)", name="share_request_paused"),
        CheckConstraint(
            "(due_at IS NULL) = (counted_from IS NULL) AND (due_at IS NULL) = (counted_days IS NULL)",
            name="share_request_counted",
        ),
        Index("share_request_provisional", "id", postgresql_where="due_at IS NOT NULL AND NOT due_confirmed"),
        Index(
            "share_request_due",
            "due_at",
            postgresql_where="due_at IS NOT NULL AND paused_at IS NULL AND overdue_at IS NULL",
        ),
    )

    id: UUID = key()
    catalogue_item_id: UUID = Field(foreign_key="catalogue_item.id")
    item_version: int
    item: dict[str, Any] = document()
    share_type: str
    agency_id: UUID = Field(foreign_key="agency.id")
    provider_agency_id: UUID = Field(foreign_key="agency.id")
    basis_kind: str
    basis_reference: str
    consents: int
    persons: int
    scene: str
    scope: list[str] = words()
    mode: str
    until: date
    approved_by: str
    status: str
    supplemented: bool
    extended: bool
    missing: list[str] = words()
    refusal: str | None
    dispute: str | None
    steps: list[dict[str, Any]] = document()
    delivered: int | None
    sha256: str | None
    wrong: int | None
    certificate: str | None
    counted_from: datetime | None
    counted_days: int | None
    due_at: datetime | None
    due_confirmed: bool
    paused_at: datetime | None
    overdue_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
