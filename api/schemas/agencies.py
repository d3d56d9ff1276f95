"""agency: an entry of the directory as everybody sees it, and what its own administrators may change."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from api.params import ShortText
from api.schemas.base import StrictModel
from api.schemas.cases import AgencyName

WindowText = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=100, pattern=r"\S")]
CodeSuffix = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]


class WindowIn(StrictModel):
    """A counter people can go to. `phone` is the office's, never a person's."""

    name: WindowText
    hours: WindowText | None = None
    address: WindowText | None = None
    phone: WindowText | None = None


class WindowShown(BaseModel):
    name: str
    hours: str | None
    address: str | None
    phone: str | None


class AgencyShown(BaseModel):
    """An entry of the directory. `matters` are the codes it is competent for in its division; `answers_by_link`: it has
    no system of its own and answers referrals through links."""

    id: UUID
    code: str
    name: str
    name_en: str
    kind: str
    level: str
    parent: AgencyName | None
    department: bool
    division_code: str
    windows: list[WindowShown]
    matters: list[str]
    answers_by_link: bool
    status: str
    version: int


class DepartmentIn(StrictModel):
    """A department below the caller's agency: kind, level and division are the agency's.

    Its code in the directory is the agency's, a hyphen and `suffix`. Without `name_en` the Chinese name stands in.
    """

    suffix: CodeSuffix
    name: ShortText
    name_en: ShortText | None = None
    windows: Annotated[list[WindowIn], Field(max_length=20)] = Field(default_factory=list)


class AgencyChange(StrictModel):
    """A merge patch; `windows` are replaced as a whole."""

    name: ShortText = ""
    name_en: ShortText = ""
    windows: Annotated[list[WindowIn], Field(max_length=20)] = Field(default_factory=list)


def windows_shown(windows: list[dict[str, str]]) -> list[WindowShown]:
    """Windows from their JSON: what an entry does not say is null."""
    return [
        WindowShown(name=one["name"], hours=one.get("hours"), address=one.get("address"), phone=one.get("phone"))
        for one in windows
    ]
