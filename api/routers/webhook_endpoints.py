"""Webhook endpoints of the caller's agency: where events are pushed to, once the receiver has answered a challenge."""

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import Request
from starlette.responses import Response

from actions import webhooks as verbs
from api.conditional import content_tag, not_modified
from api.deps import ServicesDep, Writing, reads, writes
from api.key_listing import answer_key_page, open_key_cursor
from api.listing import Position
from api.paging import Cursor, Limit, Page
from api.params import MergePatchBody, Uuid
from api.schemas.reports import utc, utc_or_none
from api.schemas.webhooks import (
    EndpointChange,
    EndpointIn,
    EndpointShown,
    EndpointStatistics,
    EndpointWithSecret,
    TestSent,
    WebhookKey,
    WebhookKeys,
)
from api.strict_json import StrictRouter
from crypto.ids import new_id_at
from db.queries import webhooks
from db.transaction import Tx
from rules.errors import Hidden

router = StrictRouter("/v1/webhook-endpoints", tags=["webhooks"])

_ATTEMPTS_LAST = timedelta(days=10)

Keeper = Annotated[Writing, writes()]
KeeperWithoutKey = Annotated[Writing, writes(key_required=False)]


def _fields(endpoint: asyncpg.Record) -> dict[str, Any]:
    return {
        "id": endpoint["id"],
        "url": endpoint["url"],
        "types": endpoint["types"],
        "case_kinds": endpoint["case_kinds"],
        "divisions": endpoint["divisions"],
        "ordering": endpoint["ordering"],
        "status": endpoint["status"],
        "status_reason": endpoint["status_reason"],
        "public_key": endpoint["public_key"],
        "activated_at": utc_or_none(endpoint["activated_at"]),
        "failing_since": utc_or_none(endpoint["failing_since"]),
        "breaker": endpoint["breaker"],
        "consecutive_failures": endpoint["consecutive_failures"],
        "next_probe_at": utc_or_none(endpoint["next_probe_at"]),
        "previous_secret_until": utc_or_none(endpoint["previous_keys_until"]),
        "proposed_url": endpoint["proposed_url"],
        "created_at": utc(endpoint["created_at"]),
        "version": endpoint["version"],
    }


def _shown(endpoint: asyncpg.Record) -> EndpointShown:
    return EndpointShown(**_fields(endpoint))


def _with_secret(shown: verbs.Shown) -> EndpointWithSecret:
    assert shown.keys is not None
    return EndpointWithSecret(**_fields(shown.endpoint), secret=shown.keys.secret_text)


@router.post("", operation_id="register_webhook_endpoint", status_code=201, response_model=EndpointWithSecret)
async def post_endpoint(endpoint: EndpointIn, services: ServicesDep, writing: Keeper) -> Response:
    """Register an endpoint.

    `secret` (`whsec_…`) is shown this once; `public_key` (`whpk_…`) verifies the other signature of each message. The
    receiver gets an `endpoint.verification` with `data.challenge` and answers 200 `{"challenge": same}`; until then it
    gets nothing else.
    """
    registered = await verbs.register(
        writing.tx,
        url=endpoint.url,
        selection=endpoint.selection(),
        policy=services.webhook_targets,
        ordering=endpoint.ordering,
    )
    shown = _with_secret(registered)
    return await writing.answer(shown, status=201, location=f"/v1/webhook-endpoints/{shown.id}", version=shown.version)


@router.get("", operation_id="list_webhook_endpoints", response_model=Page[EndpointShown])
async def list_endpoints(
    *,
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the agency's endpoints, oldest first, without deleted ones."""
    position = Position.of(tx, "webhook-endpoints")
    after = open_key_cursor(services, position, cursor)
    rows = await webhooks.list_endpoints(tx, after=UUID(after) if after else UUID(int=0), limit=limit + 1)
    shown = [_shown(row) for row in rows]
    return answer_key_page(request, services, position, shown, limit=limit, key=lambda last: str(last.id))


@router.get("/{endpoint_id}", operation_id="read_webhook_endpoint", response_model=EndpointShown)
async def get_endpoint(endpoint_id: Uuid, request: Request, tx: Annotated[Tx, reads()]) -> Response:
    """Read an endpoint. `failing_since`: nothing but failures from then on; `endpoint.failing` tells that after one
    and after five days, and after ten the endpoint is disabled."""
    endpoint = await webhooks.find_endpoint(tx, endpoint_id)
    if endpoint is None:
        raise Hidden
    shown = _shown(endpoint)
    health = content_tag(shown) if endpoint["failing_since"] else ""
    return not_modified(request, shown, version=endpoint["version"], projection=health)


@router.patch("/{endpoint_id}", operation_id="change_webhook_endpoint", response_model=EndpointShown)
async def patch_endpoint(
    endpoint_id: Uuid,
    change: Annotated[EndpointChange, MergePatchBody],
    services: ServicesDep,
    writing: KeeperWithoutKey,
) -> Response:
    """Change URL, types, kinds of case, divisions or order, or disable. Needs `If-Match`.

    Once an endpoint was active, a new URL waits in `proposed_url` until a second person approves it; events go to the
    old one meanwhile, `endpoint.url_proposed` among them. Then it gets a challenge, and nothing else before it has
    answered. What happens meanwhile gathers and follows.
    """
    changes = verbs.Changes(
        change.url,
        change.types,
        change.case_kinds,
        change.divisions,
        change.ordering,
        disable=change.status == "disabled",
    )
    changed = await verbs.change(
        writing.tx, endpoint_id, changes, version=writing.expected_version(), policy=services.webhook_targets
    )
    return await writing.answer(_shown(changed.endpoint), version=changed.endpoint["version"])


@router.post("/{endpoint_id}/approve-url", operation_id="approve_webhook_url", response_model=EndpointShown)
async def post_approval(endpoint_id: Uuid, writing: Keeper) -> Response:
    """Approve a new URL: by an administrator in person, other than whoever proposed it. Needs `If-Match`."""
    shown = _shown((await verbs.approve_url(writing.tx, endpoint_id, version=writing.expected_version())).endpoint)
    return await writing.answer(shown, version=shown.version)


@router.post("/{endpoint_id}/reject-url", operation_id="reject_webhook_url", response_model=EndpointShown)
async def post_rejection(endpoint_id: Uuid, writing: Keeper) -> Response:
    """Reject a new URL; everything stays as it is. Needs `If-Match`."""
    shown = _shown((await verbs.reject_url(writing.tx, endpoint_id, version=writing.expected_version())).endpoint)
    return await writing.answer(shown, version=shown.version)


@router.post("/{endpoint_id}/test", operation_id="test_webhook_endpoint", status_code=202, response_model=TestSent)
async def post_test(endpoint_id: Uuid, writing: Keeper) -> Response:
    """Send an `endpoint.tested` event to this endpoint alone, whatever types it asked for."""
    return await writing.answer(TestSent(event_id=await verbs.send_test(writing.tx, endpoint_id)), status=202)


@router.get("/{endpoint_id}/statistics", operation_id="read_webhook_statistics")
async def get_statistics(endpoint_id: Uuid, tx: Annotated[Tx, reads()]) -> EndpointStatistics:
    """Read how an endpoint is doing. Attempts count where their delivery was made in the last ten days."""
    if await webhooks.find_endpoint(tx, endpoint_id) is None:
        raise Hidden
    row = await webhooks.statistics_of(tx, endpoint_id, since=new_id_at(datetime.now(UTC) - _ATTEMPTS_LAST))
    return EndpointStatistics(
        pending=row["pending"],
        oldest_pending_at=utc_or_none(row["oldest_pending_at"]),
        dead=row["dead"],
        attempts=row["attempts"],
        outcomes=json.loads(row["outcomes"]),
        last_delivered_at=utc_or_none(row["last_delivered_at"]),
        p50_ms=row["p50_ms"],
        p95_ms=row["p95_ms"],
    )


@router.get("/{endpoint_id}/keys", operation_id="list_webhook_keys")
async def get_keys(endpoint_id: Uuid, tx: Annotated[Tx, reads()]) -> WebhookKeys:
    """Read the public keys that sign for an endpoint now, of whichever agency: for whoever verifies on its behalf."""
    keys = await webhooks.published_keys(tx, endpoint_id)
    if keys is None:
        raise Hidden
    shown = [WebhookKey(public_key=keys["current_key"], until=None)]
    if keys["previous_key"] is not None:
        shown.append(WebhookKey(public_key=keys["previous_key"], until=utc(keys["previous_until"])))
    return WebhookKeys(keys=shown)


@router.post("/{endpoint_id}/rotate-secret", operation_id="rotate_webhook_secret", response_model=EndpointWithSecret)
async def post_secret(endpoint_id: Uuid, writing: Keeper) -> Response:
    """Replace secret and key pair. For 24 hours messages are signed with both the new and the old."""
    shown = _with_secret(await verbs.rotate_secret(writing.tx, endpoint_id))
    return await writing.answer(shown, version=shown.version)


@router.post("/{endpoint_id}/verify", operation_id="verify_webhook_endpoint", response_model=EndpointShown)
async def post_verification(endpoint_id: Uuid, writing: Keeper) -> Response:
    """Send a pending endpoint a new challenge; earlier ones are void."""
    shown = _shown((await verbs.verify_again(writing.tx, endpoint_id)).endpoint)
    return await writing.answer(shown, version=shown.version)


@router.post("/{endpoint_id}/enable", operation_id="enable_webhook_endpoint", response_model=EndpointShown)
async def post_enabling(endpoint_id: Uuid, writing: Keeper) -> Response:
    """Let a disabled endpoint take events again, with those that gathered; one that never proved its URL gets a
    challenge first."""
    shown = _shown((await verbs.enable(writing.tx, endpoint_id)).endpoint)
    return await writing.answer(shown, version=shown.version)


@router.delete("/{endpoint_id}", operation_id="delete_webhook_endpoint", status_code=204)
async def delete_endpoint(endpoint_id: Uuid, writing: KeeperWithoutKey) -> Response:
    """Give an endpoint up for good. Its deliveries stay readable. Needs `If-Match`."""
    await verbs.give_up(writing.tx, endpoint_id, version=writing.expected_version())
    return await writing.answer(None, status=204)
