"""device: one sign-in of the caller through an app."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class DeviceShown(BaseModel):
    """`client` is the kind of machine, coarsely; `current` marks the device that asks."""

    id: UUID
    name: str
    client: str
    app: str
    second_factor: bool
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    current: bool


class DevicesShown(BaseModel):
    data: list[DeviceShown]
