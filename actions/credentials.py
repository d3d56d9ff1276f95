"""Gives people passwords and second factors, changes and resets them. Marks carry ids and verbs, never a secret.

Hashing takes long and belongs outside a transaction: what comes in here is hashed already. Dated by the real clock.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from actions.audit import leave_mark
from actions.devices import end_devices
from crypto.grants import hash_grant
from crypto.second_factors import matching_step, new_paper_code, new_totp_secret, paper_code_typed
from db.clock import real_time
from db.queries import accounts, credentials
from db.transaction import Tx
from rules.errors import FieldError, Hidden, InsufficientRole, InvalidTransition, StepUpRequired, ValidationFailed
from rules.sign_in import ENROLMENT_LIFE, RECOVERY_CODES, STEP_UP


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a person chooses a password with, once; shown this once."""

    code: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor to put into an authenticator app. Counts once a code of it has been shown."""

    secret: bytes = field(repr=False)
    account: str


async def invite(tx: Tx, staff_id: UUID, *, reset_second_factor: bool) -> Invitation:
    """Voids a person's password and signs it out everywhere; the code lets it choose another. Three to four statements.

    Raises Hidden, InvalidTransition for a revoked account.
    """
    person = await accounts.lock_staff(tx, staff_id)
    if person is None:
        raise Hidden
    if person["status"] != "active":
        raise InvalidTransition(current=person["status"], allowed=())
    now, code = real_time(), new_paper_code(4)
    expires_at = now + ENROLMENT_LIFE
    code_hash = hash_grant(code)
    await credentials.put_enrolment(tx, staff_id, code_hash, expires_at, reset_second_factor=reset_second_factor)
    if reset_second_factor:
        await credentials.void_recovery_codes(tx, staff_id, now)
    await end_devices(tx, staff_id, "administrator")
    _mark(tx, "invite", staff_id, reset_second_factor=reset_second_factor)
    return Invitation(code, expires_at)


async def enrol(tx: Tx, code: str, password_hash: str) -> bool:
    """The invited person's first password, or its next. False where the code was used a moment ago. Two statements."""
    staff_id = tx.caller.principal_id
    held = await credentials.lock_credential(tx, staff_id)
    if held is None or held["enrolment_hash"] != hash_grant(paper_code_typed(code)):
        return False
    if held["enrolment_expires_at"] <= real_time():
        return False
    await credentials.put_password(tx, staff_id, password_hash)
    _mark(tx, "enrol", staff_id)
    return True


async def own_credential(tx: Tx) -> asyncpg.Record:
    """The caller's own, locked. Raises InsufficientRole for a machine, which has none. One statement."""
    held = await credentials.lock_credential(tx, tx.caller.principal_id) if tx.caller.kind == "staff" else None
    if held is None:
        raise InsufficientRole
    return held


async def change_password(tx: Tx, password_hash: str) -> None:
    """Every other device of the person ends. Three statements. The caller has compared the old one."""
    await own_credential(tx)
    staff_id = tx.caller.principal_id
    await credentials.put_password(tx, staff_id, password_hash)
    await end_devices(tx, staff_id, "credential", but=tx.caller.session_id)
    _mark(tx, "change_password", staff_id)


async def begin_second_factor(tx: Tx) -> Factor:
    """A new second factor, waiting for its first code; the old one stays in force till then. Two statements.

    Raises InsufficientRole, StepUpRequired where the person did not sign in within five minutes.
    """
    _require_fresh(tx)
    held = await own_credential(tx)
    secret = new_totp_secret()
    await credentials.put_pending_factor(tx, tx.caller.principal_id, _sealed(tx, secret))
    return Factor(secret, f"{held['login']}@{held['agency_code']}")


async def confirm_second_factor(tx: Tx, code: str) -> list[str]:
    """Puts the waiting factor in force; the recovery codes, new. Five statements. Every other device ends.

    Raises InsufficientRole, StepUpRequired, ValidationFailed for a code that is none of its.
    """
    _require_fresh(tx)
    held = await own_credential(tx)
    secret = None if held["totp_pending"] is None else _opened(tx, held["totp_pending"])
    step = None if secret is None else matching_step(secret, code, real_time(), after=0)
    if secret is None or step is None:
        raise ValidationFailed(FieldError("/code", "wrong-code"))
    await end_devices(tx, tx.caller.principal_id, "credential", but=tx.caller.session_id)
    return await put_second_factor(tx, secret, step)


async def put_second_factor(tx: Tx, secret: bytes, step: int) -> list[str]:
    """A factor whose code of time step `step` was shown, in force; ten recovery codes, shown this once.

    Three statements.
    """
    staff_id = tx.caller.principal_id
    await credentials.put_factor(tx, staff_id, _sealed(tx, secret), step)
    codes = [new_paper_code(2) for _ in range(RECOVERY_CODES)]
    await credentials.void_recovery_codes(tx, staff_id, real_time())
    await credentials.insert_recovery_codes(tx, staff_id, [_hashes(tx, code)[0] for code in codes])
    _mark(tx, "enrol_second_factor", staff_id)
    return codes


async def prove_second_factor(tx: Tx, code: str, *, version: int) -> bool:
    """Whether this is a code of the person's second factor, or a recovery code; either works once. Two statements.

    `version` is the credential's as it was when the password was given: False where it has changed since.
    """
    staff_id = tx.caller.principal_id
    held = await credentials.lock_credential(tx, staff_id)
    if held is None or held["version"] != version or held["totp_secret"] is None:
        return False
    step = matching_step(_opened(tx, held["totp_secret"]), code, real_time(), after=held["totp_step"])
    if step is not None:
        await credentials.put_step(tx, staff_id, step)
        return True
    if not await credentials.use_recovery_code(tx, staff_id, _hashes(tx, code), real_time()):
        return False
    _mark(tx, "use_recovery_code", staff_id)
    return True


async def unchanged(tx: Tx, version: int) -> bool:
    """Whether the credential is still the one that was proved a moment ago. One statement."""
    held = await credentials.lock_credential(tx, tx.caller.principal_id)
    return held is not None and held["version"] == version


def _require_fresh(tx: Tx) -> None:
    signed_in = tx.caller.auth_time
    if signed_in is None or real_time() - signed_in > STEP_UP:
        raise StepUpRequired


def _hashes(tx: Tx, code: str) -> list[bytes]:
    """Bound to the person: the same code of somebody else is another."""
    return tx.vault.blind.indexes("recovery-code", f"{tx.caller.principal_id}:{paper_code_typed(code)}")


def _sealed(tx: Tx, secret: bytes) -> bytes:
    return tx.vault.cipher.seal_bytes(secret, f"staff_credential.totp:{tx.caller.principal_id}")


def _opened(tx: Tx, sealed: bytes) -> bytes:
    return tx.vault.cipher.open_bytes(sealed, f"staff_credential.totp:{tx.caller.principal_id}")


def _mark(tx: Tx, verb: str, staff_id: UUID, **facts: object) -> None:
    leave_mark(tx, f"staff.{verb}", subject_type="staff", subject_id=staff_id, facts=facts)
