"""Rotation of every kind of key on a running installation, two APIs and the jobs, with clients at work all the time."""

import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.key_rotation import installation, rotate
from crypto.keys import read_keyring
from db.embedded import EmbeddedPostgres


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below a closed directory: where the tests run as root, PostgreSQL runs as somebody else."""
    place = Path(tempfile.gettempdir()) / f"tongli-keys-{secrets.token_hex(4)}"
    yield place
    EmbeddedPostgres(place).discard()
    shutil.rmtree(place, ignore_errors=True)


@pytest.mark.skipif(sys.platform != "linux", reason="as the tests of serve")
async def test_rotating_every_key_fails_no_request_and_leaves_nothing_under_the_old_ones(folder: Path) -> None:
    with installation(folder) as place:
        figures = await rotate(place)
        keyring = read_keyring(place.keyring)
    assert figures["failures"] == []
    assert figures["requests"] > 50, "clients were at work"
    assert figures["old_tokens_held"]
    assert figures["killed"] == -signal.SIGKILL
    assert all(said.endswith(" 0 left as they are") for said in figures["walked"])
    assert [keyring.field.current, keyring.blind.current, keyring.tokens[0].key_id] == figures["new"]
    for key_id in figures["old"]:
        assert key_id not in figures["shown"]
        assert key_id not in {*keyring.field.keys, *keyring.blind.keys, *(key.key_id for key in keyring.tokens)}
    assert "does not have" not in figures["shown"], "nothing stands under a key that is gone"
    assert "do not say" not in figures["shown"]
