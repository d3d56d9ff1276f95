"""Who is one person, from what was asserted of records: all of it, at any time, with the same answer. Pure."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

N = TypeVar("N", bound=Hashable)
"""The id of a record or of a person."""

UNLINK_REASONS: Final = ("different_persons", "wrong_identifier", "told_by_the_person", "entered_in_error")
"""Why a link is undone. Codes, not words: everybody who coordinates either case reads them."""


@dataclass(frozen=True, slots=True)
class Said(Generic[N]):
    """One assertion, in the order in which they were made: a record is the `same` as another one or, without one,
    founded a person; or they are `different`. It stands until a later one `withdraws` it."""

    id: N
    record: N
    person: N
    other: N | None
    verdict: str
    withdraws: N | None = None


def persons_of(said: Iterable[Said[N]]) -> Mapping[N, N | None]:
    """The person of each record: what standing `same` assertions connect, called by the first founded of them.

    None for records that nobody founds any more. Cost: linear in the assertions.
    """
    all_of_them = list(said)
    withdrawn = {one.withdraws for one in all_of_them} - {None}
    standing = [one for one in all_of_them if one.verdict == "same" and one.id not in withdrawn]
    neighbours: dict[N, set[N]] = defaultdict(set)
    for one in standing:
        end = one.person if one.other is None else one.other
        neighbours[one.record].add(end)
        neighbours[end].add(one.record)
    founded: dict[N, int] = {}
    for position, one in enumerate(standing):
        if one.other is None:
            founded.setdefault(one.person, position)
    records = {one.record for one in all_of_them}
    return _named(records, neighbours, founded)


def _named(records: set[N], neighbours: Mapping[N, set[N]], founded: Mapping[N, int]) -> dict[N, N | None]:
    found: dict[N, N | None] = {}
    for record in records:
        if record in found:
            continue
        reached = reached_from(record, neighbours)
        name = min(reached & founded.keys(), key=lambda person: founded[person], default=None)
        found |= dict.fromkeys(reached & records, name)
    return found


def reached_from(start: N, neighbours: Mapping[N, set[N]]) -> set[N]:
    """Whatever is connected with `start`, itself included."""
    reached, frontier = {start}, [start]
    while frontier:
        for one in neighbours.get(frontier.pop(), set()) - reached:
            reached.add(one)
            frontier.append(one)
    return reached


@dataclass(frozen=True, slots=True)
class Kept(Generic[N]):
    """Whose a record is as it is kept: on the record, and on what it is compared by, None where it is not compared."""

    record: N
    corrects: N | None
    person: N
    compared_as: N | None


@dataclass(frozen=True, slots=True)
class Difference(Generic[N]):
    """`meant` is the person by the assertions; None where no standing one founds anybody."""

    record: N
    kept: N
    meant: N | None


def differences(said: Iterable[Said[N]], kept: Iterable[Kept[N]]) -> list[Difference[N]]:
    """Records that are not kept as whose they are by the assertions. Cost: linear in both."""
    persons = persons_of(said)
    found = []
    for one in kept:
        meant = persons.get(one.record if one.corrects is None else one.corrects)
        if one.person != meant:
            found.append(Difference(one.record, one.person, meant))
        elif one.compared_as is not None and one.compared_as != meant:
            found.append(Difference(one.record, one.compared_as, meant))
    return found
