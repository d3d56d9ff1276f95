"""`./tongli demo`: plays story ST01 through four agencies: real HTTP, real tokens, real signed webhooks on loopback.

Against a running instance (`--url`, with its `--data-dir` for the credentials) or a temporary one that it starts
itself. Ends with 0 only if every step, every date and every webhook was as it should be.
"""

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
from rich.console import Console

from cli.demo_instance import Instance, running_instance, temporary_instance
from cli.demo_stage import Stage, Unexpected, open_stage
from cli.demo_story import STEPS, play
from cli.entrances import CannotRun, or_give_up


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to play, and in which language to tell it."""
    parser.add_argument("--url", help="a running instance; without it a temporary one is started")
    parser.add_argument("--data-dir", type=Path, help="data directory of that instance, for its demo credentials")
    parser.add_argument("--clock-file", type=Path, help="file of that instance's TONGLI_CLOCK=file:…, to set the dates")
    parser.add_argument("--lang", choices=("en", "zh"), default="en", help="language of the telling (en)")


def run(arguments: argparse.Namespace) -> int:
    """Play the story; 1 where a step is not as it should be."""
    return or_give_up(lambda: _play(arguments))


def _play(arguments: argparse.Namespace) -> int:
    console = Console(highlight=False)
    with _instance(arguments) as instance, open_stage(instance, console, arguments.lang) as stage:
        return _tell(stage)


@contextlib.contextmanager
def _instance(arguments: argparse.Namespace) -> Iterator[Instance]:
    if arguments.url is None:
        with temporary_instance() as instance:
            yield instance
    else:
        yield running_instance(arguments.url, arguments.data_dir, arguments.clock_file)


def _tell(stage: Stage) -> int:
    try:
        play(stage)
    except httpx.TransportError as gone:
        raise CannotRun(f"the instance does not answer: {type(gone).__name__}") from None
    except Unexpected as wrong:
        stage.console.print(f"[bold red]✗[/] {wrong}", soft_wrap=True)
        return 1
    if stage.steps_done != STEPS:
        raise CannotRun(f"the story has {STEPS} steps, {stage.steps_done} were played")
    stage.console.print(f"[bold green]✓[/] {stage.summary()}", soft_wrap=True)
    return 0
