"""Request budgets. Processes lease blocks of tokens, so that a request costs no write; the table is unlogged."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel


class RateBucket(SQLModel, table=True):
    __tablename__ = "rate_bucket"
    __table_args__ = {"prefixes": ["UNLOGGED"]}

    principal_id: UUID = Field(primary_key=True)
    policy: str = Field(primary_key=True)
    tokens: int
    refilled_at: datetime
