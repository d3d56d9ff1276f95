"""Request budgets. Processes lease blocks of tokens, so that a request costs no write; the table is unlogged."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from db.types import blind


class RateBucket(SQLModel, table=True):
    __tablename__ = "rate_bucket"
    __table_args__ = {"prefixes": ["UNLOGGED"]}

    principal_id: UUID = Field(primary_key=True)
    policy: str = Field(primary_key=True)
    tokens: int
    refilled_at: datetime


class SignInAttempt(SQLModel, table=True):
    """Tries to sign in, by a keyed hash of account, device or address, within one window of time."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (Index("sign_in_attempt_by_start", "started_at"), {"prefixes": ["UNLOGGED"]})

    key_hash: bytes = Field(primary_key=True, sa_type=blind().sa_type)
    started_at: datetime
    tries: int
