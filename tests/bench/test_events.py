"""The short forms of the events bench: what is promised of webhooks and the feed holds in a minute of it too."""

from collections.abc import Iterator

import pytest

from bench import (
    events_clock,
    events_delivery,
    events_hostile,
    events_kills,
    events_order,
    events_poison,
    events_replay,
    events_stop,
    events_throughput,
)
from bench.events_delivery import _judge
from bench.events_order import _inversions
from bench.events_receivers import Arrived
from bench.events_replay import judge as judge_replay
from bench.events_stage import Place, desk_at, durable_place
from crypto.ids import new_id
from crypto.keys import Keyring
from crypto.tokens import TokenAuthority


@pytest.fixture
def place(fresh_database: str, keyring: Keyring) -> Place:
    return Place(fresh_database, keyring)


@pytest.fixture
def lasting_place() -> Iterator[Place]:
    """A PostgreSQL of the test's own with every promise of durability: it may be killed, and the API serves from no
    other."""
    with durable_place() as place:
        yield place


async def test_killing_postgresql_api_and_jobs_in_turn_loses_and_doubles_nothing(lasting_place: Place) -> None:
    figures = await events_kills.measure(lasting_place, cycles=10, writes=100)
    assert events_kills.faults(figures) == []
    assert sum(figures["kills"].values()) == 10
    assert figures["acknowledged"] >= 100


async def test_an_acknowledged_write_that_is_nowhere_is_seen(place: Place) -> None:
    async with desk_at(place, 2) as desk:
        before = await events_kills.counts(desk)
        writers = events_kills.Writers("http://127.0.0.1:9", {}, TokenAuthority(place.keyring, "http://127.0.0.1:9"))
        writers.acknowledged.append(("report", new_id()))
        judged = await events_kills.judge(desk, writers, before)
    assert (judged["lost"], judged["without_event"], judged["without_leaf"]) == (1, 1, 1)


async def test_stopping_api_and_jobs_under_load_cuts_and_loses_nothing(lasting_place: Place) -> None:
    figures = await events_stop.measure(lasting_place, stops=4, between_s=0.5)
    assert events_stop.faults(figures) == []
    assert figures["acknowledged"] > 0


@pytest.mark.skipif(not events_clock.can_move_clocks(), reason="no C compiler to move a process's clock with")
async def test_clocks_an_hour_wrong_steal_hasten_and_forget_nothing(place: Place) -> None:
    figures = await events_clock.measure(place, events=20, endpoints=4)
    assert events_clock.faults(figures) == []
    assert figures["taken"] == 80


def test_the_judge_of_clocks_sees_what_is_stolen_hastened_or_forgotten() -> None:
    def one(event_id: str, attempt: int, status: int, at: float) -> Arrived:
        return Arrived("stumbling", 1, event_id, 1, attempt, replay=False, status=status, at=at, subject="-")

    hastened = [one("hastened", 1, 503, 0.0), one("hastened", 2, 204, 3.9)]
    stolen = [one("stolen", 1, 503, 0.0), one("stolen", 1, 204, 4.1)]
    judged = events_clock.judge([*hastened, *stolen, one("forgotten", 1, 503, 0.0)])
    assert (judged["early"], judged["attempts_made_twice"], judged["taken"]) == (1, 1, 2)
    told = {"missing": 1, "settled": False, "clocks_at_work": [0], **judged}
    assert len(events_clock.faults(told)) == 5


async def test_killing_the_jobs_loses_nothing_and_the_feed_is_what_was_pushed(place: Place) -> None:
    figures = await events_delivery.measure(place, events=60, endpoints=3, kills=1, within_s=60)
    assert events_delivery.faults(figures) == []
    assert figures["attempts"] > figures["deliveries"], "a third fails at first"


async def test_a_replay_sends_each_entry_once_though_the_jobs_are_killed(place: Place) -> None:
    figures = await events_replay.measure(place, events=60, kills=1, within_s=60)
    assert events_replay.faults(figures) == []
    assert figures["in_the_feed"] >= 60


def test_the_judge_of_replays_sees_what_is_lost_doubled_or_misnumbered() -> None:
    came = [Arrived("fast", 1, event_id, number, 1, True, 204, 0.0, "") for event_id, number in (("a", 1), ("c", 2))]
    judged = judge_replay([1, 1], came, {1: "a", 2: "b", 3: "c"})
    assert judged["not_in_the_success_set"] == 2
    assert (judged["twice_in_the_success_set"], judged["never_arrived"], judged["under_another_number"]) == (1, 1, 1)


async def test_updates_of_a_case_are_told_in_their_order_and_nobody_waits_for_a_transaction_left_open(
    place: Place,
) -> None:
    figures = await events_order.measure(place, cases=8, updates=6, idle_s=1.0, within_s=60)
    assert events_order.faults(figures) == []


async def test_no_hostile_target_is_connected_to_and_all_look_alike() -> None:
    figures = await events_hostile.measure()
    assert events_hostile.faults(figures) == []
    assert figures["targets"] == 250


async def test_everything_that_is_due_is_claimed_and_delivered(place: Place) -> None:
    figures = await events_throughput.measure(place, endpoints=20, events=10, seconds=0.5)
    assert events_throughput.faults(figures) == []
    assert figures["deliveries"]["count"] > 0


async def test_receivers_that_pour_take_no_memory(place: Place) -> None:
    figures = await events_poison.measure(place, share=0.1, seconds=1.0, hanging=False)
    assert events_poison.faults(figures) == []


def test_what_is_missing_doubled_or_misnumbered_is_seen() -> None:
    agency, (kept, lost, twice) = new_id(), (str(new_id()) for _ in range(3))

    def one(event_id: str, sequence: int, status: int = 204) -> Arrived:
        return Arrived("fast", 1, event_id, sequence, 1, replay=False, status=status, at=0.0, subject="-")

    feed = {agency: [(1, kept), (2, lost), (3, twice)]}
    arrived = [one(kept, 1), one(lost, 2, 500), one(twice, 3), one(twice, 4), one(str(new_id()), 1)]
    judged = _judge(arrived, feed, {1: agency})
    assert judged["missing"] == 1
    assert judged["duplicates"] == 1
    assert judged["under_another_number"] == 1
    assert judged["under_another_id"] == 1
    assert judged["pushed_but_not_in_feed"] == 1


def test_an_inversion_is_seen() -> None:
    case, other = new_id(), new_id()
    versions = {"a": (case, 1), "b": (case, 2), "c": (other, 1)}
    assert _inversions(["a", "c", "b"], versions) == 0
    assert _inversions(["b", "c", "a"], versions) == 1
