"""inbound_source (来函来源) and inbound_mapping (来函映射): who sends an agency what, and what it becomes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import blind, document, key, one_of, sealed
from rules.inbound import SourceKind


class InboundSource(SQLModel, table=True):
    """One partner's system that writes to one agency; what it sends is done as `client_id`, an account of that agency.

    `secret` signs (standard_webhooks); `digest` is SHA-256 of a token or of a certificate. The one before either is
    taken until `previous_until`.
    """

    __tablename__ = "inbound_source"
    __table_args__ = (
        CheckConstraint(one_of("kind", *SourceKind), name="inbound_source_kind"),
        CheckConstraint(one_of("status", "active", "disabled"), name="inbound_source_status"),
        CheckConstraint(
            "(kind = 'standard_webhooks') = (secret IS NOT NULL) AND (secret IS NULL) = (digest IS NOT NULL)",
            name="inbound_source_credential",
        ),
        Index("inbound_source_by_agency", "agency_id", "id"),
    )

    id: UUID = key()
    agency_id: UUID = Field(foreign_key="agency.id")
    client_id: UUID = Field(foreign_key="client.id")
    name: str
    kind: str
    status: str
    secret: bytes | None = sealed(nullable=True)
    previous_secret: bytes | None = sealed(nullable=True, context="inbound_source.secret")
    digest: bytes | None = blind(nullable=True)
    previous_digest: bytes | None = blind(nullable=True)
    previous_until: datetime | None
    mapping_version: int | None
    created_at: datetime
    updated_at: datetime
    version: int


class InboundMapping(SQLModel, table=True):
    """One version of what a source's bodies become. Never changed: the source says which one holds."""

    __tablename__ = "inbound_mapping"
    __table_args__ = (
        ForeignKeyConstraint(["source_id"], ["inbound_source.id"]),
        Index("inbound_mapping_by_agency", "agency_id"),
    )

    source_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    agency_id: UUID = Field(foreign_key="agency.id")
    document: dict[str, Any] = document()
    created_at: datetime
