"""An agency that asks about people and ids that are none of its business learns nothing from the answers.

Time is measured by `python -m bench.trust_walls` only: a test that asserts it would fail for reasons of the machine.
"""

import random
from collections.abc import AsyncIterator

import httpx
import pytest

from crypto.vault import Vault
from db.embedded import EmbeddedPostgres
from settings import Settings
from tests.actions.instances import superuser
from tests.laws.enumeration import (
    Ask,
    Probe,
    Seen,
    auc,
    ids,
    known_people,
    measure,
    reports,
    searches,
    without_what_is_told,
)
from tests.laws.rights_world import RightsWorld, world_of_rights

PEOPLE = 25


@pytest.fixture(scope="module")
async def world(
    cluster: EmbeddedPostgres, template: str, vault: Vault, settings: Settings
) -> AsyncIterator[RightsWorld]:
    async with world_of_rights(cluster, template, vault, settings) as built:
        yield built


def asker(world: RightsWorld) -> Ask:
    """Asks through the application; the budget of searches, which also stands in the way, is refilled each time."""

    async def ask(probe: Probe) -> Seen:
        if probe.family.startswith("search"):
            async with superuser(world.instance.admin_url) as raw:
                await raw.execute("DELETE FROM rate_bucket WHERE policy = 'search'")
        answer: httpx.Response = await world.instance.http.request(
            probe.method, probe.path, content=probe.body, headers=probe.headers
        )
        return Seen(answer.status_code, tuple(answer.headers.multi_items()), answer.content)

    return ask


async def test_a_search_says_the_same_of_known_and_unknown_people(world: RightsWorld) -> None:
    people = await known_people(await world.instance.api("DEMO-340802-LABOUR"), PEOPLE)
    families = await measure(searches(world, people, random.Random(1)), asker(world))
    assert set(families) == {"search by number", "search by name and birth"}
    for name, family in families.items():
        figures = family.figures()
        assert (figures["auc_size"], figures["same_answers"]) == (0.5, True), (name, figures)
        assert all(told.startswith("200") for told in family.known.told)


async def test_an_intake_answer_says_no_more_than_linked_or_new(world: RightsWorld) -> None:
    """It does say that, and so whoever files a report learns it: of that report, under its own name, with a leaf."""
    people = await known_people(await world.instance.api("DEMO-340802-LABOUR"), PEOPLE)
    ask = asker(world)

    async def stripped(probe: Probe) -> Seen:
        seen = await ask(probe)
        assert seen.status == 201, seen.body
        return without_what_is_told(seen)

    (family,) = (await measure(reports(world, people, random.Random(1)), stripped)).values()
    assert family.figures()["same_answers"], family.known.told ^ family.unknown.told
    assert set(family.known.sizes) == set(family.unknown.sizes)


async def test_a_hidden_id_is_answered_as_one_that_nothing_has(world: RightsWorld) -> None:
    families = await measure(ids(world, 3, random.Random(1)), asker(world))
    assert len(families) >= 25
    for name, family in families.items():
        figures = family.figures()
        assert (figures["auc_size"], figures["same_answers"]) == (0.5, True), (name, family.known.told)
        assert all(told.startswith("404") for told in family.known.told), name


def test_the_classifier_tells_what_can_be_told() -> None:
    assert auc([1, 2, 3], [4, 5, 6]) == auc([4, 5, 6], [1, 2, 3]) == 1.0
    assert auc([1, 1], [1, 1]) == 0.5
    assert auc([1, 3], [2, 2]) == 0.5
    assert auc([1, 2, 3, 4], [3, 4, 5, 6]) == pytest.approx(14 / 16)
