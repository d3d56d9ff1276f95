"""Signs people in on devices: a code for a proof, tokens for the code, new tokens for old ones, and the end of it.

Everything here acts as the person itself (the desk's caller, see api/grants.py). A refusal returns None instead of
raising: what it ends (a family, a spoilt code) must be committed. Dated by the real clock, as tokens are.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from actions.audit import leave_mark
from crypto.grants import answers_challenge, hash_grant, new_code, new_refresh_token
from crypto.ids import new_id
from db.clock import real_time
from db.queries import devices
from db.queries.devices import NewCode, NewDevice
from db.transaction import Tx
from rules.errors import Hidden
from rules.rights import scopes_of_roles
from rules.sign_in import CODE_LIFE, REFRESH_ABSOLUTE, Fate, Handed, fate_of_refresh, refresh_expiry


@dataclass(frozen=True, slots=True)
class Granted:
    """What tokens are made of: the device, what it may do now, when and how its person proved itself."""

    device_id: UUID
    app_id: UUID
    scopes: frozenset[str]
    auth_time: datetime
    second_factor: bool
    refresh_token: str = field(repr=False)
    nonce: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A code as it is handed in, with what must fit it."""

    code: str = field(repr=False)
    app_id: UUID
    redirect_uri: str
    verifier: str = field(repr=False)
    device_name: str
    client: str


async def issue_code(tx: Tx, code: NewCode) -> str:
    """An authorization code for the person who has just proved itself. One statement."""
    text = new_code()
    await devices.insert_code(tx, hash_grant(text), code, real_time())
    facts = {"app": str(code.app_id), "second_factor": code.second_factor}
    leave_mark(tx, "sign_in.prove", subject_type="staff", subject_id=tx.caller.principal_id, facts=facts)
    return text


async def exchange_code(tx: Tx, given: Exchange) -> Granted | None:
    """A device with its first tokens. Four statements. None where anything about the code does not fit.

    A code that comes a second time ends the device it opened; one that comes with a wrong proof is spoilt.
    """
    now, code_hash = real_time(), hash_grant(given.code)
    code = await devices.lock_code(tx, code_hash)
    if code is None or code["app_id"] != given.app_id:
        return None
    if code["used_at"] is not None:
        await _end_by_replay(tx, code["device_id"], "code")
        return None
    fits = code["redirect_uri"] == given.redirect_uri and answers_challenge(given.verifier, code["challenge"])
    if not fits or now - code["created_at"] > CODE_LIFE:
        await devices.use_code(tx, code_hash, None, now)
        return None
    device = NewDevice(
        id=new_id(),
        app_id=code["app_id"],
        name=given.device_name,
        client=given.client,
        scopes=code["scopes"],
        auth_time=code["created_at"],
        second_factor=code["second_factor"],
        expires_at=now + REFRESH_ABSOLUTE,
    )
    await devices.insert_device(tx, device, now)
    await devices.use_code(tx, code_hash, device.id, now)
    token = await _first_token(tx, device, now)
    _mark(tx, "open", device.id, app=str(device.app_id), second_factor=device.second_factor)
    scopes = frozenset(device.scopes) & scopes_of_roles(tx.rights.roles)
    return Granted(device.id, device.app_id, scopes, device.auth_time, device.second_factor, token, code["nonce"])


async def refresh(tx: Tx, given: str, app_id: UUID) -> Granted | None:
    """New tokens for a refresh token. Five statements at most. None where it is refused.

    Whoever uses one twice ends the device, unless the answer seems to have been lost: rules/sign_in.py decides.
    """
    now, token_hash = real_time(), hash_grant(given)
    device = await devices.lock_device_of_token(tx, token_hash)
    if device is None or device["app_id"] != app_id:
        return None
    token = await devices.read_refresh_token(tx, token_hash)
    assert token is not None  # its device was found by it
    fate = fate_of_refresh(_handed(token, device), now)
    if fate is Fate.end_family:
        await _end_by_replay(tx, device["device_id"], "refresh")
    if fate is Fate.rotate:
        return _granted(tx, device, await _rotated(tx, device, token_hash, now))
    if fate is Fate.repeat:
        return _granted(tx, device, tx.vault.cipher.open(token["successor"], _place(device["device_id"])))
    return None


async def revoke_by_token(tx: Tx, given: str, app_id: UUID) -> None:
    """The app signs out (RFC 7009): the device of this refresh token ends. Nothing happens for another app's."""
    device = await devices.lock_device_of_token(tx, hash_grant(given))
    if device is not None and device["app_id"] == app_id:
        await end_devices(tx, tx.caller.principal_id, "person", only=device["device_id"])


async def list_devices(tx: Tx) -> list[asyncpg.Record]:
    """The caller's own live devices. One statement."""
    return await devices.list_devices(tx, tx.caller.principal_id, real_time())


async def revoke_device(tx: Tx, device_id: UUID) -> None:
    """Ends one of the caller's own devices. Raises Hidden where there is no such live one. One statement."""
    if not await end_devices(tx, tx.caller.principal_id, "person", only=device_id):
        raise Hidden


async def end_devices(
    tx: Tx, staff_id: UUID, reason: str, *, only: UUID | None = None, but: UUID | None = None
) -> list[UUID]:
    """Ends devices of a person of the acting agency: their tokens are refused from the next request on. Their ids."""
    ended = await devices.revoke_devices(tx, staff_id, reason, real_time(), only=only, but=but)
    for device_id in ended:
        _mark(tx, "revoke", device_id, reason=reason)
    return ended


async def _end_by_replay(tx: Tx, device_id: UUID | None, what: str) -> None:
    if device_id is not None:
        await end_devices(tx, tx.caller.principal_id, "replay", only=device_id)
        _mark(tx, "replay", device_id, what=what)


async def _first_token(tx: Tx, device: NewDevice, now: datetime) -> str:
    text = new_refresh_token()
    expires_at = refresh_expiry(now, device.expires_at)
    await devices.insert_refresh_token(tx, hash_grant(text), device.id, expires_at)
    return text


async def _rotated(tx: Tx, device: asyncpg.Record, token_hash: bytes, now: datetime) -> str:
    text, device_id = new_refresh_token(), device["device_id"]
    expires_at = refresh_expiry(now, device["expires_at"])
    await devices.insert_refresh_token(tx, hash_grant(text), device_id, expires_at)
    sealed = tx.vault.cipher.seal(text, _place(device_id))
    await devices.use_refresh_token(tx, token_hash, successor_hash=hash_grant(text), successor=sealed, now=now)
    await devices.touch_device(tx, device_id, now)
    return text


def _granted(tx: Tx, device: asyncpg.Record, token: str) -> Granted:
    """Scopes are those of the sign-in that the roles still allow: a role taken away takes its scopes along."""
    return Granted(
        device_id=device["device_id"],
        app_id=device["app_id"],
        scopes=frozenset(device["scopes"]) & scopes_of_roles(tx.rights.roles),
        auth_time=device["auth_time"],
        second_factor=device["second_factor"],
        refresh_token=token,
    )


def _handed(token: asyncpg.Record, device: asyncpg.Record) -> Handed:
    return Handed(
        expires_at=token["expires_at"],
        used_at=token["used_at"],
        successor_used=token["successor_used"] or token["successor"] is None,
        device_expires_at=device["expires_at"],
        device_revoked=device["revoked_at"] is not None,
    )


def _place(device_id: UUID) -> str:
    return f"refresh_token.successor:{device_id}"


def _mark(tx: Tx, verb: str, device_id: UUID, **facts: object) -> None:
    leave_mark(tx, f"device.{verb}", subject_type="device", subject_id=device_id, facts=facts)
