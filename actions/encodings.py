"""Hands an agency its encoding key, and takes what it encoded into the features by which its reports are linked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from actions.audit import leave_mark
from crypto.link_encodings import EncodingKey, year_of
from crypto.vault import Vault
from db.transaction import Tx
from rules.deadlines import shanghai_day
from rules.errors import FieldError, ValidationFailed
from rules.linkage.encoded import Encodings, taken_until, years_taken
from rules.linkage.features import Encoded, Features
from rules.reports import EncodedSaid, PersonFound


@dataclass(frozen=True, slots=True)
class HandedOut:
    """A key and the instant from which it is taken no more."""

    key: EncodingKey
    taken_until: datetime


def hand_out_key(tx: Tx) -> HandedOut:
    """This year's key of the acting agency. Leaves a mark; no statement of its own."""
    key = tx.vault.encodings.key(tx.agency_id, shanghai_day(tx.now).year)
    leave_mark(
        tx,
        "linkage.read_key",
        subject_type="agency",
        subject_id=tx.agency_id,
        facts={"key": key.key_id},
    )
    return HandedOut(key, taken_until(key.year))


def encodings_of(tx: Tx) -> Encodings:
    """Compares encodings of every agency with what others disclosed; one for each person of a report."""
    return encodings_by(tx.vault)


def encodings_by(vault: Vault) -> Encodings:
    """The same, without anybody acting."""
    return Encodings(lambda agency, year: vault.encodings.keyed(UUID(agency), year))


def with_encoded(tx: Tx, found: Sequence[PersonFound], features: Sequence[Features]) -> list[Features]:
    """The features of the people of a report with what was sent encoded. Raises ValidationFailed for another key than
    this agency's of this year, or in January of the last."""
    errors: list[FieldError] = []
    made = []
    for position, (person, it) in enumerate(zip(found, features, strict=True)):
        said = person.said.encoded
        encoded = _encoded(tx, said) if said else None
        if said is not None and encoded is None:
            pointer = "/person" if position == 0 else f"/household/{position - 1}"
            errors.append(FieldError(f"{pointer}/encoded/key", "unknown-encoding-key"))
        made.append(replace(it, encoded=encoded) if encoded else it)
    if errors:
        raise ValidationFailed(*errors)
    return made


def _encoded(tx: Tx, said: EncodedSaid) -> Encoded | None:
    """None where it was made with no key that is taken."""
    year = year_of(said.key)
    if year not in years_taken(shanghai_day(tx.now)) or tx.vault.encodings.key(tx.agency_id, year).key_id != said.key:
        return None
    return Encoded(str(tx.agency_id), year, said.id_number or "", said.clk.hex() if said.clk else "")
