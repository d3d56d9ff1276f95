"""The front door before and after anything is installed: usage, the stamp of a warm start, and the pins."""

import importlib.util
import os
import re
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest
from _pytest.monkeypatch import MonkeyPatch

from cli.__main__ import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def door(tmp_path: Path, monkeypatch: MonkeyPatch) -> ModuleType:
    """The bootstrap script as a module, looking at an empty checkout."""
    loader = SourceFileLoader("tongli_bootstrap", str(ROOT / "tongli"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    script = importlib.util.module_from_spec(spec)
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.exec_module(script)
    sys.dont_write_bytecode = written
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "PRIVATE", tmp_path / ".tongli")
    monkeypatch.delenv("UV_PROJECT_ENVIRONMENT", raising=False)
    (tmp_path / "uv.lock").write_text("version = 1\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    return script


def _pretend_installed(door: ModuleType, folder: Path) -> None:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "tongli-stamp").write_text(door.wanted_stamp())


def test_a_checkout_with_a_stamp_of_its_very_lock_is_prepared(door: ModuleType, tmp_path: Path) -> None:
    assert not door.is_prepared()
    _pretend_installed(door, tmp_path / ".venv")
    assert door.is_prepared()


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml"])
def test_a_changed_lock_or_project_file_asks_for_a_new_installation(
    door: ModuleType, tmp_path: Path, name: str
) -> None:
    _pretend_installed(door, tmp_path / ".venv")
    (tmp_path / name).write_text("changed = true\n")
    assert not door.is_prepared()


def test_the_stamp_tells_which_file_holds_what(door: ModuleType, tmp_path: Path) -> None:
    before = door.wanted_stamp()
    (tmp_path / "uv.lock").write_text("[project]\n")
    (tmp_path / "pyproject.toml").write_text("version = 1\n")
    assert door.wanted_stamp() != before


def test_an_environment_whose_interpreter_is_gone_is_not_prepared(door: ModuleType, tmp_path: Path) -> None:
    _pretend_installed(door, tmp_path / ".venv")
    (tmp_path / ".venv" / "bin" / "python").unlink()
    (tmp_path / ".venv" / "bin" / "python").symlink_to(tmp_path / "no-such-python")
    assert not door.is_prepared()


def test_uv_project_environment_moves_the_environment(
    door: ModuleType, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", str(tmp_path / "elsewhere"))
    _pretend_installed(door, tmp_path / "elsewhere")
    assert door.is_prepared()


def test_a_failed_installation_leaves_no_stamp(door: ModuleType, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    _pretend_installed(door, tmp_path / ".venv")
    (tmp_path / "uv.lock").write_text("version = 2\n")
    _put_on_path(tmp_path, "uv 0.13.9", exit_code=1, monkeypatch=monkeypatch)
    with pytest.raises(door.CannotStart):
        door.prepare()
    assert not (tmp_path / ".venv" / "tongli-stamp").exists()


def test_an_installation_is_recorded_and_not_repeated(
    door: ModuleType, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    calls = _put_on_path(tmp_path, "uv 0.13.9", exit_code=0, monkeypatch=monkeypatch)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    door.prepare()
    assert door.is_prepared()
    assert "sync --locked --all-extras" in calls.read_text()
    calls.unlink()
    door.prepare()
    assert not calls.exists()


@pytest.mark.parametrize(
    ("answer", "recent"),
    [("uv 0.13.9", True), ("uv 0.9.0 (abc 2025-01-01)", True), ("uv 0.4.30", False), ("pyenv: uv: not found", False)],
)
def test_only_a_uv_that_understands_the_lock_is_used_from_path(
    door: ModuleType, tmp_path: Path, monkeypatch: MonkeyPatch, answer: str, recent: bool
) -> None:
    _put_on_path(tmp_path, answer, exit_code=0, monkeypatch=monkeypatch)
    monkeypatch.setattr(door, "fetch_uv", lambda _folder: None)
    own = tmp_path / "path" / "uv"
    private = tmp_path / ".tongli" / "tools" / "uv-0.13.9" / "bin" / "uv"
    assert Path(door.find_uv()) == (own if recent else private)


def _put_on_path(tmp_path: Path, version: str, *, exit_code: int, monkeypatch: MonkeyPatch) -> Path:
    """A stand-in for the uv program that notes its calls."""
    folder = tmp_path / "path"
    folder.mkdir()
    program = folder / "uv"
    calls = tmp_path / "calls"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "{version}" && exit 0\necho "$@" >> "{calls}"\nexit {exit_code}\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return calls


@pytest.mark.parametrize("home", ["/nonexistent", "/proc"])
def test_without_a_usable_home_caches_stay_in_the_checkout(
    door: ModuleType, tmp_path: Path, monkeypatch: MonkeyPatch, home: str
) -> None:
    monkeypatch.setenv("HOME", home)
    monkeypatch.setattr(door.os, "access", lambda path, _mode: not str(path).startswith("/proc"))
    monkeypatch.delenv("UV_CACHE_DIR", raising=False)
    assert Path(door.tool_environment()["UV_CACHE_DIR"]).is_relative_to(tmp_path / ".tongli")


def test_a_cache_named_by_the_caller_is_respected(door: ModuleType, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setenv("UV_CACHE_DIR", "/var/cache/uv")
    assert door.tool_environment()["UV_CACHE_DIR"] == "/var/cache/uv"


def test_the_certificates_given_to_pip_count_for_uv_too(
    door: ModuleType, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "ca.pem").write_text("")
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "ca.pem"))
    assert door.tool_environment()["SSL_CERT_FILE"] == str(tmp_path / "ca.pem")
    monkeypatch.setenv("UV_SYSTEM_CERTS", "true")
    assert "SSL_CERT_FILE" not in door.tool_environment()


def test_the_pinned_uv_carries_a_hash_for_every_platform(door: ModuleType) -> None:
    requirement = door.uv_requirement()
    assert requirement.startswith(f"uv=={door.UV_VERSION} ")
    assert len(set(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", requirement))) == len(door.UV_HASHES) == 7


def _front_door(*words: str) -> subprocess.CompletedProcess[str]:
    """The script itself, by an interpreter that sees none of our packages."""
    command = [sys.executable, "-I", "-S", str(ROOT / "tongli"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


def test_usage_needs_nothing_installed_and_lists_every_command() -> None:
    shown = _front_door("--help")
    assert shown.returncode == 0
    assert [line.split()[0] for line in shown.stdout.splitlines() if line.startswith("  ")] == list(COMMANDS)
    assert _front_door().returncode == 2


def test_an_unknown_command_is_refused_before_anything_is_installed() -> None:
    refused = _front_door("sevre", "--port", "1")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "no such command: sevre (did you mean serve?)" in refused.stderr
    assert "usage: ./tongli" in refused.stderr


def test_no_process_loads_a_dictionary_of_phrases_the_linker_never_asks() -> None:
    """It is 40 MB; whoever imports pypinyin through a command must find it switched off."""
    program = "from cli.__main__ import main; main(['--help']); import rules.linkage.sounds, pypinyin.constants as c; "
    program += "print(len(c.PHRASES_DICT), rules.linkage.sounds.sound_of('重'))"
    environment = {name: value for name, value in os.environ.items() if name != "PYPINYIN_NO_PHRASES"}
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    assert ran.stdout.splitlines()[-1] == "0 zhong"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_in_the_table_exists(name: str) -> None:
    assert importlib.util.find_spec(COMMANDS[name].module) is not None


def test_settings_show_values_in_force_and_no_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setenv("TONGLI_PORT", "8123")
    monkeypatch.setenv("TONGLI_DATABASE_URL", "postgresql://owner:sesame@db/tongli")
    monkeypatch.setenv("TONGLI_KEYS", '{"sesame": 1}')
    assert main(["settings"]) == 0
    shown = capsys.readouterr().out
    assert "TONGLI_PORT  whole number\n    = 8123 (default 8000)\n" in shown
    assert "TONGLI_DATABASE_URL  text\n    = set (default not set)\n" in shown
    assert "sesame" not in shown


def test_refused_settings_are_named_without_their_value(
    capsys: pytest.CaptureFixture[str], monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setenv("TONGLI_PORT", "sesame")
    assert main(["settings"]) == 1
    shown = capsys.readouterr()
    assert "TONGLI_PORT" in shown.err
    assert "sesame" not in shown.out + shown.err
