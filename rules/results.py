"""result (办理结果), adoption (采用), assistance (帮扶措施): their words, and what a recognition is good for. Pure.

What is sent to an agency is answered: adopted, partly or not, and then why (社会救助法 art. 42). Until when is our
default unless the matter says otherwise.
"""

from collections.abc import Collection
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from rules.deadlines import Period
from rules.errors import FieldError, ValidationFailed

ADOPT_WITHIN: Final = Period(5, "working_day")
RENEWAL: Final = timedelta(days=30)
"""So long before a recognition ends may the next one be asked for. Our default."""


class ResultKind(StrEnum):
    recognition = "recognition"
    decision = "decision"
    benefit = "benefit"
    placement = "placement"
    mediation = "mediation"
    award = "award"
    other = "other"


class AdoptionDecision(StrEnum):
    adopted = "adopted"
    partly = "partly"
    not_adopted = "not_adopted"


class AdoptionReason(StrEnum):
    """Why something was adopted in part only, or not."""

    outdated = "outdated"
    incomplete = "incomplete"
    contradicts_own_records = "contradicts_own_records"
    other_standard = "other_standard"
    other_place = "other_place"
    not_relevant = "not_relevant"
    other = "other"


class ExpectationStatus(StrEnum):
    """Of an expected adoption: what was said, `withdrawn` where what was sent is gone, `left` where the agency is."""

    waiting = "waiting"
    adopted = "adopted"
    partly = "partly"
    not_adopted = "not_adopted"
    withdrawn = "withdrawn"
    left = "left"


class WithdrawalReason(StrEnum):
    """Why a result does not stand any more."""

    entered_in_error = "entered_in_error"
    facts_changed = "facts_changed"
    revoked_on_review = "revoked_on_review"
    renounced = "renounced"


class Recognition(StrEnum):
    """What an office recognises once for all, as the code of a result of kind `recognition`."""

    dibao = "dibao"
    hard_to_employ = "hard-to-employ"
    disability = "disability"
    legal_aid = "legal-aid"


def check_adoption(decision: str, *, reason_code: str | None, reason: str | None) -> None:
    """Whoever does not adopt in full says why, in a code and in words. Raises ValidationFailed."""
    if decision == AdoptionDecision.adopted:
        if reason_code is not None:
            raise ValidationFailed(FieldError("/reason_code", "not-with-this-decision"))
        return
    said = (("reason_code", reason_code), ("reason", reason))
    missing = [FieldError(f"/{name}", "required") for name, value in said if not value]
    if missing:
        raise ValidationFailed(*missing)


def bars_second_check(valid_to: date | None, said: Collection[str], *, day: date) -> bool:
    """Whether a standing recognition lets nobody ask for another: not shortly before it ends, and not who said that it
    does not adopt it. `said`: the decisions of whoever asks."""
    if valid_to is not None and valid_to - RENEWAL <= day:
        return False
    return not {AdoptionDecision.partly, AdoptionDecision.not_adopted}.intersection(said)


class AssistanceKind(StrEnum):
    living = "living"
    employment = "employment"
    training = "training"
    schooling = "schooling"
    medical = "medical"
    legal = "legal"
    warmth = "warmth"
    counselling = "counselling"


class Depth(StrEnum):
    emergency = "emergency"
    recovery = "recovery"
    root_cause = "root_cause"
