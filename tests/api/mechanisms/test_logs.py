"""Logs hold ids and places, never what people sent: tried with marked values in every way a value could get in."""

import asyncio
import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog

import logs
from logs import REDACTED, configure_logging, redact
from tests.api.mechanisms.desk import failing_with

NAME = "周桂兰"
NUMBER = "990000197403151227"
NOTE_ID = "018f9c1e-7f3a-7000-8000-00000000000a"


@pytest.fixture
def written() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Everything logged from here on, as parsed lines."""
    stream = io.StringIO()
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    configure_logging("DEBUG", "json", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = before
    logging.captureWarnings(capture=False)
    logs._configure_structlog("INFO", logs._json_line, lambda: sys.stderr)


@pytest.mark.parametrize(
    "text",
    [
        "990000197403151227",
        "99000019740315122X",
        "99000019740315122x",
        "number=990000197403151227;",
        "990000 19740315 1227",
        "990000740315122",
        "９９００００１９７４０３１５１２２７",
        "13900000001",
        "+8613900000001",
        "0086 139 0000 0001",
        "139-0000-0001",
        "tel13900000001x",
        "电话13900000001。",
        "6222020000000000000",
        "6222 0200 0000 0000 000",
        "6222-0200-0000-0000",
        "Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "bearer   abcdefgh12345678",
        "Basic dXNlcjpwYXNzd29yZA==",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "tls_3f9a_ZmFrZQ",
        "postgresql://tongli_app:geheim@db/tongli",
    ],
)
def test_what_looks_like_a_persons_number_or_a_secret_is_blanked(text: str) -> None:
    blanked = redact(text)
    assert REDACTED in blanked
    assert not any(
        part in blanked for part in ("9740315", "0000", "７４", "740315", "eyJ", "geheim", "MfKQ", "dXNl", "abcd")
    )


@pytest.mark.parametrize(
    "text",
    [
        NOTE_ID,
        "13912345-1391-1391-1391-139123456789",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "a13900000001bcdef013900000001bcd",
        "LJ-2026-00817",
        "2026-02-26T01:30:00.123456Z",
        "api/errors.py:120:answer",
        "340802",
        "1772069400123",
    ],
)
def test_ids_places_and_times_stay_readable(text: str) -> None:
    assert redact(text) == text


def test_values_are_blanked_wherever_they_stand_in_an_event(written: Callable[[], list[dict[str, Any]]]) -> None:
    structlog.get_logger().info(
        "seen",
        number=int(NUMBER),
        phone=13900000001,
        nested={"rows": [{"id": NUMBER}], NUMBER: 1},
        access_token="anything at all",
        case=UUID(NOTE_ID),
        raised=ValueError(NAME),
        count=42,
        other=object,
    )
    [line] = written()
    assert NUMBER not in json.dumps(line)
    assert "13900000001" not in json.dumps(line)
    assert NAME not in json.dumps(line, ensure_ascii=False)
    assert (line["access_token"], line["case"], line["count"]) == (REDACTED, NOTE_ID, 42)


def test_an_exception_is_logged_by_type_and_place_through_every_cause(
    written: Callable[[], list[dict[str, Any]]],
) -> None:
    def fail() -> None:
        try:
            {"": 0}[NAME]
        except KeyError as error:
            raise RuntimeError(f"{NAME} {NUMBER}") from error

    try:
        fail()
    except RuntimeError:
        structlog.get_logger().exception("failed")
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
    for line in written():
        assert [cause["type"] for cause in line["exception"]] == ["builtins.RuntimeError", "builtins.KeyError"]
        assert "test_logs.py" in line["exception"][0]["frames"][0]
        assert NAME not in json.dumps(line, ensure_ascii=False)


def test_libraries_go_the_same_way(written: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger("sqlalchemy.pool").warning("returned %s", NUMBER)
    logging.getLogger("uvicorn.access").info('GET "/v1/x?name=%s"', NAME)
    logging.getLogger("sqlalchemy.engine.Engine").info("SELECT %s", NAME)
    [line] = written()
    assert (line["logger"], line["event"]) == ("sqlalchemy.pool", f"returned {REDACTED}")


def test_a_log_call_that_is_wrong_prints_no_arguments(capfd: pytest.CaptureFixture[str]) -> None:
    handler = logs._PipelineHandler(logs._json_line, io.StringIO())
    handler.handle(logging.makeLogRecord({"msg": "broken %d", "args": (NAME,), "levelname": "INFO"}))
    assert NAME not in "".join(capfd.readouterr())


async def test_a_task_nobody_awaited_does_not_print_its_message(written: Callable[[], list[dict[str, Any]]]) -> None:
    async def fail() -> None:
        raise ValueError(NAME)

    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Task exception was never retrieved", "exception": task.exception(), "task": task}
    )
    text = json.dumps(written(), ensure_ascii=False)
    assert "never retrieved" in text
    assert NAME not in text


async def test_a_whole_exchange_leaves_no_value_in_the_log(
    caller: httpx.AsyncClient, written: Callable[[], list[dict[str, Any]]]
) -> None:
    failing_with(RuntimeError(f"{NAME} {NUMBER}"))
    await caller.get("/v1/fail", headers={"request-id": "LJ-2026-00817"})
    await caller.post("/v1/notes", json={"text": NAME, "nmae": NUMBER})
    await caller.post("/v1/notes", json={"text": NAME})
    await caller.get(f"/v1/notes/{NOTE_ID}")
    await caller.get(f"/v1/notes?status={NAME}")
    await caller.get(f"/v1/{NUMBER}")
    lines = written()
    text = json.dumps(lines, ensure_ascii=False)
    assert not any(value in text for value in (NAME, NUMBER, NOTE_ID, "nmae", "status="))
    assert lines[0]["request_id"] == lines[1]["request_id"] == "LJ-2026-00817"
    access = [
        (line["method"], line["route"], line["status"], line["client"]) for line in lines if line["event"] == "request"
    ]
    assert access == [
        ("GET", "/v1/fail", 500, None),
        ("POST", "/v1/notes", 422, None),
        ("POST", "/v1/notes", 201, "labour-inspection"),
        ("GET", "/v1/notes/{note_id}", 200, None),
        ("GET", "/v1/notes", 200, None),
        ("GET", "unmatched", 404, None),
    ]


def test_text_for_a_terminal_stays_on_one_line() -> None:
    stream = io.StringIO()
    line = logs._text_line({"time": "t", "level": "info", "event": "seen\nforged 2026", "case": NOTE_ID})
    stream.write(line)
    assert "\n" not in stream.getvalue()
    assert line.endswith(f"case={NOTE_ID}")
