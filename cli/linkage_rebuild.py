"""`./tongli linkage rebuild --check`: replays every assertion and compares the persons they make with those that are
kept.

Exit codes: 0 the same, 1 differences (each named by its record) or it cannot run. Changes nothing without --write.
"""

import argparse
import asyncio
from pathlib import Path

from actions.replaying import mend, replay
from cli.admin import administered, require_tables
from cli.entrances import or_give_up, read_settings, say
from db.clock import Clock, business_clock
from db.operator import open_rescore_work
from settings import Settings


def rebuild_arguments(parser: argparse.ArgumentParser) -> None:
    """Whether differences are mended."""
    parser.add_argument("--data-dir", type=Path, help="data directory of ./tongli serve (TONGLI_DATA_DIR)")
    parser.add_argument("--check", action="store_true", required=True, help="compare, and name what differs")
    parser.add_argument("--write", action="store_true", help="make records belong to whom the assertions say")
    parser.epilog = "Exit codes: 0 the same (or mended), 1 differences are left."


def rebuild(arguments: argparse.Namespace) -> int:
    """Compare, name and, with --write, mend; 1 where differences are left."""
    return or_give_up(lambda: _rebuild(read_settings(data_dir=arguments.data_dir), write=arguments.write))


def _rebuild(settings: Settings, *, write: bool) -> int:
    with administered(settings) as admin_url:
        asyncio.run(require_tables(admin_url))
        left = asyncio.run(compared(admin_url, business_clock(settings.clock), write=write))
    return 1 if left else 0


async def compared(admin_url: str, clock: Clock, *, write: bool) -> int:
    """How many records are not kept as whose they are, each named; with `write`, how many are left so."""
    async with open_rescore_work(admin_url) as door:
        async with door.snapshot() as raw:
            records, found = await replay(raw)
        for one in found:
            say(f"record {one.record}: kept as person {one.kept}, by the assertions {one.meant or 'nobody'}")
        print(f"{records} records, {len(found)} not kept as the assertions have them")
        if not found or not write:
            return len(found)
        async with door.batch() as raw:
            mended = await mend(raw, found, clock())
        async with door.snapshot() as raw:
            _, left = await replay(raw)
    print(f"{mended} records mended, {len(left)} left")
    return len(left)
