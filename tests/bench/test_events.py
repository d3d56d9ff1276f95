"""The short forms of the events bench: what is promised of webhooks and the feed holds in a minute of it too."""

import pytest

from bench import events_delivery, events_hostile, events_order, events_poison, events_replay, events_throughput
from bench.events_delivery import _judge
from bench.events_order import _inversions
from bench.events_receivers import Arrived
from bench.events_replay import judge as judge_replay
from bench.events_stage import Place
from crypto.ids import new_id
from crypto.keys import Keyring


@pytest.fixture
def place(fresh_database: str, keyring: Keyring) -> Place:
    return Place(fresh_database, keyring)


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
