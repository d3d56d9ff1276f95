"""Tells the guardian of a decoy that somebody touched it."""

from actions.system import SystemFact, record_for_system
from db.clock import real_time
from db.engine import Raw
from db.queries import honey


async def tell_of_touches(raw: Raw) -> int:
    """One event for each touch nobody was told of; how many. Who touched stands in the leaf that `leaf` names."""
    now = real_time()
    met = await honey.touches(raw, now)
    for touch in met:
        fact = SystemFact(
            type="honey.touched",
            action="honey.touched",
            subject_type="case",
            subject_id=touch["case_id"],
            version=1,
            agency_id=touch["guardian"],
            parties={"owner": [touch["guardian"]]},
            facts={"leaf": str(touch["leaf_id"]), "by": str(touch["agency_id"]), "did": touch["action"]},
        )
        await record_for_system(raw, fact, now)
    return len(met)
