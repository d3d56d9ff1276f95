"""What `./tongli admin` does for decoys: files of invented persons, whose touch is told."""

import argparse
from datetime import UTC, datetime

from cli.entrances import CannotRun
from db.engine import Raw
from db.operator import act_as_owner
from db.queries.honey import mark_honey

Answer = dict[str, object]


def decoy_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", required=True, metavar="NUMBER", help="number of the invented person's case")


async def mark_decoy(raw: Raw, given: argparse.Namespace) -> Answer:
    """From now on the union that coordinates this case gets `honey.touched` for every read and write in it."""
    await act_as_owner(raw)
    case_id = await mark_honey(raw, given.case, datetime.now(UTC))
    if case_id is None:
        raise CannotRun("--case: there is no case of this number")
    return {"case": given.case, "case_id": str(case_id)}
