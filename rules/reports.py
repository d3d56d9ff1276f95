"""report (情况报告): what an agency says of a worker in trouble, checked as far as facts alone can be. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from rules.credit_codes import CreditCodeError, check_employer_code
from rules.deadlines import shanghai_day
from rules.errors import FieldError, ValidationFailed
from rules.identity_numbers import (
    IdentityNumber,
    IdentityNumberError,
    contradictions,
    is_demo,
    masked,
    normalise,
    parse_identity_number,
    to_eighteen,
)
from rules.linkage.clk import FEWEST_BITS, MOST_BITS, bits_set
from rules.phones import PhoneError, normalise_phone
from rules.purposes import Purpose
from rules.texts import TextError, clean_name, name_key


class Channel(StrEnum):
    visit = "visit"
    hotline = "hotline"
    app = "app"
    hall = "hall"
    system = "system"
    other = "other"


class IdType(StrEnum):
    resident_id = "resident_id"
    hk_mo_tw = "hk_mo_tw"
    foreign_pr = "foreign_pr"
    passport = "passport"
    unverified = "unverified"
    encoded = "encoded"
    none = "none"


class Relation(StrEnum):
    spouse = "spouse"
    child = "child"
    parent = "parent"
    grandparent = "grandparent"
    grandchild = "grandchild"
    sibling = "sibling"
    other = "other"


FIRST_GENERATION = 15
"""Digits of an identity number before 1999: no century, no check character."""

CHECKED_ID_TYPES = ("resident_id", "hk_mo_tw", "foreign_pr")
"""Kinds of number that GB 11643 gives a check character; a sender who claims one claims certainty."""


@dataclass(frozen=True, slots=True)
class AddressSaid:
    division_code: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class EmployerSaid:
    name: str
    uscc: str | None


@dataclass(frozen=True, slots=True)
class EncodedSaid:
    """What the sender may not disclose: keyed hash of the identity number (64 hexadecimal digits) and CLK (1024 bits)
    under the encoding key of this name."""

    key: str
    id_number: str | None = field(repr=False)
    clk: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class PersonSaid:
    """A person as one report described them. `as_received` holds what the sender only has in doubtful form,
    verbatim.
    """

    name: str
    id_type: str
    id_number: str | None
    sex: str | None
    birth_date: date | None
    phones: tuple[str, ...]
    address: AddressSaid | None
    employment_status: str | None
    employer: EmployerSaid | None
    relation: str
    health: str | None
    as_received: dict[str, str]
    details: dict[str, object]
    encoded: EncodedSaid | None = None


@dataclass(frozen=True, slots=True)
class BasisSaid:
    """A basis as an agency says it. `field_classes` None: whatever the matter's minimum set holds. For a consent also
    the version of the text, the channel and who gave it."""

    kind: str
    reference: str
    recipients: tuple[UUID, ...]
    valid_until: datetime | None
    purpose: str = Purpose.assistance
    field_classes: tuple[str, ...] | None = None
    text_version: str | None = None
    channel: str | None = None
    given_by: str | None = None


@dataclass(frozen=True, slots=True)
class ReportSaid:
    """One report. `id` is the sender's own, where it made one (a mobile client without a network does)."""

    id: UUID | None
    source_system: str
    source_record_id: str
    aware_at: datetime
    aware_by: str | None
    channel: str
    urgency: str
    person: PersonSaid | None
    household: tuple[PersonSaid, ...]
    employer: EmployerSaid | None
    cause_primary: str | None
    causes_secondary: tuple[str, ...]
    needs: tuple[str, ...]
    bases: tuple[BasisSaid, ...]
    household_number: str | None = None

    @property
    def people(self) -> tuple[PersonSaid, ...]:
        """The main person first, then the household."""
        return (*((self.person,) if self.person else ()), *self.household)

    @property
    def place(self) -> str | None:
        """The division the trouble stands in, where the sender said one."""
        address = self.person.address if self.person else None
        return address.division_code if address else None


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Normal forms by which a record is linked; every one is hashed with a key before it touches the database."""

    id_number: str | None
    name_and_birth: str | None
    phones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonFound:
    """One person after checking: normal forms, and sex and birth date completed from a valid number."""

    said: PersonSaid
    name: str
    id_number: str | None
    sex: str
    birth_date: date | None
    phones: tuple[str, ...]
    identifiers: Identifiers


def check_report(said: ReportSaid, *, now: datetime, allow_demo: bool) -> list[PersonFound]:
    """The people of a report in normal form, main person first. Raises ValidationFailed with every fault found.

    `allow_demo` lets identity numbers of the invented division 99 in; production refuses them.
    """
    errors: list[FieldError] = []
    if said.household and said.person is None:
        errors.append(FieldError("/person", "required"))
    elif said.person is None and said.employer is None:
        errors.append(FieldError("/person", "person-or-employer-required"))
    if said.id is not None and said.id.version != 7:
        errors.append(FieldError("/id", "id-version"))
    if said.aware_at > now:
        errors.append(FieldError("/aware_at", "in-the-future"))
    if said.cause_primary is not None and said.cause_primary in said.causes_secondary:
        errors.append(FieldError("/causes/secondary", "repeats-the-primary"))
    for pointer, employer in _employers(said):
        errors += _credit_code_errors(pointer, employer)
    found = [
        _check_person(pointer, person, errors, now=now, allow_demo=allow_demo) for pointer, person in _people(said)
    ]
    if errors:
        raise ValidationFailed(*errors)
    return found


def _people(said: ReportSaid) -> Iterable[tuple[str, PersonSaid]]:
    if said.person is not None:
        yield "/person", said.person
    for position, member in enumerate(said.household):
        yield f"/household/{position}", member


def _employers(said: ReportSaid) -> Iterable[tuple[str, EmployerSaid]]:
    if said.employer is not None:
        yield "/employer", said.employer
    for pointer, person in _people(said):
        if person.employer is not None:
            yield f"{pointer}/employer", person.employer


def _credit_code_errors(pointer: str, employer: EmployerSaid) -> list[FieldError]:
    if employer.uscc is None:
        return []
    try:
        check_employer_code(employer.uscc)
    except CreditCodeError as wrong:
        return [FieldError(f"{pointer}/uscc", wrong.code)]
    return []


def _check_person(
    pointer: str, said: PersonSaid, errors: list[FieldError], *, now: datetime, allow_demo: bool
) -> PersonFound:
    name = _name(pointer, said, errors)
    errors += _encoding_errors(pointer, said)
    identity = _identity(pointer, said, errors, allow_demo)
    birth_date = said.birth_date or (identity.birth_date if identity else None)
    if birth_date is not None and birth_date > shanghai_day(now):
        errors.append(FieldError(f"{pointer}/birth_date", "in-the-future"))
    phones = _phones(pointer, said, errors)
    number = identity.number if identity else said.id_number
    return PersonFound(
        said=said,
        name=name,
        id_number=number,
        sex=said.sex or (identity.sex.value if identity else "unknown"),
        birth_date=birth_date,
        phones=phones,
        identifiers=read_identifiers(
            id_type=said.id_type,
            as_received=said.as_received,
            name=name,
            number=number,
            birth_date=birth_date,
            phones=phones,
        ),
    )


def _name(pointer: str, said: PersonSaid, errors: list[FieldError]) -> str:
    try:
        return clean_name(said.name)
    except TextError as wrong:
        errors.append(FieldError(f"{pointer}/name", wrong.code))
        return said.name


def _identity(pointer: str, said: PersonSaid, errors: list[FieldError], allow_demo: bool) -> IdentityNumber | None:
    """The number read as GB 11643 where its kind claims that; birth date and sex must agree with it."""
    if said.id_type not in CHECKED_ID_TYPES:
        if said.id_type == "none" and said.id_number is not None:
            errors.append(FieldError(f"{pointer}/id_number", "not-with-this-id-type"))
        return None
    if said.id_number is None:
        errors.append(FieldError(f"{pointer}/id_number", "required"))
        return None
    try:
        identity = parse_identity_number(said.id_number)
    except IdentityNumberError as wrong:
        errors.append(FieldError(f"{pointer}/id_number", wrong.code, {"id_number": masked(said.id_number)}))
        return None
    if is_demo(identity.number) and not allow_demo:
        errors.append(FieldError(f"{pointer}/id_number", "demo-number"))
    errors += [
        FieldError(f"{pointer}/{name}", "contradicts-id-number", _both_masked(name, said, identity))
        for name in contradictions(identity, said.birth_date, said.sex)
    ]
    return identity


def _encoding_errors(pointer: str, said: PersonSaid) -> Iterable[FieldError]:
    """Encoded or plain, not both: whoever may send the number sends it. Whose key it is, the keys say."""
    if said.id_type != IdType.encoded:
        if said.encoded is not None:
            yield FieldError(f"{pointer}/encoded", "not-with-this-id-type")
        return
    if said.id_number is not None:
        yield FieldError(f"{pointer}/id_number", "not-with-this-id-type")
    if "id_number" in said.as_received:
        yield FieldError(f"{pointer}/as_received/id_number", "not-with-this-id-type")
    if said.encoded is None or (said.encoded.id_number is None and said.encoded.clk is None):
        yield FieldError(f"{pointer}/encoded", "required")
    elif said.encoded.clk is not None and not FEWEST_BITS <= bits_set(said.encoded.clk) <= MOST_BITS:
        yield FieldError(f"{pointer}/encoded/clk", "clk-of-nobody")


def _both_masked(name: str, said: PersonSaid, identity: IdentityNumber) -> dict[str, str | int]:
    """Both sides so that a human sees which field to look at, neither so that anyone learns a value."""
    stated = "****-**-**" if name == "birth_date" else "*" * len(said.sex or "")
    return {"id_number": masked(identity.number), name: stated}


def _phones(pointer: str, said: PersonSaid, errors: list[FieldError]) -> tuple[str, ...]:
    phones = []
    for position, phone in enumerate(said.phones):
        try:
            phones.append(normalise_phone(phone))
        except PhoneError as wrong:
            errors.append(FieldError(f"{pointer}/phones/{position}", wrong.code))
    return tuple(dict.fromkeys(phones))


def read_identifiers(
    *,
    id_type: str,
    as_received: Mapping[str, str],
    name: str,
    number: str | None,
    birth_date: date | None,
    phones: tuple[str, ...],
) -> Identifiers:
    """What a person is linked by. Doubtful forms are read for linking only, and only where they read cleanly."""
    return Identifiers(
        id_number=number if id_type in CHECKED_ID_TYPES else _read_number(as_received.get("id_number")),
        name_and_birth=None if birth_date is None else f"{name_key(name)}|{birth_date.isoformat()}",
        phones=phones or _read_phone(as_received.get("phone")),
    )


def _read_number(text: str | None) -> str | None:
    try:
        return parse_identity_number(eighteen(text)).number if text else None
    except IdentityNumberError:
        return None


def eighteen(text: str) -> str:
    """A number of the first generation's 15 digits in today's 18 characters; any other as it is."""
    number = normalise(text)
    return to_eighteen(number) if len(number) == FIRST_GENERATION else number


def _read_phone(text: str | None) -> tuple[str, ...]:
    try:
        return (normalise_phone(text),) if text else ()
    except PhoneError:
        return ()
