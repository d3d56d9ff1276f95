"""Webhook endpoints and deliveries: what their agency does with them.

What an attempt at delivering means for them stands in `deliveries`; both change an endpoint before its deliveries.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg

from actions.audit import leave_mark
from actions.events import record_event
from crypto.fields import FieldCipher
from crypto.ids import new_id
from crypto.webhooks import WebhookKeys, generate_webhook_keys
from db.queries import deliveries, webhooks
from db.transaction import Tx
from rules.addresses import ForbiddenTarget, TargetPolicy, read_target
from rules.envelopes import NOTICES, TEST, VERIFICATION, notice, unknown_types
from rules.errors import Conflict, FieldError, Hidden, PreconditionFailed, ValidationFailed
from rules.selections import COUNTY_DIGITS, Selection

MAX_ENDPOINTS = 10
KEY_OVERLAP = timedelta(hours=24)
_SUBJECT = "webhook_endpoint"


@dataclass(frozen=True, slots=True)
class Shown:
    """An endpoint, and its keys where they have just been made: they are shown once."""

    endpoint: asyncpg.Record
    keys: WebhookKeys | None = None


async def register(tx: Tx, *, url: str, selection: Selection, policy: TargetPolicy, ordering: str = "subject") -> Shown:
    """A new endpoint, pending until its receiver has answered a challenge. Three statements.

    Raises ValidationFailed for an obviously forbidden target, an unknown type or a place below a county, Conflict where
    there are too many.
    """
    canonical = _canonical(url, policy)
    check_selection(selection)
    if await webhooks.count_endpoints(tx) >= MAX_ENDPOINTS:
        raise Conflict(reason="too-many-endpoints")
    endpoint_id, keys = new_id(), generate_webhook_keys()
    await webhooks.insert_endpoint(
        tx,
        endpoint_id,
        url=canonical,
        selection=selection,
        ordering=ordering,
        keys=seal_keys(tx.vault.cipher, endpoint_id, keys),
        public_key=keys.public_text,
        challenge=_challenge(),
    )
    return await _changed(tx, endpoint_id, "register", VERIFICATION, keys=keys)


@dataclass(frozen=True, slots=True)
class Changes:
    """What an agency changes; None leaves a thing as it is."""

    url: str | None = None
    types: Sequence[str] | None = None
    case_kinds: Sequence[str] | None = None
    divisions: Sequence[str] | None = None
    ordering: str | None = None
    disable: bool = False

    def selects(self, before: Selection) -> Selection:
        """What is asked for now, of what was asked for before."""
        return Selection(
            before.types if self.types is None else tuple(self.types),
            before.case_kinds if self.case_kinds is None else tuple(self.case_kinds),
            before.divisions if self.divisions is None else tuple(self.divisions),
        )


async def change(tx: Tx, endpoint_id: UUID, changes: Changes, *, version: int, policy: TargetPolicy) -> Shown:
    """Changes an endpoint. A new URL waits for a second person where events have gone to the old one, and must answer a
    challenge before anything else goes there. Up to seven statements.

    Raises Hidden, PreconditionFailed, Conflict for a deleted one, ValidationFailed.
    """
    endpoint = await _held(tx, endpoint_id, version)
    url = endpoint["url"] if changes.url is None else _canonical(changes.url, policy)
    events = []
    selection = webhooks.selection_of(endpoint)
    if (selected := changes.selects(selection)) != selection:
        check_selection(selected)
        await webhooks.set_selection(tx, endpoint_id, selected)
    if changes.ordering is not None:
        await webhooks.set_ordering(tx, endpoint_id, changes.ordering)
    if url != endpoint["url"]:
        events.append(await _move(tx, endpoint, url))
    if changes.disable and endpoint["status"] != "disabled":
        await webhooks.set_disabled(tx.run, endpoint_id, "by-owner")
        events.append("endpoint.disabled")
    return await _changed(tx, endpoint_id, "change", *events)


async def _move(tx: Tx, endpoint: asyncpg.Record, url: str) -> str:
    """Lets an endpoint move, or wait for a second person; the event that says so."""
    if endpoint["activated_at"] is not None:
        await webhooks.propose_url(tx, endpoint["id"], url)
        return "endpoint.url_proposed"
    await webhooks.set_pending(tx.run, endpoint["id"], url, _challenge())
    return VERIFICATION


async def approve_url(tx: Tx, endpoint_id: UUID, *, version: int) -> Shown:
    """Another person agrees to a new URL, which gets its challenge now. Six statements.

    Raises Hidden, PreconditionFailed, Conflict where nothing waits, or for whoever proposed it.
    """
    endpoint = await _held(tx, endpoint_id, version)
    if endpoint["proposed_url"] is None:
        raise Conflict(reason="no-url-proposed")
    if endpoint["proposed_by"] == tx.caller.principal_id:
        raise Conflict(reason="another-person-must-approve")
    await webhooks.propose_url(tx, endpoint_id, None)
    await webhooks.set_pending(tx.run, endpoint_id, endpoint["proposed_url"], _challenge())
    return await _changed(tx, endpoint_id, "approve_url", "endpoint.url_approved", VERIFICATION)


async def reject_url(tx: Tx, endpoint_id: UUID, *, version: int) -> Shown:
    """A new URL is not to be: anybody who keeps endpoints may say so. Three statements. Raises as `approve_url`."""
    endpoint = await _held(tx, endpoint_id, version)
    if endpoint["proposed_url"] is None:
        raise Conflict(reason="no-url-proposed")
    await webhooks.propose_url(tx, endpoint_id, None)
    return await _changed(tx, endpoint_id, "reject_url", "endpoint.url_rejected")


async def send_test(tx: Tx, endpoint_id: UUID) -> UUID:
    """Sends an event to an endpoint alone, whatever it asked for; the event's id. Two statements.

    Raises Hidden, Conflict where it takes nothing now.
    """
    endpoint = await _held(tx, endpoint_id)
    if endpoint["status"] != "active":
        raise Conflict(reason="endpoint-not-active")
    leave_mark(tx, "webhook_endpoint.test", subject_type=_SUBJECT, subject_id=endpoint_id)
    return _tell_owner(tx, TEST, endpoint)


async def rotate_secret(tx: Tx, endpoint_id: UUID) -> Shown:
    """New keys; the old ones sign beside them for a day. Three statements. Raises Hidden, Conflict."""
    await _held(tx, endpoint_id)
    keys = generate_webhook_keys()
    await webhooks.set_keys(
        tx,
        endpoint_id,
        keys=seal_keys(tx.vault.cipher, endpoint_id, keys),
        public_key=keys.public_text,
        overlap=KEY_OVERLAP,
    )
    return await _changed(tx, endpoint_id, "rotate_secret", keys=keys)


async def verify_again(tx: Tx, endpoint_id: UUID) -> Shown:
    """Sends a new challenge to a pending endpoint. Five statements. Raises Hidden, Conflict where none is pending."""
    endpoint = await _held(tx, endpoint_id)
    if endpoint["status"] != "pending":
        raise Conflict(reason="endpoint-not-pending")
    await webhooks.set_pending(tx.run, endpoint_id, endpoint["url"], _challenge())
    return await _changed(tx, endpoint_id, "verify", VERIFICATION)


async def enable(tx: Tx, endpoint_id: UUID) -> Shown:
    """Lets a disabled endpoint take deliveries again, with what gathered meanwhile. Five statements.

    One that has not proved its URL is sent a challenge instead. Raises Hidden, Conflict where it is not disabled or was
    deleted.
    """
    endpoint = await _held(tx, endpoint_id)
    if endpoint["status"] != "disabled":
        raise Conflict(reason="endpoint-not-disabled")
    if endpoint["challenge"]:
        await webhooks.set_pending(tx.run, endpoint_id, endpoint["url"], _challenge())
        return await _changed(tx, endpoint_id, "enable", VERIFICATION)
    await webhooks.set_active(tx.run, endpoint_id)
    await deliveries.wake_deliveries(tx)
    return await _changed(tx, endpoint_id, "enable")


async def give_up(tx: Tx, endpoint_id: UUID, *, version: int) -> None:
    """Deletes an endpoint as far as anything is deleted: it is disabled for good, its deliveries stay to be looked at.

    Four statements. Raises Hidden, PreconditionFailed, Conflict.
    """
    await _held(tx, endpoint_id, version)
    await webhooks.set_disabled(tx.run, endpoint_id, "deleted")
    await _changed(tx, endpoint_id, "delete", "endpoint.disabled")


async def deliver_again(tx: Tx, delivery_id: UUID) -> asyncpg.Record:
    """Starts a delivery over: same id, marked as a replay. Six statements.

    Raises Hidden, Conflict where its endpoint was deleted or an attempt is under way.
    """
    delivery = await deliveries.find_delivery(tx, delivery_id)
    if delivery is None:
        raise Hidden
    endpoint = await _held(tx, delivery["endpoint_id"])
    if not await deliveries.deliver_again(tx, delivery_id, due=endpoint["status"] == "active"):
        raise Conflict(reason="delivery-under-way")
    await deliveries.wake_deliveries(tx)
    leave_mark(tx, "delivery.redeliver", subject_type="delivery", subject_id=delivery_id)
    again = await deliveries.find_delivery(tx, delivery_id)
    assert again is not None
    return again


def seal_keys(cipher: FieldCipher, endpoint_id: UUID, keys: WebhookKeys) -> bytes:
    """The keys as they lie in the database: 64 bytes, sealed for this endpoint."""
    return cipher.seal_bytes(keys.secret + keys.ed25519_private, _context(endpoint_id))


def open_keys(cipher: FieldCipher, endpoint_id: UUID, sealed: bytes) -> WebhookKeys:
    """The keys of an endpoint. Raises SealBroken."""
    opened = cipher.open_bytes(sealed, _context(endpoint_id))
    return WebhookKeys(opened[:32], opened[32:])


def _context(endpoint_id: UUID) -> str:
    return f"webhook_endpoint.keys:{endpoint_id}"


def _challenge() -> str:
    return secrets.token_urlsafe(24)


def _canonical(url: str, policy: TargetPolicy) -> str:
    try:
        return read_target(url, policy).url
    except ForbiddenTarget as forbidden:
        raise ValidationFailed(FieldError("/url", forbidden.code)) from None


def check_selection(selection: Selection, root: str = "/") -> None:
    """Raises ValidationFailed for unknown types and for places below a county; `root` stands before their names."""
    wrong = unknown_types(selection.types, root)
    wrong += [
        FieldError(f"{root}divisions/{position}", "division-below-county")
        for position, code in enumerate(selection.divisions)
        if len(code) > COUNTY_DIGITS
    ]
    if wrong:
        raise ValidationFailed(*wrong)


async def _held(tx: Tx, endpoint_id: UUID, version: int | None = None) -> asyncpg.Record:
    """The endpoint, locked. Raises Hidden, PreconditionFailed for another version, Conflict for a deleted one."""
    endpoint = await webhooks.lock_own_endpoint(tx, endpoint_id)
    if endpoint is None:
        raise Hidden
    if endpoint["status_reason"] == "deleted":
        raise Conflict(reason="endpoint-deleted")
    if version is not None and endpoint["version"] != version:
        raise PreconditionFailed(f'"v{endpoint["version"]}"')
    return endpoint


async def _changed(tx: Tx, endpoint_id: UUID, verb: str, *events: str, keys: WebhookKeys | None = None) -> Shown:
    """The endpoint as it now stands, its owner told and the mark left. One statement."""
    endpoint = await webhooks.find_endpoint(tx, endpoint_id)
    assert endpoint is not None
    for event in events:
        _tell_owner(tx, event, endpoint)
    leave_mark(tx, f"webhook_endpoint.{verb}", subject_type=_SUBJECT, subject_id=endpoint_id)
    return Shown(endpoint, keys)


def _tell_owner(tx: Tx, event_type: str, endpoint: asyncpg.Record) -> UUID:
    return record_event(
        tx,
        event_type,
        subject_type=_SUBJECT,
        subject_id=endpoint["id"],
        version=endpoint["version"],
        case_id=None,
        parties={"owner": tx.agency_id},
        told=notice(endpoint["status_reason"], tx.now) if event_type in NOTICES else None,
    )
