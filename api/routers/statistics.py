"""Statistics of coordination, over what the caller's agency may see."""

import json
from datetime import datetime, timedelta
from typing import Annotated

from api.deps import reads
from api.paging import Limit
from api.params import CodeText, Instant, Uuid
from api.schemas.statistics import AdoptionCounts, AdoptionKind, AdoptionRates, PushBackRow, PushBacks
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
    _check_period(requested_from, requested_before, at="/requested_before")
    among = statistics.Among(requested_from, requested_before, office, matter)
    rows = json.loads(await statistics.push_backs(tx, among, limit=limit))
    return PushBacks(data=[PushBackRow.model_validate(row) for row in rows])


@router.get("/adoptions", operation_id="read_adoption_rates")
async def get_adoption_rates(
    tx: Annotated[Tx, reads()],
    arisen_from: Instant,
    arisen_before: Instant,
    agency: Uuid | None = None,
    kind: AdoptionKind | None = None,
    limit: Limit = 50,
) -> AdoptionRates:
    """Count by agency and kind what became of what was sent to it. Adopted, in part, not, still waiting, overdue, and
    the rate of what was adopted; who was late most often first. A union counts the cases that it and unions below it
    coordinate, an agency its own. A year at most."""
    _check_period(arisen_from, arisen_before, at="/arisen_before")
    among = statistics.AmongExpected(arisen_from, arisen_before, agency, kind)
    rows = json.loads(await statistics.adoptions(tx, among, limit=limit))
    return AdoptionRates(data=[AdoptionCounts.model_validate(row) for row in rows])


def _check_period(start: datetime, end: datetime, *, at: str) -> None:
    if not timedelta() < end - start <= LONGEST:
        raise ValidationFailed(FieldError(at, "period-of-a-year-at-most"))
