"""conference (联席会议): its sessions, agenda, opinions and tasks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from db.types import document, key, one_of
from rules.conferences import Effect, ItemKind, ItemStatus, SessionKind, SessionStatus, Stance, TaskStatus


def _agencies() -> Any:
    return Field(sa_type=ARRAY(Uuid), nullable=False)


class Conference(SQLModel, table=True):
    """A standing conference of offices of one place, convened by a union. `member_ids` has the convener among them:
    they alone see anything of it. The periods are its own rules, in working days."""

    __tablename__ = "conference"
    __table_args__ = (
        CheckConstraint("agency_id = ANY (member_ids)", name="conference_convener_is_member"),
        CheckConstraint("quorum BETWEEN 1 AND cardinality(member_ids)", name="conference_quorum"),
        Index("conference_by_convener", "agency_id"),
    )

    id: UUID = key()
    agency_id: UUID = Field(foreign_key="agency.id")
    name: str
    division_code: str
    member_ids: list[UUID] = _agencies()
    months_between: int
    notice_working_days: int
    reply_working_days: int
    quorum: int
    created_at: datetime
    updated_at: datetime
    version: int


class ConferenceSession(SQLModel, table=True):
    """One meeting: called, in session, closed. The minutes of a cancelled one say why it was not held."""

    __tablename__ = "conference_session"
    __table_args__ = (
        CheckConstraint(one_of("kind", *SessionKind), name="conference_session_kind"),
        CheckConstraint(one_of("status", *SessionStatus), name="conference_session_status"),
        CheckConstraint(
            "(status IN ('closed', 'cancelled')) = (minutes IS NOT NULL)", name="conference_session_minutes"
        ),
        Index("conference_session_number", "conference_id", "number", unique=True),
    )

    id: UUID = key()
    conference_id: UUID = Field(foreign_key="conference.id")
    number: int
    kind: str
    status: str
    starts_at: datetime
    venue: str
    invited_ids: list[UUID] = _agencies()
    attended_ids: list[UUID] = _agencies()
    minutes: str | None
    called_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None
    updated_at: datetime
    version: int


class AgendaItem(SQLModel, table=True):
    """One question before a session. Of a referral it holds what anybody above is told (matter, need, place, offices):
    no case and no person. `figures` are counts."""

    __tablename__ = "agenda_item"
    __table_args__ = (
        CheckConstraint(one_of("kind", *ItemKind), name="agenda_item_kind"),
        CheckConstraint(one_of("status", *ItemStatus), name="agenda_item_status"),
        CheckConstraint("kind IN ('hot_issue', 'raised') OR referral_id IS NOT NULL", name="agenda_item_referral"),
        CheckConstraint("(status = 'open') = (settled_at IS NULL)", name="agenda_item_settled"),
        Index("agenda_item_by_session", "session_id", "position", unique=True),
        Index("agenda_item_by_referral", "referral_id", postgresql_where="referral_id IS NOT NULL"),
    )

    id: UUID = key()
    conference_id: UUID = Field(foreign_key="conference.id")
    session_id: UUID = Field(foreign_key="conference_session.id")
    position: int
    kind: str
    status: str
    raised_by_agency_id: UUID = Field(foreign_key="agency.id")
    title: str | None
    referral_id: UUID | None = Field(foreign_key="referral.id")
    matter_code: str | None = Field(foreign_key="matter.code")
    need: str | None
    place: str | None
    office_agency_id: UUID | None = Field(foreign_key="agency.id")
    coordinator_agency_id: UUID | None = Field(foreign_key="agency.id")
    since: datetime | None
    figures: dict[str, Any] | None = document(nullable=True)
    carried_from: UUID | None = Field(foreign_key="agenda_item.id")
    text: str | None
    lead_agency_id: UUID | None = Field(foreign_key="agency.id")
    support_ids: list[UUID] = _agencies()
    settled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class Opinion(SQLModel, table=True):
    """What a member was asked about an item, by when, and what it said."""

    __tablename__ = "opinion"
    __table_args__ = (
        CheckConstraint(one_of("stance", *Stance), name="opinion_stance"),
        CheckConstraint("(answered_at IS NULL) = (stance IS NULL)", name="opinion_answered"),
        Index("opinion_by_agency", "agency_id", "agenda_item_id"),
        Index("opinion_due", "reply_by", postgresql_where="answered_at IS NULL AND overdue_at IS NULL"),
    )

    agenda_item_id: UUID = Field(foreign_key="agenda_item.id", primary_key=True)
    agency_id: UUID = Field(foreign_key="agency.id", primary_key=True)
    conference_id: UUID = Field(foreign_key="conference.id")
    asked_at: datetime
    reply_by: datetime
    due_confirmed: bool
    stance: str | None
    text: str | None
    answered_at: datetime | None
    overdue_at: datetime | None


class ConferenceTask(SQLModel, table=True):
    """What a decision asks of one member by a day; once done, whether its effect was seen on the cases."""

    __tablename__ = "conference_task"
    __table_args__ = (
        CheckConstraint(one_of("status", *TaskStatus), name="conference_task_status"),
        CheckConstraint(one_of("effect", *Effect), name="conference_task_effect"),
        CheckConstraint("effect IS NULL OR status = 'done'", name="conference_task_effect_of_done"),
        Index("conference_task_by_item", "agenda_item_id"),
        Index("conference_task_by_owner", "agency_id", "due_by", "id"),
        Index("conference_task_due", "due_by", postgresql_where="status IN ('open', 'in_progress')"),
    )

    id: UUID = key()
    conference_id: UUID = Field(foreign_key="conference.id")
    agenda_item_id: UUID = Field(foreign_key="agenda_item.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    text: str
    due_by: datetime
    status: str
    answer: str | None
    effect: str | None
    overdue_at: datetime | None
    done_at: datetime | None
    confirmed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
