"""letter (一函两书): what unions write in supervision of labour law."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import key, one_of, sealed, words
from rules.letters import Ground, LetterKind, LetterStatus


class Letter(SQLModel, table=True):
    """`said` holds facts and demands, `answer` what was said to it, step by step; both null once the case was erased.
    `due_by`: the employer's reply to an opinion, the department's filing of a proposal."""

    __tablename__ = "letter"
    __table_args__ = (
        CheckConstraint(one_of("kind", *LetterKind), name="letter_kind"),
        CheckConstraint(one_of("status", *LetterStatus), name="letter_status"),
        CheckConstraint(one_of("ground", *Ground), name="letter_ground"),
        CheckConstraint("(kind = 'proposal') = (ground IS NOT NULL)", name="letter_ground_of_proposal"),
        CheckConstraint("(kind = 'proposal') = (to_agency_id IS NOT NULL)", name="letter_addressee"),
        CheckConstraint("(kind = 'hint') = (due_by IS NULL)", name="letter_clock"),
        CheckConstraint("(status = 'filed') = (filing_number IS NOT NULL)", name="letter_filing"),
        Index("letter_number_of_union", "agency_id", "number", unique=True),
        Index(
            "letter_one_proposal",
            "follows",
            unique=True,
            postgresql_where="kind = 'proposal' AND status NOT IN ('declined', 'withdrawn')",
        ),
        Index("letter_by_union", "agency_id", "updated_at", "id"),
        Index("letter_by_addressee", "to_agency_id", "updated_at", "id"),
        Index("letter_by_copy", "copied_agency_id", "updated_at", "id"),
        Index("letter_by_case", "case_id"),
        Index("letter_due", "due_by", postgresql_where="status = 'sent' AND overdue_at IS NULL"),
    )

    id: UUID = key()
    case_id: UUID = Field(foreign_key="case.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    kind: str
    status: str
    number: str
    follows: UUID | None = Field(foreign_key="letter.id")
    ground: str | None
    employer: str
    to_agency_id: UUID | None = Field(foreign_key="agency.id")
    copied_agency_id: UUID | None = Field(foreign_key="agency.id")
    place: str
    violations: list[str] = words()
    workers: int
    said: bytes | None = sealed(nullable=True)
    answer: bytes | None = sealed(nullable=True)
    filing_number: str | None
    due_by: datetime | None
    due_confirmed: bool
    overdue_at: datetime | None
    answered_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
