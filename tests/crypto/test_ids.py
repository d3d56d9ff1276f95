"""Ids: order of making, whatever the clock does."""

import itertools
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from uuid import RFC_4122, UUID

import pytest

from crypto.ids import new_id, new_id_at


def millis_of(value: UUID) -> int:
    return value.int >> 80


def test_an_id_is_a_version_7_uuid_of_now() -> None:
    before = time.time_ns() // 1_000_000
    value = new_id()
    assert (value.version, value.variant) == (7, RFC_4122)
    assert 0 <= millis_of(value) - before < 5_000


def test_ids_rise_within_a_process_also_as_text() -> None:
    ids = [new_id() for _ in range(5_000)]
    assert all(one < other for one, other in itertools.pairwise(ids))
    assert sorted(map(str, ids)) == [str(value) for value in ids]


def test_ids_keep_rising_when_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = new_id()
    monkeypatch.setattr("time.time_ns", lambda: 1_700_000_000_000_000_000)
    ids = [before, *(new_id() for _ in range(1_000))]
    assert ids == sorted(set(ids))
    assert all((value.version, value.variant) == (7, RFC_4122) for value in ids)


def test_threads_never_share_an_id() -> None:
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: [new_id() for _ in range(500)], range(8)))
    assert len({value for batch in batches for value in batch}) == 4_000
    assert all(batch == sorted(batch) for batch in batches)


def test_a_forked_child_makes_ids_of_its_own() -> None:
    new_id()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, new_id().bytes)
        os._exit(0)
    own = new_id()
    os.waitpid(child, 0)
    assert UUID(bytes=os.read(reader, 16)).int & (1 << 62) - 1 != own.int & (1 << 62) - 1
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 2, 26, 1, 30, 0, 123_999, tzinfo=UTC),
        datetime(2026, 2, 26, 9, 30, 0, 123_000, tzinfo=timezone(timedelta(hours=8))),
    ],
    ids=["UTC", "Shanghai"],
)
def test_an_id_at_a_moment_carries_its_millisecond(moment: datetime) -> None:
    value = new_id_at(moment)
    assert (millis_of(value), value.version, value.variant) == (1_772_069_400_123, 7, RFC_4122)


def test_ids_at_one_moment_differ_and_sort_between_their_neighbours() -> None:
    moment = datetime(2026, 2, 26, 1, 30, tzinfo=UTC)
    values = {new_id_at(moment) for _ in range(1_000)}
    assert len(values) == 1_000
    millisecond = timedelta(milliseconds=1)
    assert new_id_at(moment - millisecond) < min(values)
    assert max(values) < new_id_at(moment + millisecond)


def test_an_id_at_a_moment_in_the_past_does_not_hold_back_the_next_one() -> None:
    before = new_id()
    new_id_at(datetime(2099, 1, 1, tzinfo=UTC))
    assert millis_of(new_id()) - millis_of(before) < 5_000


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        new_id_at(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test
