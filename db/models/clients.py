"""client (接入方): a machine account that acts for exactly one agency."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import blind, document, key, one_of, words


class Client(SQLModel, table=True):
    __tablename__ = "client"
    __table_args__ = (
        CheckConstraint(one_of("status", "active", "revoked"), name="client_status"),
        Index("client_by_agency", "agency_id", "id"),
    )

    id: UUID = key()
    agency_id: UUID = Field(foreign_key="agency.id")
    name: str
    scopes: list[str] = words()
    status: str
    secret_hash: bytes | None = blind(nullable=True)
    secret_expires_at: datetime | None
    created_at: datetime
    revoked_at: datetime | None
    version: int


class ClientKey(SQLModel, table=True):
    """A public key that verifies a client's assertions. Several may live at once, for rotation."""

    __tablename__ = "client_key"
    __table_args__ = (Index("client_key_by_agency", "agency_id"),)

    client_id: UUID = Field(primary_key=True, foreign_key="client.id")
    kid: str = Field(primary_key=True)
    agency_id: UUID = Field(foreign_key="agency.id")
    jwk: dict[str, str] = document()
    created_at: datetime
    revoked_at: datetime | None


class ClientAssertion(SQLModel, table=True):
    """An assertion that was used: each may be used once. Small and unpartitioned so that uniqueness is global."""

    __tablename__ = "client_assertion"
    __table_args__ = (Index("client_assertion_by_expiry", "expires_at"),)

    client_id: UUID = Field(primary_key=True, foreign_key="client.id")
    token_id: str = Field(primary_key=True)
    expires_at: datetime
