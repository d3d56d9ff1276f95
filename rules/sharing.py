"""sharing_basis (共享依据): on which ground fields of a person may leave, judged by who sends and who receives. Pure.

A union is neither a government department nor a state organ, so a statutory duty is no ground for it: what it hands on
needs the person's separate consent for each recipient and purpose, or an emergency (个人信息保护法 arts. 13, 23, 29;
政务数据共享条例 arts. 2, 43). Charities and enterprises receive under consent only, whoever sends.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from rules.errors import FieldError, ValidationFailed
from rules.matters import AgencyKind
from rules.purposes import Purpose, covers


class BasisKind(StrEnum):
    consent = "consent"
    statutory_duty = "statutory_duty"
    emergency = "emergency"


class ConsentChannel(StrEnum):
    """How the person said yes."""

    paper = "paper"
    app = "app"
    hall = "hall"
    recorded_call = "recorded_call"
    other = "other"


class GivenBy(StrEnum):
    """Who said yes: for a child under 14 a parent or guardian (art. 31)."""

    person = "person"
    guardian = "guardian"


class WithdrawnBy(StrEnum):
    person = "person"
    guardian = "guardian"
    agency = "agency"


STATE_ORGANS = frozenset(
    {
        *(AgencyKind.labour, AgencyKind.finance, AgencyKind.judicial, AgencyKind.civil_affairs),
        *(AgencyKind.medical_insurance, AgencyKind.education, AgencyKind.health, AgencyKind.housing),
        *(AgencyKind.emergency, AgencyKind.court, AgencyKind.procuratorate),
    }
)
CONSENT_ONLY = frozenset({AgencyKind.charity, AgencyKind.enterprise})
LONGEST_EMERGENCY = timedelta(hours=72)

_ORDER = (BasisKind.consent, BasisKind.statutory_duty, BasisKind.emergency)


@dataclass(frozen=True, slots=True)
class Basis:
    """One basis in force that names the recipient. `field_classes` None: the matter's minimum set."""

    kind: str
    recorded_by: UUID
    recorder_kind: str
    purpose: str = Purpose.assistance
    field_classes: frozenset[str] | None = None
    guardian: bool = False


def is_ground(kind: str, *, sender: str, recipient: str) -> bool:
    """Whether this kind of basis allows a sender of one kind of agency to give to a recipient of another."""
    if recipient in CONSENT_ONLY:
        return kind == BasisKind.consent
    return kind != BasisKind.statutory_duty or sender in STATE_ORGANS


def check_basis(kind: str, *, sender: str, recipients: Collection[str], guardian: bool, at: str = "") -> None:
    """Raises ValidationFailed for a basis that is no ground between these kinds of agency, or a guardian's word where
    nobody consents. `at` is where the basis stands in the body."""
    errors = []
    if any(not is_ground(kind, sender=sender, recipient=recipient) for recipient in recipients):
        errors.append(FieldError(f"{at}/kind", "no-ground-between-these-agencies"))
    if guardian and kind != BasisKind.consent:
        errors.append(FieldError(f"{at}/given_by", "only-with-consent"))
    if errors:
        raise ValidationFailed(*errors)


def end_of_basis(kind: str, given: datetime | None, *, now: datetime, at: str = "") -> datetime | None:
    """When a basis ends: as said, an emergency after 72 hours at the latest. Raises ValidationFailed."""
    latest = now + LONGEST_EMERGENCY
    if given is not None and given <= now:
        raise ValidationFailed(FieldError(f"{at}/valid_until", "in-the-past"))
    if kind != BasisKind.emergency:
        return given
    if given is not None and given > latest:
        raise ValidationFailed(FieldError(f"{at}/valid_until", "longer-than-72-hours"))
    return given or latest


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What may be shown: `classes`, under the basis `basis_kind`; `missing` is the reason why it is only the preview.

    `records_of`: whose records are open; None for all of the case. An agency's own basis opens what that agency said,
    the coordinator's opens the case. `children`: whether those under 14 are shown.
    """

    classes: frozenset[str]
    basis_kind: str | None
    missing: str | None
    records_of: frozenset[UUID] | None = None
    children: bool = False


NOTHING = Disclosure(frozenset(), None, None)


def receiver_disclosure(
    minimum_fields: Iterable[str],
    bases: Iterable[Basis],
    *,
    recipient_kind: str,
    coordinator: UUID,
    purpose: str | None,
    assessed: bool,
) -> Disclosure:
    """What the receiver of an accepted referral sees: the matter's minimum set as far as bases in force reach it.

    Consent comes first: it is the one a person can see. `assessed`: an impact assessment of the matter is in force.
    """
    minimum = frozenset(minimum_fields)
    grounds = [basis for basis in bases if is_ground(basis.kind, sender=basis.recorder_kind, recipient=recipient_kind)]
    if not grounds:
        return Disclosure(frozenset(), None, "consent-missing")
    if not assessed:
        return Disclosure(frozenset(), None, "assessment-missing")
    opening = [basis for basis in grounds if basis.recorded_by == coordinator] or grounds
    if purpose is not None:
        opening = [basis for basis in opening if covers(basis.purpose, purpose)]
    if not opening:
        return Disclosure(frozenset(), None, "purpose-not-covered")
    first = min(opening, key=lambda basis: _ORDER.index(BasisKind(basis.kind)))
    of_case = any(basis.recorded_by == coordinator for basis in opening)
    return Disclosure(
        minimum & _reach(opening, minimum),
        first.kind,
        None,
        None if of_case else frozenset(basis.recorded_by for basis in opening),
        children=any(basis.kind != BasisKind.consent or basis.guardian for basis in opening),
    )


def _reach(bases: Iterable[Basis], minimum: frozenset[str]) -> frozenset[str]:
    return frozenset().union(*(minimum if basis.field_classes is None else basis.field_classes for basis in bases))


def lacking(minimum_fields: Iterable[str], disclosure: Disclosure) -> Mapping[str, object]:
    """What a refusal names: the classes that stay closed, and why."""
    return {"reason": disclosure.missing, "field_classes": sorted(frozenset(minimum_fields) - disclosure.classes)}
