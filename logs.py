"""Structured logs: one line per event with ids, never with values of persons.

The rule is that code logs ids only. This module is the net below it: every line of ours and of every library passes the
same steps, which put the request id in, cut messages of exceptions out, and blank whatever looks like an identity
number, a telephone number, a bank card or a secret. Names and addresses have no such look: keep them out of logs.
"""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextvars import ContextVar
from datetime import UTC, date, datetime
from enum import Enum
from functools import lru_cache
from pathlib import Path
from traceback import walk_tb
from typing import Any, Final, Literal, TextIO
from uuid import UUID

import structlog
from structlog.typing import EventDict

LogFormat = Literal["auto", "json", "text"]
Renderer = Callable[[EventDict], str]
Members = dict[Any, Any] | list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any]

request_id: ContextVar[str] = ContextVar("request_id", default="")

REDACTED: Final = "[redacted]"
_MAX_FRAMES = 30
_MAX_CAUSES = 5
_MAX_DEPTH = 6
_SHORTEST = 11  # characters of a mobile number; nothing sensitive is shorter
_SMALLEST_NUMBER = 10 ** (_SHORTEST - 1)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, default=str)
_ROOT = str(Path(__file__).resolve().parent) + "/"

# First alternative: ids of ours, left alone although their digits may look like a telephone number. \d is any script's.
_SENSITIVE = re.compile(
    r"""
    (?P<id>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b|\b[0-9a-f]{64}\b)
    |(?i:bearer|basic|dpop)\s+[A-Za-z0-9._~+/=-]{8,}
    |\beyJ[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*
    |(?:whsec|whsk|tls|tlc|tlr|tla)_[A-Za-z0-9_+/=.-]+
    |(?<=://)[^/\s:@]*:[^/\s@]*(?=@)
    |(?<!\d)\d{6}[ -]?\d{8}[ -]?\d{3}[\dXxＸｘ](?!\d)
    |(?<![\d-])\d{4}(?:[ -]\d{4}){3}(?:[ -]?\d{1,3})?(?!\d)
    |(?<!\d)\d{15,19}(?!\d)
    |(?<!\d)(?:(?:\+|00)?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)
    """,
    re.VERBOSE,
)
# Whatever the expression above finds has four digits together or one of these: asking first is five times cheaper.
_DIGITS = re.compile(r"\d{4}")
_SIGNS = ("bearer", "basic", "dpop", "eyj", "whs", "tls_", "tlc_", "tlr_", "tla_", "://")
_SECRET_NAME = re.compile(r"(?i)authorization|password|passwd|secret|token|cookie|assertion|private_key|api_key")


def configure_logging(level: str = "INFO", log_format: LogFormat = "auto", stream: TextIO | None = None) -> None:
    """Send every log of this process through one pipeline to `stream` (default: standard error); may be called again.

    `auto` writes text on a terminal and JSON elsewhere. Start uvicorn with `log_config=None`, or it installs its own
    handlers over this.
    """
    out = stream if stream is not None else sys.stderr
    as_text = log_format == "text" or (log_format == "auto" and out.isatty())
    render: Renderer = _text_line if as_text else _json_line
    _configure_structlog(level, render, lambda: out)
    _take_over_standard_logging(_PipelineHandler(render, out), level)


def _configure_structlog(level: str, render: Renderer, stream: Callable[[], TextIO]) -> None:
    structlog.configure(
        processors=[_from_structlog, _prepared, lambda _logger, _method, event: render(event)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=lambda *_names: structlog.WriteLogger(stream()),
        cache_logger_on_first_use=False,  # so that a later configuration reaches loggers made at import
    )


def redact(text: str) -> str:
    """The text with everything that looks like a person's number or a secret replaced. Cost: 1 us for a short text."""
    if len(text) < _SHORTEST:
        return text
    lowered = text.lower()
    if not _DIGITS.search(text) and not any(sign in lowered for sign in _SIGNS):
        return text
    return _SENSITIVE.sub(_blanked, text)


def _blanked(match: re.Match[str]) -> str:
    return match[0] if match["id"] else REDACTED


def describe_exception(error: BaseException) -> list[dict[str, object]]:
    """Type and place of an exception and of what caused it, innermost last; never a message, which may quote data."""
    return [
        {"type": f"{type(cause).__module__}.{type(cause).__qualname__}", "frames": list(_frames(cause))}
        for cause in _causes(error)
    ]


def _causes(error: BaseException) -> Iterator[BaseException]:
    following: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        if following is None:
            return
        yield following
        following = following.__cause__ or following.__context__


def _frames(error: BaseException) -> Iterator[str]:
    places = [(frame.f_code, line) for frame, line in walk_tb(error.__traceback__)]
    for code, line in places[-_MAX_FRAMES:]:
        file = code.co_filename.removeprefix(_ROOT).rpartition("site-packages/")[2]
        yield f"{file}:{line}:{code.co_name}"


def _from_structlog(_logger: object, method: str, event: EventDict) -> EventDict:
    event["level"] = "error" if method == "exception" else method
    return event


def _prepared(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Time and request id in, exception messages out, values redacted."""
    error = event.pop("exc_info", None)
    head: EventDict = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": event.pop("level")}
    if current := request_id.get():
        head["request_id"] = current
    head["event"] = _redacted(event.pop("event", ""))
    body = {name: REDACTED if _names_a_secret(name) else _redacted(value) for name, value in event.items()}
    exception = _exception_of(error)
    if exception is not None:
        body["exception"] = describe_exception(exception)
    return {**head, **body}


@lru_cache(maxsize=512)
def _names_a_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _exception_of(given: object) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exc_info()[1] if given else None


def _redacted(value: object, depth: int = 0) -> object:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < _SMALLEST_NUMBER or redact(str(value)) == str(value) else REDACTED
    if isinstance(value, UUID | date | Enum | Path):
        return redact(str(value))
    if isinstance(value, BaseException):
        return f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, dict | list | tuple | set | frozenset):
        return _redacted_members(value, depth)
    return redact(value if isinstance(value, str) else repr(value))


def _redacted_members(value: Members, depth: int) -> object:
    if depth >= _MAX_DEPTH:
        return "…"
    if isinstance(value, dict):
        return {
            redact(str(name)): REDACTED if _names_a_secret(str(name)) else _redacted(member, depth + 1)
            for name, member in value.items()
        }
    return [_redacted(item, depth + 1) for item in value]


def _json_line(event: EventDict) -> str:
    return _ENCODER.encode(event)


def _text_line(event: EventDict) -> str:
    time, level, name = event.pop("time"), event.pop("level"), event.pop("event", "")
    members = " ".join(f"{key}={value}" for key, value in event.items())
    return f"{time} {level:<8} {name} {members}".rstrip().replace("\r", "\\r").replace("\n", "\\n")


class _PipelineHandler(logging.Handler):
    """Standard logging (uvicorn, SQLAlchemy, Alembic, asyncio) through the same steps."""

    def __init__(self, render: Renderer, out: TextIO) -> None:
        super().__init__()
        self._render = render
        self._out = out

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
            # asyncio repeats the failed task on further lines, and with it the message of its exception.
            first = message.partition("\n")[0] if record.exc_info or record.name == "asyncio" else message
            event: MutableMapping[str, Any] = {"level": record.levelname.lower(), "event": first, "logger": record.name}
            event["exc_info"] = record.exc_info
            self._out.write(self._render(_prepared(None, "", event)) + "\n")
            self._out.flush()
        except Exception:  # noqa: S110 - a log that fails must fail neither the request nor print its arguments
            pass


def _take_over_standard_logging(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        if name.partition(".")[0] in ("uvicorn", "sqlalchemy", "alembic", "asyncio", "asyncpg", "fastapi", "httpx"):
            logger.handlers.clear()
            logger.propagate = True
    # Both quote what may be personal: the request line with its query, and the parameters of statements.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("sqlalchemy.engine").setLevel(max(logging.WARNING, root.level))
    logging.getLogger("httpx").setLevel(max(logging.WARNING, root.level))


# Until an entrance configures: structlog's own default prints tracebacks with the local variables of every frame.
_configure_structlog("INFO", _json_line, lambda: sys.stderr)
