"""Records that no body is competent for a need of a case, once the responsibility list agrees."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from actions.audit import leave_mark
from actions.cases import locked_case, seen_case
from crypto.ids import new_id
from db.queries import matters, policy_gaps
from db.queries.policy_gaps import NewGap
from db.transaction import Tx
from rules.errors import Conflict, FieldError, ValidationFailed
from rules.policy_gaps import Competent, check_ground

TEXT_CONTEXT = "policy_gap.text"


@dataclass(frozen=True, slots=True)
class GapSaid:
    """Which need nobody answers, by which matter it was tried, why, and what the household is left with (sealed)."""

    need: str
    matter: str | None
    ground: str
    text: str


@dataclass(frozen=True, slots=True)
class OpenedGap:
    """A gap with its text."""

    gap: asyncpg.Record
    text: str


async def record_gap(tx: Tx, case_id: UUID, said: GapSaid) -> OpenedGap:
    """Records a gap; the need stays with whom it is. Eight statements.

    Raises Hidden, InsufficientRole, Conflict for a closed case and a need that has one, ValidationFailed where the list
    names a competent office, or the case does not bear the ground out.
    """
    case = await locked_case(tx, case_id)
    if case["status"] == "closed":
        raise Conflict(reason="case-closed")
    await _check(tx, case, said)
    gap_id = new_id()
    sealed = tx.vault.cipher.seal(said.text, f"{TEXT_CONTEXT}:{gap_id}")
    row = NewGap(gap_id, case_id, said.need, said.matter, said.ground, case["division_code"], sealed)
    try:
        await policy_gaps.insert_gap(tx, row)
    except asyncpg.UniqueViolationError:
        raise Conflict(reason="gap-recorded-already") from None
    facts = {"need": said.need, "ground": said.ground}
    leave_mark(tx, "policy_gap.record", subject_type="policy_gap", subject_id=gap_id, case_id=case_id, facts=facts)
    recorded = next(gap for gap in await policy_gaps.gaps_of_case(tx, case_id) if gap["id"] == gap_id)
    return OpenedGap(recorded, said.text)


async def _check(tx: Tx, case: asyncpg.Record, said: GapSaid) -> None:
    if not await policy_gaps.has_need(tx, case["id"], said.need):
        raise ValidationFailed(FieldError("/need", "not-a-need-of-this-case"))
    answering = {matter.code for matter in await matters.list_matters(tx, need=said.need, code=said.matter)}
    if said.matter is not None and not answering:
        raise ValidationFailed(FieldError("/matter", "not-a-need-of-this-matter"))
    offices = await matters.offices_in(tx, case["division_code"], code=said.matter)
    competent = [Competent(row["matter_code"], row["name"]) for row in offices if row["matter_code"] in answering]
    check_ground(
        said.ground,
        answered_by=answering,
        competent=competent[0] if competent else None,
        disputed=await policy_gaps.was_disputed(tx, case["id"], said.need, said.matter),
    )


async def read_gaps(tx: Tx, case_id: UUID) -> list[OpenedGap]:
    """The gaps of a case with their texts, oldest first: a sensitive read, which leaves a mark. Two statements. Raises
    Hidden, InsufficientRole."""
    await seen_case(tx, case_id)
    gaps = await policy_gaps.gaps_of_case(tx, case_id)
    leave_mark(tx, "policy_gap.read", subject_type="case", subject_id=case_id, case_id=case_id)
    cipher = tx.vault.cipher
    return [OpenedGap(gap, cipher.open(gap["text"], f"{TEXT_CONTEXT}:{gap['id']}")) for gap in gaps]
