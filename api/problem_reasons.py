"""Texts that say why a request or a state was refused, in Chinese and English."""

from typing import Final

from api.problem_catalogue import Text

# Why a request could not be read: replaces the detail of its kind when the error names the reason.
REASONS: Final[dict[str, Text]] = {
    "syntax": Text("请求体不是合法的 JSON，请用 JSON 库生成。", "The body is not JSON. Produce it with a library."),
    "empty": Text("本接口需要请求体。", "This endpoint needs a body."),
    "bom": Text("请去掉请求体开头的字节序标记（BOM）。", "Remove the byte order mark at the start of the body."),
    "encoding": Text("请求体须为 UTF-8 编码。", "Encode the body as UTF-8."),
    "depth": Text("JSON 嵌套不得超过 32 层。", "JSON may be nested 32 levels deep at most."),
    "duplicate-key": Text("同一对象中的键不得重复。", "A key may stand only once in an object."),
    "constant": Text("JSON 没有 NaN 和 Infinity；无值请用 null。", "JSON knows no NaN or Infinity; write null."),
    "float": Text(
        "接口不接受小数和指数写法；金额请以分为单位写整数。",
        "No decimals or exponents are accepted; write money as whole fen.",
    ),
    "integer": Text("整数绝对值须小于 2 的 53 次方。", "Integers must be smaller than 2 to the power of 53."),
    "surrogate": Text("文本含有不成对的代理字符。", "A text holds a lone surrogate; fix the encoding of its source."),
    "character": Text(
        "文本不得含控制字符（换行、制表符除外）和双向控制符。",
        "Texts may hold no control characters but line feed and tab, and no bidirectional controls.",
    ),
    "repeated-parameter": Text("每个参数只能出现一次。", "Send each parameter once."),
    "host": Text("Host 头不是本服务的地址。", "The Host header is not an address of this service."),
    "items": Text(
        "一个数组或对象最多 1,000 项，请分批发送。",
        "An array or object holds at most 1,000 items; send them in batches.",
    ),
    "content-encoding": Text("请不要压缩请求体。", "Do not compress the body."),
    "taken-by-another-office": Text("另一机构已先受理。", "Another office of the pool accepted first."),
    "nothing-to-answer": Text(
        "该转办目前没有可由承办机构答复的事项。", "No office is asked to answer this referral as it stands now."
    ),
    "addressee-has-a-system": Text(
        "该机构有自己的系统或已停用，请由其在系统中办理；无系统的机构由平台运维人员登记。",
        "This office answers in a system of its own, or is suspended; the operator registers offices without one.",
    ),
    "matter-asks-for-a-certificate": Text(
        "该事项须由持证人员办理，不能通过链接答复。",
        "This matter asks for a certificate, which no link holds: somebody must sign in.",
    ),
    "too-many-answer-links": Text(
        "该转办已有 5 个有效链接，请先撤销。", "Five links of this referral stand already; revoke one first."
    ),
    "answer-link-ended": Text("该链接已使用、已撤销或已过期。", "The link was used, was revoked or has run out."),
    "case-closed": Text("个案已结案，请先重开。", "The case is closed; reopen it first."),
    "id-taken": Text("此标识已被使用。", "This id is taken; make a new one."),
    "both-sides-are-your-own": Text(
        "双方个案均由本机构主办，可直接比对。", "You coordinate both cases; compare them directly."
    ),
    "match-is-silent": Text("该疑似重复不得让对方知悉。", "The other side must not learn of this match."),
    "match-is-decided": Text("该疑似重复已判定，请先撤销判定。", "The match was decided; undo that first."),
    "access-granted-already": Text("已获准查看，尚未到期。", "A grant of yours still runs."),
    "only-unions-coordinate": Text(
        "只有工会可以担任主办；请联系主办工会。", "Only a union coordinates; ask the one that does."
    ),
    "only-unions-convene": Text("联席会议由工会召集。", "A union convenes joint conferences."),
    "no-ground-for-a-proposal": Text(
        "意见书尚在答复期内，或单位已改正：尚无提出建议书的事由。",
        "The opinion may still be answered, or the employer has corrected: there is no ground for a proposal yet.",
    ),
    "own-item": Text("不能申请本机构的数据。", "The item is your own."),
    "item-not-shared": Text("该目录项依法不予共享。", "By law the item is not shared."),
    "proposal-made-already": Text("该意见书已提出建议书。", "A proposal followed this opinion already."),
    "no-quorum": Text("到会成员不足法定人数。", "Too few members came."),
    "items-open": Text("尚有议题未议定、未延期。", "An agenda item is neither decided nor put off."),
    "session-is-over": Text("会议已结束或取消。", "The session is over."),
    "before-a-session": Text("该转办已列入会议议题。", "The referral is on an agenda already."),
    "no-opinion-to-give": Text("未请贵机构提出意见，或意见已提出。", "You were not asked, or have answered."),
    "assigned-by-conference": Text(
        "联席会议已确定由贵机构承办，不得再以职责不属为由退回。",
        "A joint conference decided that it is yours; that it is not your duty can be said no more.",
    ),
    "only-unions-plan": Text("只有工会可以制定预案。", "Plans are kept by unions."),
    "plan-retired": Text("该预案已停用。", "This plan is retired."),
    "alert-resolved": Text("该预警已解除。", "This alert is resolved."),
    "plan-of-other-alerts": Text(
        "该预案不适用于此级别或此类原因的预警。", "This plan is for graver alerts, or for other causes."
    ),
    "plan-active-already": Text("该预案已在启动中，请先解除。", "This plan is active already; stand it down first."),
    "no-agency-of-a-kind": Text(
        "本地及上级没有预案所需类别的机构。", "Neither the place nor those above have an agency of a kind in the plan."
    ),
    "gap-recorded-already": Text("该需求已登记政策空白。", "The gap of this need is recorded already."),
    "only-unions-register": Text("只有工会登记征求意见。", "Only a union keeps this register."),
    "only-unions-propose": Text("只有工会可以提出政策建议。", "Only a union makes proposals."),
    "transfer-waits-already": Text("已有一项主办变更待答复。", "A transfer of this case waits for an answer."),
    "nothing-to-take-over": Text(
        "该个案已结案、已变更主办，或接收工会已停用。",
        "The case was closed or moved, or the taker is no longer active.",
    ),
    "asked-already": Text("已有一项申请待对方答复。", "A request of yours waits for an answer."),
    "emergency-use-not-judged": Text("该个案的紧急查阅尚未复核。", "Judge the emergency uses of this case first."),
    "open-requests": Text(
        "该个案还有未答复的本人请求，请先办结。", "Other requests of persons in this case wait; decide them first."
    ),
    "open-referrals": Text("仍有未办结的转办，请先办结或撤回。", "Referrals are still open; end them first."),
    "household-has-active-case": Text(
        "该家庭已有在办个案，请在该个案中办理。", "The household has an active case; work in that one."
    ),
    "recognition-stands": Text(
        "该认定仍有效，不再重复核查（社会救助法第42条）；不采用的，请先说明理由。",
        "The recognition stands and is not checked again (Social Assistance Act art. 42); or say first why not.",
    ),
    "result-withdrawn": Text("该结果已撤回。", "The result was withdrawn."),
    "not-expected-any-more": Text("已无须表态。", "This need not be answered any more."),
    "already-adopted": Text("本机构已表态，不可更改。", "Your agency has already said whether it adopts this."),
    "no-extension-for-this-matter": Text("此事项不得延期。", "This matter allows no extension."),
    "part-ends-with-its-work": Text(
        "受理方和报告方的参与随其工作结束。", "Only an observer's part can be ended by itself."
    ),
    "no-union-in-directory": Text("机构名录中尚无工会。", "The directory holds no union yet; ask the operator."),
    "extended-before": Text("只能延期一次。", "It may be prolonged once."),
    "case-without-persons": Text("该个案没有登记人员。", "The case holds no person."),
    "no-record-of-this-agency": Text(
        "本机构没有报告过此人，请退回主办工会。", "Your agency reported nothing of this person; refuse with a reason."
    ),
    "bases-left": Text(
        "仍有依法定职责或紧急情形的共享依据：请在 end_bases 中写明，或部分办理并说明理由。",
        "A duty of law or an emergency still stands: name it in end_bases, or fulfil in part and say why.",
    ),
    "still-needed": Text(
        "个案仍在办理，信息仍有需要，请说明理由后拒绝。", "The case is at work and needs it; refuse with that reason."
    ),
    "retention-period": Text(
        "保存期限未满：可部分办理（删除不再需要的信息）或拒绝，并告知可删除之日。",
        "The period of retention is not over: fulfil in part, or refuse; either tells the day it will be possible.",
    ),
    "no-document-of-this-kind": Text(
        "只有查询记录和复制请求有文件。", "Only requests for accesses or a copy have a document."
    ),
    "not-in-review": Text("请先开始审查该请求。", "Take the request into review first."),
    "client-has-no-secret": Text("该接入方没有密钥。", "This client has no secret."),
    "delivery-under-way": Text("正在投递，请稍候。", "This delivery is under way; wait for its outcome."),
    "replay-ended": Text("该重放已结束。", "The replay has ended."),
    "too-many-replays": Text(
        "该回调地址尚有五个重放未完成，请等待或取消其中一个。",
        "Five replays of this endpoint have not ended; wait for one or cancel it.",
    ),
    "endpoint-deleted": Text("回调地址已删除。", "The endpoint was deleted."),
    "endpoint-not-disabled": Text("回调地址并未停用。", "The endpoint is not disabled."),
    "endpoint-not-active": Text("回调地址未在用。", "The endpoint is not active."),
    "no-url-proposed": Text("没有待批准的新网址。", "No new URL waits to be approved, or it waited too long."),
    "another-person-must-approve": Text(
        "须由另一人批准。", "A new URL is approved by a person other than whoever proposed it."
    ),
    "endpoint-not-pending": Text("回调地址并非待激活。", "The endpoint does not wait for its challenge."),
    "too-many-witnesses": Text("见证密钥已达上限。", "The agency has as many witnesses as it may have."),
    "witness-name-taken": Text(
        "此见证名称已被登记，请换一个。", "A witness of this name is registered; choose another."
    ),
    "witness-revoked": Text("见证密钥已撤销。", "The witness is revoked."),
    "already-cosigned": Text("该见证已联署此检查点。", "This witness has cosigned this checkpoint."),
    "too-many-cursors": Text("保存的游标已达上限。", "The agency has as many kept cursors as it may have."),
    "inbound": Text(
        "无法确认发送方。请核对来函地址、签名（原始请求体、时间与消息编号）或凭证。",
        "The sender is not proved. Check the address, the signature (raw body, time, id) or the credential.",
    ),
    "message-id-reused": Text(
        "此消息编号已用于另一内容，请换新编号重发。", "This message id came with another body; send under a new id."
    ),
    "not-in-quarantine": Text("该回执不在待处理状态。", "The receipt does not wait in quarantine."),
    "no-trusted-proxy": Text(
        "未配置可信代理，不能使用客户端证书，请联系运维方。",
        "No proxy is trusted here, so certificates prove nothing; ask the operator.",
    ),
    "too-many-sources": Text("来函来源已达上限。", "The agency has as many inbound sources as it may have."),
    "too-many-endpoints": Text("回调地址已达上限。", "The agency has as many endpoints as it may have."),
}
