"""Every failure is a problem the caller can act on, in its language, with nothing that was sent inside."""

from uuid import UUID

import asyncpg
import httpx
import pytest
import sqlalchemy.exc
from fastapi import HTTPException

from rules.errors import (
    AbnormalUsageDetected,
    ConsentMissing,
    DuplicateRecord,
    Erased,
    FieldError,
    Hidden,
    IdempotencyInProgress,
    InsufficientScope,
    InvalidTransition,
    NotAuthenticated,
    PreconditionFailed,
    QuotaExceeded,
    StepUpRequired,
    StorageFull,
    TokenExpired,
    TongliError,
    ValidationFailed,
)
from tests.api.mechanisms.desk import PUBLIC_URL, failing_with

SECRET = "周桂兰 990000197403151227"


async def _failing(caller: httpx.AsyncClient, error: Exception, **headers: str) -> httpx.Response:
    failing_with(error)
    return await caller.get("/v1/fail", headers=headers)


async def test_an_unexpected_error_says_nothing_of_itself(caller: httpx.AsyncClient) -> None:
    for error in (RuntimeError(SECRET), KeyError(SECRET), ExceptionGroup(SECRET, [ValueError(SECRET)])):
        answer = await _failing(caller, error)
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert answer.json()["retryable"] is True
        assert "周" not in answer.text
        assert "990000" not in answer.text
        assert answer.headers["request-id"] == answer.json()["trace_id"]


async def test_an_answer_names_its_page_its_place_and_nothing_of_the_query(caller: httpx.AsyncClient) -> None:
    problem = (await caller.get("/v1/notes?limit=0&status=secret")).json()
    assert problem["type"] == f"{PUBLIC_URL}/problems/validation-failed"
    assert problem["instance"] == "/v1/notes"
    assert problem["status"] == 422
    assert "secret" not in str(problem)


@pytest.mark.parametrize(
    ("error", "status", "members", "headers"),
    [
        (NotAuthenticated(), 401, {}, {"www-authenticate": 'Bearer realm="tongli"'}),
        (TokenExpired(), 401, {}, {"www-authenticate": 'Bearer realm="tongli"'}),
        (
            InsufficientScope("cases:read"),
            403,
            {"scope": "cases:read"},
            {"www-authenticate": 'Bearer realm="tongli", error="insufficient_scope", scope="cases:read"'},
        ),
        (
            StepUpRequired(),
            403,
            {},
            {"www-authenticate": 'Bearer realm="tongli", error="insufficient_user_authentication", max_age="300"'},
        ),
        (ConsentMissing(UUID(int=7)), 403, {"recipient": str(UUID(int=7))}, {}),
        (Hidden(), 404, {}, {}),
        (Erased(), 410, {}, {}),
        (
            InvalidTransition("sent", ("receive", "cancel")),
            409,
            {"current": "sent", "allowed": ["receive", "cancel"]},
            {},
        ),
        (DuplicateRecord("/v1/reports/7"), 409, {"existing": "/v1/reports/7"}, {}),
        (PreconditionFailed('"3.full"'), 412, {"current": '"3.full"'}, {"etag": '"3.full"'}),
        (IdempotencyInProgress(), 409, {"retryable": True}, {"retry-after": "1"}),
        (QuotaExceeded(retry_after=17), 429, {"retryable": True}, {"retry-after": "17"}),
        (AbnormalUsageDetected(retry_after=600), 429, {"retryable": True}, {"retry-after": "600"}),
        (StorageFull(retry_after=30), 503, {"retryable": True}, {"retry-after": "30"}),
    ],
)
async def test_a_refusal_carries_what_the_caller_needs_next(
    error: TongliError, status: int, members: dict[str, object], headers: dict[str, str], caller: httpx.AsyncClient
) -> None:
    answer = await _failing(caller, error)
    assert (answer.status_code, answer.json()["code"]) == (status, error.code)
    assert members.items() <= answer.json().items()
    assert headers.items() <= dict(answer.headers).items()
    assert answer.headers["ratelimit"] == '"client";r=1;t=2'


async def test_facts_a_kind_does_not_list_stay_inside(caller: httpx.AsyncClient) -> None:
    answer = await _failing(caller, Hidden(person=SECRET))
    assert "周" not in answer.text


async def test_a_refused_token_is_called_invalid(caller: httpx.AsyncClient) -> None:
    answer = await _failing(caller, NotAuthenticated(), authorization="Bearer x")
    assert answer.headers["www-authenticate"] == 'Bearer realm="tongli", error="invalid_token"'


async def test_a_contradiction_shows_both_sides_masked(caller: httpx.AsyncClient) -> None:
    facts: dict[str, str | int] = {"in_number": "19**-**-15", "in_field": "19**-**-16", "most": 3}
    answer = await _failing(caller, ValidationFailed(FieldError("/person/birth_date", "birth-date-disagrees", facts)))
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/person/birth_date", "birth-date-disagrees")
    assert error["masked"] == {"in_number": "19**-**-15", "in_field": "19**-**-16"}


async def test_a_thousand_findings_are_cut_to_fifty(caller: httpx.AsyncClient) -> None:
    answer = await caller.post("/v1/notes", json={"text": "x", "needs": [1] * 1_000})
    assert len(answer.json()["errors"]) == 50


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "malformed-request"),
        (401, "not-authenticated"),
        (418, "malformed-request"),
        (404, "not-found"),
        (502, "internal"),
    ],
)
async def test_an_error_of_the_framework_keeps_its_kind_and_loses_its_text(
    status: int, code: str, caller: httpx.AsyncClient
) -> None:
    answer = await _failing(caller, HTTPException(status, detail=SECRET))
    assert answer.json()["code"] == code
    assert answer.json()["status"] == answer.status_code
    assert "周" not in answer.text


def _wrapped(original: Exception) -> Exception:
    error = sqlalchemy.exc.DBAPIError(f"SELECT '{SECRET}'", {"name": SECRET}, original)
    error.__cause__ = original
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (_wrapped(asyncpg.exceptions.DiskFullError(SECRET)), "storage-full"),
        (_wrapped(asyncpg.exceptions.QueryCanceledError(SECRET)), "dependency-unavailable"),
        (_wrapped(asyncpg.exceptions.DeadlockDetectedError(SECRET)), "dependency-unavailable"),
        (_wrapped(asyncpg.exceptions.UniqueViolationError(SECRET)), "internal"),
        (_wrapped(asyncpg.exceptions.UndefinedTableError(SECRET)), "internal"),
        (asyncpg.exceptions.ConnectionDoesNotExistError(SECRET), "dependency-unavailable"),
        (asyncpg.exceptions.TooManyConnectionsError(SECRET), "dependency-unavailable"),
        (asyncpg.exceptions.AdminShutdownError(SECRET), "dependency-unavailable"),
        (asyncpg.exceptions.LockNotAvailableError(SECRET), "dependency-unavailable"),
        (asyncpg.exceptions.InterfaceError(SECRET), "dependency-unavailable"),
        (sqlalchemy.exc.OperationalError(SECRET, {}, Exception(SECRET)), "dependency-unavailable"),
        (sqlalchemy.exc.TimeoutError(SECRET), "dependency-unavailable"),
        (sqlalchemy.exc.ProgrammingError(SECRET, {}, Exception(SECRET)), "internal"),
        (TimeoutError(), "dependency-unavailable"),
        (ConnectionRefusedError(SECRET), "dependency-unavailable"),
        (ValueError(SECRET), "internal"),
    ],
)
async def test_a_database_in_trouble_is_503_and_a_defect_is_500(
    error: Exception, code: str, caller: httpx.AsyncClient
) -> None:
    answer = await _failing(caller, error)
    assert answer.json()["code"] == code
    assert (answer.status_code == 503) == ("retry-after" in answer.headers) == (code != "internal")
    assert "周" not in answer.text


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "zh-CN"),
        ("", "zh-CN"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-TW", "zh-CN"),
        ("fr", "zh-CN"),
        ("fr, en;q=0.1", "en"),
        ("en;q=0.5, zh;q=0.6", "zh-CN"),
        ("zh;q=0.5, en;q=0.6", "en"),
        ("en;q=0", "zh-CN"),
        ("zh;q=0, en", "en"),
        ("*", "zh-CN"),
        ("*;q=0.1, en;q=0.2", "en"),
        ("en;q=2, zh;q=0.1", "zh-CN"),
        ("en;q=nan", "zh-CN"),
        ("EN ; q=1.000", "en"),
        (",;,en;;", "zh-CN"),
        ("x" * 5_000, "zh-CN"),
    ],
)
async def test_the_language_is_the_best_of_those_accepted(
    accepted: str | None, language: str, caller: httpx.AsyncClient
) -> None:
    answer = await caller.get("/v1/nothing", headers={} if accepted is None else {"accept-language": accepted})
    assert answer.headers["content-language"] == language
    assert answer.json()["title"] == ("Not found" if language == "en" else "未找到")
