"""conference (联席会议): members and rules, sessions, agenda, opinions, decisions, tasks."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from api.params import CodeText, Day, DivisionCode, Instant, LongText, ShortText, Uuid
from api.schemas.base import StrictModel
from api.schemas.cases import AgencyName
from api.schemas.referrals import MatterTitle
from rules.conferences import Effect, SessionKind, Stance

MOST_MEMBERS = 50
MOST_TASKS = 50

Members = Annotated[list[Uuid], Field(max_length=MOST_MEMBERS)]
WorkingDays = Annotated[int, Field(strict=True, ge=1, le=60)]


class ConferenceChange(StrictModel):
    """Members and rules as they are to be; the convener is a member whether named or not. Periods are in working
    days."""

    name: ShortText
    members: Members
    months_between: Annotated[int, Field(strict=True, ge=1, le=12)] = 3
    notice_working_days: WorkingDays = 5
    reply_working_days: WorkingDays = 10
    quorum: Annotated[int, Field(strict=True, ge=1, le=MOST_MEMBERS + 1)] = 2


class ConferenceIn(ConferenceChange):
    """A conference of the offices of one place."""

    division_code: DivisionCode


class ConferenceShown(BaseModel):
    id: UUID
    convener: AgencyName
    name: str
    division_code: str
    members: list[AgencyName]
    months_between: int
    notice_working_days: int
    reply_working_days: int
    quorum: int
    created_at: datetime
    updated_at: datetime
    version: int


class SessionIn(StrictModel):
    """A regular session needs the agreed notice, a special one an hour's."""

    kind: SessionKind
    starts_at: Instant
    venue: ShortText


class SessionStepIn(StrictModel):
    """`attended` with `open`; `minutes` with `close`, and with `cancel`, where they say why. Minutes name no person."""

    attended: Members = Field(default_factory=list)
    minutes: LongText | None = None


class SessionRow(BaseModel):
    """`number` counts the sessions of the conference."""

    id: UUID
    conference_id: UUID
    number: int
    kind: str
    status: str
    starts_at: datetime
    venue: str
    invited: list[AgencyName]
    attended: list[AgencyName]
    called_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None
    updated_at: datetime
    version: int


class AgendaItemIn(StrictModel):
    """A question of a member's own. `referral`: one that it sees; members are told matter, need, place and offices of
    it. Titles name no person."""

    title: ShortText | None = None
    referral: Uuid | None = None
    matter: CodeText | None = None


class OpinionsIn(StrictModel):
    """Which members are asked; by `reply_on`, or within the conference's own period."""

    agencies: Annotated[list[Uuid], Field(min_length=1, max_length=MOST_MEMBERS)]
    reply_on: Day | None = None


class OpinionIn(StrictModel):
    """Texts name no person."""

    stance: Stance
    text: LongText | None = None


class TaskIn(StrictModel):
    owner: Uuid
    text: LongText
    due_on: Day


class ItemStepIn(StrictModel):
    """`lead` is required where an item about a referral is decided: the office whose it is from now on. Texts name no
    person."""

    text: LongText | None = None
    lead: Uuid | None = None
    support: Members = Field(default_factory=list)
    tasks: Annotated[list[TaskIn], Field(max_length=MOST_TASKS)] = Field(default_factory=list)


class OpinionShown(BaseModel):
    """What a member was asked, by when, and what it said. `overdue` stays true once it came late or not at all."""

    agency: AgencyName
    asked_at: datetime
    reply_by: datetime
    due_confirmed: bool
    stance: str | None
    text: str | None
    answered_at: datetime | None
    overdue: bool


class FiguresShown(BaseModel):
    """Referrals of a matter asked for in the last `days`, and in as many before."""

    days: int
    asked: int
    before: int


class EffectShown(BaseModel):
    """Where a referral stands that the decision assigned."""

    status: str
    outcome: str | None


class AgendaItemShown(BaseModel):
    """One question. `overdue` and `disputed` items, and those that name a referral, tell what anybody above is told of
    it; who sees the referral reads it under `referral_id`. `tasks` are ids."""

    id: UUID
    session_id: UUID
    position: int
    kind: str
    status: str
    raised_by: AgencyName
    title: str | None
    referral_id: UUID | None
    matter: MatterTitle | None
    need: str | None
    place: str | None
    office: AgencyName | None
    coordinator: AgencyName | None
    since: datetime | None
    figures: FiguresShown | None
    carried_from: UUID | None
    text: str | None
    lead: AgencyName | None
    support: list[AgencyName]
    opinions: list[OpinionShown]
    tasks: list[UUID]
    effects: list[EffectShown]
    settled_at: datetime | None
    created_at: datetime
    version: int


class AgendaItemRead(AgendaItemShown):
    """With what the caller may do now."""

    allowed_steps: list[str]


class SessionShown(SessionRow):
    """With its minutes, its agenda, and what the caller may do now."""

    minutes: str | None
    agenda: list[AgendaItemShown]
    allowed_steps: list[str]


class TaskStepIn(StrictModel):
    """`text` with `finish`: what was done. `effect` with `confirm`."""

    text: LongText | None = None
    effect: Effect | None = None


class ConferenceTaskRow(BaseModel):
    """`overdue` stays true once its day passed undone. `effect`: what the convener saw of it on the cases."""

    id: UUID
    conference_id: UUID
    agenda_item_id: UUID
    owner: AgencyName
    text: str
    due_by: datetime
    status: str
    overdue: bool
    answer: str | None
    effect: str | None
    done_at: datetime | None
    confirmed_at: datetime | None
    created_at: datetime
    version: int


class ConferenceTaskShown(ConferenceTaskRow):
    allowed_steps: list[str]


class Participation(BaseModel):
    """What one member did within the span: of sessions held, opinions asked, tasks given."""

    agency: AgencyName
    sessions_called: int
    sessions_attended: int
    opinions_asked: int
    opinions_answered: int
    opinions_in_time: int
    tasks: int
    tasks_done: int
    tasks_overdue: int


class ParticipationFigures(BaseModel):
    data: list[Participation]
