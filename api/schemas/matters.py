"""matter: a row of the responsibility list with the clocks and offices of a place."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel

from api.schemas.agencies import WindowShown


class LeadShown(BaseModel):
    """`body` is the office in Chinese, also where the list has no kind for it."""

    kind: str
    body: str


class SupportShown(BaseModel):
    kinds: list[str]
    bodies: list[str]


class ClockShown(BaseModel):
    """`amount` is 0 for `same_day` and `immediate`. `basis`: law, local or default (ours).

    `mark`: V read in the source, R recalled, L read in a local rule, D our default. `overridden`: the division asked
    for, or one above it, is stricter than the list.
    """

    amount: int
    unit: str
    basis: str
    mark: str
    overridden: bool


class ClocksShown(BaseModel):
    """`resolve` null: the work ends with an occasion, see `resolve_note`. `extension` null: none is allowed."""

    acknowledge: ClockShown
    accept: ClockShown
    resolve: ClockShown | None
    extension: ClockShown | None


class OverrideShown(BaseModel):
    """A division's own rule; a figure of it that is not stricter than what holds above changes nothing."""

    division_code: str
    source: str
    valid_from: date


class FieldsShown(BaseModel):
    """The classes the lead may see under a basis. `basis` is `default`: our reading, which a province edits."""

    classes: list[str]
    basis: str


class OfficeShown(BaseModel):
    id: UUID
    code: str
    name: str
    kind: str
    windows: list[WindowShown]


class MatterShown(BaseModel):
    """`overrides` and `agencies` speak of the `division` asked for; `agencies` is null where none was."""

    code: str
    title_zh: str
    title_en: str
    lead: LeadShown
    support: SupportShown
    clocks: ClocksShown
    resolve_note: str | None
    legal_basis: list[str]
    statutory_duty: bool
    needs: list[str]
    minimum_fields: FieldsShown
    default_urgency: str
    urgency_note: str | None
    overrides: list[OverrideShown]
    agencies: list[OfficeShown] | None


class Matters(BaseModel):
    data: list[MatterShown]
