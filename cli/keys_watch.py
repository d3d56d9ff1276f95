"""Reads the keyring again when its file changes, so that a rotation restarts nothing.

A thread looks at the file once a second: SIGHUP would have to reach every process on every machine, a file changes
where it is read. A text that cannot be used is said in the log and the keys in force stay.
"""

import threading
from pathlib import Path
from typing import Final

import structlog

from crypto.keys import Keyring, KeyringError, read_keyring
from crypto.vault import Vault

LOOK_EVERY_S: Final = 1.0

_Mark = tuple[int, int, int]
_log = structlog.get_logger(component="keys")


def watch_keyring(path: Path, vault: Vault) -> None:
    """Lets `vault` follow the file from now on, until the process ends."""
    watch = KeyringWatch(path, vault)
    threading.Thread(target=watch.run, name="keyring", daemon=True).start()


class KeyringWatch:
    """What the file was when it was last read. Inode, size and time: an edit replaces the file."""

    def __init__(self, path: Path, vault: Vault) -> None:
        self._path = path
        self._vault = vault
        self._mark: _Mark | None = None  # the first look reads: the file may have changed since the process did

    def run(self) -> None:
        pause = threading.Event()
        while not pause.wait(LOOK_EVERY_S):
            self.look()

    def look(self) -> bool:
        """Read the file where it has changed; whether other keys are in force now. Raises nothing."""
        try:
            mark = _mark_of(self._path)
            if mark == self._mark:
                return False
            self._mark = mark
            return self._adopt(read_keyring(self._path))
        except (KeyringError, OSError) as fault:
            _log.error("keyring cannot be used, the keys in force stay", fault=str(fault))
            return False

    def _adopt(self, keyring: Keyring) -> bool:
        if keyring == self._vault.keyring:
            return False
        self._vault.adopt(keyring)
        _log.info(
            "keyring read again",
            field=keyring.field.current,
            blind=keyring.blind.current,
            token=keyring.tokens[0].key_id,
        )
        return True


def _mark_of(path: Path) -> _Mark:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
