"""Statistics of coordination, over what the caller's agency may see."""

import json
from datetime import timedelta
from typing import Annotated

from api.deps import reads
from api.paging import Limit
from api.params import CodeText, Instant, Uuid
from api.schemas.statistics import PushBackRow, PushBacks
from api.strict_json import StrictRouter
from db.queries import statistics
from db.transaction import Tx
from rules.errors import FieldError, ValidationFailed

LONGEST = timedelta(days=366)

router = StrictRouter("/v1/statistics", tags=["statistics"])


@router.get("/push-backs", operation_id="read_push_backs")
async def get_push_backs(
    tx: Annotated[Tx, reads()],
    requested_from: Instant,
    requested_before: Instant,
    office: Uuid | None = None,
    matter: CodeText | None = None,
    limit: Limit = 50,
) -> PushBacks:
    """Count by office and matter how referrals were pushed back. Returned, rejected, said to be another's duty,
    disputed, late, expired; who said 'not mine' most often first. A union counts what it coordinates or sent and what
    unions below it coordinate, an office what it was sent. A year at most."""
    if not timedelta() < requested_before - requested_from <= LONGEST:
        raise ValidationFailed(FieldError("/requested_before", "period-of-a-year-at-most"))
    among = statistics.Among(requested_from, requested_before, office, matter)
    rows = json.loads(await statistics.push_backs(tx, among, limit=limit))
    return PushBacks(data=[PushBackRow.model_validate(row) for row in rows])
