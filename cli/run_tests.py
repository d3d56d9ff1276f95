"""`./tongli test [pytest arguments]`: the suite on the embedded PostgreSQL 18, then what touches a database on 15.

The second run happens where PostgreSQL 15 is installed (TONGLI_TEST_PG15_BIN, or Debian's place for it) and no test was
named: "15 or newer" is a promise of the product, and somebody's production will be the oldest version allowed.
"""

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEBIAN_15 = "/usr/lib/postgresql/15/bin"
DATABASE_BOUND = ("actions", "api", "cli", "db", "jobs", "laws", "web")
PYTEST_INTERRUPTED = 2
PYTEST_FOUND_NOTHING = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run of pytest ended."""

    name: str
    code: int
    seconds: float

    @property
    def passed(self) -> bool:
        return self.code == 0

    def __str__(self) -> str:
        return f"{self.name} {'passed' if self.passed else f'FAILED (pytest exit {self.code})'} in {self.seconds:.0f} s"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything goes to pytest."""
    parser.add_argument("pytest_arguments", nargs="*", metavar="PYTEST_ARGUMENT")


def run(arguments: argparse.Namespace) -> int:
    """Run pytest once or twice and end with one line of verdict; 1 if any run failed."""
    given: list[str] = arguments.pytest_arguments
    outcomes = [_run_pytest("PostgreSQL 18", given, bin_dir=os.environ.get("TONGLI_TEST_POSTGRES_BIN"))]
    oldest = _postgres_15()
    if oldest and not _names_tests(given) and outcomes[0].code != PYTEST_INTERRUPTED:
        folders = [str(Path("tests") / name) for name in DATABASE_BOUND if any((ROOT / "tests" / name).rglob("test_*"))]
        outcomes.append(_run_pytest("PostgreSQL 15", [*given, *folders], bin_dir=str(oldest), may_be_empty=True))
    print(verdict(outcomes))
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def verdict(outcomes: list[Outcome]) -> str:
    """The last line: whether everything passed, and each run."""
    word = "PASSED" if all(outcome.passed for outcome in outcomes) else "FAILED"
    return f"tongli test: {word}: " + "; ".join(map(str, outcomes))


def _run_pytest(name: str, given: list[str], *, bin_dir: str | None, may_be_empty: bool = False) -> Outcome:
    environment = {key: value for key, value in os.environ.items() if key != "TONGLI_TEST_POSTGRES_BIN"}
    if bin_dir:
        environment["TONGLI_TEST_POSTGRES_BIN"] = bin_dir
    print(f"tongli test: {name if not bin_dir else f'{name} ({bin_dir})'}", flush=True)
    started = time.monotonic()
    code = subprocess.call(  # noqa: S603 - this interpreter, arguments of the person at the keyboard
        [sys.executable, "-P", "-m", "pytest", *given], cwd=ROOT, env=environment
    )
    if may_be_empty and code == PYTEST_FOUND_NOTHING:
        code = 0
    return Outcome(name, code, time.monotonic() - started)


def _postgres_15() -> Path | None:
    folder = Path(os.environ.get("TONGLI_TEST_PG15_BIN") or DEBIAN_15)
    return folder if (folder / "postgres").exists() else None


def _names_tests(given: list[str]) -> bool:
    """Whether an argument is a path or a test, rather than an option or an option's value such as `-k words`."""
    return any("::" in word or (not word.startswith("-") and (ROOT / word).exists()) for word in given)
