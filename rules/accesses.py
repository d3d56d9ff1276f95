"""Accesses (查阅记录): what the audit log says of a case in words for the person it is about. Pure.

The person learns when, which agency, what was done, which classes of fields and why; never which member of staff.
"""

from typing import NamedTuple


class Words(NamedTuple):
    zh: str
    en: str


OPERATIONS: dict[str, Words] = {
    "report.file": Words("报告了情况", "reported on the situation"),
    "report.read": Words("查阅了报告原文", "read a report"),
    "report.adopt": Words("说明是否采用报告", "said whether it adopts a report"),
    "case.read_file": Words("查阅了个案档案", "read the case file"),
    "case.search": Words("按身份信息检索", "searched by identity"),
    "case.access_log": Words("查阅了查询记录", "read the log of accesses"),
    "case.copy": Words("制作了本人信息副本", "made the copy of the person's data"),
    "case.erase": Words("删除了个人信息", "erased the personal data"),
    "case.trim": Words("删除了不再需要的信息", "erased what was no longer needed"),
    "case.retention_due": Words("保存期限届满", "the period of retention ended"),
    "case.update_needs": Words("更新了需求", "updated the needs"),
    "case.assess": Words("开始核实评估", "began the assessment"),
    "case.activate": Words("建档帮扶", "took the case up"),
    "case.propose_closing": Words("提议退出", "proposed to close the case"),
    "case.close": Words("办结退出", "closed the case"),
    "case.reopen": Words("重新打开个案（返困）", "reopened the case"),
    "participant.join": Words("邀请机构了解个案", "invited an agency to the case"),
    "participant.leave": Words("结束机构的参与", "ended an agency's part in the case"),
    "sharing_basis.record": Words("登记了共享依据", "recorded a basis for sharing"),
    "sharing_basis.withdraw": Words("撤回了共享依据", "withdrew a basis for sharing"),
    "case_link.say": Words("登记了案件关联", "linked the case with a number or another case"),
    "case_link.undo": Words("撤销了案件关联", "undid a link of the case"),
    "case_link.read": Words("查阅了司法机构的案号", "read a judicial agency's case number"),
    "referral.request": Words("转办", "referred a need"),
    "referral.read_people": Words("作为承办机构查阅了人员信息", "read the person's data as the office at work"),
    "referral.send": Words("发出转办", "sent a referral"),
    "referral.receive": Words("签收转办", "acknowledged a referral"),
    "referral.accept": Words("受理转办", "accepted a referral"),
    "referral.reject": Words("不予受理", "rejected a referral"),
    "referral.return": Words("退回补正", "returned a referral"),
    "referral.resubmit": Words("补正后重新提交", "sent a returned referral again"),
    "referral.start": Words("开始办理", "began the work"),
    "referral.hold": Words("暂停办理", "put the work on hold"),
    "referral.resume": Words("恢复办理", "went on with the work"),
    "referral.extend": Words("延长期限", "prolonged the period"),
    "referral.dispute": Words("提出异议", "disputed a referral"),
    "referral.complete": Words("办结转办", "completed a referral"),
    "referral.fail": Words("未能办成", "could not complete a referral"),
    "referral.cancel": Words("撤销转办", "cancelled a referral"),
    "referral.void": Words("作废转办", "voided a referral"),
    "answer_link.make": Words("制作了一次性答复链接", "made a link to answer a referral"),
    "answer_link.revoke": Words("撤销了一次性答复链接", "revoked a link to answer a referral"),
    "answer_link.answer": Words("通过一次性链接答复了转办", "answered a referral through a link"),
    "referral.overdue": Words("转办超过时限", "a clock of a referral ran out"),
    "referral.expire": Words("转办逾期失效", "a referral expired"),
    "referral.completed": Words("联合转办办结", "a joint referral was completed"),
    "referral.recalculate": Words("时限重新计算", "dates were counted again"),
    "result.read": Words("查阅了办理结果内容", "read the words of a result"),
    "result.withdraw": Words("撤回了共享的结果", "withdrew a shared result"),
    "adoption.overdue": Words("逾期未说明是否采用", "did not say in time whether it adopts"),
    "result.adopt": Words("说明是否采用结果", "said whether it adopts a result"),
    "match_candidate.read": Words("查阅了一条疑似重复", "read of a possible match"),
    "match_candidate.read_terms": Words("查阅了疑似重复的证据", "read the evidence for a possible match"),
    "match_candidate.compare": Words("并排比对了两份记录", "compared two records side by side"),
    "match_candidate.compare_by_grant": Words("经准许比对了本案记录", "compared a record of this case by a grant"),
    "match_candidate.not_duplicate": Words("判定两份记录并非同一人", "said that two records are two people"),
    "match_candidate.confirm": Words("确认两份记录为同一人", "said that two records are one person"),
    "link.undo": Words("撤销了一项人员关联", "undid a link between two records"),
    "case.merge": Words("两个案件并为一案", "two cases became one"),
    "match_candidate.undo": Words("撤销了疑似重复的判定", "took a decision on a possible match back"),
    "match.found": Words("发现疑似重复", "a possible match was found"),
    "link.doubtful": Words("对一处关联存疑", "a link was doubted"),
    "link.rebuild": Words("依据关联依据重新核对归属", "worked out anew whose a record is"),
    "match.undone": Words("疑似重复的判定到期", "a decision on a possible match lapsed"),
    "access_request.ask": Words("申请查看对方记录", "asked to see the record of the other side"),
    "access_request.read": Words("查阅了查看申请", "read a request for access"),
    "access_request.granted": Words("准许查看", "granted access"),
    "access_request.refused": Words("拒绝查看", "refused access"),
    "access_request.revoked": Words("收回查看许可", "revoked access"),
    "referral.assign": Words("联席会议确定了承办单位", "assigned it in a joint conference"),
    "letter.write": Words("发出监督文书", "wrote a letter of supervision"),
    "letter.read": Words("查阅了监督文书", "read a letter of supervision"),
    **dict.fromkeys(
        ("letter.record_reply", "letter.record_refusal", "letter.record_correction", "letter.record_no_correction"),
        Words("登记了用人单位的答复", "recorded what the employer did with a letter"),
    ),
    **dict.fromkeys(("letter.file", "letter.decline"), Words("答复了监督建议书", "answered a letter of supervision")),
    "letter.withdraw": Words("撤回监督文书", "took a letter of supervision back"),
    "case_transfer.ask": Words("提出变更主办工会", "asked for another coordinator"),
    "case_transfer.read": Words("查阅了主办变更", "read a transfer of the coordinator's role"),
    "case_transfer.accept": Words("接受主办变更", "took over or gave away the coordinator's role"),
    "case_transfer.reject": Words("不同意主办变更", "rejected a transfer of the coordinator's role"),
    "case_transfer.cancel": Words("撤回主办变更", "took a transfer of the coordinator's role back"),
    "policy_gap.record": Words("登记了政策空白", "recorded that no body is competent for a need"),
    "policy_gap.read": Words("查阅了政策空白", "read of needs for which no body is competent"),
    "referral.reminded": Words("提醒转办时限临近", "reminded of a date"),
    "referral.escalate": Words("逾期转办已督办", "told upwards what is late"),
    "person_request.file": Words("登记了本人请求", "filed a request of the person"),
    "person_request.read": Words("查阅了本人请求", "read a request of the person"),
    "person_request.review": Words("开始审查本人请求", "took up a request of the person"),
    "person_request.extend": Words("延长本人请求的期限", "prolonged the answer to a request"),
    "person_request.fulfil": Words("办理了本人请求", "fulfilled a request of the person"),
    "person_request.partly_fulfil": Words("部分办理了本人请求", "fulfilled a request in part"),
    "person_request.refuse": Words("拒绝了本人请求", "refused a request of the person"),
    "person_request.withdraw": Words("撤回了本人请求", "withdrew a request of the person"),
    "person_request.overdue": Words("本人请求超过时限", "a request of the person ran out of time"),
    "person_record.correct": Words("更正了所报信息", "corrected what it had reported"),
    "break_glass.open": Words("在紧急情形下查阅了档案", "opened the file in an emergency"),
    "break_glass.review": Words("复核了紧急查阅", "judged an emergency use"),
    "break_glass.overdue": Words("紧急查阅逾期未复核", "an emergency use was not judged in time"),
    "person.reveal": Words("查看了证件号码、电话等明文", "saw masked values in full"),
    "audit.read": Words("查阅了一条审计记录", "read an audit record"),
    "audit.list": Words("查阅了审计记录", "read audit records"),
    "audit.erase": Words("删除了审计记录中的内容", "erased the content of audit records"),
}
"""By the action of the leaf."""

_OTHER = Words("其他操作", "another operation")


def words_of(action: str) -> Words:
    """The operation in plain words; an action that is not in the table is called one, not left out."""
    return OPERATIONS.get(action, _OTHER)


KINDS_OF_ACCESS = ("read", "search", "list", "access_log", "copy", "open", "reveal")


def is_read(action: str) -> bool:
    """Whether data was looked at, rather than written."""
    _, _, verb = action.partition(".")
    return verb.startswith(KINDS_OF_ACCESS)
