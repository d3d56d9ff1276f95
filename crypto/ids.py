"""Identifiers: UUID version 7 (RFC 9562 section 5.7), whose order is the order of making.

Within one process ids only rise: when the clock stands still or steps back, the last id is raised by a random amount
(section 6.2, method 2). The price: after a clock stepped back, ids stay ahead of it until it has caught up.
"""

import os
import secrets
import threading
import time
from datetime import datetime
from uuid import UUID

RANDOM_BITS = 74
_STEP_BITS = 32
_lock = threading.Lock()
_last = 0


def new_id() -> UUID:
    """An id of now, greater than every id this process has made by this function."""
    global _last  # noqa: PLW0603 - one sequence per process is the promise
    with _lock:
        fresh = _compose(time.time_ns() // 1_000_000)
        _last = fresh if fresh >> RANDOM_BITS > _last >> RANDOM_BITS else _last + 1 + secrets.randbits(_STEP_BITS)
        return _format(_last)


def new_id_at(moment: datetime) -> UUID:
    """An id that sorts at `moment`, in random order within its millisecond. Raises ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError("moment must be timezone aware")
    return _format(_compose(_millis(moment)))


def _millis(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def _compose(millis: int) -> int:
    return millis << RANDOM_BITS | secrets.randbits(RANDOM_BITS)


def _format(number: int) -> UUID:
    """Spread 122 bits (48 time, 12 random, 62 random) around the version and variant bits."""
    head, tail = number >> 62, number & (1 << 62) - 1
    time_part, random_part = head >> 12, head & 0xFFF
    return UUID(int=time_part << 80 | 0x7 << 76 | random_part << 64 | 0b10 << 62 | tail)


def _forget_sequence() -> None:
    """A forked child must not continue its parent's sequence in step with its siblings."""
    global _lock, _last  # the lock may be held by a thread that the child does not have
    _lock, _last = threading.Lock(), 0


os.register_at_fork(after_in_child=_forget_sequence)
