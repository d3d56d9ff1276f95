"""`./tongli check`: style, types, arrows between folders, the API document: the checks that need no database."""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("style", (str(BIN / "ruff"), "check", ".")),
    ("format", (str(BIN / "ruff"), "format", "--check", ".")),
    ("types", (str(BIN / "mypy"), ".")),
    ("arrows", (str(BIN / "lint-imports"), "--no-cache")),
    ("document", (sys.executable, "-m", "cli", "spec", "--check")),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which checks; all of them by default."""
    parser.add_argument("names", nargs="*", metavar="CHECK", help=", ".join(name for name, _ in CHECKS))


def run(arguments: argparse.Namespace) -> int:
    """Run the checks, all of them even when one fails; 1 if any did."""
    failed = [name for name, command in CHECKS if _wanted(name, arguments.names) and not _passes(name, command)]
    print(f"tongli check: {'FAILED: ' + ', '.join(failed) if failed else 'PASSED'}")
    return 1 if failed else 0


def _wanted(name: str, names: list[str]) -> bool:
    return not names or name in names


def _passes(name: str, command: tuple[str, ...]) -> bool:
    """The output of a check is shown only when it fails."""
    done = subprocess.run(  # noqa: S603  our own tools
        command, cwd=ROOT, text=True, capture_output=True, check=False
    )
    print(f"{name}: {'ok' if done.returncode == 0 else 'FAILED'}", flush=True)
    if done.returncode:
        print(done.stdout + done.stderr)
    return done.returncode == 0
