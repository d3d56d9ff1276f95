"""One installation on the national algorithms alone: SM4-GCM fields, HMAC-SM3 indexes, SM3 leaves and SM3 tree."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from cryptography.hazmat.primitives.hashes import SM3, Hash

from cli.__main__ import main
from crypto.keys import Keyring, KeySet, SymmetricKey, generate_keyring
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.engine import UnfitDatabase, check_audit_hash, open_database
from db.operator import leave_operator_mark, open_operator_transaction
from jobs.sealer import Log, seal
from settings import Settings
from tests.actions.instances import Instance, instance_on, superuser
from tests.actions.story import refer, step
from tests.builders import report_body
from tests.cli.test_verify_audit import exported


@pytest.fixture
def national(keyring: Keyring) -> Keyring:
    """The session's root, with which its roles log in, and national keys for everything that is stored."""
    drawn = generate_keyring()
    field = SymmetricKey("f-sm4", "SM4GCM", drawn.field.current_key.secret[:16])
    blind = SymmetricKey("b-sm3", "HSM3", drawn.blind.current_key.secret)
    return replace(keyring, field=_alone(field), blind=_alone(blind))


def _alone(key: SymmetricKey) -> KeySet:
    return KeySet(key.key_id, MappingProxyType({key.key_id: key}))


@pytest.fixture
async def instance(fresh_database: str, national: Keyring, settings: Settings) -> AsyncIterator[Instance]:
    url = role_url(fresh_database, names.APP, national)
    database = open_database(url, vault=Vault.of(national), audit_hash="sm3")
    async with instance_on(database, fresh_database, settings) as opened:
        yield opened
    await database.close()


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_is_the_hash_of_gb_t_32905_2016_appendix_a(message: bytes, digest: str) -> None:
    context = Hash(SM3())
    context.update(message)
    assert context.finalize().hex() == digest


async def test_report_accept_read_seal_verify_on_national_algorithms(
    instance: Instance, national: Keyring, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    union, labour = await instance.api("DEMO-340802-UNION"), await instance.api("DEMO-340802-LABOUR")
    body = report_body()
    filed = (await union.post("/v1/reports", body)).json()
    again = (await labour.post("/v1/reports", report_body(person=body["person"]))).json()
    assert again["case"]["id"] == filed["case"]["id"], "linked by the HMAC-SM3 index"
    await step(labour, await refer(union, filed["case"]["id"], labour), "accept")
    shown = await union.get(f"/v1/reports/{filed['id']}", purpose="assistance")
    assert body["person"]["name"] in shown.text
    vault = Vault.of(national)
    jobs = open_database(role_url(instance.admin_url, names.JOBS, national), vault=vault, pool_size=1)
    assert await seal(jobs, Log.of(national, "http://127.0.0.1:8000", "sm3"))
    async with open_operator_transaction(instance.admin_url) as raw:
        await leave_operator_mark(raw, union.id, "client.open", subject=("client", union.id), facts={})
    assert await seal(jobs, Log.of(national, "http://127.0.0.1:8000", "sm3")) == 1
    await jobs.close()
    note = (await union.get("/v1/audit/checkpoint")).text
    assert note.startswith("127.0.0.1:8000/v1/audit/sm3\n")
    assert "\nhash sm3; not tlog-tiles conformant\n" in note
    async with superuser(instance.admin_url) as behind:
        assert {row[0] for row in await behind.fetch("SELECT DISTINCT algorithm FROM audit_leaf")} == {
            "sm3-salted-json-1"
        }
        sealed = await behind.fetchval("SELECT id_number FROM person_record WHERE id_number IS NOT NULL LIMIT 1")
    assert sealed[1] == 2, "the algorithm's id in the seal: SM4-GCM"
    held, export = tmp_path / "held", tmp_path / "export"
    held.write_text(note, encoding="utf-8")
    assert await exported(export, instance.admin_url) == 0
    assert main(["verify-audit", "--checkpoint", str(held), "--export", str(export)]) == 0
    assert "VERIFIED" in capsys.readouterr().out


async def test_a_log_begun_with_one_hash_refuses_the_other(fresh_database: str, keyring: Keyring) -> None:
    jobs = open_database(role_url(fresh_database, names.JOBS, keyring), vault=Vault.of(keyring), pool_size=1)
    await seal(jobs, Log.of(keyring, "http://127.0.0.1:8000", "sm3"))
    with pytest.raises(UnfitDatabase, match="TONGLI_AUDIT_HASH=sm3"):
        await seal(jobs, Log.of(keyring, "http://127.0.0.1:8000", "sha256"))
    with pytest.raises(UnfitDatabase, match="不能更改"):
        await check_audit_hash(jobs)
    await check_audit_hash(replace(jobs, audit_hash="sm3"))
    await jobs.close()
