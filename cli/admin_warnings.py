"""What `./tongli admin` does for early warning: thresholds of a division's own."""

import argparse
import json
from datetime import date
from pathlib import Path

from cli.entrances import CannotRun
from db.engine import Raw
from db.operator import act_as_owner
from db.queries.alerts import put_thresholds
from rules.alerts import read_thresholds

Answer = dict[str, object]


def threshold_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--division", required=True, metavar="CODE", help="6, 9 or 12 digits of GB/T 2260")
    parser.add_argument(
        "--file", required=True, type=Path, help="JSON list, as `thresholds` of db/reference/warning_levels.json"
    )
    parser.add_argument("--source", required=True, help="the local rule they rest on")
    parser.add_argument("--valid-from", required=True, type=date.fromisoformat)


async def override_thresholds(raw: Raw, given: argparse.Namespace) -> Answer:
    """From that day on these replace what holds for the same kinds of signal and subject in the division and below."""
    try:
        said = json.loads(given.file.read_text(encoding="utf-8"))
        thresholds = read_thresholds(said)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as unreadable:
        raise CannotRun(f"--file: {unreadable}") from None
    await act_as_owner(raw)
    await put_thresholds(raw, given.division, said, source=given.source, valid_from=given.valid_from)
    return {"division": given.division, "thresholds": len(thresholds)}
