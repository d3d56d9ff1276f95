"""A page for each kind of problem at `/problems/{code}`, in Chinese and English: what `type` of an answer points to.

Served by the deployment itself, since a closed government network has no other documentation; one file each, no script,
no image. The texts are given in, so that the pages do not depend on the API's modules.
"""

from collections.abc import Callable, Mapping
from html import escape
from typing import Final, Literal, Protocol, TypeAlias

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

Language: TypeAlias = Literal["zh-CN", "en"]

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "public, max-age=3600",
}
_STYLE: Final = (
    "body{font:16px/1.6 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}"
    "code{background:#eee;padding:.1em .3em}dt{font-weight:600}li{margin:.3rem 0}"
)
_WORDS: Final[dict[Language, dict[str, str]]] = {
    "zh-CN": {
        "index": "问题类型",
        "intro": "接口出错时返回 application/problem+json；程序请按 code 判断，不要按文字判断。",
        "status": "HTTP 状态码",
        "code": "code",
        "retry": "可否原样重试",
        "yes": "可以，请按 Retry-After 等待",
        "no": "不可以，请先更正",
        "next": "如何处理",
        "other": "English",
    },
    "en": {
        "index": "Kinds of problems",
        "intro": "Failures are answered as application/problem+json. Let programs decide by code, never by the texts.",
        "status": "HTTP status",
        "code": "code",
        "retry": "Send again unchanged?",
        "yes": "yes, after the time in Retry-After",
        "no": "no, correct it first",
        "next": "What to do",
        "other": "中文",
    },
}


class Title(Protocol):
    def in_language(self, language: Language, /) -> str: ...


class ProblemKind(Protocol):
    """What a page needs to know of a kind of problem; `api.problem_catalogue.Kind` is one."""

    @property
    def code(self) -> str: ...
    @property
    def status(self) -> int: ...
    @property
    def retryable(self) -> bool: ...
    @property
    def title(self) -> Title: ...
    def explanation(self, language: Language, /) -> str: ...


def problem_pages(kinds: Mapping[str, ProblemKind], preferred_language: Callable[[str | None], Language]) -> APIRouter:
    """Routes `/problems` and `/problems/{code}`. `?lang=en` or `?lang=zh-CN` goes before `Accept-Language`."""
    router = APIRouter(include_in_schema=False)

    def language_of(request: Request) -> Language:
        wished = request.query_params.get("lang")
        return preferred_language(wished or request.headers.get("accept-language"))

    @router.get("/problems", response_class=HTMLResponse)
    async def index(request: Request) -> HTMLResponse:
        language = language_of(request)
        return _page(_WORDS[language]["index"], _index(kinds, language), language)

    @router.get("/problems/{code}", response_class=HTMLResponse)
    async def kind_page(request: Request, code: str) -> HTMLResponse:
        kind = kinds.get(code)
        if kind is None:
            raise HTTPException(404)
        language = language_of(request)
        return _page(kind.title.in_language(language), _explanation(kind, language), language)

    return router


def _index(kinds: Mapping[str, ProblemKind], language: Language) -> str:
    lines = "".join(
        f'<li><a href="/problems/{kind.code}?lang={language}"><code>{kind.code}</code></a> '
        f"{escape(kind.title.in_language(language))} ({kind.status})</li>"
        for kind in sorted(kinds.values(), key=lambda kind: (kind.status, kind.code))
    )
    return f"<p>{escape(_WORDS[language]['intro'])}</p><ul>{lines}</ul>"


def _explanation(kind: ProblemKind, language: Language) -> str:
    words = _WORDS[language]
    rows = (
        (words["status"], str(kind.status)),
        (words["code"], kind.code),
        (words["retry"], words["yes" if kind.retryable else "no"]),
        (words["next"], kind.explanation(language)),
    )
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows)
    return f'<dl>{listed}</dl><p><a href="/problems?lang={language}">{escape(words["index"])}</a></p>'


def _page(title: str, content: str, language: Language) -> HTMLResponse:
    other = "en" if language == "zh-CN" else "zh-CN"
    return HTMLResponse(
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<title>{escape(title)}</title></head>"
        f'<body><p><a href="?lang={other}" lang="{other}">{_WORDS[language]["other"]}</a></p>'
        f"<h1>{escape(title)}</h1>{content}</body></html>",
        headers={**_HEADERS, "Content-Language": language},
    )
