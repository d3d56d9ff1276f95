"""What people prove themselves with. The functions on a `Raw` cross the wall, because nobody acts yet when they ask."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx


@dataclass(frozen=True, slots=True)
class SigningIn:
    """A live person of a live agency who is trying to sign in."""

    staff_id: UUID
    agency_id: UUID
    roles: tuple[str, ...]
    password_hash: str | None = field(repr=False)
    second_factor: bool
    version: int


@dataclass(frozen=True, slots=True)
class Enrolling:
    """Whose enrolment code was given; login and agency code so that the new password does not repeat them."""

    staff_id: UUID
    agency_id: UUID
    login: str
    agency_code: str


async def staff_for_sign_in(raw: Raw, agency_code: str, login: str) -> SigningIn | None:
    """The person, or None where unknown, never invited, revoked, or its agency suspended. One statement."""
    row = await raw.fetchrow("SELECT * FROM staff_for_sign_in($1, $2)", agency_code, login)
    if row is None:
        return None
    return SigningIn(
        row["staff_id"],
        row["agency_id"],
        tuple(row["roles"]),
        row["password_hash"],
        row["second_factor"],
        row["version"],
    )


async def enrolling_staff(raw: Raw, code_hash: bytes) -> Enrolling | None:
    """Whose code it is, while it is good. One statement."""
    row = await raw.fetchrow("SELECT * FROM enrolling_staff($1)", code_hash)
    return None if row is None else Enrolling(row["staff_id"], row["agency_id"], row["login"], row["agency_code"])


async def lock_credential(tx: Tx, staff_id: UUID) -> asyncpg.Record | None:
    """The credential of somebody of the acting agency, locked. One statement, as every function below."""
    return await tx.row(
        "SELECT c.staff_id, c.password_hash, c.totp_secret, c.totp_pending, c.totp_step, c.enrolment_hash, "
        "c.enrolment_expires_at, c.version, s.roles, s.login, a.code AS agency_code "
        "FROM staff_credential c JOIN staff s ON s.id = c.staff_id JOIN agency a ON a.id = c.agency_id "
        "WHERE c.agency_id = $1 AND c.staff_id = $2 FOR UPDATE OF c",
        tx.agency_id,
        staff_id,
    )


async def put_enrolment(
    tx: Tx, staff_id: UUID, code_hash: bytes, expires_at: datetime, *, reset_second_factor: bool
) -> None:
    """Voids the password and waits for a new one; the second factor goes too where that is wished."""
    await tx.run(_PUT_ENROLMENT, staff_id, tx.agency_id, code_hash, expires_at, reset_second_factor)


async def put_password(tx: Tx, staff_id: UUID, password_hash: str) -> None:
    """A new password; an enrolment code that was open is used up."""
    await tx.run(
        "UPDATE staff_credential SET password_hash = $3, enrolment_hash = NULL, enrolment_expires_at = NULL, "
        "version = version + 1 WHERE agency_id = $1 AND staff_id = $2",
        tx.agency_id,
        staff_id,
        password_hash,
    )


async def put_pending_factor(tx: Tx, staff_id: UUID, sealed: bytes) -> None:
    """A second factor that counts once a code of it has been shown."""
    await tx.run(
        "UPDATE staff_credential SET totp_pending = $3 WHERE agency_id = $1 AND staff_id = $2",
        tx.agency_id,
        staff_id,
        sealed,
    )


async def put_factor(tx: Tx, staff_id: UUID, sealed: bytes, step: int) -> None:
    """A second factor in force; `step` is the time step whose code proved it."""
    await tx.run(
        "UPDATE staff_credential SET totp_secret = $3, totp_step = $4, totp_pending = NULL, version = version + 1 "
        "WHERE agency_id = $1 AND staff_id = $2",
        tx.agency_id,
        staff_id,
        sealed,
        step,
    )


async def put_step(tx: Tx, staff_id: UUID, step: int) -> None:
    """The time step that was used last."""
    await tx.run(
        "UPDATE staff_credential SET totp_step = $3 WHERE agency_id = $1 AND staff_id = $2",
        tx.agency_id,
        staff_id,
        step,
    )


async def void_recovery_codes(tx: Tx, staff_id: UUID, now: datetime) -> None:
    """None of those given so far works from now on."""
    await tx.run(
        "UPDATE recovery_code SET used_at = $3 WHERE agency_id = $1 AND staff_id = $2 AND used_at IS NULL",
        tx.agency_id,
        staff_id,
        now,
    )


async def insert_recovery_codes(tx: Tx, staff_id: UUID, hashes: Sequence[bytes]) -> None:
    await tx.run(
        "INSERT INTO recovery_code (staff_id, code_hash, agency_id) SELECT $1, hash, $2 FROM unnest($3::bytea[]) hash",
        staff_id,
        tx.agency_id,
        list(hashes),
    )


async def use_recovery_code(tx: Tx, staff_id: UUID, hashes: Sequence[bytes], now: datetime) -> bool:
    """True the one time that a code is used. `hashes`: of the same code, one for each live key."""
    tag = await tx.run(
        "UPDATE recovery_code SET used_at = $4 WHERE agency_id = $1 AND staff_id = $2 AND code_hash = ANY ($3) "
        "AND used_at IS NULL",
        tx.agency_id,
        staff_id,
        list(hashes),
        now,
    )
    return tag == "UPDATE 1"


_PUT_ENROLMENT = """
INSERT INTO staff_credential (staff_id, agency_id, totp_step, enrolment_hash, enrolment_expires_at, version)
VALUES ($1, $2, 0, $3, $4, 1)
    ON CONFLICT (staff_id) DO UPDATE
   SET password_hash = NULL, enrolment_hash = EXCLUDED.enrolment_hash,
       enrolment_expires_at = EXCLUDED.enrolment_expires_at,
       totp_secret = CASE WHEN $5 THEN NULL ELSE staff_credential.totp_secret END,
       totp_pending = NULL, version = staff_credential.version + 1"""
