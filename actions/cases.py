"""Opens and joins cases, and moves them through their states."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.events import record_event
from crypto.ids import new_id
from db.queries import agencies, cases, merges, people
from db.transaction import Tx
from rules.case_links import LinkKind
from rules.case_numbers import make_case_number
from rules.cases import MERGED, check_step_words, next_status
from rules.errors import (
    Conflict,
    FieldError,
    Hidden,
    InsufficientRole,
    Merged,
    PreconditionFailed,
    ValidationFailed,
)
from rules.rights import Subject

SHANGHAI = ZoneInfo("Asia/Shanghai")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Opening:
    """What a first report says of the case it opens."""

    kind: str
    division_code: str
    employer_id: UUID | None
    birth_date: date | None
    cause_primary: str | None
    causes_secondary: tuple[str, ...]
    urgency: str


def case_tag(version: int) -> str:
    """The version as an entity tag."""
    return f'"v{version}"'


async def open_case(tx: Tx, opening: Opening) -> tuple[UUID, bool]:
    """Opens a case under the union of the place, whoever reports: a union coordinates from first knowledge to closure.

    Returns the case and whether its union is of the place; where no union is known there, the top one coordinates. Two
    statements. Raises Conflict where the directory holds no union at all.
    """
    of_place = await agencies.union_of_place(tx, opening.division_code)
    coordinator = of_place or await agencies.top_union(tx)
    if coordinator is None:
        raise Conflict(reason="no-union-in-directory")
    case_id = new_id()
    year = tx.now.astimezone(SHANGHAI).year
    serial = "".join(secrets.choice(_CROCKFORD) for _ in range(7))
    await tx.run(
        "SELECT open_case($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        case_id,
        new_id(),
        make_case_number(opening.division_code[:6], year, serial),
        opening.kind,
        coordinator,
        opening.division_code,
        opening.employer_id,
        opening.birth_date,
        opening.cause_primary,
        list(opening.causes_secondary),
        opening.urgency,
        tx.now,
    )
    return case_id, of_place is not None


async def join_as_reporter(tx: Tx, case_id: UUID, needs: Sequence[str], *, opened: bool) -> asyncpg.Record:
    """Makes the acting agency a reporter of the case and adds the needs. Returns the case. Two statements.

    Where the main member's employer has a case of its own under the same coordinator, the two are linked.
    """
    joined, case, link_id = await cases.join_with_report(tx, case_id=case_id, ids=(new_id(), new_id()), needs=needs)
    kind = "case.opened" if opened else "case.updated"
    record_case_event(tx, kind, case, changed=() if opened else ("needs", "reports"))
    if joined:
        record_joining(tx, case_id, tx.agency_id, case["version"])
    if link_id is not None:
        _record_employer_link(tx, case_id, link_id)
    return case


def _record_employer_link(tx: Tx, case_id: UUID, link_id: UUID) -> None:
    """In the household's case, whose lock is held; the employer's has the same coordinator, who alone learns of it.

    No mark: its leaf would be the reporter's, which may not know that the employer has a case; the report's
    stands for it.
    """
    record_event(
        tx,
        "case.linked",
        subject_type="case_link",
        subject_id=link_id,
        version=1,
        case_id=case_id,
        changed=(LinkKind.same_employer,),
    )


def record_case_event(
    tx: Tx, event_type: str, case: asyncpg.Record, *, changed: Iterable[str] = (), moved: tuple[str, str] | None = None
) -> None:
    record_event(
        tx,
        event_type,
        subject_type="case",
        subject_id=case["id"],
        version=case["version"],
        case_id=case["id"],
        changed=changed,
        moved=moved,
    )


def record_joining(tx: Tx, case_id: UUID, agency_id: UUID, version: int, *, event: str = "participant.joined") -> None:
    record_event(
        tx,
        event,
        subject_type="case",
        subject_id=case_id,
        version=version,
        case_id=case_id,
        parties={"other": agency_id},
    )


async def seen_case(tx: Tx, case_id: UUID) -> asyncpg.Record:
    """The case's summary, with the acting agency's parts in it. One statement.

    Raises Hidden where it may not be seen, Merged where it went into another one, Erased where it was erased,
    InsufficientRole where its part is not enough for an operation on a case.
    """
    case = await cases.find_case(tx, case_id)
    if case is None or case["exit_reason"] == MERGED:
        kept = await merges.merged_into(tx, case_id)
        if kept is None:
            raise Hidden
        raise Merged(case_id, kept)
    require_part(tx, Subject.case, case["roles"], erased=case["erased_at"] is not None)
    return case


async def locked_case(tx: Tx, case_id: UUID) -> asyncpg.Record:
    """The case, locked for its facts. Raises Hidden, InsufficientRole. Two statements."""
    await cases.lock_case(tx, case_id)
    return await seen_case(tx, case_id)


@dataclass(frozen=True, slots=True)
class CaseStepWords:
    difficulty_class: str | None = None
    exit_reason: str | None = None
    text: str | None = None


_STEP_EVENTS = {"close": "case.closed", "reopen": "case.reopened"}


async def take_case_step(tx: Tx, case_id: UUID, step: str, words: CaseStepWords, *, version: int) -> asyncpg.Record:
    """Moves a case (assess, activate, propose_closing, close, reopen). Only its coordinator may. Five statements.

    Closing needs an exit reason and text and no open referral. Raises Hidden, InsufficientRole, PreconditionFailed,
    InvalidTransition, ValidationFailed, Conflict.
    """
    if step == "reopen":
        await people.lock_persons(tx, await people.main_members_of(tx, case_id))
    case = await locked_case(tx, case_id)
    if case["version"] != version:
        raise PreconditionFailed(case_tag(case["version"]))
    status = next_status(case["status"], step)
    check_step_words(step, difficulty_class=words.difficulty_class, exit_reason=words.exit_reason, text=words.text)
    if step == "close" and await cases.has_open_referral(tx, case_id):
        raise Conflict(reason="open-referrals")
    await _one_active_case(tx, case, step)
    await cases.update_status(
        tx,
        case_id,
        version=version,
        status=status,
        difficulty_class=words.difficulty_class,
        exit_reason=words.exit_reason,
        exit_text=_sealed_exit(tx, case_id, words.text),
    )
    moved = await seen_case(tx, case_id)
    event = _STEP_EVENTS.get(step, "case.updated")
    record_case_event(tx, event, moved, changed=("status",), moved=(case["status"], status))
    leave_mark(tx, f"case.{step}", subject_type="case", subject_id=case_id, case_id=case_id)
    return moved


def _sealed_exit(tx: Tx, case_id: UUID, text: str | None) -> bytes | None:
    return None if text is None else tx.vault.cipher.seal(text, f"case.exit_text:{case_id}")


async def _one_active_case(tx: Tx, case: asyncpg.Record, step: str) -> None:
    """Reopening may not give a household a second active case."""
    if step == "reopen" and await cases.main_member_has_other_case(tx, case["id"]):
        raise Conflict(reason="household-has-active-case")


async def invite(tx: Tx, case_id: UUID, agency_id: UUID) -> asyncpg.Record:
    """Lets an agency observe the case: number, status, shared results. Only the coordinator may. Five statements."""
    await locked_case(tx, case_id)
    if not await agencies.active_among(tx, [agency_id]):
        raise ValidationFailed(FieldError("/agency", "unknown-agency"))
    joined = await tx.value("SELECT join_case($1, $2, $3, 'observer')", new_id(), case_id, agency_id)
    case = await seen_case(tx, case_id)
    if joined:
        record_joining(tx, case_id, agency_id, case["version"])
        leave_mark(
            tx,
            "participant.join",
            subject_type="agency",
            subject_id=agency_id,
            case_id=case_id,
            facts={"role": "observer"},
        )
    return case


async def end_observation(tx: Tx, case_id: UUID, agency_id: UUID, *, version: int) -> None:
    """Ends an observer's part: the coordinator, or the observer itself. Four statements.

    Raises Hidden, InsufficientRole, PreconditionFailed; an agency that does not observe is Hidden as well.
    """
    await cases.lock_case(tx, case_id)
    case = await seen_case(tx, case_id)
    if case["version"] != version:
        raise PreconditionFailed(case_tag(case["version"]))
    if tx.agency_id not in (agency_id, case["coordinator_agency_id"]):
        raise InsufficientRole(role="coordinator")
    if not await tx.value("SELECT leave_case($1, $2, 'observer')", case_id, agency_id):
        raise Hidden
    record_joining(tx, case_id, agency_id, case["version"], event="participant.left")
    leave_mark(
        tx,
        "participant.leave",
        subject_type="agency",
        subject_id=agency_id,
        case_id=case_id,
        facts={"role": "observer"},
    )


def mark_search(tx: Tx) -> None:
    """A search by personal data is a sensitive read; what was searched for is not kept."""
    leave_mark(tx, "case.search", subject_type="case", subject_id=None, field_classes=("identity", "basic"))
