"""Signing people in, decided: how long things last, what becomes of a code or refresh token, how often one may try.

Sources: RFC 6749, RFC 9700 (best current practice: exact redirect, PKCE, rotation), RFC 8252 (native apps).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

CODE_LIFE: Final = timedelta(seconds=60)
ENROLMENT_LIFE: Final = timedelta(hours=72)
REFRESH_IDLE: Final = timedelta(hours=12)
REFRESH_ABSOLUTE: Final = timedelta(days=7)
ANSWER_LOST: Final = timedelta(seconds=30)
STEP_UP: Final = timedelta(minutes=5)

TRY_WINDOW: Final = timedelta(minutes=15)
TRIES_PER_ACCOUNT: Final = 5
TRIES_PER_CLIENT: Final = 10
TRIES_PER_ADDRESS: Final = 50

RECOVERY_CODES: Final = 10


class Fate(Enum):
    """What becomes of a refresh token that was handed in."""

    rotate = "rotate"
    repeat = "repeat"  # the answer was lost: its successor once more
    refuse = "refuse"  # too old, or its device is no more
    end_family = "end_family"  # somebody else has it as well


@dataclass(frozen=True, slots=True)
class Handed:
    """A refresh token as it is known; `successor_used` says whether the one after it was ever handed in."""

    expires_at: datetime
    used_at: datetime | None
    successor_used: bool
    device_expires_at: datetime
    device_revoked: bool


def fate_of_refresh(token: Handed, now: datetime) -> Fate:
    """Rotation with the lost-answer rule: a used token gives its successor again within 30 s while that is unused."""
    if token.device_revoked or token.device_expires_at <= now:
        return Fate.refuse
    if token.used_at is None:
        return Fate.rotate if token.expires_at > now else Fate.refuse
    if not token.successor_used and now - token.used_at <= ANSWER_LOST:
        return Fate.repeat
    return Fate.end_family


def refresh_expiry(now: datetime, device_expires_at: datetime) -> datetime:
    """Idle for 12 hours, and never longer than the device lives."""
    return min(now + REFRESH_IDLE, device_expires_at)
