"""escalation: what is late, and who was told of it upwards."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from api.schemas.cases import AgencyName
from rules.escalation import Level
from rules.matters import Need, Urgency


class MatterName(BaseModel):
    code: str
    title_zh: str
    title_en: str


class EscalationRow(BaseModel):
    """One level of the ladder that a late referral climbed. `told` is the agency above; `office`, the one that is late,
    null where an open pool is. `ended_at`: when the date was met or the referral ended; null while it is late."""

    id: UUID
    referral_id: UUID
    clock: str
    level: Level
    told: AgencyName
    office: AgencyName | None
    coordinator: AgencyName
    matter: MatterName
    need: Need
    place: str
    urgency: Urgency
    due_at: datetime
    raised_at: datetime
    ended_at: datetime | None
