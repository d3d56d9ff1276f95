"""The authorization matrix in full: every operation × role × relation × state, each field class of each answer, either
wall alone, and every check of the model taken away once. The same cells as tests/laws/test_rights_matrix.py.
"""

import argparse
import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from cli.demo_province import prepare_demo_province
from crypto.keys import generate_keyring
from crypto.vault import Vault
from db.bootstrap import prepare_roles
from db.embedded import EmbeddedPostgres
from db.migration import upgrade
from db.reference_data import load_reference_data
from logs import configure_logging
from rules.rights import OPERATIONS, Operation, Verdict
from settings import Settings
from tests.laws.rights_matrix import ask, cells, foreign_rows, is_caught, mismatch, mutants
from tests.laws.rights_world import RightsWorld, without_row_security, world_of_rights

HELP = "the authorization matrix"
URL = "http://127.0.0.1:8000"


async def measure(*, mutants: bool = True) -> dict[str, Any]:
    """Cells, mismatches, foreign rows behind either wall alone, and mutants caught."""
    async with _world() as world:
        figures = await _compared(world) | await _either_wall(world)
        return figures | (await _mutated(world) if mutants else {})


async def _compared(world: RightsWorld) -> dict[str, Any]:
    requests = wrong = 0
    for cell in cells(world):
        requests += 1
        wrong += mismatch(world, cell, await ask(world, cell)) is not None
    classes = len(world.shown.marks)
    return {
        "operations": len(OPERATIONS),
        "principals": len(world.principals),
        "requests": requests,
        "cells": requests * (classes + 1),
        "mismatches": wrong,
    }


async def _either_wall(world: RightsWorld) -> dict[str, Any]:
    """Application checks off, then row security off: requests about things of others, and rows of others shown."""
    with (
        patch("actions.access.judge_part", lambda *_: Verdict.allowed),
        patch("db.transaction.judge_principal", lambda *_, **__: Verdict.allowed),
    ):
        below, asked = await foreign_rows(world)
    async with without_row_security(world):
        above, _ = await foreign_rows(world)
    return {"foreign": {"asked": asked, "by_row_security_alone": len(below), "by_application_alone": len(above)}}


async def _mutated(world: RightsWorld) -> dict[str, Any]:
    tried = caught = 0
    for name, _, mutant in mutants():
        with patch.dict(cast("dict[str, Operation]", OPERATIONS), {name: mutant}):
            tried, caught = tried + 1, caught + await is_caught(world, name)
    return {"mutants": {"tried": tried, "caught": caught}}


@asynccontextmanager
async def _world() -> AsyncIterator[RightsWorld]:
    """The matrix's world on an embedded PostgreSQL of its own."""
    configure_logging("ERROR", "json")
    folder = Path(tempfile.mkdtemp(prefix="tongli-matrix-"))
    postgres = EmbeddedPostgres(folder, fast_and_unsafe=True)
    postgres.start()
    try:
        keyring = generate_keyring()
        postgres.create_database("template")
        url = postgres.superuser_dsn("template").url()
        await prepare_roles(url, keyring)
        await asyncio.to_thread(upgrade, url)
        await load_reference_data(url)
        await prepare_demo_province(url, file=folder / "demo" / "credentials.json", public_url=URL)
        settings = Settings(
            env="development", public_url=URL, rate_limit_per_minute=100_000_000, rate_limit_burst=10_000_000
        )
        async with world_of_rights(postgres, "template", Vault.of(keyring), settings) as world:
            yield world
    finally:
        postgres.discard()
        shutil.rmtree(folder, ignore_errors=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    figures = asyncio.run(measure())
    print(json.dumps(figures, indent=None if arguments.json else 2))
    return 0
