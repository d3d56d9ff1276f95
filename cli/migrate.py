"""`./tongli migrate`: roles, tables and reference data in TONGLI_DATABASE_URL. Safe to repeat, and to race."""

import argparse
import asyncio

from cli.entrances import ROOT, CannotRun, Logins, logins_for, or_give_up, place_of, read_settings, say
from cli.keyring import keyring_for
from crypto.keys import Keyring
from db.bootstrap import login_passwords, prepare_roles
from db.operator import revision_of
from db.reference_data import load_reference_data
from settings import Settings

HEAD = ROOT / "migrations" / "HEAD"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments: the settings come from the environment."""
    parser.epilog = "TONGLI_DATABASE_URL names a login that may create roles and owns the database."


def run(_arguments: argparse.Namespace) -> int:
    """Bring the database to this version; 1 and the reason where that is impossible."""
    return or_give_up(_migrate)


def _migrate() -> int:
    settings = read_settings()
    if settings.database_url is None:
        raise CannotRun("set TONGLI_DATABASE_URL; the embedded database is migrated by ./tongli serve")
    keyring = keyring_for(settings)
    say(f"preparing {place_of(settings.database_url)}")
    asyncio.run(prepare_database(settings, keyring, logins_for(settings, keyring, settings.database_url)))
    return 0


async def prepare_database(settings: Settings, keyring: Keyring, logins: Logins) -> None:
    """Roles, tables and reference data, each only as far as it is missing. Cost where nothing is: 40 ms."""
    passwords = login_passwords(settings.app_database_url, settings.jobs_database_url)
    await prepare_roles(logins.admin, keyring, passwords=passwords)
    await _upgrade(logins.admin)
    counts = await load_reference_data(logins.admin)
    if counts.changed:
        say(f"loaded {counts.matters} matters, {counts.divisions} divisions, {counts.codes} codes, {counts.days} days")


async def _upgrade(admin_url: str) -> None:
    if await revision_of(admin_url) == HEAD.read_text(encoding="utf-8").strip():
        return
    from alembic.util import CommandError  # noqa: PLC0415  costs every start 150 ms

    from db.migration import upgrade  # noqa: PLC0415  as above

    say("bringing the tables to this version")
    try:
        await asyncio.to_thread(upgrade, admin_url)
    except CommandError as fault:
        raise CannotRun(
            f"the tables cannot be brought to this version (is the database of a newer one?): {fault}"
        ) from None
