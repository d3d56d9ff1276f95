"""`./tongli spec [--check]`: the generated API document and event table, written to openapi/ or compared with it."""

import argparse
import difflib
import json
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from cli.entrances import ROOT, say
from cli.spec_changes import breaking_changes

FOLDER = ROOT / "openapi"
DOCUMENT, EVENTS = "openapi.json", "events.json"
_SHOWN_LINES = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where openapi/ is not up to date")
    parser.add_argument(
        "--against",
        type=Path,
        default=FOLDER / DOCUMENT,
        metavar="FILE",
        help="document in force that partners rely on (default: openapi/openapi.json)",
    )
    parser.add_argument("--breaking", action="store_true", help="write although a partner's program would break")


def run(arguments: argparse.Namespace) -> int:
    """Write both files, or check them; 1 where they differ or where the change would break a partner's program."""
    made = generated()
    faults = [*_broken(made[DOCUMENT], arguments.against)]
    if arguments.check:
        faults += [line for name, content in made.items() for line in _drift(FOLDER / name, content)]
    for fault in faults:
        print(fault, file=sys.stderr)
    if arguments.check or (faults and not arguments.breaking):
        say("the API document is up to date" if not faults else "see above; ./tongli spec writes, --breaking insists")
        return 1 if faults else 0
    for name, content in made.items():
        (FOLDER / name).write_text(as_text(content), encoding="utf-8")
        say(f"wrote openapi/{name}")
    return 0


def generated() -> dict[str, Mapping[str, Any]]:
    """Both files by name. Cost: the import of the API and 0.3 s; needs neither database nor settings."""
    from api.spec import build_document, event_table  # noqa: PLC0415  costs every command half a second

    return {DOCUMENT: build_document(_application()), EVENTS: event_table()}


def as_text(content: Mapping[str, Any]) -> str:
    """As committed: one line a value, Chinese as it is."""
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _application() -> Any:
    """The application on a database that is never opened, whatever the environment says."""
    from api.main import create_app  # noqa: PLC0415  as above
    from crypto.keys import generate_keyring  # noqa: PLC0415  as above
    from crypto.vault import Vault  # noqa: PLC0415  as above
    from db.engine import open_database  # noqa: PLC0415  as above
    from settings import Settings  # noqa: PLC0415  as above

    nowhere = open_database("postgresql://nobody@localhost/none", vault=Vault.of(generate_keyring()))
    return create_app(Settings.model_construct(), nowhere)


def _broken(made: Mapping[str, Any], in_force: Path) -> Iterator[str]:
    if not in_force.exists():
        return
    for change in breaking_changes(json.loads(in_force.read_text(encoding="utf-8")), made):
        yield f"breaks partners: {change}"


def _drift(file: Path, content: Mapping[str, Any]) -> Iterator[str]:
    committed = file.read_text(encoding="utf-8") if file.exists() else ""
    made = as_text(content)
    if committed == made:
        return
    yield f"openapi/{file.name} is not what the code says:"
    lines = difflib.unified_diff(committed.splitlines(), made.splitlines(), "committed", "generated", lineterm="", n=1)
    yield from islice(lines, _SHOWN_LINES)
