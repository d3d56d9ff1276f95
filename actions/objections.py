"""Stops sharing that a person objects to: bases of the case end, for the agencies named or for all."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from actions.audit import leave_mark
from actions.events import record_event
from db.queries import person_requests
from db.transaction import Tx
from rules.errors import Conflict


async def stop_sharing(
    tx: Tx, request: asyncpg.Record, case: asyncpg.Record, kinds: Sequence[str], *, wholly: bool
) -> int:
    """Withdraws the bases of these kinds from now on; how many. What was shared before stays lawful (PIPL art. 15).

    `wholly`: nothing may be left on which the named agencies learn of the case: Conflict where a duty of law or an
    emergency that was not named still stands. Two statements.
    """
    recipients: list[UUID] = list(request["recipients"])
    by = "guardian" if request["asked_by"] == "guardian" else "person"
    ended = await person_requests.withdraw_bases(
        tx, request["case_id"], recipients=recipients, kinds=kinds, withdrawn_by=by
    )
    left = await person_requests.kinds_in_force(tx, request["case_id"], recipients)
    if wholly and left:
        raise Conflict(reason="bases-left")
    leave_mark(
        tx,
        "sharing_basis.withdraw",
        subject_type="case",
        subject_id=request["case_id"],
        case_id=request["case_id"],
        facts={"kinds": sorted(kinds), "ended": len(ended), "left": left, "request": str(request["id"])},
    )
    if ended:
        record_event(
            tx,
            "consent.withdrawn",
            subject_type="case",
            subject_id=case["id"],
            version=case["version"],
            case_id=case["id"],
            parties={"other": sorted(set(ended))},
        )
    return len(ended)
