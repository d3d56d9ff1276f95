"""access_request (查看申请): one side of a possible match asks the other to show what it holds. Pure.

The holder decides, names the classes and the end. A grant opens the comparison of that match and nothing else.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from rules.errors import Conflict, FieldError, InvalidTransition, ValidationFailed
from rules.match_candidates import GRANTABLE
from rules.purposes import classes_for, covers
from rules.sharing import LONGEST_EMERGENCY, BasisKind

KEPT_STATUSES: Final = ("open", "granted", "refused", "revoked")
LONGEST_GRANT: Final = timedelta(days=90)


class AccessStatus(StrEnum):
    """`expired` is never stored: it is a grant whose time is over."""

    open = "open"
    granted = "granted"
    refused = "refused"
    expired = "expired"
    revoked = "revoked"


class RefusalReason(StrEnum):
    no_basis = "no_basis"
    purpose_not_needed = "purpose_not_needed"
    other_person = "other_person"
    secrecy_by_law = "secrecy_by_law"
    person_objects = "person_objects"
    asked_elsewhere = "asked_elsewhere"


_STEPS: Final = {"open": ("grant", "refuse"), "granted": ("revoke",)}


def status_now(status: str, expires_at: datetime | None, now: datetime) -> str:
    """The status as of `now`, in real time: a grant runs out by itself."""
    over = status == "granted" and expires_at is not None and expires_at <= now
    return AccessStatus.expired.value if over else status


def parts_in_request(agency: object, *, asker: object, holder: object) -> frozenset[str]:
    held = {"asker": asker, "holder": holder}
    return frozenset(part for part, of in held.items() if of == agency)


def allowed_steps(status: str, parts: Collection[str]) -> tuple[str, ...]:
    """What an agency with these parts may do now; `status` as of now."""
    return _STEPS.get(status, ()) if "holder" in parts else ()


def check_step(status: str, step: str) -> None:
    """Raises InvalidTransition. `status` as of now."""
    if step not in _STEPS.get(status, ()):
        raise InvalidTransition(status, _STEPS.get(status, ()))


def check_asking(parts: Collection[str], *, status: str, silent: bool, granted: bool) -> None:
    """Raises Conflict for whoever sees both sides anyway, of a match the other side must not learn of, of one that is
    decided, and while a grant runs."""
    if "comparer" in parts:
        raise Conflict(reason="both-sides-are-your-own")
    if silent:
        raise Conflict(reason="match-is-silent")
    if status != "open":
        raise Conflict(reason="match-is-decided")
    if granted:
        raise Conflict(reason="access-granted-already")


def check_grant(
    classes: Collection[str], expires_at: datetime, *, purpose: str, basis_kind: str, now: datetime
) -> None:
    """Raises ValidationFailed for a class that the comparison does not hold or the purpose cannot need, and for an end
    that has passed or lies further off than 90 days, 72 hours where the basis is an emergency."""
    open_classes = GRANTABLE & classes_for(purpose)
    errors = [
        FieldError(f"/field_classes/{position}", "class-not-open")
        for position, name in enumerate(classes)
        if name not in open_classes
    ]
    longest = LONGEST_EMERGENCY if basis_kind == BasisKind.emergency else LONGEST_GRANT
    if expires_at <= now:
        errors.append(FieldError("/expires_at", "in-the-past"))
    elif expires_at > now + longest:
        too_long = "longer-than-72-hours" if basis_kind == BasisKind.emergency else "longer-than-90-days"
        errors.append(FieldError("/expires_at", too_long))
    if errors:
        raise ValidationFailed(*errors)


def opens_for(granted_purpose: str, asked_purpose: str | None) -> bool:
    """Whether a grant for one purpose opens a read that names another."""
    return asked_purpose is not None and covers(granted_purpose, asked_purpose)
