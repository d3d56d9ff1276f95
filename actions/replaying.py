"""Works out from the assertions alone who is one person, and compares it with what is kept; mends it where asked."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from actions.system import SystemFact, record_for_system
from db.engine import Raw
from db.operator import act_for
from db.queries import rescoring
from rules.linkage.assertions import Difference, Kept, Said, differences


async def replay(raw: Raw) -> tuple[int, list[Difference[UUID]]]:
    """How many records there are, and those that are not kept as whose they are. Two statements that read two whole
    tables, in one snapshot; about 1 kB of memory for each record."""
    said = [
        Said(
            id=row["id"],
            record=row["record_id"],
            person=row["person_id"],
            other=row["other_record_id"],
            verdict=row["verdict"],
            withdraws=row["withdraws"],
        )
        async for row in rescoring.every_assertion(raw)
        if row["withdraws"] is not None or not row["undone"]
    ]
    kept = [
        Kept(row["record_id"], row["corrects"], row["person_id"], row["compared_as"])
        async for row in rescoring.every_record(raw)
    ]
    return len(kept), differences(said, kept)


async def mend(raw: Raw, found: Sequence[Difference[UUID]], now: datetime) -> int:
    """Makes these records belong to whom the assertions say; how many changed. Each leaves a mark with the coordinator
    of its case. One statement, and three for each record."""
    changed = await rescoring.settle(raw, [one.record for one in found], now)
    for row in changed:
        fact = SystemFact(
            type="case.updated",
            action="link.rebuild",
            subject_type="case",
            subject_id=row["case_id"],
            version=row["version"],
            agency_id=row["coordinator_agency_id"],
            case_id=row["case_id"],
            facts={"record": str(row["record_id"])},
        )
        await act_for(raw, row["coordinator_agency_id"])
        await record_for_system(raw, fact, now)
    return len(changed)
