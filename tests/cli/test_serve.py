"""`./tongli serve` as somebody at a keyboard meets it: real processes, real signals, a real database."""

import base64
import http.client
import json
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from crypto.keys import Keyring, render_keyring
from db import names
from db.bootstrap import role_url
from db.embedded import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@dataclass(slots=True)
class Served:
    """A running service. `said` is what it printed on standard output until it was ready."""

    process: subprocess.Popen[str]
    url: str
    said: str

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        return self._ask("GET", path, None, headers)

    def post_form(self, path: str, form: Mapping[str, str], **headers: str) -> tuple[int, Any]:
        headers = {**headers, "content-type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, urlencode(form), headers)

    def end(self, number: signal.Signals) -> int:
        """Send the signal to the process alone, as `kill` does; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def _ask(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> tuple[int, Any]:
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=20)
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, json.loads(content)


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """Not below a closed directory: where the tests run as root, PostgreSQL runs as somebody else."""
    folder = Path(tempfile.gettempdir()) / f"tongli-serve-{secrets.token_hex(4)}"
    yield folder
    EmbeddedPostgres(folder).discard()
    shutil.rmtree(folder, ignore_errors=True)


def _environment(**settings: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("TONGLI_")}
    return {**plain, "PYTHONPATH": str(ROOT), **settings}


def _command(*words: str) -> list[str]:
    return [sys.executable, "-P", "-m", "cli", *words]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts a service on a free port and waits until it says that it is ready; ends what a test left running."""
    running: list[subprocess.Popen[str]] = []

    def started(data_dir: Path, **settings: str) -> Served:
        log = (tmp_path / "stderr.txt").open("a+")
        process = subprocess.Popen(
            _command("serve", "--port", "0", "--data-dir", str(data_dir)),
            env=_environment(**settings),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "stop with Ctrl-C" in line:
                break
        found = re.search(r"ready at (http://\S+)", said)
        assert found, (tmp_path / "stderr.txt").read_text()
        return Served(process, found[1], said)

    yield started
    for process in running:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE_SECONDS)
        assert process.stdout is not None
        process.stdout.close()


def _refused(*words: str, **settings: str) -> str:
    return _refused_by("serve", *words, **settings)


def _refused_by(*words: str, **settings: str) -> str:
    ended = subprocess.run(
        _command(*words), env=_environment(**settings), capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    return ended.stderr


def _left_over(data_dir: Path) -> list[str]:
    """Command lines of processes that name the data directory, in their arguments or their environment."""
    wanted, found = str(data_dir).encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
            if wanted in words or wanted in (process / "environ").read_bytes():
                found.append(words.decode().replace("\0", " "))
        except OSError:
            continue
    return found


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not condition():
        time.sleep(0.05)
    return condition()


@linux
def test_a_first_start_serves_with_demo_credentials_and_stops_cleanly(
    data_dir: Path, start: Callable[..., Served]
) -> None:
    served = start(data_dir)
    file = data_dir / "demo" / "credentials.json"
    assert f"{served.url}/docs" in served.said
    assert str(file) in served.said
    assert served.get("/healthz")[0] == 200
    assert served.get("/readyz")[0] == 200
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((data_dir / "keys" / "keyring.json").stat().st_mode) == 0o600
    entries = json.loads(file.read_text())
    assert len({entry["agency_kind"] for entry in entries}) >= 12
    assert {entry["issuer"] for entry in entries} == {served.url}
    assert _sign_in(served, entries[0]) == 200
    assert "another Tongli" in _refused("--port", "0", "--data-dir", str(data_dir))
    _create_agency(data_dir)
    assert served.end(signal.SIGTERM) == 0
    assert _left_over(data_dir) == []
    assert "database system is shut down" in (data_dir / "postgres.log").read_text()


@linux
def test_after_kill_9_nothing_is_left_and_the_next_start_recovers(data_dir: Path, start: Callable[..., Served]) -> None:
    served = start(data_dir)
    credentials = (data_dir / "demo" / "credentials.json").read_text()
    assert served.end(signal.SIGKILL) == -signal.SIGKILL
    assert _within(30, lambda: _left_over(data_dir) == []), _left_over(data_dir)
    again = start(data_dir)
    entry = json.loads((data_dir / "demo" / "credentials.json").read_text())[0]
    assert entry["client_secret"] == json.loads(credentials)[0]["client_secret"]
    assert entry["issuer"] == again.url
    assert _sign_in(again, entry) == 200
    assert again.end(signal.SIGINT) == 0


@linux
def test_a_signal_while_everything_is_still_starting_ends_it_at_once(data_dir: Path) -> None:
    process = subprocess.Popen(
        _command("serve", "--port", "0", "--data-dir", str(data_dir)), env=_environment(), stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    with process.stderr as said:
        said.readline()
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
    assert _within(10, lambda: _left_over(data_dir) == [])


@linux
def test_it_serves_on_a_database_that_is_already_there(tmp_path: Path, start: Callable[..., Served]) -> None:
    """One that keeps what it acknowledges: the one of the other tests is refused, see below."""
    place = Path(tempfile.mkdtemp(prefix="tongli-"))
    folder = tmp_path / "data"
    with EmbeddedPostgres(place) as postgres:
        postgres.create_database("province")
        served = start(folder, TONGLI_DATABASE_URL=postgres.superuser_dsn("province").url())
        assert _sign_in(served, json.loads((folder / "demo" / "credentials.json").read_text())[0]) == 200
        assert not (folder / "postgres").exists()
        for child in _children_of(served.process.pid):
            assert "TONGLI_DATABASE_URL" not in (Path("/proc") / child / "environ").read_text()
        assert served.end(signal.SIGTERM) == 0
    postgres.discard()
    shutil.rmtree(place)


def test_the_api_refuses_a_login_for_which_row_security_does_not_hold(admin_url: str, keyring: Keyring) -> None:
    said = _refused_by("api", TONGLI_APP_DATABASE_URL=admin_url, TONGLI_KEYS=render_keyring(keyring))
    assert "is a superuser: log in as tongli_app" in said


def test_the_jobs_refuse_a_login_for_which_row_security_does_not_hold(admin_url: str, keyring: Keyring) -> None:
    own, keys = role_url(admin_url, names.APP, keyring), render_keyring(keyring)
    said = _refused_by("jobs", TONGLI_JOBS_DATABASE_URL=admin_url, TONGLI_APP_DATABASE_URL=own, TONGLI_KEYS=keys)
    assert "is a superuser" in said


def test_the_jobs_refuse_such_a_login_for_what_partners_ask_too(admin_url: str, keyring: Keyring) -> None:
    own, keys = role_url(admin_url, names.JOBS, keyring), render_keyring(keyring)
    said = _refused_by("jobs", TONGLI_JOBS_DATABASE_URL=own, TONGLI_APP_DATABASE_URL=admin_url, TONGLI_KEYS=keys)
    assert "is a superuser" in said


def test_the_api_refuses_a_server_that_may_forget_what_it_acknowledged(admin_url: str, keyring: Keyring) -> None:
    own = role_url(admin_url, names.APP, keyring)
    assert "fsync is off" in _refused_by("api", TONGLI_APP_DATABASE_URL=own, TONGLI_KEYS=render_keyring(keyring))


def test_the_api_alone_says_which_url_it_misses() -> None:
    assert "TONGLI_APP_DATABASE_URL" in _refused_by("api")


def test_production_refuses_the_embedded_database(tmp_path: Path) -> None:
    said = _refused("--data-dir", str(tmp_path / "data"), TONGLI_ENV="production", TONGLI_KEYS="x")
    assert "TONGLI_DATABASE_URL is required in production" in said
    assert not (tmp_path / "data").exists()


def test_a_port_in_use_is_said_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = _refused("--port", port, "--data-dir", str(tmp_path / "data"))
    assert f"port {port}" in said
    assert "--port" in said
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"TONGLI_DB_POOL_SIZE": "many"}, "TONGLI_DB_POOL_SIZE"),
        ({"TONGLI_APP_DATABASE_URL": "postgresql://tongli_app@/x"}, "TONGLI_DATABASE_URL"),
        ({"TONGLI_KEYS": '{"version": 1}'}, "keyring"),
        ({"TONGLI_KEYS_FILE": "/nowhere/keys.json"}, "TONGLI_KEYS_FILE"),
        ({"TONGLI_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, "cannot reach"),
        ({"TONGLI_DATABASE_URL": "mysql://x@127.0.0.1:1/x"}, "postgresql://"),
    ],
)
def test_a_faulty_setting_is_named(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    assert said in _refused("--port", "0", "--data-dir", str(tmp_path / "data"), **settings)


def _sign_in(served: Served, entry: Mapping[str, Any]) -> int:
    login = base64.b64encode(f"{entry['client_id']}:{entry['client_secret']}".encode()).decode()
    form = {"grant_type": "client_credentials"}
    return served.post_form("/oauth/token", form, authorization=f"Basic {login}")[0]


def _create_agency(data_dir: Path) -> None:
    """While the service runs: the command finds its database."""
    words = ["--code", f"X-{secrets.token_hex(4)}", "--name", "某工会", "--kind", "union", "--level", "county"]
    made = subprocess.run(
        _command("admin", "--data-dir", str(data_dir), "create-agency", *words, "--division", "990102"),
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["agency_code"] == words[1]


def _children_of(pid: int) -> list[str]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert found
    return found
