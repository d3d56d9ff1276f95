"""Reports: any agency says that a worker is in trouble."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from actions.reports import Receipt, file_report, read_report
from api.deps import ServicesDep, Writing, reads_with_mark, spend_report, writes
from api.params import Uuid
from api.problems import field_problem, preferred_language
from api.schemas.reports import (
    CaseOfReport,
    Caution,
    LeafReceipt,
    Linkage,
    ReportIn,
    ReportReceipt,
    ReportShown,
    utc,
)
from api.strict_json import StrictRouter
from db.transaction import Tx
from rules.disclosure import mask_said

router = StrictRouter("/v1/reports", tags=["reports"])


@router.post("", operation_id="file_report", status_code=201, response_model=ReportReceipt)
async def post_report(
    report: ReportIn,
    request: Request,
    services: ServicesDep,
    _spent: Annotated[None, Depends(spend_report)],
    writing: Annotated[Writing, writes()],
) -> Response:
    """Report a worker in trouble.

    The people are linked to persons, household and employer already known; a case is opened or joined, coordinated by
    the union of the place. The answer says no more of linkage than `linked` or `new`.
    """
    receipt = await file_report(writing.tx, report.said(), writing.body, allow_demo=services.allow_demo)
    shown = _receipt(receipt, writing.tx, request)
    return await writing.answer(shown, status=201, location=f"/v1/reports/{receipt.report_id}", version=1)


def _receipt(receipt: Receipt, tx: Tx, request: Request) -> ReportReceipt:
    language = preferred_language(request.headers.get("accept-language"))
    warnings = [field_problem(found.pointer, found.code, language) for found in receipt.warnings]
    return ReportReceipt(
        id=receipt.report_id,
        reported_at=utc(tx.now),
        case=CaseOfReport(id=receipt.case["id"], number=receipt.case["number"], opened=receipt.opened),
        linkage=Linkage(decision="linked" if receipt.linked else "new"),
        receipt=LeafReceipt(leaf_id=receipt.leaf_id, body_sha256=receipt.body_sha256.hex()),
        warnings=[Caution.model_validate(warning) for warning in warnings],
    )


@router.get("/{report_id}", operation_id="read_report")
async def get_report(report_id: Uuid, tx: Annotated[Tx, reads_with_mark()]) -> ReportShown:
    """Read a report as it was said, numbers masked. For the agency that filed it and the case's coordinator."""
    report, said = await read_report(tx, report_id)
    return ReportShown(
        id=report["id"],
        agency_id=report["agency_id"],
        case_id=report["case_id"],
        aware_at=utc(report["aware_at"]),
        reported_at=utc(report["reported_at"]),
        channel=report["channel"],
        urgency=report["urgency"],
        said=mask_said(said),
    )
