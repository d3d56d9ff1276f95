"""Inbound sources of the caller's agency: which partners' systems write to it, and what their bodies become."""

from typing import Annotated, Any, cast
from uuid import UUID

import asyncpg
from fastapi import Path, Request
from starlette.responses import Response

from actions import inbound_sources as verbs
from actions.inbound import retry_all
from actions.inbound_trials import try_mapping
from api.conditional import not_modified
from api.deps import ServicesDep, Writing, reads, spends, writes
from api.inbound_reading import READING
from api.key_listing import answer_key_page, open_key_cursor
from api.listing import Position
from api.paging import Cursor, Limit, Page
from api.params import MergePatchBody, Uuid, WholeNumber
from api.problems import field_problem, preferred_language
from api.schemas.inbound_sources import (
    InboundCredentialIn,
    InboundMappingIn,
    InboundMappingRow,
    InboundMappingShown,
    InboundRetried,
    InboundRetryIn,
    InboundSourceChange,
    InboundSourceIn,
    InboundSourceOpened,
    InboundSourceShown,
    InboundTrial,
    InboundTrialIn,
)
from api.schemas.reports import Caution, utc, utc_or_none
from api.strict_json import StrictRouter
from db.queries import inbound_sources
from db.transaction import Tx
from rules.inbound_conversions import Json
from rules.limits import INBOUND_KEEP

router = StrictRouter("/v1/inbound-sources", tags=["inbound"])

Spent = Annotated[None, spends(INBOUND_KEEP)]
Keeper = Annotated[Writing, writes()]
KeeperWithoutKey = Annotated[Writing, writes(key_required=False)]
MappingVersion = Annotated[WholeNumber, Path(le=2**31 - 1)]

_NEWEST = 2**31 - 1


def _fields(source: asyncpg.Record) -> dict[str, Any]:
    of_certificate = source["kind"] == "mtls"
    return {
        "id": source["id"],
        "name": source["name"],
        "kind": source["kind"],
        "status": source["status"],
        "client_id": source["client_id"],
        "href": f"/v1/inbound/{source['id']}",
        "certificate_sha256": source["digest"].hex() if of_certificate else None,
        "previous_secret_until": utc_or_none(source["previous_until"]),
        "mapping_version": source["mapping_version"],
        "created_at": utc(source["created_at"]),
        "version": source["version"],
    }


def _shown(source: asyncpg.Record) -> InboundSourceShown:
    return InboundSourceShown(**_fields(source))


def _opened(opened: verbs.OpenedSource) -> InboundSourceOpened:
    return InboundSourceOpened(**_fields(opened.source), secret=opened.secret)


def _digest(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


@router.post("", operation_id="open_inbound_source", status_code=201, response_model=InboundSourceOpened)
async def post_source(source: InboundSourceIn, services: ServicesDep, _spent: Spent, writing: Keeper) -> Response:
    """Open a source for one partner's system. Its `secret` is shown this once.

    What it sends is done as the account `client_id`, with that account's rights. It takes messages at `href` at once;
    they wait in quarantine until there is a mapping.
    """
    said = verbs.SourceSaid(source.name, source.kind, source.client_id, _digest(source.certificate_sha256))
    opened = await verbs.open_source(writing.tx, said, has_proxy=bool(services.trusted_proxies))
    shown = _opened(opened)
    return await writing.answer(shown, status=201, location=f"/v1/inbound-sources/{shown.id}", version=shown.version)


@router.get("", operation_id="list_inbound_sources", response_model=Page[InboundSourceShown])
async def list_sources(
    request: Request, services: ServicesDep, tx: Annotated[Tx, reads()], limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """List the agency's sources, oldest first."""
    position = Position.of(tx, "inbound-sources")
    after = open_key_cursor(services, position, cursor)
    rows = await inbound_sources.list_sources(tx, after=UUID(after) if after else UUID(int=0), limit=limit + 1)
    shown = [_shown(row) for row in rows]
    return answer_key_page(request, services, position, shown, limit=limit, key=lambda last: str(last.id))


@router.get("/{source_id}", operation_id="read_inbound_source", response_model=InboundSourceShown)
async def get_source(source_id: Uuid, request: Request, tx: Annotated[Tx, reads()]) -> Response:
    """Read a source."""
    source = await verbs.seen_source(tx, source_id)
    return not_modified(request, _shown(source), version=source["version"], projection="")


@router.patch("/{source_id}", operation_id="change_inbound_source", response_model=InboundSourceShown)
async def patch_source(
    source_id: Uuid,
    change: Annotated[InboundSourceChange, MergePatchBody],
    _spent: Spent,
    writing: KeeperWithoutKey,
) -> Response:
    """Change name or account, disable or enable. Needs `If-Match`."""
    source = await verbs.change_source(
        writing.tx,
        source_id,
        version=writing.expected_version(),
        name=change.name,
        client_id=change.client_id,
        status=change.status,
    )
    return await writing.answer(_shown(source), version=source["version"])


@router.post("/{source_id}/rotate-secret", operation_id="rotate_inbound_credential", response_model=InboundSourceOpened)
async def post_credential(source_id: Uuid, given: InboundCredentialIn, _spent: Spent, writing: Keeper) -> Response:
    """Replace secret, token or certificate. For 24 hours the one before is taken too."""
    shown = _opened(await verbs.rotate_credential(writing.tx, source_id, _digest(given.certificate_sha256)))
    return await writing.answer(shown, version=shown.version)


@router.post("/{source_id}/retry", operation_id="retry_inbound_source", status_code=202, response_model=InboundRetried)
async def post_retry(source_id: Uuid, which: InboundRetryIn, _spent: Spent, writing: Keeper) -> Response:
    """Do every quarantined receipt of the source again, or those of one reason, under the mapping in use."""
    return await writing.answer(InboundRetried(count=await retry_all(writing.tx, source_id, which.reason)), status=202)


@router.post(
    "/{source_id}/mappings", operation_id="add_inbound_mapping", status_code=201, response_model=InboundMappingShown
)
async def post_mapping(source_id: Uuid, mapping: InboundMappingIn, _spent: Spent, writing: Keeper) -> Response:
    """Add a version of the mapping. It is in use from now on, for whatever has not been done yet."""
    shown = _mapping(await verbs.add_mapping(writing.tx, source_id, cast("Json", mapping.document)))
    where = f"/v1/inbound-sources/{source_id}/mappings/{shown.version}"
    return await writing.answer(shown, status=201, location=where, version=shown.version)


@router.get("/{source_id}/mappings", operation_id="list_inbound_mappings", response_model=Page[InboundMappingRow])
async def list_mappings(
    source_id: Uuid,
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the versions of a source's mapping, newest first."""
    position = Position.of(tx, "inbound-mappings", source_id=source_id)
    before = open_key_cursor(services, position, cursor)
    source = await verbs.seen_source(tx, source_id)
    rows = await inbound_sources.list_mappings(
        tx, source_id, before=int(before) if before else _NEWEST, limit=limit + 1
    )
    shown = [
        InboundMappingRow(
            version=row["version"],
            created_at=utc(row["created_at"]),
            in_use=row["version"] == source["mapping_version"],
        )
        for row in rows
    ]
    return answer_key_page(request, services, position, shown, limit=limit, key=lambda last: str(last.version))


@router.get("/{source_id}/mappings/{version}", operation_id="read_inbound_mapping")
async def get_mapping(source_id: Uuid, version: MappingVersion, tx: Annotated[Tx, reads()]) -> InboundMappingShown:
    """Read one version of a source's mapping."""
    return _mapping(await verbs.seen_mapping(tx, source_id, version))


@router.post(
    "/{source_id}/mappings/{version}/use", operation_id="use_inbound_mapping", response_model=InboundMappingShown
)
async def post_use(source_id: Uuid, version: MappingVersion, _spent: Spent, writing: Keeper) -> Response:
    """Put an earlier version of the mapping in use again."""
    return await writing.answer(_mapping(await verbs.use_mapping(writing.tx, source_id, version)))


@router.post("/{source_id}/mappings/dry-run", operation_id="try_inbound_mapping")
async def post_trial(
    source_id: Uuid,
    trial: InboundTrialIn,
    request: Request,
    services: ServicesDep,
    _spent: Spent,
    tx: Annotated[Tx, reads()],
) -> InboundTrial:
    """Try a mapping on a body: what would be made, and what stands in its way. Nothing is written.

    The same checks as for a message that came, as far as they only read: schema, rules, the account's scope, and
    whether the case or referral is found.
    """
    body, document = cast("Json", trial.body), cast("Json", trial.document)
    tried = await try_mapping(tx, source_id, body, document, reading=READING, allow_demo=services.allow_demo)
    language = preferred_language(request.headers.get("accept-language"))
    found = tried.quarantine.problems if tried.quarantine else ()
    outcome = tried.outcome
    return InboundTrial(
        rule=outcome.rule if outcome else None,
        target=outcome.target if outcome else None,
        where=dict(outcome.where) if outcome and outcome.where else None,
        step=outcome.step if outcome else None,
        made=dict(outcome.document) if outcome else None,
        reason=tried.quarantine.reason if tried.quarantine else None,
        problems=[Caution.model_validate(field_problem(one.pointer, one.code, language)) for one in found],
    )


def _mapping(row: asyncpg.Record) -> InboundMappingShown:
    return InboundMappingShown(version=row["version"], created_at=utc(row["created_at"]), document=row["document"])
