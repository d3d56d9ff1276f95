"""What envelope encryption costs, how fast a walk is, and what clients notice of a rotation.

`python -m bench.trust_keys` prints the figures as JSON. Ratios inside one run count; rates are this machine's.
"""

import argparse
import asyncio
import json
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench import fill
from bench.key_rotation import installation, rotate
from bench.stage import MEASURED, prepare, stage
from cli.keys_walk import reseal
from crypto.fields import FieldCipher
from crypto.keys import Keyring, SymmetricKey, generate_keyring
from crypto.rotation import add_key, promote_key
from db.embedded import EmbeddedPostgres

HELP = "seal and open against sealing by the field key itself, rows a second of a walk, requests failed in a rotation"
TEXT = "x" * 60
CONTEXT = "person_record:01a0c000-0000-7000-8000-000000000001"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Size of the walk."""
    parser.add_argument("--cases", type=int, default=20_000, help="cases to fill before the walk (20000)")
    parser.add_argument("--no-rotation", action="store_true", help="leave out the rotation under load")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    figures = measure(cases=arguments.cases, rotation=not arguments.no_rotation)
    print(json.dumps(figures, indent=2, ensure_ascii=False))
    return 0


def measure(*, cases: int = 20_000, rotation: bool = True) -> dict[str, Any]:
    """All figures of one run."""
    figures: dict[str, Any] = {"sealing": sealing(), "walk": asyncio.run(walking(cases))}
    if rotation:
        figures["rotation"] = rotating()
    return figures


def sealing() -> dict[str, float]:
    """Microseconds of a seal and an open for 60 bytes; version 1 is what the same bytes cost without a data key."""
    keyring = generate_keyring()
    cipher, key = FieldCipher(keyring), keyring.field.current_key
    sealed, first = cipher.seal(TEXT, CONTEXT), _first(key)
    seal, opened = _best(lambda: cipher.seal(TEXT, CONTEXT)), _best(lambda: cipher.open(sealed, CONTEXT))
    first_seal, first_open = _best(lambda: _first(key)), _best(lambda: cipher.open(first, CONTEXT))
    return {
        "seal_us": seal,
        "open_us": opened,
        "rewrap_us": _best(lambda: cipher.rewrap(sealed)),
        "seal_to_version_1": round(seal / first_seal, 2),
        "open_to_version_1": round(opened / first_open, 2),
        "bytes": len(sealed),
        "bytes_more_than_version_1": len(sealed) - len(first),
    }


def _first(key: SymmetricKey) -> bytes:
    """As values were sealed before data keys, cipher built beforehand as it was then."""
    nonce, key_id = secrets.token_bytes(12), key.key_id.encode()
    header = bytes([1, 1, len(key_id)]) + key_id
    return header + nonce + _cipher(key.secret).encrypt(nonce, TEXT.encode(), header + CONTEXT.encode())


_ciphers: dict[bytes, AESGCM] = {}


def _cipher(secret: bytes) -> AESGCM:
    if secret not in _ciphers:
        _ciphers[secret] = AESGCM(secret)
    return _ciphers[secret]


def _best(work: Callable[[], object], *, rounds: int = 7, times: int = 4_000) -> float:
    """Microseconds of one, in the best of some rounds: what the code costs, not what the neighbours did."""
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(times):
            work()
        best = min(best, (time.perf_counter() - started) / times)
    return round(best * 1e6, 2)


async def walking(cases: int) -> dict[str, float]:
    """Rows a second of `rewrap` and `reseal` over a durable database of `cases` cases."""
    figures: dict[str, float] = {}
    with stage() as built:
        await prepare(built, MEASURED)
        raw = await asyncpg.connect(built.admin_url(MEASURED))
        try:
            await fill.add_cases(raw, built.vault, await fill.add_agencies(raw), cases)
        finally:
            await raw.close()
        keyring = built.keyring
        for name in ("rewrap", "reseal"):
            keyring = _rotated(keyring)
            started = time.perf_counter()
            walked = await reseal(built.admin_url(MEASURED), FieldCipher(keyring), fresh=name == "reseal", limit=200)
            figures[f"{name}_rows"] = walked.done
            figures[f"{name}_rows_per_s"] = round(walked.done / (time.perf_counter() - started))
    return figures


def _rotated(keyring: Keyring) -> Keyring:
    now = datetime.now(UTC)
    added, key_id = add_key(keyring, "field", "A256GCM", now)
    return promote_key(added, key_id, now)


def rotating() -> dict[str, Any]:
    """What clients noticed of a rotation of all three kinds."""
    folder = Path(tempfile.gettempdir()) / f"tongli-keys-{secrets.token_hex(4)}"
    try:
        with installation(folder) as place:
            figures = asyncio.run(rotate(place))
    finally:
        EmbeddedPostgres(folder).discard()
        shutil.rmtree(folder, ignore_errors=True)
    return {name: figures[name] for name in ("requests", "failed", "failures", "old_tokens_held", "walked")}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.trust_keys", description=HELP)
    add_arguments(parser)
    raise SystemExit(run(parser.parse_args()))
