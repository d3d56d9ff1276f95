"""Expected adoptions (待采用): what was sent to an agency and is not answered yet, until when, and the answer."""

import json
from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from actions.expected_adoptions import seen_expected
from actions.results import adopt_expected
from api.deps import ServicesDep, Writing, reads, writes
from api.listing import OLDEST, Position, answer_page, open_cursor
from api.paging import Cursor, Limit, Page
from api.params import Uuid
from api.schemas.expected_adoptions import ExpectedAdoptionRow, ExpectedBox
from api.schemas.referrals import AdoptionIn, AdoptionShown
from api.schemas.reports import utc
from api.strict_json import StrictRouter
from db.queries import expected_adoptions
from db.queries.expected_adoptions import Wanted
from db.transaction import Tx
from rules.results import ExpectationStatus

router = StrictRouter("/v1/expected-adoptions", tags=["results"])


@router.get("", operation_id="list_expected_adoptions", response_model=Page[ExpectedAdoptionRow])
async def list_expected_adoptions(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    box: ExpectedBox = ExpectedBox.own,
    case: Uuid | None = None,
    status: ExpectationStatus | None = None,
    overdue: bool | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List what the caller still has to adopt or not, or what others owe. The earliest date first."""
    position = Position.of(tx, "expected-adoptions", box=box, case=case, status=status, overdue=overdue)
    after = open_cursor(services, position, cursor, start=OLDEST)
    wanted = Wanted(box is ExpectedBox.own, case, status, overdue)
    body = await expected_adoptions.list_expected(tx, wanted, after=after, limit=limit + 1)
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("due_at", "id"))


@router.get("/{expected_id}", operation_id="read_expected_adoption")
async def get_expected_adoption(expected_id: Uuid, tx: Annotated[Tx, reads()]) -> ExpectedAdoptionRow:
    """Read one expected adoption: whoever has to say it, the coordinator, and the unions above."""
    await seen_expected(tx, expected_id)
    return ExpectedAdoptionRow.model_validate_json(await expected_adoptions.show(tx, expected_id))


@router.post("/{expected_id}/adoptions", operation_id="adopt_expected", status_code=201, response_model=AdoptionShown)
async def post_adoption(expected_id: Uuid, adoption: AdoptionIn, writing: Annotated[Writing, writes()]) -> Response:
    """Say whether the caller adopts what it is expected to: also a report that it may not read, whose person was
    referred to it. Adopted, partly, or not and why. Once."""
    adoption_id = await adopt_expected(writing.tx, expected_id, adoption.said())
    shown = AdoptionShown(id=adoption_id, decision=adoption.decision, adopted_at=utc(writing.tx.now))
    return await writing.answer(shown, status=201, location=f"/v1/expected-adoptions/{expected_id}")
