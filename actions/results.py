"""Shares results, records the help given, and lets agencies adopt what others found out or decided."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.cases import case_tag
from actions.events import record_event
from actions.expected_adoptions import expect, seen_expected
from crypto.ids import new_id
from db.queries import matters, reports, results
from db.queries.expected_adoptions import Sent
from db.transaction import Tx
from rules.errors import Conflict, FieldError, Hidden, PreconditionFailed, ValidationFailed
from rules.field_classes import COMPARTMENTS
from rules.matters import Matter
from rules.results import ExpectationStatus, check_adoption
from rules.rights import Subject

RESULT_CONTEXT = "result.text"
ADOPTION_CONTEXT = "adoption.reason"
SOURCE_CONTEXT = "assistance.source"


@dataclass(frozen=True, slots=True)
class ResultSaid:
    kind: str
    code: str
    text: str | None
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class AssistanceSaid:
    """One help given: an amount in fen, or a quantity with its unit."""

    kind: str
    depth: str
    amount_fen: int | None
    quantity: int | None
    unit: str | None
    period_from: date | None
    period_to: date | None
    source: str


async def share(
    tx: Tx,
    referral: asyncpg.Record,
    matter: Matter,
    *,
    result: ResultSaid | None,
    assistance: tuple[AssistanceSaid, ...],
) -> None:
    """Writes the result of a completed referral and the help given with it. Three statements.

    The result's text belongs to the compartment of its matter: what a legal or medical matter says in words is read by
    its decider and the coordinator, its code by every participant.
    """
    if result is not None:
        await _require_competence(tx, referral, matter, result)
        result_id = new_id()
        await results.insert_result(
            tx,
            {
                "id": result_id,
                "case_id": referral["case_id"],
                "referral_id": referral["id"],
                "matter_code": matter.code,
                "kind": result.kind,
                "code": result.code,
                "text": tx.vault.cipher.seal(result.text, f"{RESULT_CONTEXT}:{result_id}") if result.text else None,
                "sensitive": next((name for name in COMPARTMENTS if name in matter.minimum_fields), None),
                "valid_from": result.valid_from,
                "valid_to": result.valid_to,
            },
        )
        _record(tx, "result.shared", ("result", result_id), referral["case_id"])
        await expect(tx, Sent(result=result_id), matter.adopt)
    if assistance:
        await _record_assistance(tx, referral, assistance)


async def _record_assistance(tx: Tx, referral: asyncpg.Record, given: tuple[AssistanceSaid, ...]) -> None:
    rows = [_assistance_row(tx, help_given) for help_given in given]
    await results.insert_assistance(tx, referral["case_id"], referral["id"], rows)
    for row in rows:
        assert isinstance(row["id"], UUID)
        _record(tx, "assistance.recorded", ("assistance", row["id"]), referral["case_id"])


async def _require_competence(tx: Tx, referral: asyncpg.Record, matter: Matter, result: ResultSaid) -> None:
    """A recognition, decision or award is the competent body's: a union never writes another agency's (工会 is no law
    enforcement body). Other kinds of result are anybody's who did the work."""
    if result.kind not in ("recognition", "decision", "award") or tx.rights.agency_kind == matter.lead_kind:
        return
    if not await matters.is_competent(tx, tx.agency_id, matter.code, referral["place"]):
        raise ValidationFailed(FieldError("/result/kind", "not-competent-to-decide"))


def _assistance_row(tx: Tx, given: AssistanceSaid) -> dict[str, object]:
    """The source is free text and may name somebody, so it is sealed."""
    assistance_id = new_id()
    return {
        "id": assistance_id,
        "kind": given.kind,
        "depth": given.depth,
        "amount_fen": given.amount_fen,
        "quantity": given.quantity,
        "unit": given.unit,
        "period_from": given.period_from,
        "period_to": given.period_to,
        "source": tx.vault.cipher.seal(given.source, f"{SOURCE_CONTEXT}:{assistance_id}"),
    }


def _record(tx: Tx, event: str, subject: tuple[str, UUID], case_id: UUID, **parties: UUID) -> None:
    record_event(
        tx,
        event,
        subject_type=subject[0],
        subject_id=subject[1],
        version=1,
        case_id=case_id,
        parties=parties,
    )


async def seen_result(tx: Tx, result_id: UUID) -> asyncpg.Record:
    """The result. Raises Hidden. One statement."""
    result = await results.find_result(tx, result_id)
    if result is None:
        raise Hidden
    require_part(tx, Subject.result, result["roles"], erased=result["erased_at"] is not None)
    return result


async def seen_report(tx: Tx, report_id: UUID) -> asyncpg.Record:
    """The report. Raises Hidden where the acting agency neither filed it nor coordinates its case. One statement."""
    report = await reports.find_report(tx, report_id)
    if report is None:
        raise Hidden
    require_part(tx, Subject.report, report["parts"], erased=report["erased_at"] is not None)
    return report


@dataclass(frozen=True, slots=True)
class AdoptionSaid:
    decision: str
    reason_code: str | None
    reason: str | None


async def adopt_result(tx: Tx, result_id: UUID, said: AdoptionSaid) -> UUID:
    """Says whether the acting agency adopts a result. Not its own, not one withdrawn, and once. Three statements."""
    result = await seen_result(tx, result_id)
    if result["withdrawn_at"] is not None:
        raise Conflict(reason="result-withdrawn")
    return await _adopt(tx, said, case_id=result["case_id"], of=("result", result_id), other=result["agency_id"])


async def adopt_report(tx: Tx, report_id: UUID, said: AdoptionSaid) -> UUID:
    """Says whether the acting agency adopts a report (信息采用). Not its own, and once. Three statements."""
    report = await seen_report(tx, report_id)
    return await _adopt(tx, said, case_id=report["case_id"], of=("report", report_id), other=report["agency_id"])


async def adopt_expected(tx: Tx, expected_id: UUID, said: AdoptionSaid) -> UUID:
    """Says whether the acting agency adopts what it is expected to say that of, though it may be a report that it does
    not see: its person was sent to it. Three statements."""
    expected = await seen_expected(tx, expected_id)
    if expected["status"] in (ExpectationStatus.withdrawn, ExpectationStatus.left):
        raise Conflict(reason="not-expected-any-more")
    kind = "result" if expected["result_id"] else "report"
    of = (kind, expected[f"{kind}_id"])
    return await _adopt(tx, said, case_id=expected["case_id"], of=of, other=expected["from_agency_id"])


async def _adopt(tx: Tx, said: AdoptionSaid, *, case_id: UUID, of: tuple[str, UUID], other: UUID) -> UUID:
    check_adoption(said.decision, reason_code=said.reason_code, reason=said.reason)
    kind, subject_id = of
    adoption_id = new_id()
    first = await results.insert_adoption(
        tx,
        {
            "id": adoption_id,
            "case_id": case_id,
            "result_id": subject_id if kind == "result" else None,
            "report_id": subject_id if kind == "report" else None,
            "decision": said.decision,
            "reason": tx.vault.cipher.seal(said.reason, f"{ADOPTION_CONTEXT}:{adoption_id}") if said.reason else None,
            "reason_code": said.reason_code,
        },
    )
    if not first:
        raise Conflict(reason="already-adopted")
    _record(tx, f"{kind}.adopted", of, case_id, other=other)
    _mark(tx, f"{kind}.adopt", of, case_id, decision=said.decision, reason=said.reason_code)
    return adoption_id


async def withdraw_result(tx: Tx, result_id: UUID, reason: str, *, version: int) -> asyncpg.Record:
    """Says that an own result does not stand any more, once: nobody relies on it, nobody need adopt it. Five
    statements. Raises Hidden, InsufficientRole, PreconditionFailed, Conflict."""
    result = await seen_result(tx, result_id)
    if result["version"] != version:
        raise PreconditionFailed(case_tag(result["version"]))
    case_id = result["case_id"]
    if not await results.withdraw(tx, result_id, reason):
        raise Conflict(reason="result-withdrawn")
    withdrawn = await seen_result(tx, result_id)
    record_event(
        tx,
        "result.withdrawn",
        subject_type="result",
        subject_id=result_id,
        version=withdrawn["version"],
        case_id=case_id,
        changed=("withdrawal",),
    )
    _mark(tx, "result.withdraw", ("result", result_id), case_id, reason=reason)
    return withdrawn


def _mark(tx: Tx, action: str, of: tuple[str, UUID], case_id: UUID, **facts: object) -> None:
    kind, subject_id = of
    leave_mark(tx, action, subject_type=kind, subject_id=subject_id, case_id=case_id, facts=facts)
