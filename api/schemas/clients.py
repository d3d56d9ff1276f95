"""client: a machine account of the caller's agency. A secret is shown where it is made, a hash nowhere."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from api.params import JsonObject, ShortText
from api.schemas.base import StrictModel

ScopeText = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=64)]


def _once_each(scopes: list[str]) -> list[str]:
    return list(dict.fromkeys(scopes))


ScopesIn = Annotated[list[ScopeText], Field(min_length=1, max_length=50), AfterValidator(_once_each)]


class ClientIn(StrictModel):
    """A machine account. `public_jwk` is a P-256 public key with a `kid` of its own; `with_secret` adds a secret for
    systems that cannot sign, barred from match, reveal and export. At least one of the two."""

    name: ShortText
    scopes: ScopesIn
    public_jwk: JsonObject | None = None
    with_secret: bool = False


class ClientChange(StrictModel):
    """A merge patch; `scopes` are replaced as a whole."""

    name: ShortText = ""
    scopes: ScopesIn = Field(default_factory=list)


class KeyIn(StrictModel):
    public_jwk: JsonObject


class KeyShown(BaseModel):
    """`thumbprint` (RFC 7638) is what two operators compare when a key is registered."""

    kid: str
    thumbprint: str
    created_at: datetime
    revoked_at: datetime | None


class ClientShown(BaseModel):
    id: UUID
    name: str
    scopes: list[str]
    status: str
    keys: list[KeyShown]
    has_secret: bool
    secret_expires_at: datetime | None
    created_at: datetime
    revoked_at: datetime | None
    version: int


class ClientOpened(ClientShown):
    """A client as it is answered once, with the secret it just got (null where it signs in with keys alone)."""

    client_secret: str | None
