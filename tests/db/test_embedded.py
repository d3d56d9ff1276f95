"""The embedded PostgreSQL, with real servers: who gets in, what survives, and what may be left behind (nothing).

Runs on PostgreSQL 18 of the wheel, or on the programs in TONGLI_TEST_POSTGRES_BIN. Started by root, the servers run as
another account; pytest's directories are closed to it, so these tests also walk the path of a closed home directory.
"""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from db import embedded_orphans
from db.embedded import EmbeddedPostgres
from db.embedded_place import EmbeddedError, existing_home, wheel_folder

ROOT = Path(__file__).resolve().parents[2]
BIN_DIR = Path(os.environ["TONGLI_TEST_POSTGRES_BIN"]) if "TONGLI_TEST_POSTGRES_BIN" in os.environ else None
Make = Callable[..., EmbeddedPostgres]

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")

SUPERVISOR = """
import sys, time
from pathlib import Path
from db.embedded import EmbeddedPostgres
pg = EmbeddedPostgres(Path(sys.argv[1]), bin_dir=Path(sys.argv[2]) if len(sys.argv) > 2 else None)
pg.start()
pg.create_database("tongli")
print(pg._keeper.pid, pg.server_pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes servers that are deleted afterwards, wherever they live."""
    made: list[EmbeddedPostgres] = []

    def build(data_dir: Path, *, fast_and_unsafe: bool = True) -> EmbeddedPostgres:
        made.append(EmbeddedPostgres(data_dir, bin_dir=BIN_DIR, fast_and_unsafe=fast_and_unsafe))
        return made[-1]

    yield build
    for postgres in made:
        postgres.discard()


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A data directory every account can reach."""
    with tempfile.TemporaryDirectory(prefix="tongli-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "data"


@pytest.fixture
def supervise(make: Make) -> Iterator[Callable[[Path], tuple[subprocess.Popen[str], int, int]]]:
    """Starts a supervising process of its own; gives it, its keeper's and its server's process id."""
    started: list[subprocess.Popen[str]] = []

    def begin(data_dir: Path) -> tuple[subprocess.Popen[str], int, int]:
        make(data_dir)  # so that it is deleted in the end
        supervisor = _supervisor(data_dir)
        started.append(supervisor)
        assert supervisor.stdout is not None
        keeper, server = map(int, supervisor.stdout.readline().split())
        return supervisor, keeper, server

    yield begin
    for supervisor in started:
        supervisor.kill()
        supervisor.wait()
        assert supervisor.stdout is not None
        supervisor.stdout.close()


def _supervisor(data_dir: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SUPERVISOR, str(data_dir), *([str(BIN_DIR)] if BIN_DIR else [])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def _processes_of(data_dir: Path) -> list[int]:
    """Live processes that name this data directory's cluster on their command line (a zombie has none)."""
    home = existing_home(data_dir)
    cluster = str((home or data_dir / "postgres") / "data").encode()
    return [pid for pid, line in _command_lines().items() if cluster in line]


def _command_lines() -> dict[int, bytes]:
    found = {}
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found[int(entry.parent.name)] = entry.read_bytes()
        except OSError:
            continue
    return found


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


async def _connect(postgres: EmbeddedPostgres, database: str = "postgres") -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(postgres.superuser_dsn(database).url())


async def _value(postgres: EmbeddedPostgres, query: str, database: str = "postgres") -> object:
    connection = await _connect(postgres, database)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_answers_in_utf8_with_checksums_and_listens_on_no_network(make: Make, open_dir: Path) -> None:
    with make(open_dir) as postgres:
        assert await _value(postgres, "select '困难' || chr(127482)") == "困难🇺"
        assert await _value(postgres, "show server_encoding") == "UTF8"
        assert await _value(postgres, "show data_checksums") == "on"
        assert await _value(postgres, "show listen_addresses") == ""
        major = int(str(await _value(postgres, "show server_version_num"))) // 10_000
        assert major == (18 if BIN_DIR is None else int(BIN_DIR.parent.name))


async def test_a_database_is_created_once_and_also_reached_through_sqlalchemy(make: Make, open_dir: Path) -> None:
    with make(open_dir) as postgres:
        for _ in range(2):
            postgres.create_database('odd "name"')
        engine = create_async_engine(postgres.superuser_dsn('odd "name"').url("postgresql+asyncpg"))
        async with engine.connect() as connection:
            assert (await connection.execute(text("select current_database()"))).scalar_one() == 'odd "name"'
        await engine.dispose()


async def test_only_the_password_opens_the_door(make: Make, open_dir: Path) -> None:
    with make(open_dir) as postgres:
        target = postgres.superuser_dsn("postgres")
        stored = await _value(postgres, "select rolpassword from pg_authid where rolname = 'postgres'")
        assert str(stored).startswith("SCRAM-SHA-256$")
        for wrong in ("", "postgres", target.password + "x"):
            with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InterfaceError)):
                await asyncpg.connect(host=target.host, port=target.port, user="postgres", password=wrong)
        assert target.password not in repr(target)


def test_secrets_are_readable_by_their_owner_only(make: Make, open_dir: Path) -> None:
    with make(open_dir) as postgres:
        assert stat.S_IMODE((open_dir / "keys").stat().st_mode) == 0o700
        password = open_dir / "keys" / "postgres.password"
        assert stat.S_IMODE(password.stat().st_mode) == 0o600
        assert stat.S_IMODE((open_dir / "postgres.log").stat().st_mode) == 0o600
        assert stat.S_IMODE(Path(postgres.superuser_dsn().host).stat().st_mode) == 0o700
        assert stat.S_IMODE((open_dir / "postgres" / "data").stat().st_mode) == 0o700
        assert not list(open_dir.rglob("*.unfinished*"))
        assert len(password.read_text()) >= 43


async def test_data_survive_a_clean_restart_without_recovery(make: Make, open_dir: Path) -> None:
    postgres = make(open_dir, fast_and_unsafe=False)
    with postgres:
        await _value(postgres, "create table kept as select 42 as answer")
        assert await _value(postgres, "show fsync") == "on"
    assert _processes_of(open_dir) == []
    with postgres:
        assert await _value(postgres, "select answer from kept") == 42
    assert "not properly shut down" not in (open_dir / "postgres.log").read_text()


async def test_the_log_quotes_no_value_of_a_violated_constraint(make: Make, open_dir: Path) -> None:
    with make(open_dir) as postgres:
        connection = await _connect(postgres)
        await connection.execute("create table person (number text primary key)")
        await connection.execute("insert into person values ($1)", "330106199001011234")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("insert into person values ($1)", "330106199001011234")
        await connection.close()
    assert "330106199001011234" not in (open_dir / "postgres.log").read_text()


async def test_kill_9_of_the_supervisor_stops_the_server_and_loses_no_committed_row(
    supervise: Callable[[Path], tuple[subprocess.Popen[str], int, int]], make: Make, open_dir: Path
) -> None:
    supervisor, _, _ = supervise(open_dir)
    postgres = make(open_dir)
    acknowledged = await _write_until_killed(open_dir, supervisor)
    assert acknowledged >= 20
    assert _within(5, lambda: _processes_of(open_dir) == [])
    with postgres:
        assert await _value(postgres, "select count(*) from entry", "tongli") in {acknowledged, acknowledged + 1}


async def _write_until_killed(data_dir: Path, supervisor: subprocess.Popen[str]) -> int:
    """Write rows one by one, kill the supervisor midway, and count the acknowledged ones."""
    socket = (existing_home(data_dir) or data_dir) / "sock"
    password = (data_dir / "keys" / "postgres.password").read_text()
    connection = await asyncpg.connect(host=str(socket), user="postgres", password=password, database="tongli")
    await connection.execute("create table entry (number int)")
    acknowledged = 0
    try:
        for number in range(100_000):
            await connection.execute("insert into entry values ($1)", number)
            acknowledged += 1
            if number == 20:
                supervisor.kill()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        pass
    connection.terminate()
    return acknowledged


def test_kill_9_of_the_keeper_takes_the_server_along_and_start_brings_it_back(make: Make, open_dir: Path) -> None:
    postgres = make(open_dir)
    with postgres:
        assert postgres._keeper is not None
        server = postgres.server_pid
        assert server is not None
        postgres._keeper.kill()
        assert _within(5, lambda: not _alive(server))
        assert _within(1, lambda: not postgres.alive)
        postgres.start()
        assert postgres.server_pid not in {None, server}


async def test_a_killed_server_is_noticed_and_recovers(make: Make, open_dir: Path) -> None:
    postgres = make(open_dir)
    with postgres:
        await _value(postgres, "create table kept as select 42 as answer")
        assert postgres.server_pid is not None
        os.kill(postgres.server_pid, signal.SIGKILL)
        assert _within(5, lambda: not postgres.alive)
        postgres.start()
        assert await _value(postgres, "select answer from kept") == 42


def test_an_orphan_without_a_working_keeper_is_stopped_by_the_next_start(
    supervise: Callable[[Path], tuple[subprocess.Popen[str], int, int]],
    make: Make,
    open_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embedded_orphans, "PATIENCE", ((0.3, signal.SIGINT), (20.0, signal.SIGQUIT)))
    supervisor, keeper, server = supervise(open_dir)
    os.kill(keeper, signal.SIGSTOP)
    supervisor.kill()
    supervisor.wait()
    assert _alive(server)
    try:
        with make(open_dir) as postgres:
            assert postgres.server_pid != server
            assert not _alive(server)
    finally:
        os.kill(keeper, signal.SIGCONT)
    assert _within(5, lambda: not _alive(keeper))


def test_a_stale_pid_file_that_names_a_stranger_does_not_prevent_the_start(make: Make, open_dir: Path) -> None:
    postgres = make(open_dir)
    postgres.start()
    pid_file = open_dir / "postgres" / "data" / "postmaster.pid"
    content = pid_file.read_text()
    postgres.stop()
    with subprocess.Popen(["sleep", "30"], user=pid_file.parent.stat().st_uid) as stranger:
        pid_file.write_text(content.replace(content.splitlines()[0], str(stranger.pid), 1))
        with postgres:
            assert postgres.server_pid != stranger.pid
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("cluster_files_before_the_kill", [1, 300])
def test_an_initdb_killed_half_way_is_done_again(
    make: Make, open_dir: Path, cluster_files_before_the_kill: int
) -> None:
    supervisor = _supervisor(open_dir)
    home = open_dir / "postgres"
    assert _within(20, lambda: len(list(home.glob("data.unfinished-*/**/*"))) >= cluster_files_before_the_kill)
    supervisor.kill()
    supervisor.wait()
    assert supervisor.stdout is not None
    supervisor.stdout.close()
    assert not (home / "data").exists()
    postgres = make(open_dir)
    with postgres:
        postgres.create_database("reached")
    # The initdb that lost its Tongli may have written on for a moment; the next start has nothing left to meet.
    assert _within(10, lambda: not _initdb_in(home))
    with postgres:
        assert list(home.glob("data.unfinished-*")) == []


def _initdb_in(home: Path) -> bool:
    return any(str(home).encode() in line for line in _command_lines().values())


def test_a_second_tongli_on_the_same_data_directory_is_refused(make: Make, open_dir: Path) -> None:
    with make(open_dir) as first:
        with pytest.raises(EmbeddedError, match=rf"another Tongli \(process {os.getpid()}\)"):
            make(open_dir).start()
        assert first.alive
    make(open_dir).start()


def test_a_cluster_of_another_version_is_refused_by_name(make: Make, open_dir: Path) -> None:
    postgres = make(open_dir)
    with postgres:
        pass
    (open_dir / "postgres" / "data" / "PG_VERSION").write_text("14\n")
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 14"):
        postgres.start()


def test_a_server_that_cannot_start_says_why(make: Make, open_dir: Path) -> None:
    postgres = make(open_dir)
    with postgres:
        pass
    (open_dir / "postgres" / "data" / "postgresql.auto.conf").write_text("shared_preload_libraries = 'no_such'\n")
    with pytest.raises(EmbeddedError, match="no_such"):
        postgres.start()
    assert not postgres.alive


def test_closed_parent_directories_keep_their_permissions(make: Make, tmp_path: Path) -> None:
    closed = tmp_path / "home" / "checkout"
    closed.mkdir(parents=True)
    for folder in (closed.parent, closed):
        folder.chmod(0o700)
    watched = [*(closed / "data").parents, *Path(sys.executable).parents, *_wheel_parents()]
    before = {folder: folder.stat().st_mode for folder in watched}
    postgres = make(closed / "data")
    for _ in range(2):
        with postgres:
            postgres.create_database("reached")
    assert {folder: folder.stat().st_mode for folder in watched} == before


def _wheel_parents() -> list[Path]:
    return [] if BIN_DIR else list(wheel_folder().parents)


def test_a_path_too_long_for_a_socket_gets_a_private_folder_elsewhere(make: Make, open_dir: Path) -> None:
    open_dir.mkdir()
    postgres = make(open_dir / ("long" * 25))
    for _ in range(2):
        with postgres:
            folder = Path(postgres.superuser_dsn().host)
            assert len(bytes(folder)) < 86
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            postgres.create_database("reached")


def test_programs_the_account_cannot_reach_are_copied_not_opened(make: Make, tmp_path: Path) -> None:
    if os.geteuid() != 0 or BIN_DIR is not None:
        pytest.skip("only root changes to another account; only the wheel can be copied")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = wheel_folder().parent.parent
    for name in (package.name, f"{package.name}.libs"):
        subprocess.run(["cp", "-rl", str(package.with_name(name)), str(closed)], check=True)
    postgres = make(tmp_path / "data")
    postgres._bin_dir = closed / package.name / "pginstall18" / "bin"
    with postgres:
        assert postgres.alive
    home = existing_home(tmp_path / "data")
    assert home is not None
    assert (home / "software" / package.name / "pginstall18" / "bin" / "postgres").exists()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_discard_leaves_nothing(make: Make, tmp_path: Path) -> None:
    postgres = make(tmp_path / "data")
    postgres.start()
    home = existing_home(tmp_path / "data")
    assert home is not None
    postgres.discard()
    assert not home.exists()
    assert existing_home(tmp_path / "data") is None
