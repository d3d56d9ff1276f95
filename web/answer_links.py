"""The page on which an office without a system answers one referral; in Chinese, with English beside it.

Plain forms that work on an old phone and without a script. The link's secret stands behind the `#` of its address,
which no browser sends, no server logs and no referrer carries; three lines of script, named by their hash, put it into
the form of the first page, and without them it is pasted. Opening changes nothing; only a button does. Texts that come
from outside are escaped here and nowhere else.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

from starlette.responses import HTMLResponse

from web.answer_link_texts import FAULTS, LABELS, RETURN_REASONS, Words

ADDRESS: Final = "/answer"

_STYLE: Final = (
    ":root{color-scheme:light dark}body{font:18px/1.6 system-ui,sans-serif;max-width:36rem;margin:1rem auto;"
    "padding:0 1rem}[lang=en]{display:block;font-size:.8em;opacity:.8}h1{font-size:1.4em}h2{font-size:1.15em;"
    "border-top:1px solid;padding-top:1rem;margin-top:2rem}label{display:block;margin:1rem 0 .2rem}"
    "input,select,textarea{font:inherit;width:100%;box-sizing:border-box;padding:.5rem}"
    "button{font:inherit;margin:1.2rem 0;padding:.7rem 2rem}dt{font-weight:600;margin-top:.6rem}dd{margin:0}"
    "[role=alert]{border-left:4px solid #c00;padding:.2rem .8rem}code{overflow-wrap:anywhere}"
)
# The secret leaves the address bar before anything else happens, so that no screenshot or shared tab shows it.
_SCRIPT: Final = (
    "var h=location.hash.slice(1);"
    "if(h){if(history.replaceState)history.replaceState(null,'',location.pathname);"
    "document.getElementById('link').value=h;document.forms[0].submit()}"
)


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_hash(_STYLE)}'; img-src data:; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
_ENTRY_POLICY: Final = f"{_POLICY}; script-src 'sha256-{_hash(_SCRIPT)}'"

Fact = tuple[str, Words]
Choices = Sequence[tuple[str, Words]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A referral as its addressee may see it, the steps it may answer with, and what was typed before."""

    token: str
    version: int
    facts: Sequence[Fact]
    steps: Sequence[str]
    choices: Mapping[str, Choices]
    said: Mapping[str, str] = field(default_factory=dict)
    fault: str | None = None
    wrong: Sequence[tuple[str, Words]] = ()
    status: int = 200


def entry_page() -> HTMLResponse:
    """Where every link leads: asks for the secret, which the script finds behind the `#`; the same for everybody."""
    form = (
        f'<p>{_both("entry_hint")}</p><form method="post" action="{ADDRESS}" accept-charset="utf-8">'
        f'<label for="link">{_both("link")}</label>'
        '<input id="link" name="link" type="text" autocomplete="off" autocapitalize="none" spellcheck="false"'
        f' maxlength="500" required><button type="submit">{_both("open")}</button></form><script>{_SCRIPT}</script>'
    )
    return _page("entry", form, policy=_ENTRY_POLICY)


def referral_page(asked: Asked) -> HTMLResponse:
    """What is asked, and a form for each step that can be answered with."""
    told = f"{_alert(asked)}{_facts(asked.facts)}<p>{_both('no_identity')}</p>"
    forms = "".join(_form(asked, step) for step in asked.steps)
    hint = _both("once") if asked.steps else _both("nothing")
    return _page("asked", f"{told}<p><strong>{hint}</strong></p>{forms}", status=asked.status)


def answered_page(facts: Sequence[Fact], *, next_token: str | None, next_url: str) -> HTMLResponse:
    """What was answered, the same to whoever presses twice; and the link through which the work goes on."""
    told = f'<div role="status">{_facts(facts)}</div><p>{_both("answered_once")}</p>'
    if next_token is not None:
        told += (
            f"<h2>{_both('next')}</h2><p>{_both('next_hint')}</p><p><code>{escape(next_url)}</code></p>"
            f'<form method="post" action="{ADDRESS}">{_hidden("link", next_token)}'
            f'<button type="submit">{_both("next")}</button></form>'
        )
    return _page("answered", told)


def fault_page() -> HTMLResponse:
    """For every link that does not stand, whatever the reason: the same bytes."""
    return _page(None, f"<p>{_words(FAULTS['not-standing-hint'])}</p>", title=FAULTS["not-standing"], status=404)


def wait_page(seconds: int) -> HTMLResponse:
    page = _page(None, "", title=FAULTS["too-many"], status=429)
    page.headers["retry-after"] = str(seconds)
    return page


def _form(asked: Asked, step: str) -> str:
    fields = _field(asked, step, "clerk", required=True) + _FIELDS[step](asked)
    return (
        f'<section aria-labelledby="{step}-title"><h2 id="{step}-title">{_both(step)}</h2>'
        f"<p>{_both(f'{step}_hint')}</p>"
        f'<form method="post" action="{ADDRESS}" accept-charset="utf-8">{_hidden("link", asked.token)}'
        f"{_hidden('version', str(asked.version))}{_hidden('step', step)}{fields}"
        f'<button type="submit">{_both(step)}</button></form></section>'
    )


def _nothing_more(_asked: Asked) -> str:
    return ""


def _return_fields(asked: Asked) -> str:
    reasons = list(RETURN_REASONS.items())
    return (
        _choice(asked, "return", "reason", reasons, required=True)
        + _area(asked, "return", "text", required=True)
        + _area(asked, "return", "missing")
        + f"<p>{_both('competence_hint')}</p>"
        + _choice(asked, "return", "competent_agency_kind", asked.choices["agency_kind"])
        + _field(asked, "return", "legal_basis")
    )


def _complete_fields(asked: Asked) -> str:
    return (
        _choice(asked, "complete", "outcome", asked.choices["outcome"], required=True)
        + _area(asked, "complete", "text")
        + _choice(asked, "complete", "result_kind", asked.choices["result_kind"])
        + _field(asked, "complete", "result_code")
        + _area(asked, "complete", "result_text")
    )


_FIELDS: Final = {
    "receive": _nothing_more,
    "accept": _nothing_more,
    "return": _return_fields,
    "complete": _complete_fields,
}


def _said(asked: Asked, step: str, name: str) -> str:
    """What was typed into this form before; the clerk's name also where only the link knows it."""
    return asked.said.get(name, "") if name == "clerk" or asked.said.get("step") == step else ""


def _label(step: str, name: str) -> str:
    return f'<label for="{step}-{name}">{_both(name)}</label>'


def _field(asked: Asked, step: str, name: str, *, required: bool = False) -> str:
    longest = 50 if name == "clerk" else 200
    return (
        f'{_label(step, name)}<input id="{step}-{name}" name="{name}" type="text" maxlength="{longest}"'
        f' value="{escape(_said(asked, step, name))}" autocomplete="{"name" if name == "clerk" else "off"}"'
        f"{' required' if required else ''}>"
    )


def _area(asked: Asked, step: str, name: str, *, required: bool = False) -> str:
    return (
        f'{_label(step, name)}<textarea id="{step}-{name}" name="{name}" rows="3" maxlength="10000"'
        f"{' required' if required else ''}>{escape(_said(asked, step, name))}</textarea>"
    )


def _choice(asked: Asked, step: str, name: str, choices: Choices, *, required: bool = False) -> str:
    """Options hold text only, so both languages stand in one line."""
    chosen = _said(asked, step, name)
    options = "".join(
        f'<option value="{escape(code)}"{" selected" if code == chosen else ""}>{escape(f"{zh} / {en}")}</option>'
        for code, (zh, en) in [("", LABELS["choose"]), *choices]
    )
    return (
        f'{_label(step, name)}<select id="{step}-{name}" name="{name}"{" required" if required else ""}>'
        f"{options}</select>"
    )


def _alert(asked: Asked) -> str:
    if asked.fault is None:
        return ""
    wrong = "".join(f"<li>{_both(name)}: {_words(text)}</li>" for name, text in asked.wrong)
    return f'<div role="alert">{_words(FAULTS[asked.fault])}{f"<ul>{wrong}</ul>" if wrong else ""}</div>'


def _facts(facts: Iterable[Fact]) -> str:
    return "<dl>" + "".join(f"<dt>{_both(name)}</dt><dd>{_words(said)}</dd>" for name, said in facts) + "</dl>"


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'


def _both(name: str) -> str:
    return _words(LABELS[name])


def _words(words: Words) -> str:
    """Chinese, and English beside it where that says something else."""
    beside = f' <span lang="en">{escape(words.en)}</span>' if words.en != words.zh else ""
    return f"{escape(words.zh)}{beside}"


def _page(
    name: str | None, content: str, *, title: Words | None = None, status: int = 200, policy: str = _POLICY
) -> HTMLResponse:
    heading = title or LABELS[name or "entry"]
    return HTMLResponse(
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f'<link rel="icon" href="data:,"><style>{_STYLE}</style><title>{escape(heading.zh)} · '
        f"{escape(LABELS['name'].zh)}</title></head><body><main><h1>{_words(heading)}</h1>{content}</main></body></html>",
        status_code=status,
        headers={
            "Content-Language": "zh-CN, en",
            "Cache-Control": "no-store",
            "Content-Security-Policy": policy,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Frame-Options": "DENY",  # phones older than frame-ancestors
            "X-Robots-Tag": "noindex",
        },
    )
