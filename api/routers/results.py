"""Results, adoptions, assistance: shared once, reused by others."""

from typing import Annotated

import asyncpg
from starlette.responses import Response

from actions.case_files import open_results, read_result
from actions.cases import seen_case
from actions.results import ADOPTION_CONTEXT, SOURCE_CONTEXT, adopt_report, adopt_result, seen_result, withdraw_result
from api.deps import Writing, reads, reads_with_mark, writes
from api.params import Uuid
from api.schemas.cases import AgencyName
from api.schemas.referrals import (
    AdoptionIn,
    AdoptionRow,
    Adoptions,
    AdoptionShown,
    AssistanceList,
    AssistanceShown,
    Results,
    ResultShown,
    ResultWithdrawnIn,
)
from api.schemas.reports import utc, utc_or_none
from api.strict_json import StrictRouter
from db.queries import results
from db.transaction import Tx

router = StrictRouter("/v1/results", tags=["results"])
of_case = StrictRouter("/v1/cases", tags=["results"])
of_report = StrictRouter("/v1/reports", tags=["results"])


def _shown(row: asyncpg.Record, text: str | None) -> ResultShown:
    return ResultShown(
        id=row["id"],
        case_id=row["case_id"],
        referral_id=row["referral_id"],
        agency=AgencyName(id=row["agency_id"], name=row["agency_name"]),
        matter=row["matter_code"],
        kind=row["kind"],
        code=row["code"],
        text=text,
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        shared_at=utc(row["shared_at"]),
        version=row["version"],
        withdrawal=row["withdrawal"],
        withdrawn_at=utc_or_none(row["withdrawn_at"]),
    )


@of_case.get("/{case_id}/results", operation_id="list_results")
async def get_results(case_id: Uuid, tx: Annotated[Tx, reads_with_mark()]) -> Results:
    """List the shared results of a case.

    Medical and legal text is for its decider and the coordinator, and only where `Tongli-Purpose` is named.
    """
    await seen_case(tx, case_id)
    rows = await results.results_of_case(tx, case_id)
    return Results(data=[_shown(row, text) for row, text in open_results(tx, rows)])


@router.get("/{result_id}", operation_id="read_result", response_model=ResultShown)
async def get_result(result_id: Uuid, tx: Annotated[Tx, reads_with_mark()]) -> Response:
    """Read one shared result. A medical or legal text needs `Tongli-Purpose` and leaves an audit mark."""
    body = _shown(*await read_result(tx, result_id))
    return Response(body.model_dump_json(), media_type="application/json", headers={"etag": f'"v{body.version}"'})


@router.get("/{result_id}/adoptions", operation_id="list_adoptions")
async def get_adoptions(result_id: Uuid, tx: Annotated[Tx, reads()]) -> Adoptions:
    """List who adopted a result: all for its decider and the coordinator, else the caller's own answer."""
    await seen_result(tx, result_id)
    rows = await results.adoptions_of_result(tx, result_id)
    return Adoptions(
        data=[
            AdoptionRow(
                agency=AgencyName(id=row["agency_id"], name=row["agency_name"]),
                decision=row["decision"],
                reason_code=row["reason_code"],
                reason=tx.vault.cipher.open(row["reason"], f"{ADOPTION_CONTEXT}:{row['id']}")
                if row["reason"]
                else None,
                adopted_at=utc(row["adopted_at"]),
            )
            for row in rows
        ]
    )


@router.post("/{result_id}/adoptions", operation_id="adopt_result", status_code=201, response_model=AdoptionShown)
async def post_adoption_of_result(
    result_id: Uuid, adoption: AdoptionIn, writing: Annotated[Writing, writes()]
) -> Response:
    """Say whether the caller adopts a result of another agency, partly, or not and why. Once."""
    adoption_id = await adopt_result(writing.tx, result_id, adoption.said())
    shown = AdoptionShown(id=adoption_id, decision=adoption.decision, adopted_at=utc(writing.tx.now))
    return await writing.answer(shown, status=201, location=f"/v1/results/{result_id}/adoptions")


@router.post("/{result_id}/withdraw", operation_id="withdraw_result", response_model=ResultShown)
async def post_withdrawal(result_id: Uuid, said: ResultWithdrawnIn, writing: Annotated[Writing, writes()]) -> Response:
    """Withdraw a result that the caller itself shared: it stays to be read, nobody relies on it any more. Once. Needs
    `If-Match`."""
    row = await withdraw_result(writing.tx, result_id, said.reason.value, version=writing.expected_version())
    return await writing.answer(_shown(row, None), status=200, version=row["version"])


@of_report.post("/{report_id}/adoptions", operation_id="adopt_report", status_code=201, response_model=AdoptionShown)
async def post_adoption_of_report(
    report_id: Uuid, adoption: AdoptionIn, writing: Annotated[Writing, writes()]
) -> Response:
    """Say whether the caller adopts a report of another agency (信息采用), partly, or not and why. Once."""
    adoption_id = await adopt_report(writing.tx, report_id, adoption.said())
    shown = AdoptionShown(id=adoption_id, decision=adoption.decision, adopted_at=utc(writing.tx.now))
    return await writing.answer(shown, status=201, location=f"/v1/reports/{report_id}")


@of_case.get("/{case_id}/assistance", operation_id="list_assistance")
async def get_assistance(case_id: Uuid, tx: Annotated[Tx, reads()]) -> AssistanceList:
    """List the help given in a case: all for the coordinator, else the caller's own."""
    await seen_case(tx, case_id)
    return AssistanceList(
        data=[
            AssistanceShown(
                agency=AgencyName(id=row["agency_id"], name=row["agency_name"]),
                recorded_at=utc(row["recorded_at"]),
                **{
                    name: row[name]
                    for name in (
                        *("id", "referral_id", "kind", "depth", "amount_fen", "quantity", "unit"),
                        *("period_from", "period_to"),
                    )
                },
                source=tx.vault.cipher.open(row["source"], f"{SOURCE_CONTEXT}:{row['id']}"),
            )
            for row in await results.assistance_of_case(tx, case_id)
        ]
    )
