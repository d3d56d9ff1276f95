"""Does what a receipt asks for, through the actions that the API calls: the same rules, rights, events and marks.

Effect and state of the receipt are one transaction of the source's account, so that a process killed anywhere leaves
either both or neither. The receipt's row is locked first: nobody else does it meanwhile, whatever becomes of the lease.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from uuid import UUID

import asyncpg

from actions.audit import leave_mark
from actions.case_links import say_link, search_own_number
from actions.inbound import open_envelope
from actions.referral_steps import StepSaid, take_referral_step
from actions.referrals import ReferralSaid, refer, seen_referral
from actions.reports import file_report
from db.queries import inbound, inbound_sources, referrals, reports
from db.transaction import Tx
from rules.case_links import LinkSaid
from rules.errors import DuplicateRecord, FieldError, ValidationFailed
from rules.inbound import NotDone, made
from rules.inbound_conversions import Json
from rules.inbound_expressions import SourceMapping
from rules.inbound_making import Outcome, apply_mapping
from rules.inbound_mapping import read_mapping
from rules.referrals import STEPS, check_words
from rules.reports import ReportSaid, check_report
from rules.rights import OPERATIONS

Said: TypeAlias = ReportSaid | ReferralSaid | StepSaid
Effect: TypeAlias = Mapping[str, UUID | None]

OPERATION_OF = {"report": "file_report", "referral": "refer", "step": "take_referral_step"}


class Reading(Protocol):
    """The API's own way of reading, which an entrance hands in: a mapped document passes what a request would."""

    def body(self, raw: bytes) -> Json:
        """The value of a body. Raises MalformedRequest, PayloadTooLarge."""

    def said(self, target: str, document: Mapping[str, Json]) -> Said:
        """What a made document says. Raises ValidationFailed."""

    def own_number(self, document: Mapping[str, Json]) -> LinkSaid:
        """An own number of a case with its system. Raises ValidationFailed."""

    def canonical(self, document: Mapping[str, Json]) -> bytes:
        """The one spelling of a document."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a body asks for, read as a request would be. `said` is None where nothing is to be done; `own_number` is
    kept with the case of a step."""

    outcome: Outcome
    said: Said | None
    own_number: LinkSaid | None = None


async def do_receipt(tx: Tx, receipt_id: UUID, lease: UUID, reading: Reading, *, allow_demo: bool) -> bool:
    """Does what the receipt asks for and settles it; False where the lease was lost. What the effect costs and three
    statements more.

    Raises NotDone, and whatever the actions refuse with; then nothing was done.
    """
    receipt = await inbound.leased_receipt(tx, receipt_id, lease)
    if receipt is None:
        return False
    if receipt["envelope"] is None:
        raise NotDone("gone")
    if receipt["mapping"] is None:
        raise NotDone("no-mapping")
    _, raw = open_envelope(tx.vault.cipher, receipt_id, receipt["envelope"])
    asked = read_asked(read_mapping(receipt["mapping"]), reading.body(raw), reading)
    effect: Effect = {}
    if asked.said is not None:
        tx.take_up(OPERATIONS[OPERATION_OF[asked.outcome.target]])
        effect = await _do(tx, asked, reading, allow_demo=allow_demo)
    target = asked.outcome.target
    await inbound.settle_done(tx, receipt_id, mapping=receipt["mapping_version"], target=target, made=effect)
    facts = {"target": target, "rule": asked.outcome.rule, "mapping": receipt["mapping_version"]}
    leave_mark(tx, "inbound_receipt.done", subject_type="inbound_receipt", subject_id=receipt_id, facts=facts)
    return True


def read_asked(mapping: SourceMapping, body: Json, reading: Reading) -> Asked:
    """What a body asks for under a mapping. Raises NotDone with every fault that shows without a database."""
    outcome = apply_mapping(mapping, body)
    if outcome is None:
        raise NotDone("no-rule-applies")
    if outcome.faults:
        raise NotDone("mapping-failed", outcome.faults)
    if outcome.target == "nothing":
        return Asked(outcome, None)
    if outcome.target == "step" and outcome.step not in STEPS:
        raise NotDone("mapping-failed", (FieldError("/made/step", "unknown-step"),))
    try:
        said = reading.said(outcome.target, outcome.document)
        number = None if outcome.own_number is None else reading.own_number(outcome.own_number)
        return Asked(outcome, said, number)
    except ValidationFailed as wrong:
        raise NotDone("validation-failed", made(wrong.errors)) from None


async def try_out(tx: Tx, asked: Asked, *, allow_demo: bool) -> None:
    """Whether what is asked for could be done, as far as that can be told without writing. Up to four statements.

    Raises NotDone, ValidationFailed, Hidden.
    """
    said = asked.said
    if isinstance(said, ReportSaid):
        check_report(said, now=tx.now, allow_demo=allow_demo)
        if await _report_of(tx, said.source_system, said.source_record_id) is not None:
            raise DuplicateRecord("")
    elif isinstance(said, ReferralSaid):
        await _case_at(tx, asked.outcome.where)
    elif isinstance(said, StepSaid):
        check_words(str(asked.outcome.step), said.words)
        await _referral_at(tx, asked.outcome.where)


async def _do(tx: Tx, asked: Asked, reading: Reading, *, allow_demo: bool) -> Effect:
    said, outcome = asked.said, asked.outcome
    if isinstance(said, ReportSaid):
        body = reading.canonical(outcome.document)
        return {"report_id": (await file_report(tx, said, body, allow_demo=allow_demo)).report_id}
    if isinstance(said, ReferralSaid):
        requested = await refer(tx, await _case_at(tx, outcome.where), said)
        return {"referral_id": requested.referral["id"]}
    assert isinstance(said, StepSaid)
    referral = await _referral_at(tx, outcome.where)
    taken = await take_referral_step(tx, referral["id"], str(outcome.step), said, version=referral["version"])
    if asked.own_number is not None:
        await _keep_own_number(tx, taken.referral["case_id"], asked.own_number)
    return {"referral_id": referral["id"]}


async def _keep_own_number(tx: Tx, case_id: UUID, number: LinkSaid) -> None:
    """The partner's own number of the case, by which later messages find it; once. Raises DuplicateRecord where it is
    that of another case."""
    tx.take_up(OPERATIONS["link_case"])
    try:
        async with tx.savepoint():
            await say_link(tx, case_id, number)
    except DuplicateRecord:
        if [row["case_id"] for row in await search_own_number(tx, str(number.number))] != [case_id]:
            raise


async def _case_at(tx: Tx, where: Mapping[str, Json]) -> UUID:
    """The one case that a place names. Raises NotDone."""
    if "id" in where:
        return _id(where["id"], "/made/case/id")
    found = await _cases_by_own_words(tx, where)
    if len(found) != 1:
        raise NotDone("several-cases-found" if found else "nothing-found", (FieldError("/made/case", "not-one"),))
    return found[0]


async def _cases_by_own_words(tx: Tx, where: Mapping[str, Json]) -> list[UUID]:
    number, record = where.get("own_number"), where.get("report_record")
    if isinstance(number, str):
        return [row["case_id"] for row in await search_own_number(tx, number)]
    if isinstance(record, dict):
        report = await _report_of(tx, str(record.get("system")), str(record.get("record_id")))
        return [] if report is None else [report["case_id"]]
    return []


async def _report_of(tx: Tx, system: str, record_id: str) -> asyncpg.Record | None:
    """The acting agency's report of its own record."""
    return await reports.find_by_source(tx, system, tx.vault.blind.indexes("source_record", record_id))


async def _referral_at(tx: Tx, where: Mapping[str, Json]) -> asyncpg.Record:
    """The one open referral that a place names, in which the acting agency has a part. Raises NotDone, Hidden."""
    if "id" in where:
        return await seen_referral(tx, _id(where["id"], "/made/referral/id"))
    matter = where.get("matter")
    number = where.get("case_number")
    found = await referrals.open_of_cases(
        tx,
        [] if isinstance(number, str) else await _cases_by_own_words(tx, where),
        number=number if isinstance(number, str) else None,
        matter=matter if isinstance(matter, str) else None,
    )
    if len(found) != 1:
        reason = "several-referrals-found" if found else "nothing-found"
        raise NotDone(reason, (FieldError("/made/referral", "not-one"),))
    return await seen_referral(tx, found[0])


def _id(value: Json, at: str) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise NotDone("mapping-failed", (FieldError(at, "uuid"),)) from None


async def mapping_in_use(tx: Tx, source: asyncpg.Record) -> Json:
    """The document that holds for a source, None where there is none. One statement."""
    if source["mapping_version"] is None:
        return None
    found = await inbound_sources.find_mapping(tx, source["id"], source["mapping_version"])
    document: Json = None if found is None else found["document"]
    return document
