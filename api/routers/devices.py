"""The caller's own devices: where it is signed in, and how that ends."""

from typing import Annotated

import asyncpg
from starlette.responses import Response

from actions import devices as verbs
from api.deps import Writing, reads, writes
from api.params import Uuid
from api.schemas.devices import DeviceShown, DevicesShown
from api.schemas.reports import utc
from api.strict_json import StrictRouter
from db.transaction import Tx

router = StrictRouter("/v1/me/devices", tags=["accounts"])


def _shown(device: asyncpg.Record, tx: Tx) -> DeviceShown:
    return DeviceShown(
        id=device["id"],
        name=device["name"],
        client=device["client"],
        app=device["app"],
        second_factor=device["second_factor"],
        created_at=utc(device["created_at"]),
        seen_at=utc(device["seen_at"]),
        expires_at=utc(device["expires_at"]),
        current=device["id"] == tx.caller.session_id,
    )


@router.get("", operation_id="list_devices")
async def list_devices(tx: Annotated[Tx, reads()]) -> DevicesShown:
    """List the devices on which the person is signed in, the one seen last first. A machine account has none."""
    return DevicesShown(data=[_shown(device, tx) for device in await verbs.list_devices(tx)])


@router.post("/{device_id}/revoke", operation_id="revoke_device", status_code=204)
async def revoke_device(device_id: Uuid, writing: Annotated[Writing, writes()]) -> Response:
    """Sign one device out: its next request is refused."""
    await verbs.revoke_device(writing.tx, device_id)
    return await writing.answer(None, status=204)


@router.post("/revoke-all", operation_id="revoke_all_devices", status_code=204)
async def revoke_all_devices(writing: Annotated[Writing, writes()]) -> Response:
    """Sign every device out, this one too."""
    await verbs.end_devices(writing.tx, writing.tx.caller.principal_id, "person")
    return await writing.answer(None, status=204)
