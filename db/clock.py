"""Business time: deadlines, seasons and stories read this clock; tokens, leases and signatures read the real one."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

Clock = Callable[[], datetime]


def real_time() -> datetime:
    """Now, aware, UTC."""
    return datetime.now(UTC)


def business_clock(setting: str | None) -> Clock:
    """The clock that TONGLI_CLOCK asks for.

    None: real time. An RFC 3339 instant: a clock that starts there now and runs. `file:PATH`: a clock that stands at
    the instant written in the file until somebody writes another (stories, simulations). Raises ValueError otherwise.
    """
    if setting is None:
        return real_time
    if setting.startswith("file:"):
        return _FileClock(Path(setting.removeprefix("file:")))
    shift = _instant(setting) - real_time()
    return lambda: real_time() + shift


class _FileClock:
    def __init__(self, path: Path) -> None:
        self._path = path
        self()

    def __call__(self) -> datetime:
        return _instant(self._path.read_text(encoding="utf-8").strip())


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("TONGLI_CLOCK needs an instant with an offset, such as 2026-02-26T01:30:00Z")
    return moment.astimezone(UTC)
