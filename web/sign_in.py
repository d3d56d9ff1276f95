"""The pages on which people sign in: password, second factor, enrolment; in Chinese and English.

Plain forms, no script, nothing from elsewhere, so they work in any browser and under a policy that allows nothing but
their own style sheet, named by its hash. Texts that come from outside are escaped here and nowhere else.
"""

import base64
import hashlib
from dataclasses import dataclass
from html import escape
from typing import Final, Literal, TypeAlias

import segno
from starlette.responses import HTMLResponse

from web.sign_in_texts import FAULTS, LABELS

Language: TypeAlias = Literal["zh-CN", "en"]

_STYLE: Final = (
    ":root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:26rem;margin:2rem auto;"
    "padding:0 1rem}header{display:flex;justify-content:space-between}label{display:block;margin:1rem 0 .2rem}"
    "input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem}small{display:block}"
    "button{display:block;font:inherit;margin:1.2rem 0;padding:.5rem 1.5rem}"
    "[role=alert]{border-left:4px solid #c00;padding:.2rem .8rem}svg{background:#fff;display:block}"
    "code{font-size:1.1em;overflow-wrap:anywhere}ol.codes{columns:2;font-family:monospace}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


@dataclass(frozen=True, slots=True)
class Shown:
    """What every page needs: language, sealed form, where the answer may lead, the same page in the other language."""

    language: Language
    action: str
    form: str = ""
    target: str = ""
    other_language: str = ""
    fault: str | None = None
    minutes: int = 0
    status: int = 200


def password_page(shown: Shown, *, app: str, agency: str = "", login: str = "") -> HTMLResponse:
    """Who are you? The agency by its code, since a login is unique within its agency only."""
    words = LABELS[shown.language]
    fields = (
        _field("agency", words["agency"], value=agency, autocomplete="organization", hint=words["agency_hint"])
        + _field("login", words["login"], value=login, autocomplete="username")
        + _field("password", words["password"], kind="password", autocomplete="current-password")
    )
    said = f"<p>{escape(words['continue_to'].format(app=app))}</p>"
    return _page(shown, words["sign_in"], said + _form(shown, fields, words["next"]))


def code_page(shown: Shown) -> HTMLResponse:
    words = LABELS[shown.language]
    field = _field("code", words["code"], autocomplete="one-time-code", hint=words["code_hint"])
    return _page(shown, words["second_step"], _form(shown, field, words["sign_in"]))


def factor_page(shown: Shown, *, uri: str, secret: str) -> HTMLResponse:
    """A second factor to set up: as a picture for another machine, as a link on this one, as text for both."""
    words = LABELS[shown.language]
    picture = segno.make_qr(uri, error="m").svg_inline(scale=4, border=2, title=words["picture"])
    spaced = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    told = (
        f"<p>{escape(words['why_factor'])}</p><p>{escape(words['scan'])}</p>{picture}"
        f'<p><a href="{escape(uri)}">{escape(words["open_app"])}</a></p>'
        f"<p>{escape(words['by_hand'])} <code>{escape(spaced)}</code></p>"
    )
    field = _field("code", words["code"], autocomplete="one-time-code", hint=words["first_code_hint"])
    return _page(shown, words["set_up_factor"], told + _form(shown, field, words["next"]))


def recovery_page(shown: Shown, *, codes: list[str]) -> HTMLResponse:
    words = LABELS[shown.language]
    listed = "".join(f"<li>{escape(code)}</li>" for code in codes)
    told = f'<p>{escape(words["why_recovery"])}</p><ol class="codes">{listed}</ol>'
    return _page(shown, words["recovery"], told + _form(shown, "", words["kept_them"]))


def enrolment_page(shown: Shown, *, code: str = "") -> HTMLResponse:
    words = LABELS[shown.language]
    fields = (
        _field("enrolment_code", words["enrolment_code"], value=code, autocomplete="off")
        + _field("password", words["new_password"], kind="password", autocomplete="new-password", hint=words["rules"])
        + _field("again", words["again"], kind="password", autocomplete="new-password")
    )
    return _page(shown, words["enrol"], _form(shown, fields, words["set_password"]))


def enrolled_page(shown: Shown) -> HTMLResponse:
    words = LABELS[shown.language]
    return _page(shown, words["enrolled"], f"<p>{escape(words['now_sign_in'])}</p>")


def fault_page(shown: Shown) -> HTMLResponse:
    """What cannot be answered to the app, because nobody knows that it is one."""
    return _page(shown, LABELS[shown.language]["cannot"], "")


def _form(shown: Shown, fields: str, button: str) -> str:
    return (
        f'<form method="post" action="{escape(shown.action)}" accept-charset="utf-8">'
        f'<input type="hidden" name="form" value="{escape(shown.form)}">{fields}'
        f'<button type="submit">{escape(button)}</button></form>'
    )


def _field(name: str, label: str, *, value: str = "", kind: str = "text", autocomplete: str, hint: str = "") -> str:
    described = f' aria-describedby="{name}-hint"' if hint else ""
    told = f'<small id="{name}-hint">{escape(hint)}</small>' if hint else ""
    return (
        f'<label for="{name}">{escape(label)}</label>'
        f'<input id="{name}" name="{name}" type="{kind}" value="{escape(value)}" autocomplete="{autocomplete}"'
        f' autocapitalize="none" spellcheck="false" maxlength="200" required{described}>{told}'
    )


def _page(shown: Shown, title: str, content: str) -> HTMLResponse:
    words = LABELS[shown.language]
    other = "en" if shown.language == "zh-CN" else "zh-CN"
    switch = (
        f'<a href="{escape(shown.other_language)}" lang="{other}" hreflang="{other}">{words["other"]}</a>'
        if shown.other_language
        else ""
    )
    alert = f'<p role="alert">{escape(_fault(shown))}</p>' if shown.fault else ""
    return HTMLResponse(
        f'<!doctype html><html lang="{shown.language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{_STYLE}</style><title>{escape(title)} · {words['name']}</title></head>"
        f"<body><header><strong>{words['name']}</strong>{switch}</header><main><h1>{escape(title)}</h1>"
        f"{alert}{content}</main></body></html>",
        status_code=shown.status,
        headers={
            "Content-Language": shown.language,
            "Cache-Control": "no-store",
            "Content-Security-Policy": _policy(shown.target),
            "Cross-Origin-Opener-Policy": "same-origin",
        },
    )


def _fault(shown: Shown) -> str:
    text = FAULTS[shown.fault or "unknown"]
    return text[0 if shown.language == "zh-CN" else 1].format(minutes=shown.minutes)


def _policy(target: str) -> str:
    """The redirect that answers a form counts as the form's own target, so the app's place stands beside `'self'`."""
    return (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; base-uri 'none';"
        f" form-action 'self'{' ' + target if target else ''}; frame-ancestors 'none'"
    )
