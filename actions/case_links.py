"""Says and undoes links of a case beyond its persons: own numbers of agencies, other cases, cases elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.cases import case_tag, seen_case
from actions.events import record_event
from crypto.ids import new_id
from db.queries import case_links, cases
from db.transaction import Tx
from rules.case_links import (
    End,
    LinkKind,
    LinkSaid,
    check_pair,
    check_said,
    class_of_number,
    near_and_far,
    number_key,
    own_number_key,
    require_sayer,
)
from rules.disclosure import classes_of_roles
from rules.errors import DuplicateRecord, Hidden, InvalidTransition, PreconditionFailed
from rules.field_classes import FieldClass
from rules.purposes import classes_for
from rules.rights import Subject


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """A link as the acting agency may see it. `far` is the other case of a pair, whose id may be hidden from it."""

    row: asyncpg.Record
    near: End
    far: End | None
    number: str | None
    url: str | None
    reason: str | None
    undo_reason: str | None


async def say_link(tx: Tx, case_id: UUID, said: LinkSaid) -> OpenedLink:
    """Says a link of a case. Six statements, seven for a pair.

    Raises Hidden where either case may not be seen, InsufficientRole, ValidationFailed, and DuplicateRecord where the
    same stands already: only for what the acting agency sees.
    """
    await cases.lock_cases(tx, [case_id, *((said.other_case,) if said.other_case else ())])
    here = await seen_case(tx, case_id)
    check_said(said, case_id)
    there = await seen_case(tx, said.other_case) if said.other_case else None
    both = [case for case in (here, there) if case is not None]
    require_sayer(said.kind, coordinates=any(case["coordinator_agency_id"] == tx.agency_id for case in both))
    link_id = new_id()
    if there is None:
        await _keep_number(tx, link_id, here, said)
    else:
        await _keep_pair(tx, link_id, (here, there), said)
    for case in both:
        _record(tx, "say", (link_id, 1), case["id"], kind=said.kind)
    return await seen_link(tx, link_id, at=case_id)


async def _keep_number(tx: Tx, link_id: UUID, case: asyncpg.Record, said: LinkSaid) -> None:
    """Under every live key first: a rotation must not let one number stand twice."""
    assert said.number is not None
    space, value = number_key(said.kind, tx.agency_id, case["id"], said.number)
    blind = tx.vault.blind  # taken once: an index and the name of its key belong together
    hashes = blind.indexes(space, value)
    await case_links.lock_number(tx, hashes)
    standing = await case_links.standing_number(tx, system=said.system, case_id=case["id"], hashes=hashes)
    if standing is not None:
        raise DuplicateRecord(f"/v1/case-links/{standing}")
    row = _row(tx, link_id, said) | {
        "case_id": case["id"],
        "coordinator_agency_id": case["coordinator_agency_id"],
        "system": said.system,
        "number": tx.vault.cipher.seal(said.number, f"case_link.number:{link_id}"),
        "number_index": blind.index(space, value),
        "index_key": blind.key_id,
        "division_code": said.division_code,
        "level": said.level,
        "authority": said.authority,
        "url": _sealed(tx, link_id, "url", said.url),
    }
    await case_links.insert_link(tx, row)


async def _keep_pair(tx: Tx, link_id: UUID, both: tuple[asyncpg.Record, asyncpg.Record], said: LinkSaid) -> None:
    check_pair(said.kind, [case["kind"] for case in both])
    standing = await case_links.standing_pair(tx, said.kind, [case["id"] for case in both])
    if standing is not None:
        raise DuplicateRecord(f"/v1/case-links/{standing}")
    first, second = sorted(both, key=lambda case: UUID(str(case["id"])))
    row = _row(tx, link_id, said) | {
        "case_id": first["id"],
        "coordinator_agency_id": first["coordinator_agency_id"],
        "other_case_id": second["id"],
        "other_coordinator_agency_id": second["coordinator_agency_id"],
    }
    await case_links.insert_link(tx, row)


def _row(tx: Tx, link_id: UUID, said: LinkSaid) -> dict[str, object]:
    return {
        "id": link_id,
        "kind": said.kind,
        "source": "agency",
        "agency_id": tx.agency_id,
        "said_by": tx.caller.principal_id,
        "said_at": tx.now,
        "reason": _sealed(tx, link_id, "reason", said.reason),
        "version": 1,
    }


def _sealed(tx: Tx, link_id: UUID, column: str, text: str | None) -> bytes | None:
    return None if text is None else tx.vault.cipher.seal(text, f"case_link.{column}:{link_id}")


async def undo_link(tx: Tx, link_id: UUID, *, reason: str, version: int) -> OpenedLink:
    """Says that a link does not hold; what was said stays beside it. An own number its agency undoes, anything else a
    coordinator of either case. Five statements.

    Raises Hidden, InsufficientRole, PreconditionFailed, InvalidTransition for a second time.
    """
    seen = await _found(tx, link_id)
    ends = [case_id for case_id in (seen["case_id"], seen["other_case_id"]) if case_id is not None]
    await cases.lock_cases(tx, ends)
    link = await _found(tx, link_id)
    if link["version"] != version:
        raise PreconditionFailed(case_tag(link["version"]))
    sealed = tx.vault.cipher.seal(reason, f"case_link.undo_reason:{link_id}")
    if not await case_links.undo_link(tx, link_id, version=version, reason=sealed):
        raise InvalidTransition(current="undone", allowed=())
    for case_id in ends:
        _record(tx, "undo", (link_id, version + 1), case_id, kind=link["kind"])
    return await seen_link(tx, link_id)


async def _found(tx: Tx, link_id: UUID) -> asyncpg.Record:
    link = await case_links.find_link(tx, link_id)
    if link is None:
        raise Hidden
    require_part(tx, Subject.case_link, link["parts"], erased=link["erased_at"] is not None)
    return link


_EVENTS = {"say": "case.linked", "undo": "case.unlinked"}


def _record(tx: Tx, verb: str, link: tuple[UUID, int], case_id: UUID, *, kind: str) -> None:
    """Event and mark of one of the cases; neither names the other one, which not all who read them may know.

    `link` is its id and version.
    """
    link_id, version = link
    record_event(
        tx,
        _EVENTS[verb],
        subject_type="case_link",
        subject_id=link_id,
        version=version,
        case_id=case_id,
        parties={"other": tx.agency_id if kind == LinkKind.own_number else None},
        changed=(kind,),
    )
    leave_mark(
        tx, f"case_link.{verb}", subject_type="case_link", subject_id=link_id, case_id=case_id, facts={"kind": kind}
    )


async def seen_link(tx: Tx, link_id: UUID, *, at: UUID | None = None) -> OpenedLink:
    """One link, from the case `at` or the one nearest to the acting agency. One statement, and a mark where it shows a
    legal number. Raises Hidden, Erased, InsufficientRole."""
    return _opened(tx, await _found(tx, link_id), at)


async def list_links(tx: Tx, case_id: UUID, *, after: tuple[datetime, UUID], limit: int) -> Sequence[OpenedLink]:
    """Links of a case, newest first, as far as the caller may know them. Two statements, and marks as `seen_link`.

    Raises Hidden, Erased.
    """
    await seen_case(tx, case_id)
    return [_opened(tx, row, case_id) for row in await case_links.list_links(tx, case_id, after=after, limit=limit)]


def _opened(tx: Tx, row: asyncpg.Record, at: UUID | None) -> OpenedLink:
    near, far = near_and_far(_end(tx, row, ""), _far_end(tx, row), acting=tx.agency_id, at=at)
    own = row["agency_id"] == tx.agency_id
    entitled = not {"owner", "reader"}.isdisjoint(row["parts"])
    words = own or (entitled if far is None else near.seen and far.seen)
    return OpenedLink(
        row=row,
        near=near,
        far=far,
        number=_number(tx, row, near.case_id) if words else None,
        url=_open(tx, row, "url") if words else None,
        reason=_open(tx, row, "reason") if words else None,
        undo_reason=_open(tx, row, "undo_reason") if words or row["undone_agency_id"] == tx.agency_id else None,
    )


def _end(tx: Tx, row: asyncpg.Record, prefix: str) -> End:
    coordinator = row[f"{prefix}coordinator_agency_id"]
    return End(
        case_id=row[f"{prefix}case_id"],
        coordinator=coordinator,
        coordinator_name=row[f"{prefix}coordinator_name"],
        roles=frozenset(row[f"{prefix}roles"]),
        supervised=coordinator in tx.rights.below,
    )


def _far_end(tx: Tx, row: asyncpg.Record) -> End | None:
    return None if row["other_case_id"] is None else _end(tx, row, "other_")


def _number(tx: Tx, row: asyncpg.Record, case_id: UUID) -> str | None:
    """The number for its own agency; for the coordinator a legal one only under a purpose that needs it, and with a
    mark."""
    own = row["agency_id"] == tx.agency_id
    field_class = class_of_number(row["agency_kind"]) if row["kind"] == LinkKind.own_number else FieldClass.basic
    if row["number"] is None or not (own or field_class == FieldClass.basic or _reaches(tx, field_class)):
        return None
    if not own and field_class != FieldClass.basic:
        leave_mark(
            tx,
            "case_link.read",
            subject_type="case_link",
            subject_id=row["id"],
            case_id=case_id,
            field_classes=(field_class,),
        )
    return _open(tx, row, "number")


def _reaches(tx: Tx, field_class: str) -> bool:
    return field_class in classes_for(tx.purpose) & classes_of_roles(tx.rights.roles)


def _open(tx: Tx, row: asyncpg.Record, column: str) -> str | None:
    return None if row[column] is None else tx.vault.cipher.open(row[column], f"case_link.{column}:{row['id']}")


async def search_own_number(tx: Tx, number: str) -> list[asyncpg.Record]:
    """The acting agency's cases with this own number. One statement."""
    hashes = tx.vault.blind.indexes(*own_number_key(tx.agency_id, number))
    return await case_links.search_own_number(tx, hashes)
