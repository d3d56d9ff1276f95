"""Letters of supervision: write, list, read, print, record what came of them."""

import json
from typing import Annotated

from fastapi import Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from actions import letters as verbs
from api.deps import ServicesDep, Writing, reads, reads_with_mark, writes
from api.listing import Position, answer_page, open_cursor
from api.paging import Cursor, Limit, Page
from api.params import Uuid
from api.schemas.cases import AgencyName
from api.schemas.letters import LetterIn, LetterOpened, LetterRow, LetterShown, LetterStepIn
from api.schemas.reports import utc, utc_or_none
from api.strict_json import StrictRouter
from db.queries import letters
from db.transaction import Tx
from rules.letters import LetterKind, LetterStatus, LetterStep
from web.letters import printed

router = StrictRouter("/v1/letters", tags=["letters"])
of_case = StrictRouter("/v1/cases", tags=["letters"])


def shown(opened: verbs.OpenedLetter) -> LetterShown:
    """A letter without its words."""
    row = opened.letter
    names = ("id", "kind", "status", "number", "follows", "ground", "employer", "place", "violations", "workers")
    return LetterShown(
        **{name: row[name] for name in (*names, "filing_number", "due_confirmed", "version")},
        case_id=row["case_id"] if row["coordinator_agency_id"] else None,
        author=AgencyName(id=row["agency_id"], name=row["union_name"]),
        to_agency=AgencyName(id=row["to_agency_id"], name=row["to_name"]) if row["to_agency_id"] else None,
        copy_to=AgencyName(id=row["copied_agency_id"], name=row["copied_name"]) if row["copied_agency_id"] else None,
        due_by=utc_or_none(row["due_by"]),
        overdue=row["overdue_at"] is not None,
        answered_at=utc_or_none(row["answered_at"]),
        created_at=utc(row["created_at"]),
        updated_at=utc(row["updated_at"]),
        allowed_steps=list(opened.allowed_steps),
    )


def _opened(opened: verbs.OpenedLetter) -> LetterOpened:
    said = opened.said or {}
    return LetterOpened(
        **shown(opened).model_dump(), facts=said.get("facts"), demands=said.get("demands"), answers=list(opened.answers)
    )


async def _answer(writing: Writing, opened: verbs.OpenedLetter, *, status: int = 200) -> Response:
    body = shown(opened)
    location = f"/v1/letters/{body.id}" if status == 201 else None
    return await writing.answer(body, status=status, location=location, version=body.version)


@of_case.post("/{case_id}/letters", operation_id="write_letter", status_code=201, response_model=LetterShown)
async def post_letter(case_id: Uuid, given: LetterIn, writing: Annotated[Writing, writes()]) -> Response:
    """Write a hint, an opinion or a proposal (一函两书), as the union that coordinates the case. An opinion is to be
    answered within fifteen working days, a proposal filed within five, unless the division is stricter. A proposal
    needs a ground: the employer refused the opinion, did not reply in time, or did not correct."""
    said = verbs.LetterSaid(
        kind=given.kind,
        employer=given.employer,
        violations=tuple(violation.value for violation in given.violations),
        workers=given.workers,
        facts=given.facts,
        demands=given.demands,
        follows=given.follows,
        to_agency=given.to_agency,
        copy_to=given.copy_to,
    )
    return await _answer(writing, await verbs.write(writing.tx, case_id, said), status=201)


@router.get("", operation_id="list_letters", response_model=Page[LetterRow])
async def list_letters(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    kind: LetterKind | None = None,
    status: LetterStatus | None = None,
    case: Uuid | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the letters that the caller's agency wrote, was sent, or has a copy of, newest change first."""
    position = Position.of(tx, "letters", kind=kind, status=status, case=case)
    after = open_cursor(services, position, cursor)
    body = await letters.list_letters(tx, after=after, limit=limit + 1, kind=kind, status=status, case_id=case)
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("updated_at", "id"))


@router.get("/{letter_id}", operation_id="read_letter", response_model=LetterOpened)
async def get_letter(letter_id: Uuid, tx: Annotated[Tx, reads_with_mark()]) -> Response:
    """Read a letter with its words. Needs `Tongli-Purpose`; leaves an audit mark."""
    body = _opened(await verbs.read_letter(tx, letter_id))
    return Response(body.model_dump_json(), media_type="application/json", headers={"etag": f'"v{body.version}"'})


@router.get("/{letter_id}/document.html", operation_id="print_letter", response_class=HTMLResponse)
async def get_page(letter_id: Uuid, tx: Annotated[Tx, reads_with_mark()]) -> Response:
    """Make the letter as a page to print and seal, in Chinese. Needs `Tongli-Purpose`; leaves an audit mark."""
    return printed(_opened(await verbs.read_letter(tx, letter_id)).model_dump())


@router.post("/{letter_id}/{step}", operation_id="take_letter_step", response_model=LetterShown)
async def post_step(
    letter_id: Uuid, step: LetterStep, words: LetterStepIn, writing: Annotated[Writing, writes()]
) -> Response:
    """Record, as the union, what the employer did (`record_*`) or take an unanswered letter back; as the labour
    department, `file` a proposal under a number or `decline` it with reasons. A union cannot file. Needs `If-Match`."""
    opened = await verbs.take_step(
        writing.tx,
        letter_id,
        step.value,
        text=words.text,
        filing_number=words.filing_number,
        version=writing.expected_version(),
    )
    return await _answer(writing, opened)
