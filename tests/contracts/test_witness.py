"""The witness that the text for integrators describes works as printed, and notices a log that was changed."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from runpy import run_path
from typing import Any

import httpx
import pytest

from bench.trust_tamper import add_leaves
from cli.__main__ import main
from crypto.keys import Keyring
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.engine import Database, open_database
from jobs.sealer import Log, seal
from settings import Settings
from tests.actions.instances import Instance, instance_on, superuser
from tests.builders import Api

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "docs" / "integrators" / "witness.py"


@pytest.fixture
async def instance(fresh_database: str, keyring: Keyring, vault: Vault, settings: Settings) -> AsyncIterator[Instance]:
    database = open_database(role_url(fresh_database, names.APP, keyring), vault=vault)
    async with instance_on(database, fresh_database, settings) as opened:
        yield opened
    await database.close()


@pytest.fixture
async def jobs(fresh_database: str, keyring: Keyring, vault: Vault) -> AsyncIterator[Database]:
    opened = open_database(role_url(fresh_database, names.JOBS, keyring), vault=vault, pool_size=1)
    yield opened
    await opened.close()


async def test_an_export_written_from_the_bundles_verifies(
    instance: Instance, jobs: Database, keyring: Keyring, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing of it comes from the operator but what the log serves."""
    script, labour = run_path(str(SCRIPT)), await instance.api("DEMO-340802-LABOUR")
    looking = Looking(labour, asyncio.get_running_loop())
    async with superuser(instance.admin_url) as behind:
        for count in (300, 250):
            await add_leaves(behind, count)
            await seal(jobs, Log.of(keyring, "http://127.0.0.1:8000", "sha256"))
    held, export = tmp_path / "held", tmp_path / "export"
    held.write_text((await labour.get("/v1/audit/checkpoints/300")).text, encoding="utf-8")
    assert await asyncio.to_thread(script["export"], looking.get, looking.get_bytes, export) == 550
    assert main(["verify-audit", "--checkpoint", str(held), "--export", str(export)]) == 0
    assert "550 entries" in capsys.readouterr().out
    assert script["thousands"](1234067) == [1, 234, 67]


class Looking:
    """The script's two callables, which wait for the test's event loop from a thread of their own."""

    def __init__(self, api: Api, loop: asyncio.AbstractEventLoop) -> None:
        self._api, self._loop = api, loop

    def get(self, path: str) -> str:
        return self._answer(self._api.get(path))

    def get_bytes(self, path: str) -> bytes:
        return self._request(self._api.get(path)).content

    def post(self, path: str, body: dict[str, str]) -> str:
        return self._answer(self._api.post(path, body))

    def _answer(self, request: Any) -> str:
        return self._request(request).text

    def _request(self, request: Any) -> httpx.Response:
        answer: httpx.Response = asyncio.run_coroutine_threadsafe(request, self._loop).result(20)
        assert answer.status_code < 300, answer.text
        return answer


async def test_the_witness_of_the_text_cosigns_what_grew_and_refuses_what_changed(
    instance: Instance, jobs: Database, keyring: Keyring, tmp_path: Path
) -> None:
    script = run_path(str(SCRIPT))
    witness = script["Witness"]("labour.example/witness", keyring.derive("a key of the text"), tmp_path / "state")
    labour = await instance.api("DEMO-340802-LABOUR")
    log = Log.of(keyring, "http://127.0.0.1:8000", "sha256")
    assert (await labour.post("/v1/audit/witnesses", {"key": witness.vkey})).status_code == 201
    looking = Looking(labour, asyncio.get_running_loop())
    async with superuser(instance.admin_url) as behind:
        for count in (0, 70, 300, 1):
            await add_leaves(behind, count)
            await seal(jobs, log)
            note = await asyncio.to_thread(witness.look, looking.get, looking.post)
            cosigned = (await labour.get(f"/v1/audit/checkpoints/{note.splitlines()[1]}")).text
            assert "\n\u2014 labour.example/witness " in cosigned
        await behind.execute("TRUNCATE audit_entry, audit_tile, audit_checkpoint CASCADE")
        await add_leaves(behind, 2_000)
        await seal(jobs, log)
    with pytest.raises(script["LogChanged"], match="are not what they were"):
        await asyncio.to_thread(witness.look, looking.get, looking.post)


@pytest.mark.parametrize("size", range(1, 40))
def test_its_arithmetic_is_ours(size: int) -> None:
    from tests.rules.test_merkle import entries_of, mth, subproof  # noqa: PLC0415  its second opinion is ours too

    only_grew = run_path(str(SCRIPT))["only_grew"]
    entries = entries_of(40)
    proof = subproof(size, entries, True)
    old, new = (size, mth(entries[:size])), (40, mth(entries))
    assert only_grew(old, new, proof)
    if size < 40:
        turned = [*proof[:-1], bytes(32)]
        assert not only_grew(old, new, turned)
    assert not only_grew((size, base64.b64decode("AA==") * 32), new, proof)
