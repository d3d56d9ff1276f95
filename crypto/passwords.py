"""Passwords: argon2id (RFC 9106), as PHC strings.

64 MiB and 3 passes as in the RFC's second choice, in one lane instead of four, so that one hash takes one core. Costs a
tenth of a second or more each: whoever calls it must bound how many run at once.
"""

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from rules.passwords import normal_form

_HASHER = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1, type=Type.ID)

NOBODYS = _HASHER.hash("")
"""Of the same cost as everybody's: what an unknown account is compared with, so that it takes as long as a known one.

Nobody signs in with it: `matches` refuses the empty password."""


def hash_password(password: str) -> str:
    """What is kept of it, with its own salt."""
    return _HASHER.hash(normal_form(password))


def matches(password: str, kept: str) -> bool:
    """Whether it is the password behind `kept`. Raises nothing: a damaged hash matches nothing."""
    try:
        return _HASHER.verify(kept, normal_form(password)) and password != ""
    except (VerificationError, InvalidHashError):
        return False
