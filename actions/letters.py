"""Letters of supervision (一函两书): a union writes, the employer's answer is recorded, the department decides."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.cases import case_tag, seen_case
from actions.events import record_event
from actions.system import SystemFact, record_all_for_system
from crypto.ids import new_id
from db.engine import Raw
from db.queries import agencies, letters, matters
from db.queries.calendar import calendar_of
from db.transaction import Tx
from rules.deadlines import SHANGHAI, Due, due_at, shanghai_day
from rules.errors import Conflict, FieldError, Hidden, PreconditionFailed, ValidationFailed
from rules.letters import (
    Ground,
    LetterKind,
    allowed_steps,
    check_letter,
    check_step,
    ground_for_proposal,
    letter_number,
    parts_in_letter,
)
from rules.papers import check_paper
from rules.rights import Subject

SAID_CONTEXT = "letter.said"
ANSWER_CONTEXT = "letter.answer"
_MATTER = "UNI-08"


@dataclass(frozen=True, slots=True)
class LetterSaid:
    """What a union writes: `employer` where the case is about none by itself; `facts` and `demands` are sealed."""

    kind: LetterKind
    employer: str | None
    violations: tuple[str, ...]
    workers: int
    facts: str
    demands: str
    follows: UUID | None = None
    to_agency: UUID | None = None
    copy_to: UUID | None = None


@dataclass(frozen=True, slots=True)
class OpenedLetter:
    """A letter as one of its parties sees it; `said` and `answer` where it was read with purpose and mark."""

    letter: asyncpg.Record
    allowed_steps: tuple[str, ...]
    said: Mapping[str, Any] | None = None
    answers: tuple[Mapping[str, Any], ...] = ()


async def write(tx: Tx, case_id: UUID, said: LetterSaid) -> OpenedLetter:
    """Writes a letter in a case that the acting union coordinates, with its number and its clock. About ten statements.

    Raises Hidden, InsufficientRole, ValidationFailed, Conflict for a closed case and a proposal without ground.
    """
    case = await seen_case(tx, case_id)
    if case["status"] == "closed":
        raise Conflict(reason="case-closed")
    for name, text in (("facts", said.facts), ("demands", said.demands)):
        check_paper(f"/{name}", text)
    check_letter(said.kind, follows=said.follows, addressee=said.to_agency, copied=said.copy_to)
    await _check_addressees(tx, said)
    earlier = None if said.follows is None else await _earlier(tx, case_id, said)
    ground = None
    if said.kind is LetterKind.proposal:
        assert earlier is not None
        ground = ground_for_proposal(earlier["status"], earlier["due_by"], now=tx.now)
    employer = said.employer or (earlier and earlier["employer"]) or await letters.employer_of(tx, case_id)
    if employer is None:
        raise ValidationFailed(FieldError("/employer", "required"))
    row = await _row(tx, case, said, employer=employer, ground=ground)
    try:
        await letters.insert_letter(tx, row)
    except asyncpg.UniqueViolationError:
        raise Conflict(reason="proposal-made-already") from None
    letter = await _seen(tx, row["id"])
    _tell(tx, "sent", letter)
    _mark(tx, "write", letter, kind=said.kind.value, number=row["number"])
    return _opened(tx, letter)


async def _check_addressees(tx: Tx, said: LetterSaid) -> None:
    """A proposal goes to a labour office; a copy, to a procuratorate."""
    kinds = await agencies.kinds_of_active(tx, [one for one in (said.to_agency, said.copy_to) if one])
    errors = []
    if said.to_agency is not None and kinds.get(said.to_agency) != "labour":
        errors.append(FieldError("/to_agency", "not-a-labour-office"))
    if said.copy_to is not None and kinds.get(said.copy_to) != "procuratorate":
        errors.append(FieldError("/copy_to", "not-a-procuratorate"))
    if errors:
        raise ValidationFailed(*errors)


async def _earlier(tx: Tx, case_id: UUID, said: LetterSaid) -> asyncpg.Record:
    """The letter that this one follows: of the same case, a hint before an opinion, an opinion before a proposal."""
    assert said.follows is not None
    wanted = LetterKind.opinion if said.kind is LetterKind.proposal else LetterKind.hint
    found = await letters.find_letter(tx, said.follows)
    if found is None or found["case_id"] != case_id or found["kind"] != wanted:
        raise ValidationFailed(FieldError("/follows", "not-a-letter-to-follow"))
    return found


async def _row(
    tx: Tx, case: asyncpg.Record, said: LetterSaid, *, employer: str, ground: Ground | None
) -> dict[str, Any]:
    letter_id, place, today = new_id(), case["division_code"], shanghai_day(tx.now)
    year_start = datetime(today.year, 1, 1, tzinfo=SHANGHAI)
    ordinal = await letters.next_ordinal(tx, said.kind, year_start)
    due = await _due(tx, said.kind, place)
    words = json.dumps({"facts": said.facts, "demands": said.demands}, ensure_ascii=False)
    return {
        "id": letter_id,
        "case_id": case["id"],
        "kind": said.kind.value,
        "number": letter_number(said.kind, await letters.code_of_union(tx), today.year, ordinal),
        "follows": said.follows,
        "ground": ground and ground.value,
        "employer": employer,
        "to_agency_id": said.to_agency,
        "copied_agency_id": said.copy_to,
        "place": place,
        "violations": list(said.violations),
        "workers": said.workers,
        "said": tx.vault.cipher.seal(words, f"{SAID_CONTEXT}:{letter_id}"),
        "due_by": due and due.at,
        "due_confirmed": due is None or due.confirmed,
    }


async def _due(tx: Tx, kind: LetterKind, place: str) -> Due | None:
    """By when it is to be answered there: the reply to an opinion, the filing of a proposal; a hint asks for
    nothing."""
    if kind is LetterKind.hint:
        return None
    matter = await matters.find_matter(tx, _MATTER)
    assert matter is not None
    clocks = await matters.clocks_for(tx, matter, place)
    period = clocks.accept if kind is LetterKind.proposal else clocks.resolve
    assert period is not None
    return due_at(tx.now, period, await calendar_of(tx))


async def read_letter(tx: Tx, letter_id: UUID) -> OpenedLetter:
    """The letter with its words: a sensitive read, which leaves a mark. One statement. Raises Hidden."""
    letter = await _seen(tx, letter_id)
    _mark(tx, "read", letter)
    cipher, said, answer = tx.vault.cipher, letter["said"], letter["answer"]
    return OpenedLetter(
        letter,
        _allowed(tx, letter),
        said=json.loads(cipher.open(said, f"{SAID_CONTEXT}:{letter_id}")) if said else None,
        answers=tuple(json.loads(cipher.open(answer, f"{ANSWER_CONTEXT}:{letter_id}"))) if answer else (),
    )


async def take_step(
    tx: Tx, letter_id: UUID, step: str, *, text: str | None, filing_number: str | None, version: int
) -> OpenedLetter:
    """Records what the employer did with a letter, or, as the labour department it went to, files it or says why not.
    Four statements. Raises Hidden, PreconditionFailed, InvalidTransition, ValidationFailed."""
    seen = await _seen(tx, letter_id)
    letter = await letters.lock_letter(tx, letter_id)
    if letter is None:
        check_step(step, (), seen["status"], text=text, filing_number=filing_number)
        raise Hidden
    if letter["version"] != version:
        raise PreconditionFailed(case_tag(letter["version"]))
    check_paper("/text", text)
    status = check_step(step, _allowed(tx, letter), letter["status"], text=text, filing_number=filing_number)
    answer = _answered(tx, letter, step, text) if text else None
    await letters.move_letter(tx, letter_id, status, answer=answer, filing_number=filing_number)
    moved = await _seen(tx, letter_id)
    _tell(tx, status, moved, moved=(letter["status"], status.value))
    _mark(tx, step, moved)
    return _opened(tx, moved)


def _answered(tx: Tx, letter: asyncpg.Record, step: str, text: str) -> bytes:
    """What was said to the letter so far, and now: sealed whole."""
    cipher, context = tx.vault.cipher, f"{ANSWER_CONTEXT}:{letter['id']}"
    before = json.loads(cipher.open(letter["answer"], context)) if letter["answer"] else []
    now = {"step": step, "at": tx.now.isoformat(), "text": text}
    return cipher.seal(json.dumps([*before, now], ensure_ascii=False), context)


async def fire_letter_clocks(raw: Raw, now: datetime, limit: int) -> int:
    """Tells author and addressee of letters that were not answered in time, each once; how many. Two statements."""
    late = await letters.expire_letters(raw, now, limit)
    facts = [
        SystemFact(
            type="letter.overdue",
            action="letter.overdue",
            subject_type="letter",
            subject_id=row["id"],
            version=row["version"],
            agency_id=row["agency_id"],
            parties={"other": (row["agency_id"], row["to_agency_id"])},
            changed=("overdue",),
        )
        for row in late
    ]
    await record_all_for_system(raw, facts, now)
    return len(late)


async def _seen(tx: Tx, letter_id: UUID) -> asyncpg.Record:
    letter = await letters.find_letter(tx, letter_id)
    if letter is None:
        raise Hidden
    require_part(tx, Subject.letter, _parts(tx, letter))
    return letter


def _parts(tx: Tx, letter: asyncpg.Record) -> frozenset[str]:
    return parts_in_letter(
        tx.agency_id,
        author=letter["agency_id"],
        coordinator=letter["coordinator_agency_id"],
        addressee=letter["to_agency_id"],
        copied=letter["copied_agency_id"],
    )


def _allowed(tx: Tx, letter: asyncpg.Record) -> tuple[str, ...]:
    return allowed_steps(letter["kind"], letter["status"], _parts(tx, letter))


def _opened(tx: Tx, letter: asyncpg.Record) -> OpenedLetter:
    return OpenedLetter(letter, _allowed(tx, letter))


def _tell(tx: Tx, verb: str, letter: asyncpg.Record, *, moved: tuple[str, str] | None = None) -> None:
    """Author, addressee and whoever has a copy; the case's other participants have no part in it."""
    sides = {letter[name] for name in ("agency_id", "to_agency_id", "copied_agency_id")} - {None, tx.agency_id}
    record_event(
        tx,
        f"letter.{verb}",
        subject_type="letter",
        subject_id=letter["id"],
        version=letter["version"],
        case_id=None,
        parties={"other": sides},
        moved=moved,
        changed=("status",) if moved else (),
    )


def _mark(tx: Tx, verb: str, letter: asyncpg.Record, **facts: object) -> None:
    leave_mark(
        tx,
        f"letter.{verb}",
        subject_type="letter",
        subject_id=letter["id"],
        case_id=letter["case_id"],
        facts=facts,
    )
