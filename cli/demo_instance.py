"""The instance a demo plays on: a running one, or a temporary one with a clock that the story moves."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cli.entrances import ROOT, CannotRun
from cli.processes import wait_until_ready

READY_SECONDS = 120.0
FIRST_INSTANT = "2026-02-26T01:30:00Z"


@dataclass(frozen=True, slots=True)
class Instance:
    """Where it answers, who may sign in, and the file its business clock reads (None: its clock is its own)."""

    url: str
    credentials: list[dict[str, Any]]
    clock_file: Path | None

    def set_clock(self, moment: datetime) -> None:
        """Moves business time there, where the clock may be moved."""
        if self.clock_file is not None:
            beside = self.clock_file.with_suffix(".next")
            beside.write_text(moment.isoformat(), encoding="utf-8")
            beside.replace(self.clock_file)


def running_instance(url: str, data_dir: Path | None, clock_file: Path | None) -> Instance:
    """A running instance. Raises CannotRun where its demo credentials are not to be had."""
    file = (data_dir or ROOT / ".tongli") / "demo" / "credentials.json"
    if not file.exists():
        raise CannotRun(f"no demo credentials at {file}: give the instance's --data-dir")
    return Instance(url.rstrip("/"), json.loads(file.read_text(encoding="utf-8")), clock_file)


@contextlib.contextmanager
def temporary_instance() -> Iterator[Instance]:
    """Starts `serve` on a free port and an empty directory, and leaves nothing of it behind."""
    folder = Path(tempfile.mkdtemp(prefix="tongli-demo-"))
    folder.chmod(0o755)  # our own: the embedded server may run as another user and must reach its directory below
    clock = folder / "clock"
    clock.write_text(FIRST_INSTANT, encoding="utf-8")
    port = _free_port()
    try:
        with _serving(folder, port, clock) as url:
            file = folder / "data" / "demo" / "credentials.json"
            yield Instance(url, json.loads(file.read_text(encoding="utf-8")), clock)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _serving(folder: Path, port: int, clock: Path) -> Iterator[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TONGLI_")}
    environment |= {"PYTHONPATH": str(ROOT), "TONGLI_CLOCK": f"file:{clock}", "TONGLI_LOG_LEVEL": "WARNING"}
    command = [sys.executable, "-P", "-m", "cli", "serve", "--port", str(port), "--data-dir", str(folder / "data")]
    log = folder / "serve.log"
    with log.open("wb") as output:
        child = subprocess.Popen(command, env=environment, stdout=output, stderr=output)  # noqa: S603  our own command
        try:
            url = f"http://127.0.0.1:{port}"
            if not wait_until_ready(f"{url}/readyz", READY_SECONDS, lambda: child.poll() is None):
                raise CannotRun(f"the temporary instance did not start:\n{log.read_text(errors='replace')[-2000:]}")
            yield url
        finally:
            child.terminate()
            child.wait(60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
