"""`./tongli audit-export` and `./tongli verify-audit`: what a partner runs with nothing but two files."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest

from actions.audit import erase_leaves, leave_mark
from cli.__main__ import main
from crypto.checkpoints import COSIGNATURE, SigningKey
from crypto.keys import Keyring
from db.transaction import open_transaction
from jobs.sealer import Log, seal
from rules.audit import stored_leaf
from rules.notes import Note, read_note
from tests.jobs.desk import LABOUR, UNION, Desk, open_desk

ROOT = Path(__file__).resolve().parents[2]


async def exported(file: Path, url: str) -> int:
    """The command on a database, in a thread: it runs a loop of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TONGLI_DATABASE_URL", url)
        return await asyncio.to_thread(main, ["audit-export", str(file)])


@dataclass(frozen=True, slots=True)
class Case:
    """A sealed log, the checkpoint somebody kept of it, and a place for exports."""

    desk: Desk
    log: Log
    held: Path
    export: Path

    async def grow(self, count: int = 5) -> None:
        async with open_transaction(self.desk.app, self.desk.callers[UNION], purpose="work") as tx:
            for _ in range(count):
                leave_mark(tx, "case.read_file", subject_type="case", subject_id=uuid4(), field_classes=("basic",))
        await seal(self.desk.jobs, self.log)

    async def write_export(self) -> None:

        assert await exported(self.export, self.desk.url) == 0

    def verify(self, *more: str) -> int:
        return main(["verify-audit", "--checkpoint", str(self.held), "--export", str(self.export), *more])

    async def note(self) -> Note:
        return read_note(
            await self.desk.behind.fetchval("SELECT note FROM audit_checkpoint ORDER BY size DESC LIMIT 1")
        )

    def lines(self) -> list[str]:
        return self.export.read_text(encoding="utf-8").splitlines()

    def rewrite(self, lines: list[str]) -> None:
        self.export.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@pytest.fixture
async def case(fresh_database: str, keyring: Keyring, tmp_path: Path) -> AsyncIterator[Case]:
    async with open_desk(fresh_database, keyring) as desk:
        log = Log.of(keyring, "http://127.0.0.1:8000", "sha256")
        made = Case(desk, log, tmp_path / "checkpoint", tmp_path / "export.jsonl")
        await made.grow(300)
        made.held.write_text((await made.note()).written, encoding="utf-8")
        await made.grow(20)
        await made.write_export()
        yield made


def log_key(case: Case) -> SigningKey:
    return case.log.keys(case.log.origin)[0]


async def test_an_old_checkpoint_and_the_export_are_all_it_needs(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    assert case.verify() == 0
    told = capsys.readouterr().out
    assert "VERIFIED: 127.0.0.1:8000/v1/audit still begins with the 300 entries" in told
    assert "320 entries" in told
    assert "not checked: no --key" in told
    assert "验证通过" in told
    assert case.verify("--key", log_key(case).verifier.text) == 0
    assert "signed by: 127.0.0.1:8000/v1/audit" in capsys.readouterr().out


async def test_the_verifier_stands_alone(case: Case) -> None:
    """No database, no server, no settings: not even their libraries are loaded."""
    script = (
        "import sys; from cli.__main__ import main; code = main(sys.argv[1:]);"
        "bad = {'asyncpg', 'sqlalchemy', 'fastapi', 'pydantic', 'settings', 'db', 'httpx'} & set(sys.modules);"
        "print(sorted(bad)); sys.exit(code or len(bad))"
    )
    words = ["verify-audit", "--checkpoint", str(case.held), "--export", str(case.export)]
    ended = await asyncio.to_thread(_alone, script, words)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def _alone(script: str, words: list[str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", script, *words]
    return subprocess.run(command, cwd=ROOT, env={}, check=False, capture_output=True, text=True)


async def test_the_export_shows_no_leaf(case: Case) -> None:
    assert len(case.lines()) == 321
    for line in case.lines()[1:]:
        assert set(json.loads(line)) == {"index", "algorithm", "commitment"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("cut", "the log is shorter"),
        ("turned", "the entries are not those the held checkpoint"),
        ("swapped", "out of order"),
        ("doubled", "out of order"),
        ("another log", "of another log"),
    ],
)
async def test_a_changed_export_does_not_verify(
    case: Case, change: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = case.lines()
    if change == "cut":
        lines = lines[:200]
    elif change == "turned":
        entry = json.loads(lines[100])
        lines[100] = json.dumps(entry | {"commitment": entry["commitment"][:-1] + "0"})
        if lines[100] == case.lines()[100]:
            lines[100] = json.dumps(entry | {"commitment": entry["commitment"][:-1] + "1"})
    elif change == "swapped":
        lines[100], lines[101] = lines[101], lines[100]
    elif change == "doubled":
        lines.insert(100, lines[100])
    else:
        lines[0] = lines[0].replace("127.0.0.1:8000/v1/audit", "elsewhere.example/v1/audit")
    case.rewrite(lines)
    assert case.verify() == 1
    told = capsys.readouterr().out
    assert said in told
    assert "验证失败" in told


async def test_what_came_after_the_checkpoint_is_held_to_the_exports_own(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = case.lines()
    entry = json.loads(lines[-1])
    case.rewrite([*lines[:-1], json.dumps(entry | {"commitment": "00" * 32})])
    assert case.verify() == 1
    assert "the export's own checkpoint" in capsys.readouterr().out


async def test_a_checkpoint_that_another_key_signed_is_refused(case: Case, keyring: Keyring) -> None:
    other = SigningKey.of_log(keyring, case.log.origin, 9).verifier.text
    assert case.verify("--key", other) == 1
    note = read_note(case.held.read_text(encoding="utf-8"))
    case.held.write_text(replace(note, text=note.text.replace("300", "299")).written, encoding="utf-8")
    assert case.verify("--key", log_key(case).verifier.text) == 1


async def test_a_witness_one_trusts_must_have_cosigned(case: Case, keyring: Keyring) -> None:
    witness = SigningKey("labour.example/w", COSIGNATURE, keyring.derive("a witness of this test"))
    assert case.verify("--witness-key", witness.verifier.text) == 1
    note = read_note(case.held.read_text(encoding="utf-8"))
    cosigned = replace(note, signatures=(*note.signatures, witness.cosign(note.text, 1_770_000_000)))
    case.held.write_text(cosigned.written, encoding="utf-8")
    keys = ("--key", log_key(case).verifier.text, "--witness-key", witness.verifier.text)
    assert case.verify(*keys) == 0


async def test_a_recorded_erasure_verifies_and_is_counted(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case_id = uuid4()
    async with open_transaction(case.desk.app, case.desk.callers[LABOUR]) as tx:
        leave_mark(tx, "case.read_file", subject_type="case", subject_id=case_id, case_id=case_id)
    await seal(case.desk.jobs, case.log)
    async with open_transaction(case.desk.app, case.desk.callers[LABOUR]) as tx:
        assert await erase_leaves(tx, case_id) == 1
    await seal(case.desk.jobs, case.log)
    await case.write_export()
    assert case.verify() == 0
    assert "1 opened, 1 erased" in capsys.readouterr().out
    case.rewrite([line for line in case.lines() if '"leaf"' not in line])
    assert case.verify() == 1
    assert "no leaf of the log vouches" in capsys.readouterr().out


async def test_ones_own_leaves_are_held_against_the_entries(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = await case.desk.behind.fetchrow(
        "SELECT l.*, e.index FROM audit_leaf l JOIN audit_entry e ON e.leaf_id = l.id WHERE e.index = 77"
    )
    assert row is not None

    own = {
        "index": 77,
        "algorithm": row["algorithm"],
        "commitment": row["commitment"].hex(),
        "salt": row["salt"].hex(),
        "leaf": stored_leaf(dict(row)),
    }
    file = tmp_path / "leaves.jsonl"
    file.write_text(json.dumps(own) + "\n", encoding="utf-8")
    assert case.verify("--leaves", str(file)) == 0
    assert "1 opened" in capsys.readouterr().out
    for changed in (own | {"index": 78}, own | {"index": 900}, own | {"leaf": {**own["leaf"], "purpose": "other"}}):
        file.write_text(json.dumps(changed) + "\n", encoding="utf-8")
        assert case.verify("--leaves", str(file)) == 1


@pytest.mark.parametrize("which", ["checkpoint", "export", "line", "missing", "key"])
async def test_a_file_that_is_not_what_it_should_be_is_unreadable(case: Case, which: str) -> None:
    more: tuple[str, ...] = ()
    if which == "checkpoint":
        case.held.write_text("no checkpoint\n", encoding="utf-8")
    elif which == "export":
        case.export.write_text('{"a": 1}\n', encoding="utf-8")
    elif which == "line":
        case.rewrite([*case.lines()[:5], '{"index": 4}'])
    elif which == "missing":
        case.export.unlink()
    else:
        more = ("--key", "no key")
    assert case.verify(*more) == 2


async def test_before_there_is_a_log_there_is_nothing_to_export(
    fresh_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:

    assert await exported(tmp_path / "x", fresh_database) == 1
    assert "no audit log has begun" in capsys.readouterr().err
