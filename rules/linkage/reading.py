"""From what an agency wrote to features: every reader at once. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rules.linkage.addresses import Gazetteer, read_address
from rules.linkage.dates import read_birth
from rules.linkage.employers import read_employer
from rules.linkage.features import Features, Member, PersonRead, features_of
from rules.linkage.names import read_name
from rules.linkage.numbers import read_id
from rules.linkage.phones import read_phones


@dataclass(frozen=True, slots=True)
class Written:
    """One person as a report has them, in the sender's own spelling. `sex` is male or female; `members` are (name, year
    of birth) of the others in the household."""

    name: str | None = field(default=None, repr=False)
    sex: str | None = None
    birth: str | None = field(default=None, repr=False)
    number: str | None = field(default=None, repr=False)
    phones: Sequence[str] = field(default=(), repr=False)
    division: str | None = None
    address: str | None = field(default=None, repr=False)
    employer: str | None = field(default=None, repr=False)
    credit_code: str | None = None
    household: str | None = field(default=None, repr=False)
    members: Sequence[tuple[str, int | None]] = field(default=(), repr=False)


def read_features(written: Written, places: Gazetteer | None) -> Features:
    """The features of a person. Never raises: what cannot be read says nothing. 200 us."""
    return features_of(
        PersonRead(
            name=read_name(written.name),
            sex=written.sex,
            birth=read_birth(written.birth),
            number=read_id(written.number),
            phones=tuple(dict.fromkeys(number for text in written.phones for number in read_phones(text))),
            address=read_address(written.address, written.division, places),
            employer=read_employer(written.employer, written.credit_code, places),
            household=written.household,
            members=tuple(_members(written)),
        )
    )


def _members(written: Written) -> list[Member]:
    read = [(read_name(name), year) for name, year in written.members]
    return [Member(name.written, year) for name, year in read if name is not None]
