"""One batch of a rotation at a time: values wrapped or sealed anew, indexes computed anew. No caller sees a change.

Each function takes one transaction's share and says where to go on; done rows are not met again, so a walk that was
killed is simply begun again.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from crypto.blind import BlindIndex
from crypto.fields import ALGORITHM_IDS, FIRST_VERSION, VERSION, FieldCipher, SealBroken
from crypto.vault import Vault
from db.engine import Raw
from db.queries import keys
from db.queries.keys import SealedTable
from rules.case_links import number_key
from rules.reports import Identifiers, read_identifiers

_NOWHERE = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction did: rows changed, rows it could not change, and the last key, None at the end of a pass."""

    done: int
    failed: tuple[str, ...]
    last: tuple[object, ...] | None


def wanted_seals(cipher: FieldCipher, *, fresh: bool) -> list[str]:
    """How values should be sealed, in the words of sealed_as(). `fresh`: in today's content algorithm as well."""
    forms = [cipher.form] if fresh else [f"{VERSION}.{number}" for number in ALGORITHM_IDS.values()]
    return [f"{form}/{cipher.key_id}" for form in forms]


async def reseal_batch(
    raw: Raw, cipher: FieldCipher, table: SealedTable, after: Sequence[object], *, fresh: bool, limit: int
) -> Batch:
    """Brings the next rows under the current field key. Two statements.

    Their data keys are wrapped anew; `fresh`, or where a value has none, the value itself is sealed anew under a new
    one. A value that does not open is left as it is and named by its row.
    """
    wanted = wanted_seals(cipher, fresh=fresh)
    taken = await keys.take_sealed(raw, table, after, wanted=wanted, limit=limit)
    if not taken:
        return Batch(0, (), None)
    done, failed = [], []
    for row in taken:
        try:
            done.append(_renewed(cipher, table, row, fresh=fresh))
        except SealBroken as broken:
            failed.append(f"{table.name} {_name_of(table, row)}: {broken.reason}")
    if done:
        await keys.put_sealed(raw, table, done)
    return Batch(len(done), tuple(failed), table.position(taken[-1]))


def _renewed(cipher: FieldCipher, table: SealedTable, row: asyncpg.Record, *, fresh: bool) -> dict[str, Any]:
    values = dict(row)
    for column in table.contexts:
        sealed = row[column]
        if not sealed:
            continue
        if fresh or sealed[0] == FIRST_VERSION:
            values[column] = cipher.reseal(sealed, table.context(column, row))
        else:
            values[column] = cipher.rewrap(sealed)
    return values


def _name_of(table: SealedTable, row: asyncpg.Record) -> str:
    return "/".join(part.hex() if isinstance(part, bytes) else str(part) for part in table.position(row))


async def reindex_people(raw: Raw, after: Sequence[object], *, vault: Vault, limit: int) -> Batch:
    """Computes the indexes of the next person records with the current blind key. Two statements.

    An index is replaced only where what the record says gives the old one under some live key: otherwise the person
    would be lost under the new one without anybody noticing. Such a record is left as it is and named.
    """
    blind, cipher = vault.blind, vault.cipher
    taken = await keys.take_records(raw, _id_in(after), key_id=blind.key_id, limit=limit)
    done, failed = [], []
    for row in taken:
        try:
            done.append(_indexed(blind, row, _identifiers(cipher, row)))
        except (SealBroken, ValueError) as fault:
            failed.append(f"person_record {row['id']}: {fault}")
    if done:
        await keys.put_record_indexes(raw, done, blind.key_id)
    return Batch(len(done), tuple(failed), (taken[-1]["id"],) if taken else None)


async def reindex_reports(raw: Raw, after: Sequence[object], *, vault: Vault, limit: int) -> Batch:
    """Hashes the senders' record ids of the next reports with the current blind key. Two statements."""
    blind, cipher = vault.blind, vault.cipher
    taken = await keys.take_reports(raw, _id_in(after), key_id=blind.key_id, limit=limit)
    done, failed = [], []
    for row in taken:
        try:
            body = json.loads(cipher.open_bytes(row["body"], f"report.body:{row['id']}"))
            said = _record_id(body)
            done.append((row["id"], _renewed_index(blind, "source_record", said, row["source_record"])))
        except (SealBroken, ValueError) as fault:
            failed.append(f"report {row['id']}: {fault}")
    if done:
        await keys.put_source_records(raw, done, blind.key_id)
    return Batch(len(done), tuple(failed), (taken[-1]["id"],) if taken else None)


async def reindex_case_links(raw: Raw, after: Sequence[object], *, vault: Vault, limit: int) -> Batch:
    """Hashes the numbers of the next links of cases with the current blind key. Two statements."""
    blind, cipher = vault.blind, vault.cipher
    taken = await keys.take_case_links(raw, _id_in(after), key_id=blind.key_id, limit=limit)
    done, failed = [], []
    for row in taken:
        try:
            number = cipher.open(row["number"], f"case_link.number:{row['id']}")
            space, value = number_key(row["kind"], row["agency_id"], row["case_id"], number)
            done.append((row["id"], _renewed_index(blind, space, value, row["number_index"])))
        except (SealBroken, ValueError) as fault:
            failed.append(f"case_link {row['id']}: {fault}")
    if done:
        await keys.put_case_numbers(raw, done, blind.key_id)
    return Batch(len(done), tuple(failed), (taken[-1]["id"],) if taken else None)


def _id_in(after: Sequence[object]) -> UUID:
    return next((part for part in after if isinstance(part, UUID)), _NOWHERE)


def _record_id(body: Any) -> str:
    source = body.get("source") if isinstance(body, Mapping) else None
    said = source.get("record_id") if isinstance(source, Mapping) else None
    if not isinstance(said, str):
        raise ValueError("its body names no record of the sender's")  # noqa: TRY004  what is stored is at fault
    return said


def _identifiers(cipher: FieldCipher, row: asyncpg.Record) -> Identifiers:
    context = f"person_record:{row['id']}"
    contact = json.loads(cipher.open(row["contact"], context))
    details = json.loads(cipher.open(row["details"], context))
    return read_identifiers(
        id_type=row["id_type"],
        as_received=details.get("as_received") or {},
        name=cipher.open(row["name"], context),
        number=None if row["id_number"] is None else cipher.open(row["id_number"], context),
        birth_date=row["birth_date"],
        phones=tuple(contact["phones"]),
    )


def _indexed(blind: BlindIndex, row: asyncpg.Record, found: Identifiers) -> dict[str, object]:
    """The row's indexes under the current key. Raises ValueError where the old ones are of something else."""
    if len(found.phones) != len(row["phone_indexes"]):
        raise ValueError("its phones are not those of its indexes")
    return {
        "id": str(row["id"]),
        "id_index": _hexadecimal(blind, "id_number", found.id_number, row["id_index"]),
        "name_birth_index": _hexadecimal(blind, "name_birth", found.name_and_birth, row["name_birth_index"]),
        "phone_indexes": list(_phone_indexes(blind, found.phones, row["phone_indexes"])),
    }


def _phone_indexes(blind: BlindIndex, phones: Sequence[str], old: Sequence[bytes]) -> Iterator[str]:
    for phone, index in zip(phones, old, strict=True):
        yield _renewed_index(blind, "phone", phone, index).hex()


def _hexadecimal(blind: BlindIndex, kind: str, value: str | None, old: bytes | None) -> str | None:
    if value is None and old is None:
        return None
    if value is None or old is None:
        raise ValueError(f"its {kind} is not that of its index")
    return _renewed_index(blind, kind, value, old).hex()


def _renewed_index(blind: BlindIndex, kind: str, value: str, old: bytes) -> bytes:
    if old not in blind.indexes(kind, value):
        raise ValueError(f"its {kind} gives its index under no key of the keyring")
    return blind.index(kind, value)
