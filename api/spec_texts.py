"""Texts of the API document that no code carries: what a group of operations, an event or a role is, zh and en."""

from typing import Final

from api.problem_catalogue import Text

ABOUT: Final = """\
通力（Tongli）让工会、人社、财政、司法等部门报告困难职工，把各自掌握的情况关联成一个案件，把每项需求转给负有职责的机构办理，\
并共享结果。

Tongli lets unions, labour, finance and judicial departments report workers in hardship, link what each of them knows
into one case, refer each need to the agency whose duty it is, and share the result.

- **Sign in** at `POST /oauth/token` (OAuth 2.0 client credentials); send `Authorization: Bearer …`. A token lives 10
  minutes.
- **JSON** in UTF-8. Unknown fields and parameters are refused, never ignored; ignore fields you do not know in answers.
- **Times** are RFC 3339 in UTC, days `YYYY-MM-DD` counted in Asia/Shanghai, money whole fen. There are no decimals.
- **Failures** are `application/problem+json` (RFC 9457): decide by `code`, never by texts. The page of each code is
  served at `/problems/{code}`. What the caller may not see answers 404, like what does not exist.
- **Repeat safely**: `Idempotency-Key` is required on every POST that changes something, and kept 14 days.
- **Change safely**: send the `ETag` of what you read as `If-Match`; 428 without, 412 when someone was faster.
- **Learn of changes** from the feed `GET /v1/events`, which is complete and ordered, or from webhooks, which are hints.

调用方法：先在 `POST /oauth/token` 取得令牌；程序请按 `code` 判断错误；每个写操作带 `Idempotency-Key`；修改前先读取，\
并以 `If-Match` 带上 `ETag`；用 `GET /v1/events` 或 webhook 获知变化。
"""

TAGS: Final[dict[str, Text]] = {
    "oauth": Text(
        "登录：机构系统取得访问令牌，以及本服务的公钥。",
        "Sign-in of agencies' systems, and this service's public keys.",
    ),
    "reports": Text("报告：任何机构都可以报告困难职工。", "Reports: any agency says that a worker is in trouble."),
    "cases": Text(
        "案件：摘要、档案、时间线、参与机构、关联、步骤。",
        "Cases: summary, file, timeline, participants, links, steps.",
    ),
    "case-links": Text(
        "案件关联：机构自有案号、同户同单位同根源案件、外省外级平台上的案件。",
        "Links of a case: agencies' own numbers, cases of one household, employer or root cause, cases elsewhere.",
    ),
    "person-requests": Text(
        "本人请求：查询记录、复制、更正、拒绝、删除，各有时限。",
        "Requests of the person: accesses, copy, correction, objection, erasure, each with its clock.",
    ),
    "matches": Text(
        "疑似重复：排队审看、并排比对、判定，以及向对方申请查看。",
        "Possible matches: the queue, side by side, the decision, and asking the other side.",
    ),
    "warnings": Text(
        "预警：各机构的信号、新增案件的聚集、分级预警及其上报时限、预案与演练。",
        "Early warning: signals of agencies, clusters of new cases, alerts by level with reporting clocks, plans.",
    ),
    "statistics": Text("协同的统计。", "Statistics of coordination."),
    "data-sharing": Text(
        "数据共享：目录与申请，按政务数据共享条例的时限。",
        "Data sharing: the catalogue and requests, under the clocks of the regulation.",
    ),
    "letters": Text(
        "一函两书：工会劳动法律监督提示函、意见书、建议书。",
        "Letters of supervision: hints and opinions to employers, proposals to the labour department.",
    ),
    "conferences": Text(
        "联席会议：成员与规则、会议、议题、意见、议定事项与落实。",
        "Joint conferences: members and rules, sessions, agenda, opinions, decisions and what follows.",
    ),
    "referrals": Text(
        "转办：把一项需求转给有职责的机构，以及每一步办理。",
        "Referrals: one need goes to the agency whose duty it is, and every step of the work.",
    ),
    "sharing": Text(
        "共享依据、影响评估、紧急查阅与明文查看。",
        "Why fields may leave: bases, impact assessments, the emergency access, reveal.",
    ),
    "policy": Text(
        "源头参与：政策空白，征求意见登记，政策建议的五项要素、发送对象与答复时限。",
        "Policy: needs that no body answers, proposals and the clock of the reply, drafts on which unions were asked.",
    ),
    "results": Text("结果与采用：一次认定，各机构共享复用。", "Results and their adoption: decided once, used by all."),
    "directory": Text(
        "职责清单与机构目录：谁的职责、何时办结、到哪里办。",
        "Whose duty a need is, by when, and the directory of agencies.",
    ),
    "reference": Text("代码表与行政区划。", "Code lists and administrative divisions."),
    "events": Text(
        "事件流：每个机构自己的、连续编号的事件。", "The feed: each agency's own events, numbered without gaps."
    ),
    "webhooks": Text(
        "Webhook：推送地址、投递记录、重新投递。", "Webhook endpoints, the log of deliveries, sending again."
    ),
    "inbound": Text(
        "来函：对方系统发来的消息、来源与映射、回执。",
        "Inbound messages of partners' systems: sources, what their bodies become, receipts.",
    ),
    "audit": Text(
        "审计日志：检查点、证明、分块、见证联署，以及本机构的审计记录。",
        "The audit log: checkpoints, proofs, tiles, cosignatures of witnesses, and the agency's own leaves.",
    ),
    "accounts": Text(
        "本机构的系统账号与人员，由机构管理员管理。", "The agency's own clients and staff, for its administrators."
    ),
}

ROLES: Final[dict[str, Text]] = {
    "coordinator": Text("统筹案件的工会", "the union that coordinates the case"),
    "reporter": Text("报告过该职工的机构", "an agency that reported the worker"),
    "receiver": Text("受理过转办的机构", "an agency that accepted a referral of the case"),
    "observer": Text("受邀了解案件的机构", "an agency invited to observe the case"),
    "actor": Text("办理此事的机构", "the agency that did it"),
    "sender": Text("发出转办或政策建议的机构", "the agency that sent the referral or the proposal"),
    "addressee": Text("转办或政策建议指定的机构", "the agency the referral or the proposal is addressed to"),
    "pool": Text("可从待认领池受理的机构", "every agency competent to accept it from the open pool"),
    "owner": Text(
        "推送地址、来函来源或见证密钥所属机构",
        "the agency the webhook endpoint, inbound source or witness belongs to",
    ),
    "other": Text("此事涉及的另一机构", "the other agency the fact concerns"),
    "superior": Text("被督办提醒的上级机构", "the agency above that is told what is late"),
}

EVENTS: Final[dict[str, Text]] = {
    "report.received": Text("收到一份报告", "a report was filed"),
    "report.adopted": Text("一份报告被采用、部分采用或未采用", "an agency said whether it adopts a report"),
    "case.opened": Text("案件建立", "a case was opened"),
    "case.updated": Text("案件状态或内容有变", "a case changed its status or content"),
    "case.linked": Text(
        "案件有了新的关联：机构自有案号、另一案件或外地案件；changed 为关联种类",
        "the case was linked with an agency's own number, another case or one elsewhere; `changed` names the kind",
    ),
    "case.unlinked": Text("案件的一项关联已撤销", "a link of the case was undone"),
    "case.merged": Text("案件并入本案", "another case went into this one"),
    "case.unmerged": Text("并案撤销，案件分开", "a merge was undone: the case stands for itself again"),
    "case.closed": Text("案件办结", "the case was closed"),
    "case.reopened": Text("案件重新打开（返困）", "the case was reopened"),
    "case.transferred": Text("案件主办工会变更", "another union coordinates a case"),
    "case_transfer.requested": Text("提出变更主办工会", "a transfer of the coordinator's role was asked for"),
    "case_transfer.accepted": Text("主办变更已被接受", "a transfer of the coordinator's role was accepted"),
    "case_transfer.rejected": Text("主办变更未被同意", "a transfer of the coordinator's role was rejected"),
    "case_transfer.cancelled": Text("主办变更已撤回", "a transfer of the coordinator's role was taken back"),
    "proposal.sent": Text("政策建议已发出", "a proposal was sent"),
    "proposal.replied": Text("政策建议已答复", "a proposal was replied to"),
    "proposal.withdrawn": Text("政策建议已撤回", "a proposal was withdrawn"),
    "proposal.overdue": Text("政策建议逾期未答复", "the time to reply to a proposal ran out"),
    "participant.joined": Text("一个机构参与案件", "an agency takes part in the case from now on"),
    "participant.left": Text("一个机构退出案件", "an agency no longer takes part in the case"),
    "alert.raised": Text("预警已发出或升级", "an alert was raised, or became graver"),
    "alert.acknowledged": Text("预警已确认并上报", "an alert was acknowledged and told upwards"),
    "alert.overdue": Text("预警超过上报时限未确认", "an alert was not told upwards within its clock"),
    "alert.cleared": Text("预警已解除", "an alert was resolved, or its cluster has subsided"),
    "plan.activated": Text("预案已启动（或演练）", "a plan was activated, or a drill began"),
    "plan.stood_down": Text("预案已解除", "an activation of a plan was stood down"),
    "plan_task.done": Text("预案任务已完成", "a task of a plan is done"),
    "plan_task.overdue": Text("预案任务超过时限", "a task of a plan is past its date"),
    "referral.requested": Text("转办发出", "a referral was sent"),
    "referral.received": Text("转办已签收", "the receipt of a referral was acknowledged"),
    "referral.accepted": Text("转办已受理", "a referral was accepted"),
    "referral.rejected": Text("转办不予受理", "a referral was rejected"),
    "referral.returned": Text("转办退回补正", "a referral was returned for completion"),
    "referral.resubmitted": Text("转办补正后重新提交", "a returned referral was sent again"),
    "referral.started": Text("转办开始办理", "the work on a referral began"),
    "referral.held": Text("转办暂停", "the work on a referral is on hold"),
    "referral.resumed": Text("转办恢复办理", "the work on a referral goes on"),
    "referral.extended": Text("转办延期", "the time for a referral was extended"),
    "referral.disputed": Text("对转办提出异议", "a party disputes a referral"),
    "referral.completed": Text("转办办结", "a referral was completed with an outcome"),
    "referral.failed": Text("转办未能办成", "a referral failed"),
    "referral.cancelled": Text("转办撤销", "a referral was cancelled"),
    "referral.voided": Text("转办作废（误发）", "a referral was voided: it was an error"),
    "referral.expired": Text("转办逾期失效", "a referral expired"),
    "referral.overdue": Text("转办超过时限", "a clock of a referral ran out"),
    "referral.escalated": Text("转办超时升级", "an overdue referral was escalated"),
    "referral.reminded": Text("转办时限临近提醒", "a date of a referral is near"),
    "referral.assigned": Text("联席会议已确定承办单位", "a joint conference decided whose a referral is"),
    "share_request.requested": Text("收到数据共享申请", "data were asked for"),
    "share_request.supplement_asked": Text("一次性告知补正", "what was missing was asked for, once"),
    "share_request.supplemented": Text("已补正", "what was missing was supplied"),
    "share_request.extended": Text("答复期限已延长", "more time to reply was taken, with approval"),
    "share_request.agreed": Text("同意共享", "the request was agreed to"),
    "share_request.refused": Text("不予共享", "the request was refused with reasons"),
    "share_request.delivered": Text("数据已提供", "the data were delivered"),
    "share_request.correction_asked": Text("提出数据校核", "a correction was asked for"),
    "share_request.corrected": Text("数据已更正", "the data were corrected"),
    "share_request.disposed": Text("数据已销毁", "what was received was disposed of"),
    "share_request.escalated": Text("共享争议已上报", "a refusal was taken to the next level"),
    "share_request.withdrawn": Text("共享申请已撤回", "the request was taken back"),
    "share_request.overdue": Text("数据共享逾期", "what was due of a request was not done in time"),
    "letter.sent": Text("监督文书已发出", "a letter of supervision was sent"),
    "letter.replied": Text("用人单位已书面答复", "an employer replied to an opinion"),
    "letter.refused": Text("用人单位拒收意见书", "an employer refused to take an opinion"),
    "letter.corrected": Text("用人单位已改正", "an employer corrected"),
    "letter.not_corrected": Text("用人单位未改正", "an employer did not correct"),
    "letter.filed": Text("劳动行政部门已立案", "the labour department filed a proposal"),
    "letter.declined": Text("劳动行政部门说明不予立案", "the labour department declined a proposal"),
    "letter.withdrawn": Text("监督文书已撤回", "a letter was taken back"),
    "letter.overdue": Text("监督文书逾期未答复", "a letter was not answered in time"),
    "conference.founded": Text("联席会议已成立", "a joint conference was founded"),
    "conference.changed": Text("联席会议成员或规则变更", "members or rules of a conference changed"),
    "conference.session_called": Text("已召集会议", "a session was called"),
    "conference.session_opened": Text("会议已召开", "a session was opened"),
    "conference.session_closed": Text("会议已结束", "a session was closed with its minutes"),
    "conference.session_cancelled": Text("会议已取消", "a session was cancelled"),
    "conference.item_raised": Text("成员提出议题", "a member put a question on the agenda"),
    "conference.item_decided": Text("议题已议定", "an agenda item was decided"),
    "conference.item_deferred": Text("议题已延至下次会议", "an agenda item was put off"),
    "conference.item_withdrawn": Text("议题已撤回", "an agenda item was taken back"),
    "conference.opinion_asked": Text("请成员提出意见", "members were asked for their opinion"),
    "conference.opinion_given": Text("成员已提出意见", "a member gave its opinion"),
    "conference.opinion_overdue": Text("意见逾期未提", "an opinion did not come in time"),
    "conference.task_assigned": Text("议定事项已交办", "a task was given to a member"),
    "conference.task_started": Text("议定事项已着手", "a task was started"),
    "conference.task_done": Text("议定事项已完成", "a task was done"),
    "conference.task_confirmed": Text("议定事项成效已核", "the effect of a task was judged"),
    "conference.task_overdue": Text("议定事项逾期", "a task was not done in time"),
    "answer_link.made": Text("为一件转办制作了一次性答复链接", "a link to answer a referral was made"),
    "answer_link.revoked": Text("一次性答复链接已撤销", "a link to answer a referral was revoked"),
    "deadline.recalculated": Text("时限重新计算", "the dates of a referral were computed anew"),
    "assistance.recorded": Text("帮扶已登记", "help given was recorded"),
    "result.shared": Text("结果已共享", "a result was shared"),
    "result.adopted": Text("结果被采用、部分采用或未采用", "an agency said whether it adopts a result"),
    "result.withdrawn": Text("共享的结果被撤回", "a shared result does not stand any more"),
    "adoption.overdue": Text("逾期未说明是否采用", "an agency did not say in time whether it adopts"),
    "consent.granted": Text("登记了共享依据", "a basis for sharing was recorded"),
    "consent.withdrawn": Text("撤回了共享依据，请停止使用", "a basis for sharing was withdrawn: stop using it"),
    "break_glass.opened": Text("有机构紧急查阅了档案", "an agency opened the file in an emergency"),
    "break_glass.reviewed": Text("紧急查阅已复核", "an emergency use was judged"),
    "break_glass.overdue": Text("紧急查阅逾期未复核", "an emergency use was not judged within its day"),
    "honey.touched": Text("有人触碰了诱饵个案", "somebody touched a decoy"),
    "probing.suspected": Text(
        "同一机构一日内以多个身份内容试探同一人", "an agency filed many identities for one person within a day"
    ),
    "link.doubtful": Text(
        "新的关联模型对一处关联存疑，请主办工会核对", "a later linkage model doubts a link: its coordinator should look"
    ),
    "match.found": Text("发现一条疑似重复，待人工判定", "a possible match waits for people to decide"),
    "match.decided": Text("疑似重复已判定为不同的人", "two people: a possible match was none"),
    "match.confirmed": Text("疑似重复已确认为同一人", "one person: a possible match was confirmed"),
    "match.undone": Text("疑似重复的判定已撤销或到期，重新待判", "a decision on a match was undone or lapsed"),
    "access_request.opened": Text("对方申请查看疑似重复的记录", "one side of a match asks the other for access"),
    "access_request.granted": Text("查看申请已获准", "access to the other side was granted"),
    "access_request.refused": Text("查看申请被拒绝", "access to the other side was refused"),
    "access_request.revoked": Text("已准许的查看被收回", "a grant of access was revoked"),
    "person.revealed": Text("有人查看了明文", "masked values were seen in full"),
    "person_request.received": Text("收到一项本人请求", "a request of the person was filed or handed on"),
    "person_request.decided": Text("本人请求已办结", "a request of the person was decided or withdrawn"),
    "person_request.overdue": Text("本人请求超过时限", "a request of the person ran out of time"),
    "erasure.completed": Text("个人信息已删除", "the personal data of a case was erased"),
    "retention.due": Text("案件保存期限届满", "the period of retention of a case is over"),
    "endpoint.verification": Text("推送地址验证，须回送 challenge", "proves an endpoint: answer with the challenge"),
    "endpoint.tested": Text("推送测试事件，仅送达该地址", "a test event, to the endpoint it was asked for alone"),
    "endpoint.url_proposed": Text("推送地址拟变更，待另一人批准", "a new URL waits for a second person"),
    "endpoint.url_approved": Text("推送地址变更已批准", "a second person approved a new URL"),
    "endpoint.url_rejected": Text("推送地址变更已否决", "a new URL was rejected"),
    "endpoint.failing": Text(
        "推送地址一直投递失败，将停用", "a webhook endpoint has done nothing but fail and will be disabled"
    ),
    "endpoint.disabled": Text("推送地址已停用", "a webhook endpoint was disabled"),
    "inbound.quarantined": Text(
        "来函无法办理，已转入待处理，请修正映射后重试或作废",
        "a message of an inbound source cannot be done and waits: mend the mapping and retry, or discard it",
    ),
    "audit.checkpoint": Text(
        "审计日志签署了新的检查点，供见证机构联署", "the audit log signed a checkpoint, for its witnesses"
    ),
}

ANSWERS: Final[dict[int, str]] = {
    200: "Done, or what was asked for.",
    201: "Made; `Location` says where.",
    202: "Taken; it is done later.",
    204: "Done; there is nothing to show.",
    304: "Not changed since the representation named in `If-None-Match`.",
}
"""What a success means; failures are described by their kinds of problem."""
