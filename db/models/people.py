"""person_record (人员记录): the person as one report described them. person (人员): the human behind the records."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import blind, blinds, key, one_of, sealed
from rules.reports import IdType

SEXES = ("male", "female", "unknown")


class Person(SQLModel, table=True):
    """A cluster of records held together by links; holds nothing of its own, so a link can be undone without loss."""

    __tablename__ = "person"

    id: UUID = key()
    created_at: datetime


class PersonRecord(SQLModel, table=True):
    """Identity number and phones are sealed; equality goes by keyed blind index.

    `corrects`: a correction that the reporting agency made to an earlier record of its own; it holds what was corrected
    and nothing else, and goes before everything that was said. `index_key` names the key of the indexes, which cannot
    tell themselves; null where nobody wrote it down. `main`: whom the report was about; `relation` is to that person.
    """

    __tablename__ = "person_record"
    __table_args__ = (
        CheckConstraint(one_of("id_type", *IdType), name="person_record_id_type"),
        CheckConstraint(one_of("sex", *SEXES), name="person_record_sex"),
        Index("person_record_by_identity", "id_index"),
        Index("person_record_by_name_birth", "name_birth_index"),
        Index("person_record_by_case", "case_id"),
        Index("person_record_by_person", "person_id"),
        Index("person_record_by_report", "report_id"),
        Index("person_record_by_agency", "agency_id"),
        Index("person_record_by_employer", "employer_id"),
        Index("person_record_by_corrected", "corrects", postgresql_where="corrects IS NOT NULL"),
    )

    id: UUID = key()
    report_id: UUID = Field(foreign_key="report.id")
    case_id: UUID = Field(foreign_key="case.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    person_id: UUID = Field(foreign_key="person.id")
    name: bytes = sealed(context="person_record")
    id_type: str
    id_number: bytes | None = sealed(nullable=True, context="person_record")
    id_index: bytes | None = blind(nullable=True)
    name_birth_index: bytes | None = blind(nullable=True)
    phone_indexes: list[bytes] = blinds()
    index_key: str | None
    contact: bytes = sealed(context="person_record")
    sex: str
    birth_date: date | None
    division_code: str | None
    employment_status: str | None
    employer_id: UUID | None = Field(foreign_key="employer.id")
    details: bytes = sealed(context="person_record")
    created_at: datetime
    corrects: UUID | None = Field(foreign_key="person_record.id")
    relation: str = Field(sa_column_kwargs={"server_default": "other"})
    main: bool = Field(sa_column_kwargs={"server_default": "false"})
