"""Finds the household of a report none of whose people is known."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from actions.linkage import LinkedPerson, open_features
from db.queries import cases, households
from db.transaction import Tx
from rules.linkage.households import Housemate, household_of, judge_household


async def lock_household(tx: Tx, linked: Sequence[LinkedPerson]) -> UUID | None:
    """The active case these people are the household of, locked. Its keys are locked since the people were looked for.
    No statement where nobody is told alike; else two and a lock, and one judgement for each case."""
    neighbours = linked[0].neighbours if linked else ()
    if not neighbours:
        return None
    while (case_id := await _household(tx, linked, neighbours)) is not None:
        await cases.lock_case(tx, case_id)
        if await _household(tx, linked, neighbours) == case_id:
            return case_id
    return None


async def _household(tx: Tx, linked: Sequence[LinkedPerson], neighbours: Sequence[UUID]) -> UUID | None:
    new = [Housemate(person.features, person.found.said.relation) for person in linked]
    known: dict[UUID, dict[UUID, list[Housemate]]] = defaultdict(lambda: defaultdict(list))
    for row in await households.households_of(tx, neighbours):
        housemate = Housemate(open_features(tx, row["record_id"], row["features"]), row["relation"])
        known[row["case_id"]][row["person_id"]].append(housemate)
    model = tx.database.linkage_model
    return household_of(
        {case_id: judge_household(new, list(people.values()), model) for case_id, people in known.items()}
    )
