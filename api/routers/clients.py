"""Machine accounts of the caller's agency, for its administrators."""

import json
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import asyncpg
from fastapi import Request
from starlette.responses import Response

from actions import clients as verbs
from api.conditional import not_modified
from api.deps import ServicesDep, Writing, reads, writes
from api.key_listing import answer_key_page, open_key_cursor
from api.listing import Position
from api.paging import Cursor, Limit, Page
from api.params import MergePatchBody, Uuid
from api.schemas.clients import ClientChange, ClientIn, ClientOpened, ClientShown, KeyIn, KeyShown
from api.schemas.reports import utc, utc_or_none
from api.strict_json import StrictRouter
from crypto.public_keys import thumbprint
from db.queries import accounts
from db.transaction import Tx

router = StrictRouter("/v1/clients", tags=["accounts"])

Admin = Annotated[Writing, writes()]
AdminWithoutKey = Annotated[Writing, writes(key_required=False)]


def _fields(client: asyncpg.Record) -> dict[str, Any]:
    return {
        "id": client["id"],
        "name": client["name"],
        "scopes": client["scopes"],
        "status": client["status"],
        "keys": [_key(key) for key in json.loads(client["keys"])],
        "has_secret": client["has_secret"],
        "secret_expires_at": utc_or_none(client["secret_expires_at"]),
        "created_at": utc(client["created_at"]),
        "revoked_at": utc_or_none(client["revoked_at"]),
        "version": client["version"],
    }


def _key(key: dict[str, Any]) -> KeyShown:
    revoked = key["revoked_at"]
    return KeyShown(
        kid=key["kid"],
        thumbprint=thumbprint(key["jwk"]),
        created_at=utc(datetime.fromisoformat(key["created_at"])),
        revoked_at=None if revoked is None else utc(datetime.fromisoformat(revoked)),
    )


def _shown(client: asyncpg.Record) -> ClientShown:
    return ClientShown(**_fields(client))


def _opened(opened: verbs.OpenedClient) -> ClientOpened:
    return ClientOpened(**_fields(opened.client), client_secret=opened.secret)


@router.get("", operation_id="list_clients", response_model=Page[ClientShown])
async def list_clients(
    *,
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the agency's machine accounts, newest first, revoked ones too."""
    position = Position.of(tx, "clients")
    after = open_key_cursor(services, position, cursor)
    rows = await accounts.list_clients(tx, after=UUID(after) if after else None, limit=limit + 1)
    shown = [_shown(row) for row in rows]
    return answer_key_page(request, services, position, shown, limit=limit, key=lambda last: str(last.id))


@router.get("/{client_id}", operation_id="read_client", response_model=ClientShown)
async def get_client(client_id: Uuid, request: Request, tx: Annotated[Tx, reads()]) -> Response:
    """Read a machine account with its keys."""
    client = await verbs.seen_client(tx, client_id)
    return not_modified(request, _shown(client), version=client["version"], projection="")


@router.post("", operation_id="open_client", status_code=201, response_model=ClientOpened)
async def post_client(client: ClientIn, writing: Admin) -> Response:
    """Open a machine account. No scope beyond the caller's own. A secret is answered here and nowhere else."""
    opened = await verbs.open_client(
        writing.tx,
        name=client.name,
        scopes=client.scopes,
        public_jwk=client.public_jwk,
        with_secret=client.with_secret,
    )
    shown = _opened(opened)
    return await writing.answer(shown, status=201, location=f"/v1/clients/{shown.id}", version=shown.version)


@router.patch("/{client_id}", operation_id="change_client", response_model=ClientShown)
async def patch_client(
    client_id: Uuid, change: Annotated[ClientChange, MergePatchBody], writing: AdminWithoutKey
) -> Response:
    """Change name or scopes; tokens already out lose a scope with the next request. Needs `If-Match`."""
    given = change.model_fields_set
    client = await verbs.change_client(
        writing.tx,
        client_id,
        version=writing.expected_version(),
        name=change.name if "name" in given else None,
        scopes=change.scopes if "scopes" in given else None,
    )
    return await writing.answer(_shown(client), version=client["version"])


@router.post("/{client_id}/keys", operation_id="add_client_key", status_code=201, response_model=ClientShown)
async def post_key(client_id: Uuid, key: KeyIn, writing: Admin) -> Response:
    """Give the client one more public key; those it has keep working, so that keys can be changed without a gap."""
    client = await verbs.add_key(writing.tx, client_id, key.public_jwk)
    location = f"/v1/clients/{client_id}/keys/{quote(str(key.public_jwk['kid']), safe='')}"
    return await writing.answer(_shown(client), status=201, location=location, version=client["version"])


@router.delete("/{client_id}/keys/{kid:path}", operation_id="revoke_client_key", status_code=204)
async def delete_key(client_id: Uuid, kid: str, writing: AdminWithoutKey) -> Response:
    """Revoke a key: nothing it signs is taken any more. Needs `If-Match` with the client's tag."""
    version = await verbs.revoke_key(writing.tx, client_id, kid, version=writing.expected_version())
    return await writing.answer(None, status=204, version=version)


@router.post("/{client_id}/rotate-secret", operation_id="rotate_client_secret", response_model=ClientOpened)
async def post_secret(client_id: Uuid, writing: Admin) -> Response:
    """Replace the client's secret; the old one is void at once. Valid for 365 days."""
    shown = _opened(await verbs.rotate_secret(writing.tx, client_id))
    return await writing.answer(shown, version=shown.version)


@router.post("/{client_id}/revoke", operation_id="revoke_client", response_model=ClientShown)
async def post_revocation(client_id: Uuid, writing: Admin) -> Response:
    """End the client for good; its next request is refused. Needs `If-Match`."""
    client = await verbs.revoke_client(writing.tx, client_id, version=writing.expected_version())
    return await writing.answer(_shown(client), version=client["version"])
