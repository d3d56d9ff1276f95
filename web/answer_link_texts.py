"""The words of the page on which an office without a system answers: Chinese first, English beside it."""

from typing import Final, NamedTuple


class Words(NamedTuple):
    zh: str
    en: str


LABELS: Final[dict[str, Words]] = {
    "name": Words("通力", "Tongli"),
    "entry": Words("答复转办", "Answer a referral"),
    "entry_hint": Words(
        "请粘贴或输入收到的完整链接，然后打开。打开只是查看，不会作出任何答复。",
        "Paste or type the whole link you were given and open it. Opening it only looks: nothing is answered by that.",
    ),
    "link": Words("链接", "Link"),
    "open": Words("打开", "Open"),
    "asked": Words("转办事项", "What is asked"),
    "matter": Words("事项", "Matter"),
    "sender": Words("转办机构", "Sent by"),
    "to_agency": Words("承办机构", "To"),
    "need": Words("需求", "Need"),
    "place": Words("所在地", "Place"),
    "age_band": Words("年龄段", "Age band"),
    "urgency": Words("紧急程度", "Urgency"),
    "status": Words("状态", "State"),
    "requested_at": Words("转办时间", "Sent"),
    "acknowledge_by": Words("签收期限", "Acknowledge by"),
    "accept_by": Words("受理期限", "Accept by"),
    "resolve_by": Words("办结期限", "Resolve by"),
    "expires_at": Words("链接有效期至", "This link ends"),
    "no_identity": Words(
        "此页不显示当事人姓名和证件号码；需要时请向转办机构索取。",
        "This page names nobody. Ask the office that sent the referral for what you need to know.",
    ),
    "once": Words(
        "此链接只能答复一次。答复以承办机构名义作出并记入审计日志。",
        "This link answers once. The answer is your office's own and is recorded in the audit log.",
    ),
    "clerk": Words("经办人姓名", "Your name"),
    "receive": Words("签收", "Acknowledge"),
    "receive_hint": Words(
        "确认已收到，受理与否稍后再定。", "Say that it has arrived; whether you accept is said later."
    ),
    "accept": Words("受理", "Accept"),
    "accept_hint": Words("由本机构办理，办结期限照常计算。", "Your office takes it on; the clock to resolve it runs."),
    "return": Words("退回补正", "Return"),
    "return_hint": Words("每件转办只能退回一次，请写明原因。", "It can be returned once. Say why."),
    "complete": Words("办结", "Complete"),
    "complete_hint": Words("写明结果。办结后不能更改。", "Say what came of it. This cannot be changed."),
    "reason": Words("原因", "Reason"),
    "text": Words("说明", "In words"),
    "missing": Words("缺少的材料（每行一项）", "What is missing, one a line"),
    "competent_agency_kind": Words("应由哪类机构办理", "Which kind of agency is competent"),
    "legal_basis": Words("法律依据（条款）", "Legal basis (article)"),
    "competence_hint": Words(
        "原因为“不属本机构职责”或“不属本地区”时必填。", "Needed where the reason is another office or place."
    ),
    "outcome": Words("办理结果", "Outcome"),
    "result_kind": Words("结果种类（可不填）", "Kind of result, if there is one"),
    "result_code": Words("结果代码（字母、数字）", "Code of the result, in letters and digits"),
    "result_text": Words("结果内容", "The result in words"),
    "choose": Words("请选择", "Choose"),
    "answered": Words("已答复", "Answered"),
    "answer": Words("答复", "Answer"),
    "answered_at": Words("答复时间", "At"),
    "answered_by": Words("经办人", "By"),
    "answered_once": Words(
        "此链接已使用，再次提交不会改变答复。", "This link is spent: to send it again changes nothing."
    ),
    "next": Words("继续办理", "Go on"),
    "next_hint": Words(
        "下一步答复用这个新链接，现在请保存：此页稍后不再显示它。",
        "The next answer goes through this new link. Keep it now: it is not shown later.",
    ),
    "nothing": Words("本链接目前没有可办理的步骤。", "Nothing can be answered through this link as things stand."),
}

FAULTS: Final[dict[str, Words]] = {
    "not-standing": Words("此链接不能使用", "This link cannot be used"),
    "not-standing-hint": Words(
        "链接可能不完整、已过期或已失效，也可能转办已由他人办理。请联系转办机构重新发送。",
        "It may be incomplete, have run out, or no longer stand, or others have dealt with the referral. Ask the office"
        " that sent it for another.",
    ),
    "too-many": Words("使用过于频繁，请过一会儿再试。", "It was used too often. Try again in a while."),
    "changed": Words(
        "转办刚有变动，请核对后重新提交。", "The referral changed meanwhile. Look at it again, then answer."
    ),
    "not-now": Words("按转办当前状态不能办理此步骤。", "This cannot be answered as the referral stands."),
    "wrong": Words("有内容需要更正，尚未提交：", "Something must be corrected; nothing was answered yet:"),
}

RETURN_REASONS: Final[dict[str, Words]] = {
    "missing_documents": Words("材料不齐", "documents are missing"),
    "unclear_request": Words("请求不明确", "the request is unclear"),
    "data_contradicts": Words("信息相互矛盾", "the data contradict each other"),
    "not_competent": Words("不属本机构职责", "not this office's duty"),
    "outside_division": Words("不属本地区", "outside this office's place"),
}

AGE_BANDS: Final[dict[str, Words]] = {
    "under_14": Words("14 岁以下", "under 14"),
    "14_17": Words("14–17 岁", "14 to 17"),
    "18_35": Words("18–35 岁", "18 to 35"),
    "36_45": Words("36–45 岁", "36 to 45"),
    "46_60": Words("46–60 岁", "46 to 60"),
    "over_60": Words("60 岁以上", "over 60"),
    "unknown": Words("未知", "unknown"),
}
