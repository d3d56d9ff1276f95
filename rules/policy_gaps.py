"""policy_gap (政策空白): a need for which no body is competent. The responsibility list has the last word. Pure."""

from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from rules.errors import FieldError, ValidationFailed


class GapGround(StrEnum):
    """Why nobody is: no matter of the list answers the need; no office of the place is competent for those that do; or
    an office said that it is not, and the union disputed it."""

    no_matter = "no_matter"
    no_competent_agency = "no_competent_agency"
    disputed = "disputed"


class Competent(NamedTuple):
    """An office that the list names after all."""

    matter: str
    agency: str


def check_ground(ground: str, *, answered_by: Collection[str], competent: Competent | None, disputed: bool) -> None:
    """Raises ValidationFailed where the list or the case speaks against the ground, naming what speaks against it.

    `answered_by`: the matters that answer the need, `competent`: the nearest office for one of them.
    """
    if ground == GapGround.no_matter and answered_by:
        raise ValidationFailed(FieldError("/ground", "a-matter-answers-this", {"matter": min(answered_by)}))
    if ground == GapGround.no_competent_agency and competent is not None:
        raise ValidationFailed(FieldError("/ground", "an-agency-is-competent", {**competent._asdict()}))
    if ground == GapGround.disputed and not disputed:
        raise ValidationFailed(FieldError("/ground", "no-competence-disputed"))
