"""case_link: an agency's own number of a case, another case, a case on another platform."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, StringConstraints

from api.params import CodeText, DivisionCode, LongText, ShortText, Uuid
from api.schemas.base import StrictModel
from api.schemas.cases import AgencyName
from rules.case_links import LinkKind, LinkSaid, PlatformLevel

CaseNumberText = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=100, pattern=r"\S")]
HttpsAddress = Annotated[
    str, StringConstraints(strict=True, max_length=500, pattern=r"^https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[!-~]*)?$")
]


class CaseLinkIn(StrictModel):
    """What `kind` needs: `own_number` system and number (of the caller's own); `same_household`, `same_employer`,
    `same_root_cause` other_case and reason; `elsewhere` division_code, authority, number and reason, and it takes level
    and url."""

    kind: LinkKind
    other_case: Uuid | None = None
    system: CodeText | None = None
    number: CaseNumberText | None = None
    authority: ShortText | None = None
    division_code: DivisionCode | None = None
    level: PlatformLevel | None = None
    url: HttpsAddress | None = None
    reason: LongText | None = None

    def said(self) -> LinkSaid:
        return LinkSaid(
            kind=self.kind,
            other_case=self.other_case,
            system=self.system,
            number=self.number,
            authority=self.authority,
            division_code=self.division_code,
            level=self.level,
            url=self.url,
            reason=self.reason,
        )


class UndoIn(StrictModel):
    reason: LongText


class CaseLinkShown(BaseModel):
    """`case_id` is the case it is seen from. Of a pair `other_case_id` is null where the caller has no part in that
    case; `holder`, who coordinates it, is whom to ask. `said_by` null: the platform itself (`source` model). A judicial
    agency's number is null for the coordinator unless `Tongli-Purpose` needs the class legal."""

    id: UUID
    case_id: UUID
    kind: str
    source: str
    said_by: AgencyName | None
    said_at: datetime
    system: str | None
    number: str | None
    other_case_id: UUID | None
    holder: AgencyName | None
    division_code: str | None
    level: str | None
    authority: str | None
    url: str | None
    reason: str | None
    undone_at: datetime | None
    undone_by: AgencyName | None
    undo_reason: str | None
    version: int
