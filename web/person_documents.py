"""What a person is handed, as a page to print: the same values as the JSON document, with Chinese headings.

One file, no script, no image, nothing loaded: it is saved and printed at a counter without a network.
"""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from fastapi.responses import HTMLResponse

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "private, no-store",
}
_STYLE: Final = (
    "body{font:14px/1.6 serif;max-width:48rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;margin:.3rem 0 1rem}"
    "th,td{border:1px solid #999;padding:.2rem .5rem;text-align:left;vertical-align:top}th{width:12rem;font-weight:600}"
    "@media print{body{margin:0}h2{break-after:avoid}}"
)
_TITLES: Final = {"copy": "个人信息副本", "access_log": "个人信息查阅记录"}
_WORDS: Final = {
    **{
        "request": "本人请求",
        "made_at": "制作时间",
        "case": "个案",
        "accesses": "查阅与办理记录",
        "records": "各机构所报信息",
    },
    **{"household": "家庭成员", "reports": "报告原文", "file": "档案", "referrals": "转办", "results": "办理结果"},
    **{
        "adoptions": "采用情况",
        "assistance": "帮扶措施",
        "sharing_bases": "共享依据",
        "emergency_uses": "紧急查阅",
        "danger": "紧急情形",
        "field_classes": "信息类别",
    },
    **{"number": "编号", "status": "状态", "coordinator": "主办工会", "opened_at": "建案时间", "closed_at": "结案时间"},
    **{"name": "姓名", "id_type": "证件类型", "id_number": "证件号码", "sex": "性别", "birth_date": "出生日期"},
    **{"phones": "电话", "address": "地址", "division_code": "区划代码", "employment_status": "就业状态"},
    **{"employer": "单位", "health": "健康状况", "monthly_income_fen": "月收入（分）", "as_received": "原始填报"},
    **{
        "relation": "关系",
        "role": "角色",
        "reported_by": "报告机构",
        "recorded_at": "登记时间",
        "correction": "是否更正",
    },
    **{"reported_at": "报告时间", "channel": "渠道", "said": "内容", "person": "本人", "narrative": "情况说明"},
    **{"at": "时间", "agency": "机构", "agency_kind": "机构类别", "operation_zh": "事项", "purpose": "用途"},
    **{"matter": "事项", "need": "需求", "from": "转出机构", "to": "承办机构", "note": "说明", "steps": "办理过程"},
    **{"step": "步骤", "by": "办理者", "reason": "原因", "text": "文字", "kind": "种类", "code": "代码"},
    **{
        "agency_name": "机构",
        "recipient_name": "接收机构",
        "reference": "依据文号",
        "valid_from": "起",
        "valid_until": "止",
    },
    **{"valid_to": "止", "shared_at": "共享时间", "decision": "意见", "adopted_at": "时间", "source": "来源"},
    **{
        "cause_primary": "主要致困原因",
        "causes_secondary": "次要原因",
        "difficulty_class": "困难类别",
        "needs": "需求",
    },
    **{"exit_reason": "退出原因", "exit_text": "退出说明", "received_at": "收到时间", "asked_by": "提出人"},
    **{"complete": "是否全部列出"},
}
_LEFT_OUT: Final = frozenset({"kind", "operation", "operation_en", "id"})


def printed(document: Mapping[str, Any]) -> HTMLResponse:
    """The page of a document."""
    title = _TITLES[document["kind"]]
    body = "".join(_sections(document))
    return HTMLResponse(
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1>{body}</html>",
        headers=HEADERS,
    )


def _sections(document: Mapping[str, Any]) -> Iterator[str]:
    for key, value in document.items():
        if key not in _LEFT_OUT:
            yield f"<h2>{_word(key)}</h2>{_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        rows = (f"<tr><th>{_word(k)}</th><td>{_value(v)}</td></tr>" for k, v in value.items() if k not in _LEFT_OUT)
        return f"<table>{''.join(rows)}</table>"
    if isinstance(value, list):
        plain = not any(isinstance(item, Mapping | list) for item in value)
        return escape("、".join(map(str, value))) if plain else "".join(map(_value, value))
    if isinstance(value, bool):
        return "是" if value else "否"
    return "—" if value is None else escape(str(value))


def _word(key: str) -> str:
    return escape(_WORDS.get(key, key))
