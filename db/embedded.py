"""A real PostgreSQL in the data directory, for trying Tongli out and for the tests. Production brings its own.

The binaries come from a wheel; its Python API is not used, because as root it opens every parent of the data directory
to everybody, keeps one lock file for all users, trusts every login, and leaves the server running after kill -9.

Promises: only the owner of the data directory (and root) can reach the socket, and only with the password kept in
`keys/`; nothing listens on a network; the server ends with Tongli, however Tongli ends; after kill -9 of anything, at
any moment, the next start recovers without a hand; two Tonglis never share a data directory.

Layout of the data directory: `postgres/data` (cluster), `postgres/sock`, `postgres/software` (copied binaries, rarely),
`postgres.log`, `postgres.lock`, `keys/postgres.password`. `postgres-home` says where `postgres/` is if it had to move.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote

from db import embedded_keeper, embedded_orphans
from db.embedded_place import (
    Account,
    Binaries,
    EmbeddedError,
    existing_home,
    find_account,
    find_binaries,
    make_home,
    own_folder,
    reachable,
    socket_folder,
    write_private,
)

SUPERUSER = "postgres"
PORT = 5432  # names the socket file only
START_SECONDS = 30.0
RECOVERY_SECONDS = 600.0  # while the server says it is starting: after a crash it replays its log, however long
STOP_SECONDS = embedded_keeper.FAST_SHUTDOWN_SECONDS + 30
LARGEST_LOG_BYTES = 10 * 2**20
LOGS_KEPT = 3
MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class ConnectTarget:
    """How to reach one database over the socket; `host` is the socket's directory."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    def url(self, scheme: str = "postgresql") -> str:
        """The same as a URL, password included; asyncpg and SQLAlchemy (`postgresql+asyncpg`) both read it."""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"{scheme}://{login}@/{quote(self.database, safe='')}?host={quote(self.host)}&port={self.port}"


class EmbeddedPostgres:
    """One PostgreSQL and its data directory. `fast_and_unsafe` gives up surviving a power cut and is for tests only.

    `start` and `stop` are blocking and idempotent; after a crash of the server, `start` again brings it back.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        bin_dir: Path | None = None,
        fast_and_unsafe: bool = False,
        say: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._bin_dir = bin_dir
        self._unsafe = fast_and_unsafe
        self._say = say
        self._lock: IO[str] | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._sockets: Path | None = None
        self.server_pid: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Whether the server process is there; it may still be starting or stopping."""
        return self._keeper is not None and self._keeper.poll() is None

    def start(self) -> None:
        """Create the cluster if there is none, and return once the server answers.

        Cold about 1 s, warm about 0.1 s. Raises EmbeddedError when another Tongli uses the data directory, when it
        cannot be written, or when the server does not come up (with the end of its log).
        """
        if self.alive:
            return
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            self._start_locked()
        except PermissionError as fault:
            self.stop()
            raise EmbeddedError(
                f"no permission for {fault.filename or self.data_dir}: start Tongli as its owner"
            ) from fault
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut down cleanly (open transactions are rolled back), wait for the end, and free the data directory."""
        if self._keeper is not None:
            self._end_keeper(self._keeper)
            self._keeper = None
            self.server_pid = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def discard(self) -> None:
        """Stop, and delete the cluster and its data for good. For temporary instances."""
        self.stop()
        home = existing_home(self.data_dir)
        for folder in (self._sockets, home):
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
        (self.data_dir / "postgres-home").unlink(missing_ok=True)

    def superuser_dsn(self, database: str = "tongli") -> ConnectTarget:
        """How the owner of the cluster logs in. For migrations and tests: a superuser walks through row security."""
        if self._sockets is None:
            raise EmbeddedError("the embedded PostgreSQL has not been started")
        return ConnectTarget(str(self._sockets), PORT, SUPERUSER, self._password(), database)

    def create_database(self, name: str) -> None:
        """Create the database if it is missing. One or two statements."""
        with ThreadPoolExecutor(1) as aside:  # a loop of its own: the caller may be inside one
            aside.submit(asyncio.run, _create_database(self.superuser_dsn("postgres"), name)).result()

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        lock = (self.data_dir / "postgres.lock").open("a+", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise EmbeddedError(
                f"another Tongli (process {holder}) is using {self.data_dir}: stop it, or choose another --data-dir"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def _start_locked(self) -> None:
        account, home = self._place()
        cluster = home / "data"
        binaries = find_binaries(self._bin_dir, home, account)
        self._sockets = socket_folder(home, account)
        embedded_orphans.settle(cluster, self._say)
        for leftover in home.glob("data.unfinished-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if not cluster.is_dir():
            self._say(f"creating a PostgreSQL {binaries.version} database in {home}")
            _initialise(cluster, binaries, account, password=self._password(), durable=not self._unsafe)
        _check_version(cluster, binaries)
        self._launch(cluster, binaries, account)

    def _place(self) -> tuple[Account, Path]:
        home = existing_home(self.data_dir)
        cluster = home / "data" if home is not None else None
        account = find_account(cluster if cluster is not None and cluster.is_dir() else None)
        if home is None:
            home = make_home(self.data_dir, account, lasting=not self._unsafe)
        elif not reachable(home, account):
            raise EmbeddedError(f"PostgreSQL runs as {account.name}, which cannot (any longer) reach {home}")
        return account, home

    def _password(self) -> str:
        """The superuser's password, made on first use. The file is 0600 before it holds anything."""
        keys = self.data_dir / "keys"
        keys.mkdir(mode=0o700, exist_ok=True)
        file = keys / "postgres.password"
        if not file.exists():
            unfinished = keys / "postgres.password.unfinished"
            write_private(unfinished, secrets.token_urlsafe(32))
            unfinished.rename(file)
        return file.read_text(encoding="ascii")

    def _launch(self, cluster: Path, binaries: Binaries, account: Account) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            log_from = self._start_keeper(cluster, binaries, account)
            if self._wait_until_ready(cluster):
                return
            # Sessions of a server that was killed hold its shared memory until they notice, a moment later.
            ending = self._log_since(log_from)
            if "shared memory block" not in ending or time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL did not start; the end of its log:\n{ending}")
            time.sleep(0.2)

    def _start_keeper(self, cluster: Path, binaries: Binaries, account: Account) -> int:
        """Start keeper and server; return the size of the log before it."""
        file = self.data_dir / "postgres.log"
        _rotate(file)
        log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(log).st_size
            self._keeper = subprocess.Popen(  # noqa: S603 - our own script and the server, no shell
                [
                    *(sys.executable, "-I", "-S", embedded_keeper.__file__, str(account.uid), str(account.gid)),
                    *(binaries["postgres"], "-D", str(cluster), *self._options()),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                start_new_session=True,  # Ctrl-C reaches Tongli alone, which stops the API first
            )
        finally:
            os.close(log)
        assert self._keeper.stdout is not None
        with self._keeper.stdout as told:
            self.server_pid = int(told.readline() or 0) or None
        return size

    def _options(self) -> list[str]:
        settings = _SETTINGS | _memory() | {"unix_socket_directories": str(self._sockets), "port": str(PORT)}
        if self._unsafe:
            # Commits still reach the operating system, so that rows survive the kill of any process, not a power cut.
            settings |= {"fsync": "off", "full_page_writes": "off"}
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _wait_until_ready(self, cluster: Path) -> bool:
        """False when the server ended. Reads the status the server writes for pg_ctl, so needs no login."""
        started = time.monotonic()
        told = False
        while self.alive:
            waited = time.monotonic() - started
            status = embedded_orphans.status_of(cluster, self.server_pid)
            if status == "ready":
                return True
            if waited > (RECOVERY_SECONDS if status == "starting" else START_SECONDS):
                raise EmbeddedError(
                    f"PostgreSQL did not answer within {waited:.0f} s; see {self.data_dir / 'postgres.log'}"
                )
            if waited > 2 and not told:
                self._say("PostgreSQL is still starting (after a crash it replays its log first)")
                told = True
            time.sleep(0.02)
        return False

    def _log_since(self, size: int) -> str:
        with (self.data_dir / "postgres.log").open("rb") as log:
            log.seek(max(size, log.seek(0, os.SEEK_END) - 4000))
            return log.read().decode(errors="replace").strip()

    def _end_keeper(self, keeper: subprocess.Popen[bytes]) -> None:
        assert keeper.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            keeper.stdin.close()  # the keeper reads the end of file and shuts the server down
        try:
            keeper.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._say("PostgreSQL does not stop; killing it (the next start recovers)")
            keeper.kill()
            keeper.wait()


_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "random_page_cost": "1.1",
    "jit": "off",
    # The log must hold no person's values: DETAIL lines quote the key of a violated constraint.
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_line_prefix": "%m [%p] ",
}


def _memory() -> dict[str, str]:
    """A sixteenth of the machine for shared buffers, 64 to 512 MiB: the service has to live here too."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return {
        "shared_buffers": f"{min(512, max(64, total // 16 // MEBIBYTE))}MB",
        "effective_cache_size": f"{max(128, total // 2 // MEBIBYTE)}MB",
        "maintenance_work_mem": "128MB",
        "work_mem": "8MB",
    }


def _initialise(cluster: Path, binaries: Binaries, account: Account, *, password: str, durable: bool) -> None:
    """Make a cluster under another name and rename it when complete, so that a half-made one is never taken for one.

    A fresh name each time: the initdb of a killed Tongli may still be at work in the last one.
    """
    unfinished = cluster.with_name(f"data.unfinished-{secrets.token_hex(4)}")
    own_folder(unfinished, account)
    password_file = cluster.with_name("password.unfinished")
    write_private(password_file, password)
    if account.foreign:
        os.chown(password_file, account.uid, account.gid)
    try:
        made = account.run(*_initdb(binaries, unfinished, password_file, durable=durable))
    finally:
        password_file.unlink()
    if made.returncode != 0:
        raise EmbeddedError(f"initdb failed:\n{made.stdout.strip()}")
    unfinished.rename(cluster)
    parent = os.open(cluster.parent, os.O_RDONLY)
    os.fsync(parent)
    os.close(parent)


def _initdb(binaries: Binaries, folder: Path, password_file: Path, *, durable: bool) -> list[str]:
    # The builtin C.UTF-8 rules know upper and lower case of every script and never change with the operating system.
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if binaries.major >= 17 else []
    return [
        *(binaries["initdb"], "-D", str(folder), "-U", SUPERUSER, f"--pwfile={password_file}"),
        *("--auth-local=scram-sha-256", "--auth-host=reject", "-E", "UTF8", "--locale=C", *builtin),
        *("--data-checksums", "--no-instructions", *([] if durable else ["--no-sync"])),
    ]


def _check_version(cluster: Path, binaries: Binaries) -> None:
    made_by = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    if made_by != str(binaries.major):
        raise EmbeddedError(
            f"{cluster} was made by PostgreSQL {made_by}, and the programs here are {binaries.version}: "
            "choose another --data-dir, or move the data with pg_dump of the old version"
        )


def _rotate(log: Path) -> None:
    if not log.exists() or log.stat().st_size < LARGEST_LOG_BYTES:
        return
    for number in range(LOGS_KEPT, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        newer = log.with_name(f"{log.name}.{number - 1}") if number > 1 else log
        if newer.exists():
            newer.replace(older)


async def _create_database(target: ConnectTarget, name: str) -> None:
    import asyncpg  # noqa: PLC0415 - only starting a server should not cost 50 ms of import

    connection = await asyncpg.connect(target.url())
    try:
        if not await connection.fetchval("select 1 from pg_database where datname = $1", name):
            quoted = name.replace('"', '""')
            await connection.execute(f'create database "{quoted}"')
    finally:
        await connection.close()
