"""The application: routers and mechanisms. Entrances build it with `create_app`; nothing here reads settings
itself.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi import FastAPI

from api import answer_pages, authorize, enrolment, health, oauth
from api.deps import Replayed, answer_replay
from api.errors import install_error_handlers
from api.limits import Limiter, OpenStreams
from api.middleware import ServiceMiddleware
from api.password_desk import PasswordDesk
from api.routers import ROUTERS
from api.services import Services
from api.spec import build_document
from crypto.tokens import TokenAuthority
from db.engine import Database
from db.listening import FEED, Listener
from rules.addresses import TargetPolicy
from rules.client_addresses import read_networks
from settings import Settings
from web import docs
from web.docs import written_once


def create_app(settings: Settings, database: Database) -> FastAPI:
    """The API on a pool of role tongli_app. Opens nothing before the first request; closes the pool when it stops."""
    tokens = TokenAuthority(database.vault.keyring, settings.public_url)
    database.vault.follow(tokens.adopt)
    app = FastAPI(
        title="Tongli",
        version="1.0.0",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.services = _services(settings, database, tokens)
    app.state.ready = True
    install_error_handlers(app, settings.public_url)
    app.add_exception_handler(Replayed, answer_replay)
    app.add_middleware(
        ServiceMiddleware,
        public_url=settings.public_url,
        allowed_hosts=allowed_hosts(settings),
        max_body_bytes=settings.max_body_bytes,
    )
    for router in (oauth.router, authorize.router, enrolment.router, answer_pages.router, *ROUTERS, health.router):
        app.include_router(router)
    if settings.docs_served:
        app.state.document = written_once(lambda: build_document(app))
        app.include_router(docs.router)
    return app


def _services(settings: Settings, database: Database, tokens: TokenAuthority) -> Services:
    return Services(
        database=database,
        tokens=tokens,
        streams=OpenStreams(),
        limiter=Limiter(database, per_minute=settings.rate_limit_per_minute, burst=settings.rate_limit_burst),
        report_limiter=Limiter(
            database,
            per_minute=settings.report_limit_per_minute,
            burst=settings.report_limit_burst,
            name="report",
        ),
        inbound_limiter=Limiter(
            database,
            per_minute=settings.inbound_limit_per_minute,
            burst=settings.inbound_limit_burst,
            name="inbound",
        ),
        public_url=settings.public_url,
        allow_demo=not settings.production,
        webhook_targets=TargetPolicy.of(
            settings.webhook_allow, allow_http=settings.webhook_allow_http, production=settings.production
        ),
        feed=Listener(database, FEED),
        passwords=PasswordDesk(),
        trusted_proxies=read_networks(settings.trusted_proxies),
    )


def allowed_hosts(settings: Settings) -> list[str]:
    """Names by which the service may be called: that of its public address, and loopback outside production."""
    named = urlsplit(settings.public_url).hostname or "localhost"
    return [named] if settings.production else [named, "localhost", "127.0.0.1", settings.host]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.ready = False
    app.state.services.passwords.close()
    await app.state.services.feed.close()
    await app.state.services.database.close()
