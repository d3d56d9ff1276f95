"""`./tongli bench WHAT`: measures, prints a table and JSON.

Ratios inside one run are the figures; rates are this machine's.
"""

import argparse
import importlib

BENCHES = {
    "api": "bench.api",
    "clocks": "bench.clocks",
    "events": "bench.events",
    "febrl": "bench.febrl",
    "keys": "bench.trust_keys",
    "linkage": "bench.linkage",
    "trust": "bench.trust",
    "warnings": "bench.warnings",
}
"""What can be measured, and the module that does it (`add_arguments(parser)`, `run(arguments)`)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One subcommand a bench, with its own arguments."""
    kinds = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    for name, module in BENCHES.items():
        loaded = importlib.import_module(module)
        loaded.add_arguments(kinds.add_parser(name, help=loaded.HELP))


def run(arguments: argparse.Namespace) -> int:
    """Run the bench asked for."""
    return int(importlib.import_module(BENCHES[arguments.what]).run(arguments))
