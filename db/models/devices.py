"""device (设备): one sign-in of a person through an app, with the chain of refresh tokens that keeps it alive."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import blind, key, one_of, sealed, words

REVOKED_FOR = ("person", "administrator", "credential", "replay")
"""Who or what ended a device: its person, its agency's administrator, a new password or factor, a token used twice."""


class Device(SQLModel, table=True):
    """Its id is the `sid` of the access tokens: they die with it."""

    __tablename__ = "device"
    __table_args__ = (
        CheckConstraint(one_of("revoked_for", *REVOKED_FOR), name="device_revoked_for"),
        Index("device_by_agency", "agency_id"),
        Index("device_by_staff", "staff_id", "id"),
        Index("device_by_expiry", "expires_at"),
    )

    id: UUID = key()
    agency_id: UUID = Field(foreign_key="agency.id")
    staff_id: UUID = Field(foreign_key="staff.id")
    app_id: UUID = Field(foreign_key="app_client.id")
    name: str
    client: str
    scopes: list[str] = words()
    auth_time: datetime
    second_factor: bool
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    revoked_for: str | None


class SignInCode(SQLModel, table=True):
    """An authorization code, 60 seconds, used once. Kept as long as its device may live: a second use ends that."""

    __tablename__ = "sign_in_code"
    __table_args__ = (
        Index("sign_in_code_by_agency", "agency_id"),
        Index("sign_in_code_by_time", "created_at"),
    )

    code_hash: bytes = Field(primary_key=True, sa_type=blind().sa_type)
    agency_id: UUID = Field(foreign_key="agency.id")
    staff_id: UUID = Field(foreign_key="staff.id")
    app_id: UUID = Field(foreign_key="app_client.id")
    redirect_uri: str
    challenge: str
    nonce: str | None
    scopes: list[str] = words()
    second_factor: bool
    created_at: datetime
    used_at: datetime | None
    device_id: UUID | None


class RefreshToken(SQLModel, table=True):
    """One link of the chain. `successor` is sealed, to be given again where the answer was lost; it goes once used."""

    __tablename__ = "refresh_token"
    __table_args__ = (
        Index("refresh_token_by_agency", "agency_id"),
        Index("refresh_token_by_device", "device_id"),
        Index("refresh_token_by_expiry", "expires_at"),
    )

    token_hash: bytes = Field(primary_key=True, sa_type=blind().sa_type)
    agency_id: UUID = Field(foreign_key="agency.id")
    device_id: UUID = Field(foreign_key="device.id")
    expires_at: datetime
    used_at: datetime | None
    successor_hash: bytes | None = blind(nullable=True)
    successor: bytes | None = sealed(nullable=True, row="device_id")
