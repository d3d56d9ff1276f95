"""link (关联): an assertion about two records; match_candidate (疑似重复): two records for people to decide."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    DOUBLE_PRECISION,
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from db.types import document, key, one_of, sealed, words

VERDICTS = ("same", "different")
SOURCES = ("model", "person", "agency")
CANDIDATE_STATUSES = ("open", "confirmed", "not_duplicate", "undone")


class Link(SQLModel, table=True):
    """`decided_by` is the linker's name and version or the staff member; evidence and terms name fields and numbers,
    never values.

    Nothing is ever updated: an assertion stands until a later one of the same record `withdraws` it. A person is what
    standing `same` assertions connect: the record with `other_record_id`, or, where that is null, with `person_id` (the
    record founded that person, or what it was compared with was erased). The person's id is the one that its oldest
    founding record brought; so persons can be computed anew from here, and a former id still leads to its records.
    """

    __tablename__ = "link"
    __table_args__ = (
        CheckConstraint(one_of("kind", "same_person"), name="link_kind"),
        CheckConstraint(one_of("verdict", *VERDICTS), name="link_verdict"),
        CheckConstraint(one_of("source", *SOURCES), name="link_source"),
        CheckConstraint(
            "other_record_id <> record_id AND (verdict = 'same' OR other_record_id IS NOT NULL)", name="link_of_two"
        ),
        UniqueConstraint("id", "record_id", name="link_of_record"),
        ForeignKeyConstraint(["withdraws", "record_id"], ["link.id", "link.record_id"]),
        Index("link_by_record", "record_id"),
        Index("link_by_person", "person_id"),
        Index("link_by_other_record", "other_record_id", postgresql_where="other_record_id IS NOT NULL"),
        Index("link_by_withdrawn", "withdraws", postgresql_where="withdraws IS NOT NULL"),
    )

    id: UUID = key()
    kind: str
    record_id: UUID = Field(foreign_key="person_record.id")
    person_id: UUID = Field(foreign_key="person.id")
    evidence: list[dict[str, Any]] = document()
    decided_by: str
    decided_at: datetime
    undone_at: datetime | None
    other_record_id: UUID | None = Field(foreign_key="person_record.id")
    verdict: str = Field(sa_column_kwargs={"server_default": "same"})
    source: str = Field(sa_column_kwargs={"server_default": "model"})
    weight: float | None = Field(sa_type=DOUBLE_PRECISION)
    model_version: str | None
    terms: list[dict[str, Any]] | None = document(nullable=True)
    reason: str | None
    withdraws: UUID | None


class LinkFeature(SQLModel, table=True):
    """What a record is compared by. `number` stands for the record in the narrow `link_key`; `keys` are all its keys,
    so that they can be found again without an index on twelve rows a record.

    Person (kept equal by a trigger), agency and time are copies of the record's: candidates are read from this table
    alone, at half the pages.
    """

    __tablename__ = "link_feature"
    __table_args__ = (
        UniqueConstraint("record_id"),
        Index("link_feature_by_person", "person_id", "at", "number"),
    )

    number: int = Field(sa_type=BigInteger, sa_column_args=[Identity(always=True)], primary_key=True)
    record_id: UUID = Field(foreign_key="person_record.id")
    person_id: UUID
    agency_id: UUID
    at: datetime
    features: bytes = sealed(context="link_feature", row="record_id")
    keys: list[int] = Field(sa_type=ARRAY(BigInteger), nullable=False)
    model_version: str


class LinkKey(SQLModel, table=True):
    """Which records share a key: the first 64 bits of a keyed hash, as a signed number."""

    __tablename__ = "link_key"

    key: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    number: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})


class LinkKeyHeavy(SQLModel, table=True):
    """A key so many records share that it says nothing: neither read nor written any more."""

    __tablename__ = "link_key_heavy"

    key: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})


class LinkValue(SQLModel, table=True):
    """In how many persons a value occurs, not in how many reports: duplicates must not make a name common. `value` is
    a keyed hash of column and value."""

    __tablename__ = "link_value"

    value: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    people: int


class MatchCandidate(SQLModel, table=True):
    """Two records that may be one person, for people to decide. `record_id` came later.

    `other_case_id` is the holder's, `case_id` that of who reported later; `silent`: the other record comes from a
    judicial agency, and only the holder is told. `until`: a decision that lapses then. `confirmed_by_agency`: the first
    of two coordinators who must both confirm. Whose the cases are is copied by triggers, so that a queue is read from
    one index.
    """

    __tablename__ = "match_candidate"
    __table_args__ = (
        CheckConstraint(one_of("band", "review"), name="match_candidate_band"),
        CheckConstraint(one_of("status", *CANDIDATE_STATUSES), name="match_candidate_status"),
        Index("match_candidate_once", "record_id", "other_record_id", unique=True, postgresql_where="status = 'open'"),
        Index("match_candidate_by_record", "record_id"),
        Index("match_candidate_by_other_record", "other_record_id"),
        Index("match_candidate_by_case", "case_id"),
        Index("match_candidate_by_other_case", "other_case_id"),
        Index("match_candidate_by_coordinator", "coordinator_agency_id", "due_at", "id"),
        Index("match_candidate_by_holder", "holder_agency_id", "due_at", "id"),
        Index(
            "match_candidate_lapsing",
            "until",
            postgresql_where="status = 'not_duplicate' AND until IS NOT NULL",
        ),
        Index("match_candidate_due", "due_at", postgresql_where="status = 'open'"),
    )

    id: UUID = key()
    record_id: UUID = Field(foreign_key="person_record.id")
    other_record_id: UUID = Field(foreign_key="person_record.id")
    case_id: UUID = Field(foreign_key="case.id")
    other_case_id: UUID = Field(foreign_key="case.id")
    coordinator_agency_id: UUID = Field(foreign_key="agency.id")
    holder_agency_id: UUID = Field(foreign_key="agency.id")
    silent: bool
    weight: float = Field(sa_type=DOUBLE_PRECISION)
    band: str
    terms: list[dict[str, Any]] = document()
    guards: list[str] = words()
    model_version: str
    status: str
    until: datetime | None
    due_at: datetime
    created_at: datetime
    decided_by_agency: UUID | None = Field(foreign_key="agency.id")
    confirmed_by_agency: UUID | None = Field(foreign_key="agency.id")
    decided_by: UUID | None
    decided_at: datetime | None
    reason: str | None
    version: int


class ProbingAlarm(SQLModel, table=True):
    """The last record of an agency that tried identities out, when that was told: once a day for one person."""

    __tablename__ = "probing_alarm"

    record_id: UUID = key()
    told_at: datetime
