"""`./tongli COMMAND`: the table of commands, each dispatched to a module that is imported only when it is asked for.

A command module has `add_arguments(parser)` and `run(arguments) -> int`. This file is also read by the bootstrap script
before anything is installed, so it needs nothing but the standard library of Python 3.8.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
from typing import NamedTuple


class Command(NamedTuple):
    """One word of the command line. `passes_on`: all arguments, options too, are for a program behind the module."""

    module: str
    help: str
    passes_on: bool = False


COMMANDS = {
    "serve": Command("cli.serve", "run everything here: database, API and jobs, with a demo province on first start"),
    "test": Command("cli.run_tests", "run the tests (arguments go to pytest)", passes_on=True),
    "demo": Command("cli.demo", "play one worker's story through four agencies, over real HTTP"),
    "check": Command("cli.check", "check style, types, arrows between folders and the API document"),
    "settings": Command("cli.settings_table", "list every setting with its value in force"),
    "admin": Command("cli.admin", "create the first agency, staff member and client of an installation"),
    "keys": Command("cli.keys", "rotate keys: show, add, promote, rewrap, reseal, reindex, retire"),
    "migrate": Command("cli.migrate", "bring the database of TONGLI_DATABASE_URL to this version"),
    "api": Command("cli.api", "run the API alone (production)"),
    "jobs": Command("cli.jobs", "run the background jobs alone (production)"),
    "audit-export": Command("cli.audit_export", "write the audit log to a file that can be verified without us"),
    "verify-audit": Command("cli.verify_audit", "verify such a file with nothing but an old checkpoint"),
    "webhooks": Command("cli.webhooks", "a receiver for developing yours, and a judge of what one was sent"),
    "linkage-encode": Command("cli.linkage_encode", "encode identity numbers that an agency may not disclose"),
    "spec": Command("cli.spec", "write openapi/openapi.json, or check that it is up to date"),
    "linkage": Command("cli.linkage", "train the model that tells whether two reports are about one person"),
    "simulate": Command("cli.simulate", "live a year of cases at forty agencies through the real code, and judge it"),
    "bench": Command("cli.bench", "measure speed and weight"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; 2 and the usage on standard error for a word that is none."""
    words = sys.argv[1:] if arguments is None else arguments
    # The linker asks for the sound of one character at a time: without its phrases pypinyin takes 40 MB less a process.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")
    if "TONGLI_PARENT_PID" in os.environ:
        importlib.import_module("cli.processes").follow_parent()
    if words and words[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if not words or words[0] not in COMMANDS:
        print(_complaint(words), file=sys.stderr)
        return 2
    return _run(words[0], words[1:])


def usage() -> str:
    """The commands, one a line."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {command.help}" for name, command in COMMANDS.items()]
    return "\n".join(["usage: ./tongli COMMAND [--help | arguments]", "", *lines])


def _complaint(words: list[str]) -> str:
    if not words:
        return usage()
    close = difflib.get_close_matches(words[0], COMMANDS, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    return f"tongli: no such command: {words[0]}{hint}\n\n{usage()}"


def _run(name: str, rest: list[str]) -> int:
    command = COMMANDS[name]
    module = importlib.import_module(command.module)
    parser = argparse.ArgumentParser(prog=f"tongli {name}", description=command.help)
    module.add_arguments(parser)
    # After "--" argparse takes options for plain words, which is what passing them on means.
    parsed = parser.parse_args(["--", *rest] if command.passes_on else rest)
    try:
        return int(module.run(parsed))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
