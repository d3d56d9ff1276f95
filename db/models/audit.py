"""audit_leaf (审计): one row per write and per sensitive read, in the same transaction; the Merkle log that seals them.

A leaf waits in audit_pending until the sealer gives its commitment an index in audit_entry; audit_tile holds the
hashes, audit_checkpoint what the log signed, audit_cosignature what witnesses signed of it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index
from sqlmodel import Field, SQLModel

from db.types import blind, document, key, one_of, words


class AuditLeaf(SQLModel, table=True):
    """`commitment` hashes the salted leaf: an erased leaf loses salt, facts, subject and case, its commitment stays.

    Insert-only for the application. Partitioned by month of the UUIDv7 id.
    """

    __tablename__ = "audit_leaf"
    __table_args__ = (
        Index("audit_leaf_by_agency", "agency_id", "id"),
        Index("audit_leaf_by_case", "case_id", "id"),
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
    salt: bytes | None = blind(nullable=True)
    algorithm: str
    commitment: bytes = blind()
    erased_at: datetime | None


class AuditLog(SQLModel, table=True):
    """The one log of this database. Origin and hash are fixed at its birth: another hash would be another tree."""

    __tablename__ = "audit_log"
    __table_args__ = (
        CheckConstraint("id = 1", name="audit_log_is_one"),
        CheckConstraint(one_of("hash", "sha256", "sm3"), name="audit_log_hash"),
    )

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    origin: str
    hash: str
    born_at: datetime


class AuditKey(SQLModel, table=True):
    """Every public key the log ever signed with, as a vkey of signed-note, and from which size on."""

    __tablename__ = "audit_key"

    key: str = Field(primary_key=True)
    since_size: int = Field(sa_type=BigInteger)
    listed_at: datetime


class AuditPending(SQLModel, table=True):
    """A committed leaf that has no index yet. Written by a trigger, so that no way of writing a leaf goes past it.

    `news`: worth telling witnesses of; their own cosignatures are not.
    """

    __tablename__ = "audit_pending"

    position: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    leaf_id: UUID
    algorithm: str
    commitment: bytes = blind()
    news: bool


class AuditEntry(SQLModel, table=True):
    """A leaf's place in the log; `algorithm` and `commitment` are what its Merkle leaf hashes."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("audit_entry_by_leaf", "leaf_id", unique=True),)

    index: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    leaf_id: UUID
    algorithm: str
    commitment: bytes = blind()


class AuditTile(SQLModel, table=True):
    """Up to 256 hashes of one level (C2SP tlog-tiles); only a tile that is not full grows, at its end."""

    __tablename__ = "audit_tile"

    level: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    index: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    hashes: bytes = blind()


class AuditCheckpoint(SQLModel, table=True):
    """What the log signed of its tree at one size; `note` is the signed note without cosignatures."""

    __tablename__ = "audit_checkpoint"

    size: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    id: UUID
    root: bytes = blind()
    note: str
    signed_at: datetime


class AuditWitness(SQLModel, table=True):
    """A partner's key that cosigns checkpoints; the name stands in its signature lines and is taken once."""

    __tablename__ = "audit_witness"
    __table_args__ = (
        Index("audit_witness_by_agency", "agency_id", "id"),
        Index("audit_witness_by_name", "name", unique=True),
    )

    id: UUID = key()
    agency_id: UUID = Field(foreign_key="agency.id")
    name: str
    key: str
    created_at: datetime
    revoked_at: datetime | None
    version: int


class AuditCosignature(SQLModel, table=True):
    """One witness's signature line on one checkpoint, checked before it was taken."""

    __tablename__ = "audit_cosignature"

    size: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="audit_checkpoint.size")
    witness_id: UUID = Field(primary_key=True, foreign_key="audit_witness.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    line: str
    cosigned_at: datetime
    received_at: datetime
