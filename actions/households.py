"""Finds the household of a report none of whose people is known."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from actions.linkage import LinkedPerson, open_features
from db.queries import cases, households
from db.transaction import Tx
from rules.linkage.deciding import Band
from rules.linkage.households import Housemate, household_of, judge_household


@dataclass(frozen=True, slots=True)
class HouseholdFound:
    """`case_id`: the active case whose household it is, locked; or none, and `doubtful` cases that may hold it."""

    case_id: UUID | None = None
    doubtful: tuple[UUID, ...] = ()


NO_HOUSEHOLD: Final = HouseholdFound()


async def lock_household(tx: Tx, linked: Sequence[LinkedPerson]) -> HouseholdFound:
    """The household these people are. Its keys are locked since the people were looked for. No statement where nobody
    is told alike; else one, and where it is found another and a lock; one judgement for each case."""
    neighbours = linked[0].neighbours if linked else ()
    if not neighbours:
        return NO_HOUSEHOLD
    while (found := await _household(tx, linked, neighbours)).case_id is not None:
        await cases.lock_case(tx, found.case_id)
        if (await _household(tx, linked, neighbours)).case_id == found.case_id:
            break
    return found


async def ask_of_household(tx: Tx, case_id: UUID, found: HouseholdFound) -> None:
    """Leaves a task for who coordinates the case and the doubtful ones; nothing where two do. One statement."""
    if found.doubtful:
        await households.ask_of_household(tx, case_id, found.doubtful)


async def _household(tx: Tx, linked: Sequence[LinkedPerson], neighbours: Sequence[UUID]) -> HouseholdFound:
    new = [Housemate(person.features, person.found.said.relation) for person in linked]
    known: dict[UUID, dict[UUID, list[Housemate]]] = defaultdict(lambda: defaultdict(list))
    for row in await households.households_of(tx, neighbours):
        housemate = Housemate(open_features(tx, row["record_id"], row["features"]), row["relation"])
        known[row["case_id"]][row["person_id"]].append(housemate)
    model = tx.database.linkage_model
    judged = {case_id: judge_household(new, list(people.values()), model) for case_id, people in known.items()}
    sure = household_of(judged)
    if sure is not None:
        return HouseholdFound(sure)
    return HouseholdFound(doubtful=tuple(case_id for case_id, (band, _) in judged.items() if band is not Band.none))
