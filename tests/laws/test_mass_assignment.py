"""Nobody sets what only the service decides by sending it along.

Fields go together, as many as one answer names; `python -m bench.trust_walls` sends each alone, in every kind of value.
"""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from api.spec import build_document
from crypto.vault import Vault
from db.embedded import EmbeddedPostgres
from settings import Settings
from tests.laws.mass_assignment import (
    CALLERS_ALL_THE_SAME,
    SERVER_OWNED,
    good_requests,
    plan,
    refuse_all,
    send_good,
    writes_of,
)
from tests.laws.rights_world import RightsWorld, world_of_rights

LEAST_TRIED = 6_000


@pytest.fixture(scope="module")
async def world(
    cluster: EmbeddedPostgres, template: str, vault: Vault, settings: Settings
) -> AsyncIterator[RightsWorld]:
    async with world_of_rights(cluster, template, vault, settings) as built:
        yield built


async def test_every_write_of_the_document_has_a_good_request(app: FastAPI, world: RightsWorld) -> None:
    assert set(writes_of(build_document(app))) == set(good_requests(world))


async def test_a_field_of_an_answer_sent_back_is_refused_by_name_and_changes_nothing(
    app: FastAPI, world: RightsWorld
) -> None:
    """Afterwards the same requests without it are taken: nothing but the field was in the way."""
    writes = plan(world, build_document(app), one_by_one=False)
    refusals = await refuse_all(world, writes)
    assert refusals.wrong == [], refusals.wrong[:10]
    assert refusals.tried >= LEAST_TRIED
    assert await send_good(world, writes) == []


def test_what_only_the_service_decides_is_in_no_request(app: FastAPI) -> None:
    document = build_document(app)
    named = {
        (schema["$ref"].rpartition("/")[2], name)
        for _, schema in writes_of(document).values()
        for name in document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"]
    }
    assert {(schema, name) for schema, name in named if name in SERVER_OWNED} == set(CALLERS_ALL_THE_SAME)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/cases/{case}/participants", {"agency": "{observer}", "role": "coordinator"}),
        ("/v1/webhook-endpoints/{endpoint}", {"status": "active"}),
    ],
)
async def test_where_such_a_field_is_the_callers_it_takes_one_value(
    world: RightsWorld, path: str, body: dict[str, str]
) -> None:
    ids = {name: thing.id for name, thing in world.things.items()}
    observer = next(one for one in world.principals if one.relation == "observer")
    machine = next(one for one in world.principals if one.relation == "coordinator" and one.is_machine)
    answer = await world.instance.http.request(
        "PATCH" if "endpoint" in path else "POST",
        path.format(**ids),
        json={name: value.format(observer=observer.agency) for name, value in body.items()},
        headers={
            "authorization": f"Bearer {machine.token}",
            "idempotency-key": "matrix-0123456789",
            "content-type": "application/merge-patch+json" if "endpoint" in path else "application/json",
            "if-match": '"v1"',
        },
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed")
