"""Recorded bases of sharing."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from crypto.ids import new_id
from db.transaction import Tx
from rules.reports import BasisSaid

BasisRow = tuple[UUID, UUID, str, bytes, datetime | None]
"""id, recipient, kind, sealed reference, valid until."""


def new_basis(tx: Tx, basis: BasisSaid, recipient: UUID) -> BasisRow:
    """A row for one recipient; the reference may name a person, so it is sealed."""
    basis_id = new_id()
    reference = tx.vault.cipher.seal(basis.reference, f"sharing_basis.reference:{basis_id}")
    return basis_id, recipient, basis.kind, reference, basis.valid_until


async def insert_bases(tx: Tx, rows: Sequence[BasisRow], *, case_id: UUID, report_id: UUID | None) -> None:
    """One statement."""
    await tx.run(
        "INSERT INTO sharing_basis (id, case_id, report_id, agency_id, recipient_agency_id, kind, reference,"
        "                           valid_from, valid_until, recorded_at) "
        "SELECT b.id, $1, $2, $3, b.recipient, b.kind, b.reference, $4, b.until, $4 "
        "  FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::bytea[], $9::timestamptz[]) "
        "    AS b (id, recipient, kind, reference, until)",
        case_id,
        report_id,
        tx.agency_id,
        tx.now,
        *(list(column) for column in zip(*rows, strict=True)),
    )


async def bases_for(tx: Tx, case_id: UUID, recipient_id: UUID) -> list[asyncpg.Record]:
    """Bases in force now on which fields of the case may go to the recipient, and who recorded each."""
    return await tx.rows(
        "SELECT id, kind, valid_from, valid_until, agency_id FROM sharing_basis "
        "WHERE case_id = $1 AND recipient_agency_id = $2 AND (valid_until IS NULL OR valid_until > $3) ORDER BY id",
        case_id,
        recipient_id,
        tx.now,
    )
