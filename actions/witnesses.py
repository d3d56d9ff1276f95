"""audit log (审计日志): partners that witness it, each by a key registered once, and cosign what they have checked."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from actions.audit import leave_mark
from crypto.checkpoints import COSIGNATURE, BadSignature, VerifierKey, cosigned_at
from crypto.ids import new_id
from db.clock import real_time
from db.queries import audit
from db.transaction import Tx
from rules.errors import Conflict, FieldError, Hidden, PreconditionFailed, ValidationFailed
from rules.notes import NoteError, Signature, read_note, read_signature

MAX_WITNESSES: Final = 5
AHEAD: Final = timedelta(minutes=5)
"""How far a witness's clock may be ahead of ours."""

_SUBJECT: Final = "audit_witness"


async def register(tx: Tx, key_text: str) -> asyncpg.Record:
    """A witness of the acting agency, by its public key. Three statements.

    Raises ValidationFailed for a key that is none of cosignature/v1, Conflict where the name is taken or there are too
    many.
    """
    try:
        key = VerifierKey.read(key_text)
    except NoteError:
        raise ValidationFailed(FieldError("/key", "witness-key")) from None
    if key.kind != COSIGNATURE:
        raise ValidationFailed(FieldError("/key", "witness-key"))
    if len(await audit.own_live_witnesses(tx)) >= MAX_WITNESSES:
        raise Conflict(reason="too-many-witnesses")
    witness_id = new_id()
    if not await audit.insert_witness(tx, witness_id, key.name, key.text):
        raise Conflict(reason="witness-name-taken")
    leave_mark(tx, "audit.register_witness", subject_type=_SUBJECT, subject_id=witness_id)
    return await _witness(tx, witness_id)


async def revoke(tx: Tx, witness_id: UUID, *, version: int) -> asyncpg.Record:
    """Takes no more cosignatures of a witness; its old ones stay. Three statements.

    Raises Hidden, PreconditionFailed, Conflict.
    """
    witness = await audit.lock_own_witness(tx, witness_id)
    if witness is None:
        raise Hidden
    if witness["version"] != version:
        raise PreconditionFailed(f'"v{witness["version"]}"')
    if witness["revoked_at"] is not None:
        raise Conflict(reason="witness-revoked")
    await audit.revoke_witness(tx, witness_id)
    leave_mark(tx, "audit.revoke_witness", subject_type=_SUBJECT, subject_id=witness_id)
    return await _witness(tx, witness_id)


async def cosign(tx: Tx, size: int, line: str) -> datetime:
    """Takes a cosignature of one of the acting agency's witnesses on the checkpoint of a size; when it was made.

    Three statements. Raises Hidden where there is no such checkpoint, ValidationFailed for a line that does not verify,
    Conflict where this witness has cosigned it before.
    """
    checkpoint = await audit.find_checkpoint(tx, size)
    if checkpoint is None:
        raise Hidden
    witness, signature = await _made_by(tx, line)
    try:
        seconds = cosigned_at(VerifierKey.read(witness["key"]), read_note(checkpoint["note"]).text, signature)
    except BadSignature:
        raise ValidationFailed(FieldError("/cosignature", "cosignature")) from None
    if seconds > (real_time() + AHEAD).timestamp():
        raise ValidationFailed(FieldError("/cosignature", "in-the-future"))
    made = datetime.fromtimestamp(seconds, UTC)
    if not await audit.insert_cosignature(tx, size, witness["id"], line=signature.line, cosigned_at=made):
        raise Conflict(reason="already-cosigned")
    leave_mark(tx, "audit.cosign", subject_type=_SUBJECT, subject_id=witness["id"], facts={"size": size})
    return made


async def _made_by(tx: Tx, line: str) -> tuple[asyncpg.Record, Signature]:
    """The live witness of the acting agency that a line says it is of."""
    try:
        signature = read_signature(line)
    except NoteError:
        raise ValidationFailed(FieldError("/cosignature", "cosignature")) from None
    for witness in await audit.own_live_witnesses(tx):
        if VerifierKey.read(witness["key"]).made(signature):
            return witness, signature
    raise ValidationFailed(FieldError("/cosignature", "cosignature"))


async def _witness(tx: Tx, witness_id: UUID) -> asyncpg.Record:
    witness = await audit.find_witness(tx, witness_id)
    assert witness is not None
    return witness
