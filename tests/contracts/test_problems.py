"""The catalogue of problems is complete: every error class, every slug of the contract, both languages, a page each."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.problem_catalogue import KINDS, Language
from api.problem_reasons import REASONS
from api.problem_texts import FIELD_TEXTS
from api.problems import Occasion, preferred_language, problem
from rules import errors
from rules.errors import TongliError
from web.problem_pages import problem_pages

PROMISED = (
    "malformed-request",
    "unknown-parameter",
    "unknown-field",
    "validation-failed",
    "unsupported-media-type",
    "payload-too-large",
    "not-authenticated",
    "token-expired",
    "insufficient-scope",
    "insufficient-role",
    "qualification-missing",
    "step-up-required",
    "purpose-required",
    "consent-missing",
    "not-found",
    "merged",
    "gone",
    "method-not-allowed",
    "state-conflict",
    "duplicate-record",
    "invalid-transition",
    "precondition-required",
    "precondition-failed",
    "idempotency-missing",
    "idempotency-mismatch",
    "idempotency-in-progress",
    "invalid-cursor",
    "quota-exceeded",
    "abnormal-usage-detected",
    "temporary-reduced-capacity",
    "storage-full",
    "dependency-unavailable",
    "import-rejected",
    "internal",
)
LANGUAGES: tuple[Language, ...] = ("zh-CN", "en")


def _classes(base: type[TongliError] = TongliError) -> Iterator[type[TongliError]]:
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
            yield from _classes(kind)


def test_every_promised_slug_has_a_kind() -> None:
    assert set(PROMISED) <= set(KINDS)
    assert set(KINDS) - set(PROMISED) == {"request-timeout"}


@pytest.mark.parametrize("kind", tuple(_classes()), ids=lambda kind: kind.__name__)
def test_every_error_class_has_a_kind(kind: type[TongliError]) -> None:
    assert kind.code in KINDS


@pytest.mark.parametrize("code", KINDS)
def test_a_kind_speaks_both_languages_and_has_a_status_of_the_contract(code: str) -> None:
    kind = KINDS[code]
    assert kind.status in {308, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 428, 429, 500, 503}
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
    for text in (kind.title, kind.detail):
        assert re.search(r"[\u4e00-\u9fff]", text.zh)
        assert text.en.isascii()


@pytest.mark.parametrize("text", [*REASONS.values(), *FIELD_TEXTS.values()])
def test_a_reason_speaks_both_languages(text: tuple[str, str]) -> None:
    assert re.search(r"[\u4e00-\u9fff]", text[0])
    assert text[1].isascii()
    assert set(re.findall(r"{\w+}", text[0])) == set(re.findall(r"{\w+}", text[1]))


def test_only_what_passes_by_itself_is_retryable() -> None:
    retryable = {code for code, kind in KINDS.items() if kind.retryable}
    assert {KINDS[code].status for code in retryable} <= {408, 409, 429, 500, 503}
    assert not retryable & {"state-conflict", "invalid-transition", "duplicate-record"}


@pytest.mark.parametrize("code", KINDS)
def test_a_problem_without_facts_is_still_whole(code: str) -> None:
    body = problem(code, Occasion("https://tongli.example", "/v1/x", "trace"))
    assert body["type"] == f"https://tongli.example/problems/{code}"
    assert {"code", "title", "status", "detail", "instance", "trace_id", "retryable"} <= set(body)
    assert "{" not in str(body["detail"])


@pytest.fixture
def pages() -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(problem_pages(KINDS, preferred_language))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="https://tongli.example")


@pytest.mark.parametrize("code", KINDS)
async def test_each_kind_has_a_page_in_both_languages(code: str, pages: httpx.AsyncClient) -> None:
    for language in LANGUAGES:
        by_header = await pages.get(f"/problems/{code}", headers={"accept-language": language})
        by_query = await pages.get(f"/problems/{code}?lang={language}", headers={"accept-language": "zh;q=0.1,en"})
        assert by_header.text == by_query.text
        assert by_header.headers["content-language"] == language
        assert KINDS[code].title.in_language(language) in by_query.text.replace("&#x27;", "'")
        assert "{" not in by_query.text.partition("<body>")[2]


async def test_the_index_links_to_every_page_and_to_nothing_outside(pages: httpx.AsyncClient) -> None:
    text = (await pages.get("/problems")).text
    assert set(re.findall(r"/problems/([a-z-]+)", text)) == set(KINDS)
    assert not re.search(r"https?://|src=|@import|<script", text)


async def test_a_page_for_no_kind_is_404(pages: httpx.AsyncClient) -> None:
    assert (await pages.get("/problems/%3Cscript%3E")).status_code == 404


ROOT = Path(__file__).resolve().parent.parent.parent


def _codes_in_use() -> set[str]:
    """Codes of every FieldError in the product that stand as literals, and those of the rules' errors."""
    codes: set[str] = set()
    for folder in ("actions", "rules", "api", "crypto"):
        for path in (ROOT / folder).rglob("*.py"):
            for call in (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)):
                name = getattr(call.func, "id", "")
                position = {
                    "FieldError": 1,
                    "IdentityNumberError": 0,
                    "CreditCodeError": 0,
                    "PhoneError": 0,
                    "TextError": 0,
                }
                if name in position and len(call.args) > position[name]:
                    codes |= _literals(call.args[position[name]])
    return codes


def _literals(node: ast.expr) -> set[str]:
    if isinstance(node, ast.IfExp):
        return _literals(node.body) | _literals(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_every_code_of_a_wrong_value_has_a_text_of_its_own() -> None:
    assert len(_codes_in_use()) > 30
    silent = sorted(_codes_in_use() - set(FIELD_TEXTS))
    assert not silent
