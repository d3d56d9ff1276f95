"""inbound_source (来函来源) and inbound_receipt (来函回执): kinds, states and reasons. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from rules.errors import (
    ConsentMissing,
    Erased,
    FieldError,
    Hidden,
    InsufficientRole,
    InsufficientScope,
    Merged,
    NotAuthenticated,
    QualificationMissing,
    TongliError,
    ValidationFailed,
)

ID_KEPT: Final = timedelta(days=30)
"""How long a source's message id stands for one receipt."""

KEPT: Final = timedelta(days=90)
"""How long a settled receipt is kept, its envelope with it."""

OVERLAP: Final = timedelta(hours=24)
"""How long the credential before the last one is still taken."""

MAX_TRIES: Final = 8
FIRST_PAUSE: Final = timedelta(seconds=2)
LONGEST_PAUSE: Final = timedelta(minutes=5)


class SourceKind(StrEnum):
    """How a source proves itself: it signs, it holds a token, or a proxy vouches for its certificate."""

    standard_webhooks = "standard_webhooks"
    bearer = "bearer"
    mtls = "mtls"


class ReceiptStatus(StrEnum):
    received = "received"
    done = "done"
    quarantined = "quarantined"
    discarded = "discarded"


class DiscardReason(StrEnum):
    not_ours = "not_ours"
    repeated = "repeated"
    test_message = "test_message"
    unusable = "unusable"
    done_by_hand = "done_by_hand"


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Why a receipt waits for people: a stable code, and places in the body or in what was made of it."""

    reason: str
    problems: tuple[FieldError, ...] = ()


class NotDone(TongliError):  # noqa: N818  said of a receipt, not of the program
    """What a receipt asks for cannot be done as it stands. Never answered: it becomes a quarantine."""

    def __init__(self, reason: str, problems: Sequence[FieldError] = ()) -> None:
        super().__init__(reason=reason)
        self.quarantine = Quarantine(reason, tuple(problems))


_REFUSALS: Final[tuple[tuple[type[TongliError], str], ...]] = (
    (NotAuthenticated, "client-not-active"),
    (InsufficientScope, "insufficient-scope"),
    (ConsentMissing, "consent-missing"),
    (QualificationMissing, "qualification-missing"),
    (InsufficientRole, "insufficient-role"),
    (Hidden, "nothing-found"),
    (Merged, "nothing-found"),
    (Erased, "gone"),
)


def quarantine_of(error: TongliError) -> Quarantine:
    """What a refusal of the same rules that hold over the API means for a receipt."""
    if isinstance(error, NotDone):
        return error.quarantine
    if isinstance(error, ValidationFailed):
        return Quarantine("validation-failed", made(error.errors))
    for kind, reason in _REFUSALS:
        if isinstance(error, kind):
            return Quarantine(reason)
    return Quarantine(error.code)


def made(errors: Sequence[FieldError]) -> tuple[FieldError, ...]:
    """Faults of a made document: their places begin with `/made`. What they say of values is left out."""
    return tuple(FieldError(f"/made{error.pointer}", error.code) for error in errors)


def pause_after(tries: int) -> timedelta:
    """How long to wait after so many tries that met trouble of our own."""
    return min(FIRST_PAUSE * (1 << max(tries - 1, 0)), LONGEST_PAUSE)
