"""What a person's record is compared by: normal forms, small enough to be sealed beside the record. Pure.

A feature is never shown and never stands open in the database: the record as it was said is another thing.
"""

import json
from collections.abc import Container
from dataclasses import astuple, dataclass, field, fields, replace
from datetime import date
from typing import Final, Self

from rules.linkage.addresses import AddressRead
from rules.linkage.dates import BirthRead, lunar_of
from rules.linkage.employers import EmployerRead
from rules.linkage.names import NameRead
from rules.linkage.numbers import IdRead

SEXES: Final = {"male": "m", "female": "f"}


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody the report names beside the person: weak evidence, never a record of its own here."""

    name: str = field(repr=False)
    year: int | None


@dataclass(frozen=True, slots=True)
class Features:
    """Normal forms of one person of one report; empty text and empty tuples say nothing.

    `birth` is "1975-02-30", "1975-02" or "1975" as it was said (the date in a valid identity number goes before it);
    `lunar` the same day of the other calendar, where there is one. `area` is what an address says between county and
    house number, without the generic words that some senders leave out.
    """

    name: str = field(default="", repr=False)
    sounds: tuple[str, ...] = field(default=(), repr=False)
    folded: tuple[str, ...] = field(default=(), repr=False)
    former: str = field(default="", repr=False)
    surname: str = field(default="", repr=False)
    sex: str = ""
    birth: str = field(default="", repr=False)
    lunar: str = field(default="", repr=False)
    id_kind: str = ""
    id_number: str = field(default="", repr=False)
    id_head: str = field(default="", repr=False)
    id_tail: str = field(default="", repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)
    division: str = field(default="", repr=False)
    area: str = field(default="", repr=False)
    door: str = field(default="", repr=False)
    room: str = field(default="", repr=False)
    organisation: str = ""
    employer: str = field(default="", repr=False)
    household: str = field(default="", repr=False)
    members: tuple[Member, ...] = field(default=(), repr=False)

    @property
    def year(self) -> int | None:
        return int(self.birth[:4]) if self.birth else None

    @property
    def given(self) -> str:
        """The name without the surname, which is one syllable unless its sound says two."""
        return self.name[2:] if len(self.sounds) > 2 and self.surname == "".join(self.folded[:2]) else self.name[1:]

    @property
    def county(self) -> str:
        """Six digits of a county, or nothing where only something larger is known."""
        return "" if self.division.endswith("00") else self.division

    @property
    def valid_id(self) -> str:
        """The identity number where its check character holds."""
        return self.id_number if self.id_kind == "valid" else ""

    def without_members(self, names: Container[str]) -> Self:
        """The same without members of these names."""
        return replace(self, members=tuple(member for member in self.members if member.name not in names))


_TUPLES: Final = tuple(
    index for index, item in enumerate(fields(Features)) if item.name in ("sounds", "folded", "phones")
)
_MEMBERS: Final = len(fields(Features)) - 1


def encode(features: Features) -> bytes:
    """Bytes to be sealed: a JSON list in the order of the fields. 10 us."""
    return json.dumps(astuple(features), ensure_ascii=False, separators=(",", ":")).encode()


def decode(data: bytes) -> Features:
    """What `encode` made; fields that came later have their default. 5 us."""
    values = json.loads(data)
    for index in _TUPLES:
        values[index] = tuple(values[index])
    if len(values) > _MEMBERS:
        values[_MEMBERS] = tuple(Member(name, year) for name, year in values[_MEMBERS])
    return Features(*values)


@dataclass(frozen=True, slots=True)
class PersonRead:
    """What the readers made of one person of a report."""

    name: NameRead | None = None
    sex: str | None = None
    birth: BirthRead | None = None
    number: IdRead | None = None
    phones: tuple[str, ...] = ()
    address: AddressRead | None = None
    employer: EmployerRead | None = None
    household: str | None = None
    members: tuple[Member, ...] = ()


def features_of(read: PersonRead) -> Features:
    """The features of a person. The date and sex of a valid identity number go before what was said beside it."""
    name, number, address, employer = read.name, read.number, read.address, read.employer
    birth, lunar = _births(read)
    return Features(
        name=name.written if name else "",
        sounds=name.sounds if name else (),
        folded=name.folded if name else (),
        former=(name.former or "") if name else "",
        surname=name.surname_sound if name else "",
        sex=SEXES.get(read.sex or (number.sex if number and number.valid else None) or "", ""),
        birth=birth,
        lunar=lunar,
        id_kind=_kind(number),
        id_number=number.number if number and number.kind != "masked" else "",
        id_head=number.head if number else "",
        id_tail=number.tail if number else "",
        phones=read.phones,
        division=(address.division or "") if address else "",
        area=f"{address.street}{address.road}{address.community}" if address else "",
        door=address.number if address else "",
        room=_room(address),
        organisation=(employer.organisation or employer.registration or "") if employer else "",
        employer=employer.core if employer else "",
        household=(read.household or "").strip(),
        members=read.members,
    )


def _kind(number: IdRead | None) -> str:
    if number is None:
        return ""
    return "valid" if number.valid else number.kind


def _births(read: PersonRead) -> tuple[str, str]:
    """The day as it counts, and the same day of the other calendar."""
    day: date | None = None
    text = ""
    if read.number is not None and read.number.birth is not None and (read.number.valid or read.birth is None):
        day = read.number.birth
        text = day.isoformat()
    elif read.birth is not None:
        day, text = (None if read.birth.lunar else read.birth.solar), read.birth.text
    lunar = lunar_of(day) if day else None
    return text, "{:04}-{:02}-{:02}".format(*lunar) if lunar else ""


def _room(address: AddressRead | None) -> str:
    if address is None or not address.room:
        return ""
    return "-".join((address.building, address.unit, address.room))
