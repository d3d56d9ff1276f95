"""The rights model, the application and row security say the same of each operation, role, relation and field class."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import cast

import pytest
from fastapi import FastAPI

import actions.access
import db.transaction
from api.spec import build_document
from crypto.vault import Vault
from db.embedded import EmbeddedPostgres
from rules.rights import EVERYBODY, OPERATIONS, SEEING_PARTS, Operation, Subject, Verdict, judge_part
from settings import Settings
from tests.laws.rights_matrix import CALLS, EXEMPT, NOBODYS, Cell, ask, cells, mismatch, shown_classes
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


def _strangers(world: RightsWorld, of: Subject | None) -> Iterator[Cell]:
    """Requests for things, of one subject or of all, in which the asking agency has no part at all."""
    for cell in cells(world):
        subject = OPERATIONS[cell.operation].subject
        if of is not None and subject is not of:
            continue
        if (
            cell.thing is None
            or cell.thing in NOBODYS
            or subject.value in ("public", "agency")
            or cell.without_scope
            or cell.without_purpose
        ):
            continue
        if not SEEING_PARTS[subject].intersection(world.parts(cell.thing, cell.principal)):
            yield cell


async def _foreign_rows(world: RightsWorld, of: Subject | None = None) -> tuple[list[str], int]:
    foreign, asked = [], 0
    for cell in _strangers(world, of):
        answer = await ask(world, cell)
        asked += 1
        if answer.status_code not in (403, 404) or shown_classes(world, answer):
            foreign.append(f"{cell.operation}({cell.thing}) by {cell.principal}")
    return foreign, asked


async def test_row_security_alone_shows_no_foreign_row(world: RightsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions.access, "judge_part", lambda *_: Verdict.allowed)
    monkeypatch.setattr(db.transaction, "judge_principal", lambda *_, **__: Verdict.allowed)
    foreign, asked = await _foreign_rows(world)
    assert foreign == []
    assert asked > 1_000


async def test_the_application_alone_shows_no_foreign_row(world: RightsWorld) -> None:
    async with without_row_security(world):
        foreign, asked = await _foreign_rows(world)
    assert foreign == []
    assert asked > 1_000


# Mutation: each check of the model taken away, one at a time


def _mutants() -> Iterator[tuple[str, str, Operation]]:
    for name in CALLS:
        operation = OPERATIONS[name]
        if operation.scope is not None:
            yield name, "scope", replace(operation, scope=None)
        if operation.roles != EVERYBODY:
            yield name, "roles", replace(operation, roles=EVERYBODY)
        if operation.parts != SEEING_PARTS[operation.subject]:
            yield name, "parts", replace(operation, parts=SEEING_PARTS[operation.subject])
        if operation.purpose and name != "read_case_file":  # which asks once more where it opens people
            yield name, "purpose", replace(operation, purpose=False)
        if operation.barred:
            yield name, "barred", replace(operation, barred=None)


async def _is_caught(world: RightsWorld, name: str) -> bool:
    for cell in cells(world, frozenset({name})):
        if mismatch(world, cell, await ask(world, cell)) is not None:
            return True
    return False


async def test_each_check_of_the_model_is_missed_when_it_is_taken_away(
    world: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    unnoticed, tried = [], 0
    for name, what, mutant in _mutants():
        tried += 1
        with monkeypatch.context() as patched:
            patched.setitem(cast("dict[str, Operation]", OPERATIONS), name, mutant)
            if not await _is_caught(world, name):
                unnoticed.append(f"{name} without its {what}")
    assert unnoticed == [], unnoticed[:5]
    assert tried >= LEAST_MUTANTS


@pytest.mark.parametrize(
    "subject", [Subject.case, Subject.referral, Subject.report, Subject.result, Subject.person_request]
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
        foreign, _ = await _foreign_rows(world, subject)
    assert foreign != []
