"""The caller itself: who it is here, its password, its second factor."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from api.schemas.base import StrictModel

# Any characters: rules/passwords.py says what is taken. Bounded, because it will be hashed.
PasswordText = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200)]
CodeTyped = Annotated[str, StringConstraints(strict=True, min_length=6, max_length=32)]


class PasswordChange(StrictModel):
    current_password: PasswordText = Field(repr=False)
    new_password: PasswordText = Field(repr=False)


class FactorCode(StrictModel):
    code: CodeTyped = Field(repr=False)


class FactorShown(BaseModel):
    """Shown this once, for an authenticator app. In force after its first code."""

    secret: str
    uri: str


class RecoveryCodesShown(BaseModel):
    """Shown this once; each stands in for the second factor once."""

    recovery_codes: list[str]


class MeShown(BaseModel):
    """`second_factor` is null for a machine account, and so is `device_id`. `scopes` and `roles` are those in force."""

    kind: str
    id: UUID
    agency_id: UUID
    roles: list[str]
    scopes: list[str]
    device_id: UUID | None
    signed_in_at: datetime | None
    second_factor: bool | None
