"""Lets an office without a system answer a referral: makes and revokes links, and takes the answer of who holds one.

A link acts as its addressee, with the rights of a caseworker, and takes the steps of actions/referral_steps.py: state
machine, words, clocks, events and marks are the same. What is added is that a link is good for one answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.events import record_event
from actions.referral_steps import StepSaid, allowed_now, take_referral_step
from actions.referrals import parts_of, seen_referral
from crypto.grants import hash_grant
from crypto.ids import new_id
from db.clock import real_time
from db.queries import answer_links, matters, referrals
from db.transaction import Tx
from rules.answer_links import (
    MAX_DAYS,
    MAX_OPEN,
    SHOWN_AGAIN,
    Bound,
    Used,
    check_answerable,
    check_clerk,
    possible_steps,
    stands,
    steps_left,
    steps_to_take,
)
from rules.errors import Conflict, Hidden, InvalidTransition
from rules.matters import Matter
from rules.referrals import StepWords
from rules.rights import Subject

CLERK_CONTEXT = "answer_link.clerk"
ANSWERED_BY_CONTEXT = "answer_link.answered_by"


@dataclass(frozen=True, slots=True)
class LinkSaid:
    """Which steps a link may take, whom it is meant for, and for how many days it stands."""

    steps: tuple[str, ...]
    clerk: str | None
    days: int


@dataclass(frozen=True, slots=True)
class Made:
    """A new link and its token, which is kept nowhere."""

    link: asyncpg.Record
    token: str


async def make_link(tx: Tx, referral_id: UUID, said: LinkSaid) -> Made:
    """Makes a link for the addressee of a referral. Seven statements; told to sender and coordinator.

    Raises Hidden, InsufficientRole, and Conflict where there is nothing to answer, where the addressee has a system of
    its own, where the matter asks for a certificate, which no link holds, and where too many stand already.
    """
    referral = await _locked(tx, referral_id)
    await _check_addressee(tx, referral)
    check_answerable(referral["status"], said.steps)
    if said.clerk is not None:
        check_clerk(said.clerk)
    now = real_time()
    if await answer_links.count_open(tx, referral_id, now) >= MAX_OPEN:
        raise Conflict(reason="too-many-answer-links")
    link_id, expires_at = new_id(), now + timedelta(days=said.days)
    token = tx.vault.answer_links.make(link_id, expires_at)
    row = _row(referral, token, id=link_id, steps=list(said.steps), created_at=now, expires_at=expires_at)
    if said.clerk is not None:
        row["clerk"] = tx.vault.cipher.seal(said.clerk, f"{CLERK_CONTEXT}:{link_id}")
    await answer_links.insert_link(tx, row)
    _tell(tx, "made", link_id, referral)
    _mark(tx, "make", link_id, referral, facts={"steps": list(said.steps), "expires_at": expires_at.isoformat()})
    return Made(await _found(tx, link_id), token)


async def links_of(tx: Tx, referral_id: UUID) -> list[asyncpg.Record]:
    """The links of a referral, for its sender and coordinator. Two statements. Raises Hidden, InsufficientRole."""
    await seen_referral(tx, referral_id)
    return await answer_links.links_of(tx, referral_id)


async def revoke_link(tx: Tx, referral_id: UUID, link_id: UUID) -> asyncpg.Record:
    """Ends a link that stands; nothing else changes. Five statements. Raises Hidden, InsufficientRole, Conflict."""
    referral = await _locked(tx, referral_id)
    link = await answer_links.lock_link(tx, link_id)
    if link is None or link["referral_id"] != referral_id:
        raise Hidden
    now = real_time()
    if used_of(link).status(now) != "open":
        raise Conflict(reason="answer-link-ended")
    await answer_links.revoke_link(tx, link_id, now)
    _tell(tx, "revoked", link_id, referral)
    _mark(tx, "revoke", link_id, referral, facts={})
    return await _found(tx, link_id)


@dataclass(frozen=True, slots=True)
class Opened:
    """What whoever holds a link sees: the referral as its addressee, and what may be answered; no step where it is
    spent."""

    link: asyncpg.Record
    referral: asyncpg.Record
    steps: tuple[str, ...]
    next_token: str | None = None


async def open_link(tx: Tx, token: str) -> Opened:
    """Looks, as the link that acts; changes nothing. Three statements. Raises Hidden where it does not stand."""
    link = await _found(tx, tx.caller.principal_id)
    referral = await seen_referral(tx, link["referral_id"])
    return await _opened(tx, link, referral, token)


async def answer(tx: Tx, token: str, step: str, said: StepSaid, *, clerk: str, version: int) -> Opened:
    """Takes `step` as the link that acts, on a referral that stands at `version`, and spends the link. About twenty
    statements. An answer given before is shown again, whatever is said now: whoever presses twice, or second.

    Raises Hidden where the link does not stand, and what `take_referral_step` raises.
    """
    link = await _found(tx, tx.caller.principal_id)
    referral = await referrals.lock_referral(tx, link["referral_id"])
    locked = await answer_links.lock_link(tx, link["id"])
    if referral is None or locked is None:
        raise Hidden
    opened = await _opened(tx, locked, referral, token)
    if locked["answered_at"] is not None:
        return opened
    if step not in opened.steps:
        raise InvalidTransition(referral["status"], opened.steps)
    check_clerk(clerk)
    moved = await _take(tx, referral, step, said, version=version)
    await _spend(tx, locked, step, clerk)
    following = await _yield_next(tx, locked, moved, token, step=step)
    facts = {"step": step, "clerk": clerk, "yields": None if following is None else str(following)}
    _mark(tx, "answer", link["id"], moved, facts=facts)
    return await _opened(tx, await _found(tx, link["id"]), moved, token)


async def _take(tx: Tx, referral: asyncpg.Record, step: str, said: StepSaid, *, version: int) -> asyncpg.Record:
    """The steps of the state machine, one after the other; the words go with the last."""
    moved = referral
    steps = steps_to_take(step, referral["status"])
    for each in steps:
        words = said if each == steps[-1] else StepSaid(StepWords())
        taken = await take_referral_step(tx, referral["id"], each, words, version=version)
        moved = taken.referral
        version = moved["version"]
    return moved


async def _spend(tx: Tx, link: asyncpg.Record, step: str, clerk: str) -> None:
    sealed = tx.vault.cipher.seal(clerk, f"{ANSWERED_BY_CONTEXT}:{link['id']}")
    await answer_links.spend_link(tx, link["id"], step=step, answered_by=sealed, now=real_time())


async def _yield_next(tx: Tx, link: asyncpg.Record, moved: asyncpg.Record, token: str, *, step: str) -> UUID | None:
    """The work goes on after a receipt and an acceptance: the rest is answered through a link of its own."""
    steps = steps_left(link["steps"], step)
    if not possible_steps(steps, moved["status"], allowed_now(tx, moved, await _matter(tx, moved))):
        return None
    now = real_time()
    link_id, expires_at = new_id(), now + timedelta(days=MAX_DAYS)
    following = tx.vault.answer_links.following(token, link_id, expires_at)
    row = _row(moved, following, id=link_id, steps=list(steps), created_at=now, expires_at=expires_at)
    await answer_links.insert_link(tx, row | {"follows": link["id"]})
    _tell(tx, "made", link_id, moved)
    return link_id


async def _opened(tx: Tx, link: asyncpg.Record, referral: asyncpg.Record, token: str) -> Opened:
    """Raises Hidden where a link that was not spent does not stand."""
    now = real_time()
    if link["answered_at"] is not None:
        return Opened(link, referral, (), await _next_token(tx, link, token, now))
    made_for = Bound(link["to_agency_id"], link["referral_status"], link["return_count"])
    as_it_is = Bound(referral["to_agency_id"], referral["status"], referral["return_count"])
    if not stands(made_for, as_it_is, used_of(link), now):
        raise Hidden
    allowed = allowed_now(tx, referral, await _matter(tx, referral))
    return Opened(link, referral, possible_steps(link["steps"], referral["status"], allowed))


async def _next_token(tx: Tx, link: asyncpg.Record, token: str, now: datetime) -> str | None:
    """The token of the link that the answer yielded, for a while and while that was not used."""
    following = await answer_links.link_that_follows(tx, link["id"])
    if following is None or used_of(following).status(now) != "open" or now - link["answered_at"] > SHOWN_AGAIN:
        return None
    return tx.vault.answer_links.following(token, following["id"], following["expires_at"])


def used_of(link: asyncpg.Record) -> Used:
    return Used(link["expires_at"], link["answered_at"], link["revoked_at"])


def clerk_of(tx: Tx, link: asyncpg.Record) -> str | None:
    """Whom a link is meant for."""
    return _open(tx, link, "clerk", CLERK_CONTEXT)


def answered_by(tx: Tx, link: asyncpg.Record) -> str | None:
    """Who said to have answered."""
    return _open(tx, link, "answered_by", ANSWERED_BY_CONTEXT)


def _open(tx: Tx, link: asyncpg.Record, column: str, context: str) -> str | None:
    return tx.vault.cipher.open(link[column], f"{context}:{link['id']}") if link[column] else None


async def _locked(tx: Tx, referral_id: UUID) -> asyncpg.Record:
    """The referral under the lock of its case. Raises Hidden, InsufficientRole."""
    referral = await referrals.lock_referral(tx, referral_id)
    if referral is None:
        await seen_referral(tx, referral_id)  # who only looks on is told so
        raise Hidden
    require_part(tx, Subject.referral, parts_of(tx, referral), erased=referral["erased_at"] is not None)
    return referral


async def _check_addressee(tx: Tx, referral: asyncpg.Record) -> None:
    if referral["to_agency_id"] is None:
        raise Conflict(reason="nothing-to-answer")
    if not await answer_links.answers_by_link(tx, referral["to_agency_id"]):
        raise Conflict(reason="addressee-has-a-system")
    if (await _matter(tx, referral)).qualification is not None:
        raise Conflict(reason="matter-asks-for-a-certificate")


async def _matter(tx: Tx, referral: asyncpg.Record) -> Matter:
    matter = await matters.find_matter(tx, referral["matter_code"])
    assert matter is not None
    return matter


async def _found(tx: Tx, link_id: UUID) -> asyncpg.Record:
    link = await answer_links.find_link(tx, link_id)
    if link is None:
        raise Hidden
    return link


def _row(referral: asyncpg.Record, token: str, **own: Any) -> dict[str, Any]:
    return {
        "referral_id": referral["id"],
        "to_agency_id": referral["to_agency_id"],
        "token_hash": hash_grant(token),
        "referral_status": referral["status"],
        "return_count": referral["return_count"],
        **own,
    }


def _tell(tx: Tx, what: str, link_id: UUID, referral: asyncpg.Record) -> None:
    record_event(
        tx,
        f"answer_link.{what}",
        subject_type="answer_link",
        subject_id=link_id,
        version=1,
        case_id=referral["case_id"],
        parties={"sender": referral["sender_agency_id"]},
    )


def _mark(tx: Tx, what: str, link_id: UUID, referral: asyncpg.Record, *, facts: Mapping[str, object]) -> None:
    leave_mark(
        tx,
        f"answer_link.{what}",
        subject_type="answer_link",
        subject_id=link_id,
        case_id=referral["case_id"],
        facts={"referral": str(referral["id"]), **facts},
    )
