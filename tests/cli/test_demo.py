"""The story, played: on a temporary instance with its own dates, and twice on an instance that already holds events."""

import argparse
from datetime import UTC, datetime, timedelta

import pytest

from cli import demo
from cli.demo_instance import temporary_instance


def _arguments(**given: object) -> argparse.Namespace:
    return argparse.Namespace(**({"url": None, "data_dir": None, "clock_file": None, "lang": "en"} | given))


def test_the_story_is_played_on_an_instance_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.run(_arguments(lang="zh")) == 0
    told = capsys.readouterr().out
    assert "2026-03-11" in told
    assert "✓ 21 步" in told


def test_the_story_is_played_again_and_again_on_a_running_instance(capsys: pytest.CaptureFixture[str]) -> None:
    with temporary_instance() as instance:
        assert instance.clock_file is not None
        instance.set_clock(datetime.now(UTC) + timedelta(minutes=5))
        given = _arguments(url=instance.url, data_dir=instance.clock_file.parent / "data")
        assert [demo.run(given) for _ in range(2)] == [0, 0], capsys.readouterr().out


def test_an_instance_that_does_not_answer_is_said_so_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with temporary_instance() as instance:
        assert instance.clock_file is not None
        data_dir = instance.clock_file.parent / "data"
        assert demo.run(_arguments(url="http://127.0.0.1:1", data_dir=data_dir)) == 1
    assert "does not answer" in capsys.readouterr().err
