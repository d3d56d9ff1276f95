"""Tries a mapping on a body without writing anything."""

from dataclasses import dataclass
from uuid import UUID

from actions.inbound_effects import OPERATION_OF, Asked, Reading, mapping_in_use, read_asked, try_out
from actions.inbound_sources import seen_source
from db.queries import inbound_sources
from db.transaction import Tx
from rules.errors import TongliError
from rules.inbound import NotDone, Quarantine, quarantine_of
from rules.inbound_conversions import Json
from rules.inbound_making import Outcome, apply_mapping
from rules.inbound_mapping import read_mapping
from rules.rights import OPERATIONS


@dataclass(frozen=True, slots=True)
class Tried:
    """What would be made, None where no rule holds, and why it would wait in quarantine, None where it would not."""

    outcome: Outcome | None
    quarantine: Quarantine | None


async def try_mapping(
    tx: Tx, source_id: UUID, body: Json, document: Json, *, reading: Reading, allow_demo: bool
) -> Tried:
    """What a body would become under a mapping, the one in use where none is given. Up to seven statements.

    Raises Hidden, and ValidationFailed for a document that is no mapping.
    """
    source = await seen_source(tx, source_id)
    if document is None:
        document = await mapping_in_use(tx, source)
        if document is None:
            return Tried(None, Quarantine("no-mapping"))
    mapping = read_mapping(document, at="/document")
    outcome = apply_mapping(mapping, body)
    try:
        asked = read_asked(mapping, body, reading)
        await _reach(tx, source["client_id"], asked)
        await try_out(tx, asked, allow_demo=allow_demo)
    except TongliError as refused:
        return Tried(outcome, quarantine_of(refused))
    return Tried(outcome, None)


async def _reach(tx: Tx, client_id: UUID, asked: Asked) -> None:
    """Raises NotDone where the account that it would be done as lacks the scope."""
    if asked.said is None:
        return
    scope = OPERATIONS[OPERATION_OF[asked.outcome.target]].scope
    if scope not in await inbound_sources.scopes_of_client(tx, client_id):
        raise NotDone("insufficient-scope")
