"""What every entrance does first: read the settings, find the keys and the database, and give up in one plain line."""

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from cli.keyring import keyring_for, keyring_path
from cli.keys_watch import watch_keyring
from cli.settings_table import variable
from crypto.keys import Keyring, KeyringError
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.clock import business_clock
from db.embedded_place import EmbeddedError
from db.engine import Database, UnfitDatabase, open_database
from settings import Settings

STARTING_S = 60.0
LOOK_AGAIN_S = 0.5
_NOT_YET = (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError, DBAPIError)
_CANNOT_CONNECT_NOW, _LOST = "57P03", ("08000", "08001", "08003", "08006")

ROOT = Path(__file__).resolve().parent.parent
EMBEDDED_DATABASE = "tongli"


class CannotRun(Exception):  # noqa: N818  said to a person, not caught by code
    """The entrance gives up; the message tells the person at the keyboard what to do."""


@dataclass(frozen=True, slots=True)
class Logins:
    """URLs of the roles. Long-running processes get `app` and `jobs`; `admin` never leaves the one that prepares."""

    admin: str
    app: str
    jobs: str


def say(text: str) -> None:
    """One line of progress, at once and on standard error, so that output stays for answers."""
    print(f"tongli: {text}", file=sys.stderr, flush=True)


def or_give_up(work: Callable[[], int]) -> int:
    """Runs `work`; 1 and one line where the trouble is of a kind that a person can mend."""
    try:
        return work()
    except (CannotRun, KeyringError, UnfitDatabase, EmbeddedError) as fault:
        say(str(fault))
    except asyncpg.PostgresError as fault:
        say(f"the database refuses: {str(fault).partition(chr(10))[0]}")
    except OSError as fault:
        say(f"cannot reach the database or a file: {fault.strerror or fault}")
    return 1


def read_settings(**given: Any) -> Settings:
    """Settings of the environment, with what the command line gave. Raises CannotRun naming variables, never values.

    The default data directory lies in the checkout, wherever the command was typed. Unless TONGLI_PUBLIC_URL is set,
    the public address follows host and port.
    """
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as fault:
        raise CannotRun("; ".join(_faults(fault))) from None
    changed: dict[str, object] = {"data_dir": settings.data_dir.absolute()}
    if "data_dir" not in settings.model_fields_set:
        changed["data_dir"] = ROOT / settings.data_dir
    if "public_url" not in settings.model_fields_set:
        changed["public_url"] = local_url(settings)
    return settings.model_copy(update=changed)


def local_url(settings: Settings) -> str:
    """The address under which this machine reaches the API."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104  read, not bound
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{settings.port}"


def logins_for(settings: Settings, keyring: Keyring, admin_url: str) -> Logins:
    """The roles' own URLs where the settings give them, else the administrator's place with derived passwords."""
    return Logins(
        admin=admin_url,
        app=settings.app_database_url or role_url(admin_url, names.APP, keyring),
        jobs=settings.jobs_database_url or role_url(admin_url, names.JOBS, keyring),
    )


def database_for(settings: Settings, role: str) -> Database:
    """A pool for a long-running process, whose keys follow the keyring's file.

    Raises CannotRun where its URL can neither be found nor derived.
    """
    keyring = keyring_for(settings)
    own = settings.app_database_url if role == names.APP else settings.jobs_database_url
    if own is None and settings.database_url is None:
        wanted = variable("app_database_url" if role == names.APP else "jobs_database_url")
        raise CannotRun(f"set {wanted} or TONGLI_DATABASE_URL; ./tongli serve brings its own database")
    try:
        clock = business_clock(settings.clock)
    except (ValueError, OSError):
        raise CannotRun("TONGLI_CLOCK: an instant with an offset, or file:PATH of a file that holds one") from None
    vault, path = Vault.of(keyring), keyring_path(settings)
    if path is not None:
        watch_keyring(path, vault)
    return open_database(
        own or role_url(settings.database_url or "", role, keyring),
        vault=vault,
        clock=clock,
        pool_size=settings.db_pool_size,
        pooler=settings.db_pooler,
        statement_timeout_ms=settings.db_statement_timeout_ms,
        audit_hash=settings.audit_hash,
    )


async def wait_for_database(database: Database, within_s: float = STARTING_S) -> None:
    """Waits while the server does not answer or is still starting: the parts of an installation start in any order.

    Says so once. Raises CannotRun where it does not answer within `within_s` seconds, and at once what a server answers
    that refuses this login.
    """
    ends, told = time.monotonic() + within_s, False
    while True:
        try:
            async with database.connect():
                return
        except _NOT_YET as fault:
            if not _is_starting(fault):
                raise
            if time.monotonic() >= ends:
                raise CannotRun(f"the database did not answer within {within_s:.0f} s") from None
        if not told:
            say(f"the database does not answer yet; waiting up to {within_s:.0f} s")
            told = True
        await asyncio.sleep(LOOK_AGAIN_S)


def _is_starting(fault: BaseException) -> bool:
    """Whether waiting may help; SQLAlchemy wraps what the driver says on some ways and not on others."""
    said = fault.orig if isinstance(fault, DBAPIError) else fault
    return getattr(said, "sqlstate", _CANNOT_CONNECT_NOW) in (None, _CANNOT_CONNECT_NOW, *_LOST)


def place_of(url: str) -> str:
    """Where a database URL points, without its login: fit to be printed."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"


def _faults(fault: ValidationError) -> list[str]:
    errors = fault.errors(include_url=False, include_input=False, include_context=False)
    return [": ".join([*(variable(str(part)) for part in error["loc"][:1]), _plain(error["msg"])]) for error in errors]


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")
