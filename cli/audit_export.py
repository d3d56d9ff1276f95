"""`./tongli audit-export FILE`: the audit log as JSON lines, for whoever holds an older checkpoint to verify.

Shows nothing of a leaf but the hash recomputed from it, and what vouches for erasures.
"""

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TextIO

import asyncpg

from cli.admin import administered
from cli.entrances import CannotRun, or_give_up, read_settings, say
from crypto.digests import DIGESTS
from db.engine import Raw
from db.operator import open_operator_transaction
from db.queries import audit
from rules.audit import ERASURE, commitment, hash_of, stored_leaf
from rules.audit_exports import Header


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One argument; the database is that of TONGLI_DATABASE_URL, or the embedded one, also while `serve` runs."""
    parser.add_argument("file", type=Path, help="where to write, - for standard output")
    parser.add_argument("--data-dir", type=Path, help="where the embedded database lives (TONGLI_DATA_DIR)")
    parser.epilog = "Needs the login that migrates. ./tongli verify-audit reads what is written here."


def run(arguments: argparse.Namespace) -> int:
    """Write the export; 1 and the reason where that is impossible."""
    return or_give_up(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    settings = read_settings(data_dir=arguments.data_dir)
    with administered(settings) as url, _written(arguments.file) as file:
        count = asyncio.run(_export(url, file))
    say(f"exported {count} entries")
    return 0


@contextlib.contextmanager
def _written(file: Path) -> Iterator[TextIO]:
    if str(file) == "-":
        yield sys.stdout
        return
    with file.open("w", encoding="utf-8") as opened:
        yield opened


async def _export(url: str, file: TextIO) -> int:
    count = -1
    async with open_operator_transaction(url) as raw:
        async for line in export_lines(raw):
            file.write(line + "\n")
            count += 1
    return count


async def export_lines(raw: Raw) -> AsyncIterator[str]:
    """The lines of an export, in the open transaction of the owner. Raises CannotRun where no log has begun.

    One statement, and one for each 5,000 entries; about 15 us an entry.
    """
    head = await audit.export_head(raw)
    if head is None or head["size"] is None:
        raise CannotRun("no audit log has begun: ./tongli jobs begins it")
    yield Header(
        origin=head["origin"],
        hash_name=head["hash"],
        size=head["size"],
        checkpoint=head["note"] + head["cosignatures"],
        keys=tuple(head["keys"]),
        witnesses=tuple(head["witnesses"]),
        strays=head["strays"],
    ).line
    async for row in audit.stored_leaves(raw):
        yield json.dumps(export_entry(row), ensure_ascii=False)


def export_entry(row: asyncpg.Record) -> dict[str, object]:
    """One entry as it is exported: the commitment of the leaf as it now lies there, not the one stored beside it."""
    entry: dict[str, object] = {
        "index": row["index"],
        "algorithm": row["entry_algorithm"],
        "commitment": row["entry_commitment"].hex(),
    }
    if row["id"] is None:
        return entry | {"state": "missing"}
    stored = (row["algorithm"], row["commitment"])
    if stored != (row["entry_algorithm"], row["entry_commitment"]):
        return entry | {"state": "differs"}
    if row["salt"] is None:
        return entry | {"state": "erased"}
    leaf = stored_leaf(dict(row))
    try:
        made = commitment(leaf, row["salt"], DIGESTS[hash_of(row["algorithm"])])
    except ValueError:
        return entry | {"state": "differs"}
    entry |= {"commitment": made.hex()} | ({} if made == row["commitment"] else {"state": "differs"})
    return entry | ({"leaf": leaf, "salt": row["salt"].hex()} if row["action"] == ERASURE else {})
