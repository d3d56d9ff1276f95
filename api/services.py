"""What the API is built from, made once by an entrance and held by the application."""

from dataclasses import dataclass

from fastapi import Request

from api.limits import Limiter, OpenStreams
from api.password_desk import PasswordDesk
from crypto.tokens import TokenAuthority
from crypto.vault import Vault
from db.engine import Database
from db.listening import Listener
from rules.addresses import TargetPolicy
from rules.client_addresses import Network


@dataclass(frozen=True, slots=True)
class Services:
    """`allow_demo` lets identity numbers of the invented division 99 in (never in production); `feed` wakes who waits
    for events."""

    database: Database
    tokens: TokenAuthority
    limiter: Limiter
    report_limiter: Limiter
    inbound_limiter: Limiter
    streams: OpenStreams
    public_url: str
    allow_demo: bool
    webhook_targets: TargetPolicy
    feed: Listener
    passwords: PasswordDesk
    trusted_proxies: tuple[Network, ...]

    @property
    def vault(self) -> Vault:
        return self.database.vault


async def services_of(request: Request) -> Services:
    """The application's services. A coroutine although it waits for nothing: a plain function costs a thread hop."""
    services: Services = request.app.state.services
    return services
