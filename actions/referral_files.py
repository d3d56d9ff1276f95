"""Opens a referral for one of its parties: the preview, or, for a receiver under a recorded basis, the minimum
fields.
"""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from actions.case_files import open_people
from actions.referral_steps import STEP_CONTEXT, allowed_now, parties_of
from actions.referrals import NOTE_CONTEXT, seen_referral
from actions.results import COMPARTMENTS
from db.queries import matters, referrals, sharing
from db.transaction import Tx
from rules.disclosure import Basis, Disclosure, may_read_step_words, receiver_disclosure
from rules.matters import Matter
from rules.referrals import DISCLOSED_STATUSES


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
        disclosure = await _disclosure(tx, referral, matter.minimum_fields)
        if disclosure.classes:
            people = await open_people(
                tx,
                referral["case_id"],
                disclosure.classes,
                action="referral.read_people",
                subject=("referral", referral_id),
                records_of=disclosure.records_of,
            )
    reader = _Reader(tx, referral, matter, disclosure)
    steps = [reader.step(row) for row in await referrals.steps_of(tx, referral_id)]
    return OpenedReferral(referral, allowed_now(tx, referral, matter), steps, disclosure, people)


async def _disclosure(tx: Tx, referral: asyncpg.Record, minimum_fields: tuple[str, ...]) -> Disclosure:
    bases = await sharing.bases_for(tx, referral["case_id"], tx.agency_id)
    return receiver_disclosure(
        minimum_fields,
        (Basis(row["kind"], row["agency_id"]) for row in bases),
        disclosed_status=referral["status"] in DISCLOSED_STATUSES,
        coordinator=referral["coordinator_agency_id"],
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
