"""Opens a referral for one of its parties: the preview, or, for a receiver under a recorded basis, the minimum
fields.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from actions.case_files import open_people
from actions.referral_steps import STEP_CONTEXT, allowed_now, parties_of
from actions.referrals import NOTE_CONTEXT, seen_referral
from db.queries import matters, referrals, sharing
from db.transaction import Tx
from rules.disclosure import classes_of_roles, may_read_step_words
from rules.errors import Conflict, ConsentMissing, PurposeRequired
from rules.field_classes import COMPARTMENTS
from rules.matters import Matter
from rules.purposes import classes_for
from rules.referrals import DISCLOSED_STATUSES
from rules.sharing import NOTHING, Basis, Disclosure, GivenBy, lacking, receiver_disclosure


@dataclass(frozen=True, slots=True)
class OpenedReferral:
    referral: asyncpg.Record
    allowed_steps: tuple[str, ...]
    steps: list[dict[str, Any]]
    disclosure: Disclosure | None
    people: list[dict[str, object]] | None


async def read_referral(tx: Tx, referral_id: UUID) -> OpenedReferral:
    """What the acting agency may see of a referral. Three statements for a sender, five for a receiver at work.

    Raises Hidden, and PurposeRequired where the answer would hold fields of a person.
    """
    referral = await seen_referral(tx, referral_id)
    matter = await matters.find_matter(tx, referral["matter_code"])
    assert matter is not None
    disclosure, people = None, None
    if "receiver" in parties_of(tx, referral):
        disclosure = await disclosure_of(tx, referral, matter.minimum_fields)
        if disclosure.classes:
            people, _ = await _open_people(tx, referral, disclosure)
    reader = _Reader(tx, referral, matter, disclosure)
    steps = [reader.step(row) for row in await referrals.steps_of(tx, referral_id)]
    return OpenedReferral(referral, allowed_now(tx, referral, matter), steps, disclosure, people)


@dataclass(frozen=True, slots=True)
class OpenedPeople:
    """`withheld`: children whose guardian has not consented."""

    disclosure: Disclosure
    people: list[dict[str, object]]
    withheld: int


async def read_people(tx: Tx, referral_id: UUID) -> OpenedPeople:
    """The people of an accepted referral's case, for its receiver. Five statements and the mark.

    Raises Hidden, InsufficientRole, Conflict before acceptance, ConsentMissing naming what is lacking.
    """
    referral = await seen_referral(tx, referral_id)
    if referral["status"] not in DISCLOSED_STATUSES:
        raise Conflict(reason="accept-first")
    minimum = await _minimum(tx, referral)
    disclosure = await disclosure_of(tx, referral, minimum)
    if disclosure.missing is not None:
        raise ConsentMissing(tx.agency_id, **lacking(minimum, disclosure))
    people, withheld = await _open_people(tx, referral, disclosure)
    return OpenedPeople(disclosure, people, withheld)


async def _minimum(tx: Tx, referral: asyncpg.Record) -> tuple[str, ...]:
    matter = await matters.find_matter(tx, referral["matter_code"])
    assert matter is not None
    return matter.minimum_fields


async def disclosure_of(tx: Tx, referral: asyncpg.Record, minimum: Sequence[str] | None = None) -> Disclosure:
    """What the acting agency, its receiver, may see of a referral's people. One statement, two where the matter's
    minimum set is not at hand."""
    if referral["status"] not in DISCLOSED_STATUSES:
        return NOTHING
    classes = await _minimum(tx, referral) if minimum is None else minimum
    coordinator = referral["coordinator_agency_id"]
    rows = await sharing.bases_for(
        tx,
        referral["case_id"],
        tx.agency_id,
        coordinator=coordinator,
        matter=referral["matter_code"],
        classes=classes,
    )
    return receiver_disclosure(
        classes,
        [_basis(row) for row in rows],
        recipient_kind=tx.rights.agency_kind,
        coordinator=coordinator,
        purpose=tx.purpose,
        assessed=any(row["assessed"] for row in rows),
    )


def _basis(row: asyncpg.Record) -> Basis:
    return Basis(
        kind=row["kind"],
        recorded_by=row["agency_id"],
        recorder_kind=row["recorder_kind"],
        purpose=row["purpose"],
        field_classes=None if row["field_classes"] is None else frozenset(row["field_classes"]),
        guardian=row["given_by"] == GivenBy.guardian,
    )


async def _open_people(tx: Tx, referral: asyncpg.Record, disclosure: Disclosure) -> tuple[list[dict[str, object]], int]:
    """The people in the classes that basis, role and purpose allow together, and how many children are withheld."""
    if tx.purpose is None:
        raise PurposeRequired
    classes = disclosure.classes & classes_of_roles(tx.rights.roles) & classes_for(tx.purpose)
    return await open_people(
        tx,
        referral["case_id"],
        classes,
        action="referral.read_people",
        subject=("referral", referral["id"]),
        records_of=disclosure.records_of,
        children=disclosure.children,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the steps of a referral with the eyes of one of its parties."""

    tx: Tx
    referral: asyncpg.Record
    matter: Matter
    disclosure: Disclosure | None

    def step(self, row: asyncpg.Record) -> dict[str, Any]:
        """One step; its words only where this party may read them."""
        said: dict[str, Any] = {}
        if row["body"] and self._may_read(row):
            said = json.loads(self.tx.vault.cipher.open(row["body"], f"{STEP_CONTEXT}:{row['id']}"))
        return {**dict(row), "said": said, "deadlines": row["deadlines"]}

    def _may_read(self, row: asyncpg.Record) -> bool:
        return may_read_step_words(
            row["step"],
            own=row["agency_id"] == self.tx.agency_id,
            parties=parties_of(self.tx, self.referral),
            compartment=any(name in self.matter.minimum_fields for name in COMPARTMENTS),
            opened=self.disclosure is not None and note_is_open(self.referral, self.disclosure),
            purpose=self.tx.purpose is not None,
        )


def note_is_open(referral: asyncpg.Record, disclosure: Disclosure) -> bool:
    """Whether a receiver's basis reaches what the sender said: the coordinator recorded it, or the sender did."""
    if not disclosure.classes:
        return False
    return disclosure.records_of is None or referral["sender_agency_id"] in disclosure.records_of


def note_for(tx: Tx, referral: asyncpg.Record, *, disclosed: bool) -> str | None:
    """The sender's note: for sender and coordinator, and for a receiver that may see more than the preview."""
    if referral["note"] is None:
        return None
    parts = parties_of(tx, referral)
    if not disclosed and not {"sender", "coordinator"}.intersection(parts):
        return None
    return tx.vault.cipher.open(referral["note"], f"{NOTE_CONTEXT}:{referral['id']}")


def knows_case(tx: Tx, referral: asyncpg.Record) -> bool:
    """Whether the acting agency may learn which case this is: everybody but an office that has not accepted."""
    at_work = referral["to_agency_id"] == tx.agency_id and referral["accepted_at"] is not None
    return at_work or bool({"sender", "coordinator"}.intersection(parties_of(tx, referral)))
