"""One effect per key: the record is written in the business transaction, so effect and record live or die together."""

import json
from dataclasses import dataclass
from typing import Any

import asyncpg

from db.clock import real_time
from db.queries import idempotency
from db.transaction import Tx
from rules.errors import Erased, IdempotencyInProgress, IdempotencyMismatch

_CONTEXT = "idempotency_record.answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: status, headers worth repeating, body."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Key:
    """An Idempotency-Key in its scope: principal, agency, method and path are inside the keyed hash."""

    key_hash: bytes
    fingerprint: bytes


def key_for(tx: Tx, *, method: str, path: str, key: str, body: bytes) -> Key:
    """`body` is the canonical JSON, so that another spelling of the same request is the same request."""
    scope = "\n".join((str(tx.caller.principal_id), str(tx.agency_id), method, path, key))
    blind = tx.vault.blind
    return Key(blind.fingerprint(scope.encode()), blind.fingerprint(b"body\n" + body))


async def claim_key(tx: Tx, key: Key) -> Answer | None:
    """None: go ahead, this is the first. An Answer: it was done before. Cost: one statement, two for a repeat.

    Raises IdempotencyMismatch where the same key came with another body, IdempotencyInProgress where the first is still
    at it after two seconds, Erased where the answer went with its case.
    """
    try:
        if await idempotency.claim(tx, key.key_hash, key.fingerprint, real_time()):
            return None
    except asyncpg.LockNotAvailableError as waited:
        raise IdempotencyInProgress from waited
    row = await idempotency.find(tx, key.key_hash)
    if row is None or row["status"] is None:
        raise IdempotencyInProgress
    if row["fingerprint"] != key.fingerprint:
        raise IdempotencyMismatch
    if row["answer"] is None:
        raise Erased
    return _open_answer(tx, row["status"], row["answer"])


async def keep_answer(tx: Tx, key: Key, answer: Answer) -> None:
    """Keeps the answer, sealed. Cost: one statement."""
    kept = json.dumps({"headers": answer.headers, "body": answer.body.decode()})
    await idempotency.complete(tx, key.key_hash, answer.status, tx.vault.cipher.seal(kept, _CONTEXT))


def _open_answer(tx: Tx, status: int, sealed: bytes) -> Answer:
    kept: dict[str, Any] = json.loads(tx.vault.cipher.open(sealed, _CONTEXT))
    return Answer(status, kept["headers"], kept["body"].encode())
