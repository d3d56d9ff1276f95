"""The linkage bench measures the linker that runs: end to end on few reports; what it loads is what an intake keeps."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg

from bench import linkage_people
from bench.linkage_agencies import add_agencies, directory_of
from bench.linkage_feed import Fed, feed
from bench.linkage_rows import written_of
from bench.linkage_score import lines
from crypto.keys import Keyring
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.engine import open_database
from db.queries import divisions
from db.transaction import open_transaction
from rules.linkage.features import decode
from rules.linkage.reading import read_features

ROOT = Path(__file__).resolve().parent.parent.parent
REPORTS = 150
BACKGROUND, PROBES = 300, 20


def bench(*words: object) -> int:
    """`./tongli bench linkage`, as a process of its own; returns how it ended."""
    command = [sys.executable, "-m", "cli", "bench", "linkage", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, check=False, timeout=300, stdout=subprocess.DEVNULL).returncode


def test_the_bench_files_scores_tries_the_laws_and_measures_at_scale(tmp_path: Path) -> None:
    linkage_people.main(["--reports", str(REPORTS), "--seed", "1", "--out", str(tmp_path)])
    written = tmp_path / "figures.json"
    files = ("--reports", tmp_path / "reports.ndjson", "--truth", tmp_path / "truth.ndjson")
    ended = bench(*files, "--at-scale", BACKGROUND, "--probes", PROBES, "--json", written)
    figures: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    assert (figures["reports"], figures["refused"]) == (REPORTS, {})
    assert figures["automatic"]["precision"] > 0.9
    assert figures["automatic"]["recall"] > 0.8
    assert figures["after_review"]["recall"] >= figures["automatic"]["recall"]
    assert {name: law["holds"] for name, law in figures["laws"].items()} == dict.fromkeys(figures["laws"], True)
    assert figures["laws"]["terms_sum_to_the_weight"]["explanations"] > 0
    scale = figures["at_scale"]
    assert (scale["records"], scale["probes"], scale["refused"]) == (BACKGROUND, PROBES, {})
    assert scale["of_known_persons_linked_rightly"] > scale["of_known_persons"] / 2
    assert (ended == 0) == all(bar["holds"] for bar in figures["bars"].values())


def test_a_bench_without_files_says_what_it_needs() -> None:
    assert bench() == 2


async def test_the_background_is_read_as_the_intake_reads(
    fresh_database: str, keyring: Keyring, vault: Vault, tmp_path: Path
) -> None:
    words = ["--reports", "60", "--seed", "5", "--spellings", "0.3", "--error-scale", "3", "--out", str(tmp_path)]
    linkage_people.main(words)
    rows = lines(tmp_path / "reports.ndjson")
    directory, fed = directory_of(row["division_code"] for row in rows if row["division_code"]), Fed()
    raw = await asyncpg.connect(fresh_database)
    database = open_database(role_url(fresh_database, names.APP, keyring), vault=vault)
    try:
        await add_agencies(raw, directory)
        await feed(database, directory, rows, fed)
        async with open_transaction(database, directory.top.caller) as tx:
            places = await divisions.places(tx)
        for row in rows:
            kept = await raw.fetchrow(
                "SELECT record_id, features FROM link_feature WHERE record_id ="
                " (SELECT id FROM person_record WHERE report_id = $1 ORDER BY id LIMIT 1)",
                fed.reports[row["report_id"]],
            )
            assert kept is not None
            intake = decode(vault.cipher.open_bytes(kept["features"], f"link_feature:{kept['record_id']}"))
            assert read_features(written_of(row), places) == intake, row
    finally:
        await database.close()
        await raw.close()
