"""`./tongli test`: which runs happen, and a verdict nobody can misread."""

from pathlib import Path

import pytest

from cli.__main__ import main
from cli.run_tests import Outcome, verdict

PASSING = "def test_one():\n    assert True\n"
FAILING = "def test_two():\n    assert False\n"


def _last_line(captured: str) -> str:
    return captured.strip().splitlines()[-1]


def test_a_named_test_runs_once_and_the_last_line_says_how_it_ended(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "test_one.py").write_text(PASSING)
    assert main(["test", "-q", "-p", "no:cacheprovider", str(tmp_path / "test_one.py")]) == 0
    shown = capfd.readouterr().out
    assert "1 passed" in shown
    assert _last_line(shown).startswith("tongli test: PASSED: PostgreSQL 18 passed in ")
    assert "PostgreSQL 15" not in shown


def test_a_failure_is_the_exit_code_and_the_last_word(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "test_two.py").write_text(FAILING)
    assert main(["test", "-q", "-p", "no:cacheprovider", f"{tmp_path}/test_two.py"]) == 1
    assert _last_line(capfd.readouterr().out).startswith("tongli test: FAILED: PostgreSQL 18 FAILED (pytest exit 1)")


def test_one_failed_run_of_two_fails_the_whole() -> None:
    line = verdict([Outcome("PostgreSQL 18", 0, 61.2), Outcome("PostgreSQL 15", 1, 30.0)])
    assert line == "tongli test: FAILED: PostgreSQL 18 passed in 61 s; PostgreSQL 15 FAILED (pytest exit 1) in 30 s"
