"""The schedule as promised, and what answers mean."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.retries import (
    BREAKER_OPENS_AT,
    GIVEN_UP_AFTER,
    HEALTHY,
    MAX_ATTEMPTS,
    SCHEDULE,
    THROTTLED_PAUSE,
    Health,
    after_failure,
    is_given_up,
    judge,
    pause_after,
    read_retry_after,
    wait_after,
)

NOW = datetime(2026, 2, 26, 1, 30, tzinfo=UTC)


def test_seventeen_attempts_span_nine_days() -> None:
    """More than the 8 days of the longest public holiday."""
    assert MAX_ATTEMPTS == 17
    assert [wait.total_seconds() for wait in SCHEDULE[:10]] == [
        *(0, 5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000),
    ]
    assert set(SCHEDULE[10:]) == {timedelta(days=1)}
    assert timedelta(days=9) < sum(SCHEDULE, timedelta()) < timedelta(days=9.2)


@given(st.integers(1, 16), st.floats(-1, 1))
def test_a_wait_is_within_a_fifth_of_the_schedule(attempts: int, jitter: float) -> None:
    wait = wait_after(attempts, jitter)
    assert wait is not None
    assert SCHEDULE[attempts] * 0.799 <= wait <= SCHEDULE[attempts] * 1.201


def test_after_the_last_attempt_there_is_no_wait() -> None:
    assert wait_after(17, 0) is None
    assert wait_after(18, 0) is None


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        (timedelta(seconds=1), timedelta(seconds=60)),
        (timedelta(hours=1), timedelta(hours=1)),
        (timedelta(days=7), timedelta(days=1)),
    ],
)
def test_a_receiver_may_ask_for_longer_but_not_for_more_than_a_day(asked: timedelta, wait: timedelta) -> None:
    assert wait_after(2, 0, asked) == wait


@pytest.mark.parametrize(("attempts", "jitter"), [(0, 0.0), (1, 1.1), (1, -1.1)])
def test_no_attempt_and_wild_jitters_are_mistakes(attempts: int, jitter: float) -> None:
    with pytest.raises(ValueError, match="attempt"):
        wait_after(attempts, jitter)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((status, "succeeded") for status in (200, 201, 202, 204, 299)),
        *((status, "failed") for status in (100, 199, 300, 301, 302, 304, 307, 400, 401, 404, 409, 500, 501, 505)),
        *((status, "throttled") for status in (429, 502, 503, 504)),
        (410, "gone"),
    ],
)
def test_only_2xx_is_success(status: int, verdict: str) -> None:
    assert judge(status) == verdict


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("999999999999999999", 86_400),
        ("Thu, 26 Feb 2026 01:31:00 GMT", 60),
        ("Thu, 26 Feb 2026 01:00:00 GMT", 0),
        ("Fri, 26 Feb 2027 01:00:00 GMT", 86_400),
    ],
)
def test_retry_after_is_read_in_both_spellings_and_bounded(text: str | None, seconds: int | None) -> None:
    assert read_retry_after(text, NOW) == (None if seconds is None else timedelta(seconds=seconds))


def test_an_endpoint_is_given_up_after_ten_days_of_failures() -> None:
    assert is_given_up(NOW - GIVEN_UP_AFTER, NOW)
    assert not is_given_up(NOW - GIVEN_UP_AFTER + timedelta(seconds=1), NOW)


def _failing(times: int, now: datetime = NOW) -> Health:
    health = HEALTHY
    for _ in range(times):
        health = after_failure(health, now, 0)
    return health


def test_the_fifth_failure_in_a_row_opens_the_breaker() -> None:
    before = _failing(BREAKER_OPENS_AT - 1)
    assert (before.consecutive_failures, before.next_probe_at) == (4, None)
    opened = after_failure(before, NOW, 0)
    assert (opened.consecutive_failures, opened.next_probe_at) == (5, NOW + timedelta(minutes=1))


def test_each_failed_probe_makes_the_next_wait_longer_up_to_an_hour() -> None:
    health, waits = _failing(BREAKER_OPENS_AT), []
    for _ in range(6):
        assert health.next_probe_at is not None
        now = health.next_probe_at
        health = after_failure(health, now, 0)
        assert health.next_probe_at is not None
        waits.append((health.next_probe_at - now) / timedelta(minutes=1))
    assert waits == [2, 5, 15, 60, 60, 60]
    assert (health.consecutive_failures, health.failing_since) == (11, NOW)


def test_what_was_under_way_when_the_breaker_opened_is_no_probe() -> None:
    opened = _failing(BREAKER_OPENS_AT)
    late = after_failure(opened, NOW + timedelta(seconds=15), 0)
    assert (late.next_probe_at, late.failed_probes) == (opened.next_probe_at, 0)
    assert late.consecutive_failures == 6


@given(st.floats(-1, 1))
def test_probes_are_spread_by_a_fifth(jitter: float) -> None:
    opened = after_failure(_failing(BREAKER_OPENS_AT - 1), NOW, jitter)
    assert opened.next_probe_at is not None
    assert timedelta(seconds=47.9) <= opened.next_probe_at - NOW <= timedelta(seconds=72.1)


@pytest.mark.parametrize(
    ("status", "asked", "pause"),
    [
        (500, timedelta(hours=1), None),
        (429, None, THROTTLED_PAUSE),
        (502, timedelta(hours=1), timedelta(hours=1)),
        (504, timedelta(days=3), timedelta(days=1)),
    ],
)
def test_only_an_overloaded_receiver_slows_the_whole_endpoint(
    status: int, asked: timedelta | None, pause: timedelta | None
) -> None:
    assert pause_after(judge(status), asked) == pause
