"""`./tongli keys`: rotation of field, blind-index and token keys while everything runs.

    show → add → promote → rewrap or reseal (field), reindex (blind) → retire

Keys are edited in the keyring's file, in one step and with a copy of the text before; processes read it again within
a second. Where the keyring comes from TONGLI_KEYS the new text goes to --out. No secret is shown, unless --print is.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cli.admin import administered, require_tables
from cli.entrances import CannotRun, or_give_up, read_settings, say
from cli.keyring import keyring_for, keyring_path
from cli.keys_report import counted, shown
from cli.keys_walk import reindex, reseal
from crypto.keys import Keyring, render_keyring, replace_keyring
from crypto.rotation import (
    ALGORITHMS,
    DEFAULT_ALGORITHM,
    KeyFacts,
    Kind,
    add_key,
    find_key,
    mark_replaced,
    promote_key,
    retire_key,
    wait_before_promoting,
    wait_before_retiring,
)
from crypto.vault import Vault
from settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-command for each step."""
    parser.add_argument("--data-dir", type=Path, help="data directory of ./tongli serve (TONGLI_DATA_DIR)")
    parser.epilog = "docs/runbooks/rotating-keys.md says in which order, and what to do when a key was stolen."
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    show = commands.add_parser("show", help="list the keys, and how much in the database stands under each")
    show.add_argument("--no-counts", action="store_true", help="leave the database alone")
    _edit_arguments(commands)
    for name, text in (
        ("rewrap", "wrap the data key of every sealed value with the current field key"),
        ("reseal", "seal every value anew, under new data keys and in today's algorithm"),
        ("reindex", "compute every blind index with the current blind key"),
    ):
        walk = commands.add_parser(name, help=text)
        walk.add_argument("--batch", type=_batch, default=200, help="rows a transaction, and so locked at once (200)")


def _edit_arguments(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    add = commands.add_parser("add", help="add a key, not used yet")
    add.add_argument("kind", choices=list(ALGORITHMS))
    add.add_argument("--algorithm", help="field: A256GCM or SM4GCM; blind: HS256 or HSM3; token: ES256")
    promote = commands.add_parser("promote", help="use a key for all new work; the one before still opens and verifies")
    promote.add_argument("key", metavar="ID")
    promote.add_argument("--now", action="store_true", help="do not wait until every process knows the key")
    retire = commands.add_parser("retire", help="remove a key, once nothing stands under it any more")
    retire.add_argument("key", metavar="ID")
    retire.add_argument("--stolen", action="store_true", help="a token key: at once, ending every token it signed")
    for edit in (add, promote, retire):
        edit.add_argument("--out", type=Path, metavar="FILE", help="write the new text here (0600), for TONGLI_KEYS")
        edit.add_argument("--print", action="store_true", help="show the new text, secrets and all, on the terminal")


def run(arguments: argparse.Namespace) -> int:
    """Do one step; 1 with the reason where it cannot be done, or where something was left undone."""
    return or_give_up(lambda: _run(arguments))


def _run(given: argparse.Namespace) -> int:
    settings = read_settings(data_dir=given.data_dir)
    if keyring_path(settings) is not None and not settings.keys_file and not _has_own(settings):
        raise CannotRun("no keyring here: set TONGLI_KEYS_FILE or TONGLI_KEYS, or start ./tongli serve once")
    return _COMMANDS[given.command](settings, given)


def _has_own(settings: Settings) -> bool:
    path = keyring_path(settings)
    return path is not None and path.exists()


def _batch(given: str) -> int:
    if not given.isdecimal() or not 1 <= int(given) <= 5_000:
        raise argparse.ArgumentTypeError("1 to 5000")
    return int(given)


def _show(settings: Settings, given: argparse.Namespace) -> int:
    keyring = keyring_for(settings)
    counts = None
    if not given.no_counts:
        with administered(settings) as admin_url:
            asyncio.run(require_tables(admin_url))
            counts = asyncio.run(counted(admin_url))
    print(shown(keyring, counts, now=datetime.now(UTC)))
    return 0


def _add(settings: Settings, given: argparse.Namespace) -> int:
    kind: Kind = given.kind
    seen = keyring_for(settings)
    changed, key_id = add_key(seen, kind, given.algorithm or DEFAULT_ALGORITHM[kind], datetime.now(UTC))
    _put(settings, given, seen, changed)
    print(key_id)
    return 0


def _promote(settings: Settings, given: argparse.Namespace) -> int:
    facts = find_key(keyring_for(settings), given.key)
    wait = timedelta(0) if given.now else wait_before_promoting(facts, datetime.now(UTC))
    if wait:
        say(f"waiting {wait.total_seconds():.0f} s, until every process knows {given.key}")
        time.sleep(wait.total_seconds())
    seen = keyring_for(settings)
    _put(settings, given, seen, promote_key(seen, given.key, datetime.now(UTC)))
    return 0


def _retire(settings: Settings, given: argparse.Namespace) -> int:
    seen, now = keyring_for(settings), datetime.now(UTC)
    changed, facts = retire_key(seen, given.key), find_key(seen, given.key)
    if given.stolen:
        if facts.kind != "token":
            raise CannotRun("--stolen is for token keys: what a field or blind key was used for would be lost with it")
    else:
        _require_settled(settings, given, facts, now)
        if facts.kind != "token":
            _require_unused(settings, facts)
    _put(settings, given, seen, changed)
    return 0


def _require_settled(settings: Settings, given: argparse.Namespace, facts: KeyFacts, now: datetime) -> None:
    wait = wait_before_retiring(facts, now)
    if wait is None:
        seen = keyring_for(settings)
        _put(settings, given, seen, mark_replaced(seen, facts.key_id, now))
        raise CannotRun(
            f"the keyring did not say since when {facts.key_id} is not current; it does now, try again later"
        )
    if wait:
        raise CannotRun(
            f"too early: try again in {wait.total_seconds():.0f} s, when nothing new of {facts.key_id} comes"
        )


def _require_unused(settings: Settings, facts: KeyFacts) -> None:
    with administered(settings) as admin_url:
        asyncio.run(require_tables(admin_url))
        counts = asyncio.run(counted(admin_url))
    left = counts.under(facts)
    if left:
        command = "rewrap" if facts.kind == "field" else "reindex"
        raise CannotRun(f"{left} values still stand under {facts.key_id}: run ./tongli keys {command} first")
    if facts.kind == "blind" and counts.unnamed:
        raise CannotRun(f"{counts.unnamed} records do not say under which key: run ./tongli keys reindex first")


def _put(settings: Settings, given: argparse.Namespace, seen: Keyring, changed: Keyring) -> None:
    """The changed keyring where the old one came from."""
    path = keyring_path(settings)
    if given.print:
        print(render_keyring(changed), end="")
    if given.out is not None:
        _write(given.out, changed)
    elif path is not None:
        kept = replace_keyring(path, changed, seen=seen)
        say(f"changed {path}; the text before is kept in {kept.name}")
    elif not given.print:
        raise CannotRun("the keyring comes from TONGLI_KEYS: say with --out FILE where to write the new text")


def _write(file: Path, keyring: Keyring) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CannotRun(f"--out: {file} is there already") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(render_keyring(keyring))
    say(f"wrote {file}: give it to every process as TONGLI_KEYS, restart them, and delete it")


def _walk(settings: Settings, given: argparse.Namespace) -> int:
    vault = Vault.of(keyring_for(settings))
    with administered(settings) as admin_url:
        asyncio.run(require_tables(admin_url))
        if given.command == "reindex":
            left = asyncio.run(reindex(admin_url, vault, limit=given.batch))
        else:
            left = asyncio.run(reseal(admin_url, vault.cipher, fresh=given.command == "reseal", limit=given.batch))
    for failure in left.failed:
        say(f"left as it is: {failure}")
    print(f"{left.done} rows changed, {len(left.failed)} left as they are")
    return 1 if left.failed or left.busy else 0


_COMMANDS: dict[str, Callable[[Settings, argparse.Namespace], int]] = {
    "show": _show,
    "add": _add,
    "promote": _promote,
    "retire": _retire,
    "rewrap": _walk,
    "reseal": _walk,
    "reindex": _walk,
}
