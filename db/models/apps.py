"""app_client (应用): a public OAuth client, such as the mobile app: people sign in through it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from db.types import key, one_of, words


class AppClient(SQLModel, table=True):
    """Belongs to no agency: the operator registers it, with the exact places it may be answered at."""

    __tablename__ = "app_client"
    __table_args__ = (CheckConstraint(one_of("status", "active", "revoked"), name="app_client_status"),)

    id: UUID = key()
    name: str = Field(unique=True)
    redirect_uris: list[str] = words()
    scopes: list[str] = words()
    status: str
    created_at: datetime
