"""audit_leaf (审计): one row per write and per sensitive read, in the same transaction, in a form a Merkle log can
seal.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index
from sqlmodel import Field, SQLModel

from db.types import blind, document, key, words


class AuditLeaf(SQLModel, table=True):
    """`commitment` hashes the salted leaf: an erased leaf loses salt and facts, its commitment stays valid.

    Insert-only for the application. Partitioned by month of the UUIDv7 id.
    """

    __tablename__ = "audit_leaf"
    __table_args__ = (
        Index("audit_leaf_by_agency", "agency_id", "id"),
        Index("audit_leaf_by_case", "case_id", "id"),
        Index("audit_leaf_unsealed", "position"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: UUID = key()
    position: int = Field(sa_type=BigInteger, sa_column_args=(Identity(always=True),))
    at: datetime
    agency_id: UUID
    principal_kind: str
    principal_id: UUID
    actor: str | None
    action: str
    subject_type: str
    subject_id: UUID | None
    case_id: UUID | None
    field_classes: list[str] = words()
    purpose: str | None
    request_id: str
    facts: dict[str, Any] = document()
    salt: bytes = blind()
    algorithm: str
    commitment: bytes = blind()
