"""Recorded bases of sharing, and the impact assessments without which none opens anything."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from crypto.ids import new_id
from db.transaction import Tx
from rules.reports import BasisSaid


def new_basis(tx: Tx, basis: BasisSaid, recipient: UUID, *, valid_until: datetime | None) -> Mapping[str, Any]:
    """A row for one recipient; the reference may name a person, so it is sealed."""
    basis_id = new_id()
    return {
        "id": basis_id,
        "recipient_agency_id": recipient,
        "kind": basis.kind,
        "reference": tx.vault.cipher.seal(basis.reference, f"sharing_basis.reference:{basis_id}"),
        "valid_until": valid_until,
        "purpose": basis.purpose,
        "field_classes": None if basis.field_classes is None else ",".join(basis.field_classes),
        "text_version": basis.text_version,
        "channel": basis.channel,
        "given_by": basis.given_by,
    }


_COLUMNS = (
    *("id", "recipient_agency_id", "kind", "reference", "valid_until", "purpose", "field_classes", "text_version"),
    *("channel", "given_by"),
)
_INSERT = """
INSERT INTO sharing_basis (id, recipient_agency_id, kind, reference, valid_until, purpose, field_classes, text_version,
                           channel, given_by, case_id, report_id, agency_id, valid_from, recorded_at)
SELECT b.id, b.recipient_agency_id, b.kind, b.reference, b.valid_until, b.purpose,
       string_to_array(b.field_classes, ','), b.text_version, b.channel, b.given_by, $1, $2, $3, $4, $4
  FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::bytea[], $9::timestamptz[], $10::text[], $11::text[],
              $12::text[], $13::text[], $14::text[])
    AS b (id, recipient_agency_id, kind, reference, valid_until, purpose, field_classes, text_version, channel,
          given_by)"""


async def insert_bases(tx: Tx, rows: Sequence[Mapping[str, Any]], *, case_id: UUID, report_id: UUID | None) -> None:
    """One statement."""
    columns = ([row[name] for row in rows] for name in _COLUMNS)
    await tx.run(_INSERT, case_id, report_id, tx.agency_id, tx.now, *columns)


_SHOWN = """SELECT b.id, b.case_id, b.agency_id, a.name AS agency_name, b.recipient_agency_id, r.name AS recipient_name,
       b.kind, b.purpose, b.field_classes, b.text_version, b.channel, b.given_by, b.valid_from, b.valid_until,
       b.recorded_at, b.withdrawn_at, b.withdrawn_by, c.coordinator_agency_id, c.version AS case_version,
       c.erased_at
  FROM sharing_basis b JOIN agency a ON a.id = b.agency_id JOIN agency r ON r.id = b.recipient_agency_id
  JOIN "case" c ON c.id = b.case_id
 WHERE $2 IN (b.agency_id, b.recipient_agency_id, c.coordinator_agency_id)"""


async def bases_of_case(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    """The bases of a case that the acting agency may see: all for the coordinator, else its own and those for it."""
    return await tx.rows(f"{_SHOWN} AND b.case_id = $1 ORDER BY b.recorded_at, b.id LIMIT 1000", case_id, tx.agency_id)


async def find_basis(tx: Tx, basis_id: UUID) -> asyncpg.Record | None:
    return await tx.row(f"{_SHOWN} AND b.id = $1", basis_id, tx.agency_id)


async def withdraw_basis(tx: Tx, basis_id: UUID, withdrawn_by: str) -> bool:
    """False where it was withdrawn before. One statement."""
    tag = await tx.run(
        "UPDATE sharing_basis SET withdrawn_at = $2, withdrawn_by = $3 WHERE id = $1 AND withdrawn_at IS NULL",
        basis_id,
        tx.now,
        withdrawn_by,
    )
    return tag == "UPDATE 1"


async def bases_for(
    tx: Tx, case_id: UUID, recipient_id: UUID, *, coordinator: UUID, matter: str, classes: Sequence[str]
) -> list[asyncpg.Record]:
    """Bases in force now on which fields of the case may go to the recipient, who recorded each, and whether an impact
    assessment of the matter and classes is in force (`assessed`, the same in each row). One statement."""
    return await tx.rows(
        "SELECT b.id, b.kind, b.purpose, b.field_classes, b.given_by, b.agency_id, a.kind AS recorder_kind,"
        "       (SELECT assessment_in_force($4, $5, $6, $3)) AS assessed "
        "  FROM sharing_basis b JOIN agency a ON a.id = b.agency_id "
        " WHERE b.case_id = $1 AND b.recipient_agency_id = $2 AND (b.valid_until IS NULL OR b.valid_until > $3) "
        "   AND b.withdrawn_at IS NULL ORDER BY b.id",
        case_id,
        recipient_id,
        tx.now,
        coordinator,
        matter,
        list(classes),
    )
