"""link: an assertion about two records, and its undoing."""

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel

from api.schemas.base import StrictModel
from rules.linkage.assertions import UNLINK_REASONS


class UnlinkReason(StrEnum):
    different_persons = "different_persons"
    wrong_identifier = "wrong_identifier"
    told_by_the_person = "told_by_the_person"
    entered_in_error = "entered_in_error"


assert tuple(UnlinkReason) == UNLINK_REASONS


class UndoIn(StrictModel):
    """Why the two records are not one person, as a code."""

    reason: UnlinkReason


class Undone(BaseModel):
    """`case_ids`: cases that stand for themselves again, or were opened for whom the link had brought elsewhere."""

    link_id: UUID
    record_id: UUID
    case_ids: list[UUID]
