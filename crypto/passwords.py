"""Passwords: argon2id (RFC 9106), as PHC strings.

64 MiB and 3 passes as in the RFC's second choice, in one lane instead of four, so that one hash takes one core. Costs a
tenth of a second or more each: whoever calls it must bound how many run at once.
"""

from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from rules.passwords import normal_form

MEMORY_KIB: Final = 65_536
PASSES: Final = 3
LANES: Final = 1

_HASHER = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES, type=Type.ID)

NOBODYS: Final = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${'A' * 22}${'A' * 43}"
"""What an unknown account is compared with, so that it takes as long as a known one: a hash of nothing but zeros, which
no password is known to have."""


def hash_password(password: str) -> str:
    """What is kept of it, with its own salt."""
    return _HASHER.hash(normal_form(password))


def matches(password: str, kept: str) -> bool:
    """Whether it is the password behind `kept`. Raises nothing: a damaged hash matches nothing."""
    try:
        return _HASHER.verify(kept, normal_form(password))
    except (VerificationError, InvalidHashError):
        return False
