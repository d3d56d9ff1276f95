"""Links the people of a report to the persons and the case that are already known. The interface the full linker
keeps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from crypto.ids import new_id
from db.queries import people
from db.queries.people import HouseholdRow, LookUp
from db.transaction import Tx
from rules.linking import EVIDENCE, LINKER
from rules.reports import Identifiers, PersonFound


@dataclass(frozen=True, slots=True)
class LinkedPerson:
    """A person of a report with the human behind it; `matched_on` is "new" where nobody was known."""

    found: PersonFound
    person_id: UUID
    matched_on: str

    @property
    def known(self) -> bool:
        return self.matched_on != "new"


def hashed(tx: Tx, identifiers: Identifiers) -> LookUp:
    """Keyed hashes of the identifiers; live keys all, so that a rotation loses nobody."""
    blind = tx.vault.blind
    return LookUp(
        id_indexes=blind.indexes("id_number", identifiers.id_number) if identifiers.id_number else [],
        name_births=blind.indexes("name_birth", identifiers.name_and_birth) if identifiers.name_and_birth else [],
        phones=[index for phone in identifiers.phones for index in blind.indexes("phone", phone)],
    )


async def link_people(tx: Tx, found: Sequence[PersonFound]) -> list[LinkedPerson]:
    """The person behind each of `found`, created where nobody was known. Three statements at most.

    Holds a lock on every identifier until the transaction ends: a second report of the same people waits here.
    """
    look_ups = [hashed(tx, person.identifiers) for person in found]
    await people.lock_identifiers(tx, look_ups)
    matches = await people.find_persons(tx, look_ups)
    linked = [
        LinkedPerson(person, person_id or new_id(), matched_on)
        for person, (person_id, matched_on) in zip(found, matches, strict=True)
    ]
    strangers = [person.person_id for person in linked if not person.known]
    if strangers:
        await people.add_persons(tx, strangers)
    return linked


async def join_household(tx: Tx, case_id: UUID, linked: Sequence[tuple[UUID, LinkedPerson]], *, opened: bool) -> None:
    """Writes the links of (record id, person) and puts the people into the case's household.

    The first is the main member of a case it opened; a case that was there keeps its main member.
    """
    seen: set[UUID] = set()
    rows = []
    for position, (record_id, person) in enumerate(linked):
        if person.person_id in seen:
            continue
        seen.add(person.person_id)
        rows.append(
            HouseholdRow(
                link_id=new_id(),
                record_id=record_id,
                person_id=person.person_id,
                role="main" if opened and position == 0 else "member",
                relation=person.found.said.relation,
                evidence=EVIDENCE[person.matched_on],
            )
        )
    await people.link_household(tx, case_id, rows, decided_by=LINKER)
