"""A union's letter of supervision as a page to print and seal: number, addressee, facts, law, demands, date.

One file, no script, no image, nothing loaded: it is printed at a counter without a network.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final

from fastapi.responses import HTMLResponse

from rules.deadlines import last_day, shanghai_day
from rules.letters import ARTICLES, LetterKind
from web.person_documents import HEADERS

_STYLE: Final = (
    "body{font:16px/2 serif;max-width:42rem;margin:3rem auto;padding:0 1rem}h1,.number{text-align:center}"
    "h1{font-size:1.6rem;letter-spacing:.2em}p{text-indent:2em;margin:.4rem 0}p.to{text-indent:0}"
    ".seal{text-align:right;margin-top:3rem}@media print{body{margin:0 auto}}"
)
_TITLES: Final = {
    LetterKind.hint: "工会劳动法律监督提示函",
    LetterKind.opinion: "工会劳动法律监督意见书",
    LetterKind.proposal: "工会劳动法律监督建议书",
}
_VIOLATIONS: Final = {
    **{"wage_arrears": "拖欠工资", "wage_deduction": "克扣工资", "below_minimum_wage": "低于最低工资标准支付工资"},
    **{"overtime_unpaid": "未依法支付加班工资", "not_insured": "未依法缴纳社会保险费"},
    **{"unlawful_dismissal": "违法解除劳动合同", "lay_off_without_notice": "裁减人员未依法履行程序"},
    "safety_health": "违反劳动安全卫生规定",
}
_GROUNDS: Final = {
    "refused_to_take": "该单位拒收工会劳动法律监督意见书",
    "no_reply": "该单位逾期未对工会劳动法律监督意见书作出书面答复",
    "not_corrected": "该单位无正当理由拒不改正",
}


def printed(letter: Mapping[str, Any]) -> HTMLResponse:
    """The page of a letter with its words."""
    kind = LetterKind(letter["kind"])
    title, number = _TITLES[kind], letter["number"]
    addressee = letter["to_agency"]["name"] if letter["to_agency"] else letter["employer"]
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in _paragraphs(kind, letter))
    written = _date(shanghai_day(letter["created_at"]))
    copied = f"<p class=to>抄送：{escape(letter['copy_to']['name'])}</p>" if letter["copy_to"] else ""
    return HTMLResponse(
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{title} {escape(number)}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1><div class=number>{escape(number)}</div>"
        f"<p class=to>{escape(addressee)}：</p>{paragraphs}"
        f"<div class=seal>{escape(letter['author']['name'])}（印章）<br>{written}</div>{copied}</html>",
        headers=HEADERS,
    )


def _paragraphs(kind: LetterKind, letter: Mapping[str, Any]) -> list[str]:
    about = f"经了解，{letter['employer']}涉及{_joined(letter['violations'])}，涉及职工{letter['workers']}人。"
    facts = letter["facts"] or "（内容已依法删除）"
    demands = letter["demands"] or "（内容已依法删除）"
    law = f"上述情形涉及{_articles(letter['violations'])}的规定。"
    closing = _closing(kind, letter["due_by"])
    ground = [f"{_GROUNDS[letter['ground']]}。"] if letter["ground"] else []
    return [about, facts, law, *ground, f"{_ASKING[kind]}{demands}", *closing]


_ASKING: Final = {
    LetterKind.hint: "依据《中华人民共和国工会法》，现提示你单位注意：",
    LetterKind.opinion: "依据《中华人民共和国工会法》，现提出如下意见，请予改正：",
    LetterKind.proposal: "依据《中华人民共和国工会法》，现建议依法处理：",
}


def _closing(kind: LetterKind, due_by: datetime | None) -> list[str]:
    if due_by is None:
        return []
    day = _date(last_day(due_by))
    if kind is LetterKind.opinion:
        return [
            f"请于{day}前（含当日）书面答复本会。逾期未答复、拒收或无正当理由拒不改正的，本会将向劳动行政部门提出建议。"
        ]
    return [f"请于{day}前（含当日）立案，或者书面说明不予立案的理由。"]


def _joined(violations: Sequence[str]) -> str:
    return "、".join(_VIOLATIONS[violation] for violation in violations)


def _articles(violations: Sequence[str]) -> str:
    return "、".join(dict.fromkeys(ARTICLES[violation] for violation in violations))


def _date(day: Any) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
