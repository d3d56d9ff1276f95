"""Whoever changes the log as database superuser is found out by a verifier that holds nothing but an old checkpoint.

The short form; `python -m bench.trust_tamper` is the full one: 500 trials among 100,000 leaves.
"""

from pathlib import Path

import pytest

from bench.trust_tamper import TAMPERINGS, add_leaves, is_detected, run_trials
from cli.__main__ import main
from crypto.keys import Keyring
from jobs.sealer import Log, seal
from tests.jobs.desk import Desk, open_desk

LEAVES, TRIALS = 5_000, 60


async def test_every_tampering_is_detected_by_who_holds_a_checkpoint(fresh_database: str, keyring: Keyring) -> None:
    async with open_desk(fresh_database, keyring) as desk:
        await add_leaves(desk.behind, LEAVES)
        await _seal(desk, keyring)
        figures = await run_trials(desk.behind, keyring, TRIALS)
    assert (figures["leaves"], figures["trials"], figures["detected"]) == (LEAVES, TRIALS, TRIALS), figures["by_kind"]
    assert set(figures["by_kind"]) == {tampering.__name__ for tampering in TAMPERINGS}


async def test_an_old_checkpoint_still_verifies_when_the_log_has_grown_and_leaves_were_erased(
    fresh_database: str, keyring: Keyring
) -> None:
    """Growth and recorded erasure are no tampering; an unrecorded one is."""
    async with open_desk(fresh_database, keyring) as desk:
        await add_leaves(desk.behind, 600)
        await _seal(desk, keyring)
        held = await desk.behind.fetchval("SELECT note FROM audit_checkpoint ORDER BY size DESC LIMIT 1")
        await add_leaves(desk.behind, 300)
        await _seal(desk, keyring)
        assert not await is_detected(desk.behind, held)
        await desk.behind.execute(
            "UPDATE audit_leaf SET salt = NULL, facts = '{}', erased_at = now() "
            " WHERE id = (SELECT leaf_id FROM audit_entry WHERE index = 7)"
        )
        assert await is_detected(desk.behind, held)


async def test_a_log_cannot_be_replaced_by_another_of_the_same_size(fresh_database: str, keyring: Keyring) -> None:
    """A fork: all of it new, signed with the log's own key."""
    async with open_desk(fresh_database, keyring) as desk:
        await add_leaves(desk.behind, 300)
        await _seal(desk, keyring)
        held = await desk.behind.fetchval("SELECT note FROM audit_checkpoint ORDER BY size DESC LIMIT 1")
        await desk.behind.execute("TRUNCATE audit_leaf, audit_entry, audit_tile, audit_checkpoint CASCADE")
        await add_leaves(desk.behind, 300)
        await _seal(desk, keyring)
        assert await desk.behind.fetchval("SELECT max(size) FROM audit_checkpoint") == 300
        assert await is_detected(desk.behind, held)


async def _seal(desk: Desk, keyring: Keyring) -> None:
    while await seal(desk.jobs, Log.of(keyring, "http://127.0.0.1:8000", "sha256")):
        pass


@pytest.mark.parametrize("word", ["verify-audit", "audit-export"])
def test_the_commands_explain_themselves(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([word, "--help"])
    assert left.value.code == 0
    assert Path(capsys.readouterr().out.split()[1]).name == "tongli"
