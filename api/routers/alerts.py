"""Early warning: state a signal; list, read, acknowledge and resolve alerts."""

import json
from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from actions import alerts as verbs
from api.deps import ServicesDep, Writing, reads, writes
from api.listing import Position, answer_page, open_cursor
from api.paging import Cursor, Limit, Page
from api.params import Uuid, WholeNumber
from api.schemas.alerts import AlertRow, AlertShown, AlertStepIn, AlertSubject, SignalIn, SignalKept, SignalShown
from api.schemas.cases import AgencyName
from api.schemas.reports import utc, utc_or_none
from api.strict_json import StrictRouter
from db.queries import alerts
from db.transaction import Tx
from rules.alerts import AlertStatus, AlertStep, Outcome, SignalKind

signals = StrictRouter("/v1/signals", tags=["warnings"])
router = StrictRouter("/v1/alerts", tags=["warnings"])


def shown(opened: verbs.OpenedAlert) -> AlertShown:
    row = opened.alert
    return AlertShown(
        id=row["id"],
        subject=AlertSubject(kind=row["subject_kind"], name=row["subject_name"], division_code=row["division_code"]),
        level=row["level"],
        causes=[SignalKind(cause) for cause in row["causes"]],
        status=row["status"],
        union=AgencyName(id=row["union_agency_id"], name=row["union_name"]),
        cases=row["cases"],
        raised_at=utc(row["raised_at"]),
        report_by=utc_or_none(row["report_by"]),
        overdue=row["overdue"],
        reported_to=row["reported_to"],
        acknowledged_at=utc_or_none(row["acknowledged_at"]),
        outcome=row["outcome"],
        resolved_at=utc_or_none(row["resolved_at"]),
        updated_at=utc(row["updated_at"]),
        version=row["version"],
        allowed_steps=list(opened.allowed_steps),
        signals=[
            SignalShown(
                id=signal["id"],
                agency=AgencyName(id=signal["agency_id"], name=signal["agency_name"]),
                kind=signal["kind"],
                measured=json.loads(signal["measured"]),
                source=signal["source"],
                observed_on=signal["observed_on"],
                level=signal["level"],
                created_at=utc(signal["created_at"]),
            )
            for signal in opened.signals
        ],
    )


@signals.post("", operation_id="state_signal", status_code=201, response_model=SignalKept)
async def post_signal(given: SignalIn, writing: Annotated[Writing, writes()]) -> Response:
    """State a signal of an employer, an industry or a division: unpaid wages, a stop of contributions, lay-offs.
    Where it reaches a level, the unions of the place and above are told by an alert. Names no person."""
    employer = given.subject.employer
    said = verbs.SignalSaid(
        kind=SignalKind(given.kind.value),
        subject=given.subject.kind,
        division_code=given.subject.division_code,
        employer=None if employer is None else employer.said(),
        industry=given.subject.industry,
        measured=given.measured.model_dump(exclude_none=True),
        source=given.source,
        observed_on=given.observed_on,
    )
    signal_id, level = await verbs.state_signal(writing.tx, said)
    return await writing.answer(SignalKept(id=signal_id, level=level), status=201)


@router.get("", operation_id="list_alerts", response_model=Page[AlertRow])
async def list_alerts(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    status: AlertStatus | None = None,
    level: Annotated[WholeNumber | None, Query(ge=1, le=4)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the alerts of the places of the caller's union and below, newest change first; of a level or graver."""
    position = Position.of(tx, "alerts", status=status, level=level)
    after = open_cursor(services, position, cursor)
    body = await alerts.list_alerts(tx, after=after, limit=limit + 1, status=status, level=level)
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("updated_at", "id"))


@router.get("/{alert_id}", operation_id="read_alert", response_model=AlertShown)
async def get_alert(alert_id: Uuid, tx: Annotated[Tx, reads()]) -> Response:
    """Read an alert with the signals that agencies stated."""
    body = shown(await verbs.read_alert(tx, alert_id))
    return Response(body.model_dump_json(), media_type="application/json", headers={"etag": f'"v{body.version}"'})


@router.post("/{alert_id}/{step}", operation_id="take_alert_step", response_model=AlertShown)
async def post_step(
    alert_id: Uuid, step: AlertStep, words: AlertStepIn, writing: Annotated[Writing, writes()]
) -> Response:
    """Acknowledge, naming the office that was told, or resolve with an outcome; the union of the place does.
    Needs `If-Match`."""
    opened = await verbs.take_alert_step(
        writing.tx,
        alert_id,
        step.value,
        reported_to=words.reported_to,
        outcome=None if words.outcome is None else Outcome(words.outcome.value),
        version=writing.expected_version(),
    )
    body = shown(opened)
    return await writing.answer(body, version=body.version)
