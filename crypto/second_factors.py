"""The second factor: time-based codes (TOTP, RFC 6238: SHA-1, 30 s, six digits, what every authenticator app knows).

The codes come from `cryptography`; ours is which time steps are taken, and that none is taken twice.
"""

import base64
import re
import secrets
from datetime import datetime

from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP_SECONDS = 30
_CODE = re.compile(r"[0-9]{6}")
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # no 0 and O, 1, I and L: people copy these from paper


def new_totp_secret() -> bytes:
    """160 random bits, as RFC 4226 section 4 recommends."""
    return secrets.token_bytes(20)


def matching_step(secret: bytes, code: str, now: datetime, *, after: int) -> int | None:
    """The time step whose code this is: the present one, one before, one behind; later than `after`. None: no such.

    Keep the step and give it as `after` next time, and a code that was seen or overheard is worth nothing.
    """
    digits = code.replace(" ", "")
    if not _CODE.fullmatch(digits):
        return None
    generator = TOTP(secret, 6, SHA1(), STEP_SECONDS, enforce_key_length=False)  # noqa: S303  HMAC-SHA-1, RFC 6238
    present = int(now.timestamp()) // STEP_SECONDS
    good = [step for step in (present, present - 1, present + 1) if _is_code_of(generator, step, digits)]
    return next((step for step in good if step > after), None)


def _is_code_of(generator: TOTP, step: int, digits: str) -> bool:
    return bytes_eq(generator.generate(step * STEP_SECONDS), digits.encode())


def totp_text(secret: bytes) -> str:
    """The secret as authenticator apps take it by hand: base32."""
    return base64.b32encode(secret).decode()


def totp_uri(secret: bytes, *, account: str, issuer: str) -> str:
    """`otpauth://…`, what a QR code for authenticator apps holds."""
    generator = TOTP(secret, 6, SHA1(), STEP_SECONDS, enforce_key_length=False)  # noqa: S303  HMAC-SHA-1, RFC 6238
    return generator.get_provisioning_uri(account, issuer)


def new_paper_code(groups: int) -> str:
    """Groups of five characters, about 25 bits each, fit to be read out and typed: `K7MQ2-9XWPD`."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(groups))


def paper_code_typed(text: str) -> str:
    """What somebody typed, as it was printed: capitals, no spaces, hyphens where they belong."""
    bare = re.sub(r"[\s-]", "", text).upper()
    return "-".join(bare[start : start + 5] for start in range(0, len(bare), 5))
