"""Webhook endpoints of the caller's agency: where events are pushed to, once the receiver has answered a challenge."""

from datetime import datetime
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
from api.schemas.reports import utc
from api.schemas.webhooks import EndpointChange, EndpointIn, EndpointShown, EndpointWithSecret
from api.strict_json import StrictRouter
from db.queries import webhooks
from db.transaction import Tx
from rules.errors import Hidden

router = StrictRouter("/v1/webhook-endpoints", tags=["webhooks"])

Keeper = Annotated[Writing, writes()]
KeeperWithoutKey = Annotated[Writing, writes(key_required=False)]


def _moment(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value)


def _fields(endpoint: asyncpg.Record) -> dict[str, Any]:
    return {
        "id": endpoint["id"],
        "url": endpoint["url"],
        "types": endpoint["types"],
        "ordering": endpoint["ordering"],
        "status": endpoint["status"],
        "status_reason": endpoint["status_reason"],
        "public_key": endpoint["public_key"],
        "activated_at": _moment(endpoint["activated_at"]),
        "failing_since": _moment(endpoint["failing_since"]),
        "breaker": endpoint["breaker"],
        "consecutive_failures": endpoint["consecutive_failures"],
        "next_probe_at": _moment(endpoint["next_probe_at"]),
        "previous_secret_until": _moment(endpoint["previous_keys_until"]),
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
        types=endpoint.types,
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
    """Change URL, types or order, or disable. Needs `If-Match`.

    A new URL gets a challenge, and nothing else before it has answered. What happens meanwhile gathers and follows.
    """
    changes = verbs.Changes(change.url, change.types, change.ordering, disable=change.status == "disabled")
    changed = await verbs.change(
        writing.tx, endpoint_id, changes, version=writing.expected_version(), policy=services.webhook_targets
    )
    return await writing.answer(_shown(changed.endpoint), version=changed.endpoint["version"])


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
