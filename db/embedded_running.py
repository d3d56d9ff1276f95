"""Finds the embedded PostgreSQL that another Tongli runs, so that a command can talk to it instead of starting it."""

import socket
from pathlib import Path

from db.embedded import PORT, SUPERUSER, ConnectTarget
from db.embedded_place import existing_home, find_account, socket_folder


def has_cluster(data_dir: Path) -> bool:
    """Whether a database was ever made in this data directory."""
    home = existing_home(data_dir)
    return home is not None and (home / "data").is_dir()


def running_target(data_dir: Path, database: str) -> ConnectTarget | None:
    """How to reach the server of this data directory; None where none answers. Raises EmbeddedError as starting would.

    It asks the socket: a pid file tells what was true once, and trying the lock would make a starting server fail.
    """
    home = existing_home(data_dir)
    password = data_dir / "keys" / "postgres.password"
    if home is None or not (home / "data").is_dir() or not password.exists():
        return None
    folder = socket_folder(home, find_account(home / "data"))
    with socket.socket(socket.AF_UNIX) as attempt:
        try:
            attempt.connect(str(folder / f".s.PGSQL.{PORT}"))
        except OSError:
            return None
    return ConnectTarget(str(folder), PORT, SUPERUSER, password.read_text(encoding="ascii"), database)
