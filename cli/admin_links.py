"""What `./tongli admin` does for offices without a system: they answer referrals through links, or no longer do."""

import argparse

from cli.entrances import CannotRun
from db import directory
from db.engine import Raw
from db.operator import leave_operator_mark

Answer = dict[str, object]

LINK_COMMANDS = {
    "open-links": "let an office without a system answer through links",
    "close-links": "shut the links of an office that has a system now",
}


async def set_links(raw: Raw, given: argparse.Namespace) -> Answer:
    """Links of this office stand, or fall, from the next request on."""
    answers = given.command == "open-links"
    row = await directory.agency_of_code(raw, given.code)
    if row is None:
        raise CannotRun(f"there is no agency {given.code}; create it first")
    await directory.set_answers_by_link(raw, given.code, answers=answers)
    action = "agency.open_links" if answers else "agency.close_links"
    await leave_operator_mark(raw, row["id"], action, subject=("agency", row["id"]), facts={})
    return {"agency_id": str(row["id"]), "agency_code": given.code, "answers_by_link": answers}
