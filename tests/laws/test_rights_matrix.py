"""The rights model, the application and row security say the same of each operation, role, relation and field class."""

from collections.abc import AsyncIterator
from typing import cast

import pytest
from fastapi import FastAPI

import actions.access
import db.transaction
from api.spec import build_document
from crypto.vault import Vault
from db.embedded import EmbeddedPostgres
from rules.rights import OPERATIONS, Operation, Subject, Verdict, judge_part
from settings import Settings
from tests.laws.rights_matrix import CALLS, EXEMPT, ask, cells, foreign_rows, is_caught, mismatch, mutants
from tests.laws.rights_world import RightsWorld, without_row_security, world_of_rights

LEAST_CELLS = 20_000
LEAST_MUTANTS = 60


@pytest.fixture(scope="module")
async def world(
    cluster: EmbeddedPostgres, template: str, vault: Vault, settings: Settings
) -> AsyncIterator[RightsWorld]:
    async with world_of_rights(cluster, template, vault, settings) as built:
        yield built


def test_every_operation_of_the_document_is_in_the_model_and_the_matrix(app: FastAPI) -> None:
    """An operation that the model does not know cannot be served, so it must not be documented either."""
    asked = {
        operation["operationId"]
        for path in build_document(app)["paths"].values()
        for operation in path.values()
        if operation.get("security")
    }
    assert asked == set(OPERATIONS)
    assert set(CALLS) | set(EXEMPT) == set(OPERATIONS)


async def test_every_cell_is_as_the_model_says(world: RightsWorld) -> None:
    wrong, counted = [], 0
    for cell in cells(world):
        found = mismatch(world, cell, await ask(world, cell))
        counted += len(world.shown.marks) + 1  # the status, and each class
        if found is not None:
            wrong.append(str(found))
    assert wrong == []
    assert counted >= LEAST_CELLS


async def test_row_security_alone_shows_no_foreign_row(world: RightsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions.access, "judge_part", lambda *_: Verdict.allowed)
    monkeypatch.setattr(db.transaction, "judge_principal", lambda *_, **__: Verdict.allowed)
    foreign, asked = await foreign_rows(world)
    assert foreign == []
    assert asked > 1_000


async def test_the_application_alone_shows_no_foreign_row(world: RightsWorld) -> None:
    async with without_row_security(world):
        foreign, asked = await foreign_rows(world)
    assert foreign == []
    assert asked > 1_000


# Mutation: each check of the model taken away, one at a time


async def test_each_check_of_the_model_is_missed_when_it_is_taken_away(
    world: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    unnoticed, tried = [], 0
    for name, what, mutant in mutants():
        tried += 1
        with monkeypatch.context() as patched:
            patched.setitem(cast("dict[str, Operation]", OPERATIONS), name, mutant)
            if not await is_caught(world, name):
                unnoticed.append(f"{name} without its {what}")
    assert unnoticed == [], unnoticed[:5]
    assert tried >= LEAST_MUTANTS


@pytest.mark.parametrize(
    "subject",
    [
        *(Subject.case, Subject.referral, Subject.report, Subject.result, Subject.person_request),
        *(Subject.match_candidate, Subject.access_request, Subject.case_transfer, Subject.conference),
        *(Subject.letter, Subject.share_request, Subject.expected_adoption),
        *(Subject.alert, Subject.plan, Subject.plan_task),
        *(Subject.proposal, Subject.consultation),
    ],
)
async def test_the_hiding_of_things_is_missed_when_it_is_taken_away(
    world: RightsWorld, monkeypatch: pytest.MonkeyPatch, subject: Subject
) -> None:
    """With row security off, so that only the application hides."""
    real = judge_part

    def blind(asked: Subject, parts: frozenset[str], operation: Operation | None) -> Verdict:
        return Verdict.allowed if asked is subject else real(asked, parts, operation)

    monkeypatch.setattr(actions.access, "judge_part", blind)
    async with without_row_security(world):
        foreign, _ = await foreign_rows(world, subject)
    assert foreign != []
