"""Texts that say which value is wrong and why, and why a request or a state was refused, in Chinese and English.

Places such as `{allowed}` are filled from the facts of the error alone, never from what was sent.
"""

from typing import Final

from api.problem_catalogue import Text

# What is wrong with one value. Rules add codes of their own; a code without a text here gets that of `invalid`.
FIELD_TEXTS: Final[dict[str, Text]] = {
    "required": Text("此字段必填。", "This field is required."),
    "unknown-field": Text("没有此字段，请核对拼写。", "There is no such field; check the spelling."),
    "unknown-parameter": Text("参数未知或重复。", "The parameter is unknown or repeated."),
    "no-body": Text(
        "本接口不接受内容，请发送空请求体或 {{}}。", "This endpoint takes no content: send no body or {{}}."
    ),
    "wrong-type": Text("类型应为 {expected}。", "This must be of type {expected}."),
    "too-short": Text("至少 {min_length} 个字符。", "At least {min_length} characters are needed."),
    "too-long": Text("最多 {max_length} 个字符。", "At most {max_length} characters are allowed."),
    "too-few": Text("至少 {min_length} 项。", "At least {min_length} items are needed."),
    "too-many": Text("最多 {max_length} 项。", "At most {max_length} items are allowed."),
    "too-small": Text("不得小于 {least}。", "This must not be less than {least}."),
    "too-large": Text("不得大于 {most}。", "This must not be greater than {most}."),
    "not-allowed": Text("只能取下列值之一：{expected}。", "This must be one of: {expected}."),
    "pattern": Text("须符合格式 {pattern}。", "This must match {pattern}."),
    "instant": Text(
        "须为带时区的 RFC 3339 时间，如 2026-02-26T01:30:00Z（网址中的 + 写作 %2B）。",
        "An RFC 3339 time with offset is needed, such as 2026-02-26T01:30:00Z (in a URL write + as %2B).",
    ),
    "day": Text("须为真实日期，写作 YYYY-MM-DD。", "A real day is needed, written YYYY-MM-DD."),
    "year": Text("年份须在 1900 至 2100 之间。", "The year must be between 1900 and 2100."),
    "uuid": Text("须为带连字符的 UUID。", "A UUID with hyphens is needed."),
    "whole-number": Text("须为不带符号的十进制整数。", "A whole number in plain decimal digits is needed."),
    "object": Text("须为 JSON 对象。", "A JSON object is needed."),
    "flag": Text("须为 true 或 false。", "This must be true or false."),
    "country": Text("仅支持中国大陆号码。", "Only numbers of mainland China are known here."),
    "shape": Text("不是手机或固定电话号码。", "This is neither a mobile nor a landline number."),
    "empty": Text("不能为空。", "This must not be empty."),
    "length": Text("长度不符合标准。", "The length is not that of the standard."),
    "characters": Text("含有标准以外的字符。", "It holds characters outside the standard."),
    "check-character": Text("校验码不符，请核对录入。", "The check character does not fit; check what was typed."),
    "birth-date": Text("其中的出生日期不存在。", "The birth date inside it does not exist."),
    "contradicts-id-number": Text(
        "与证件号码中的信息不一致，请核对原件。", "It contradicts the identity number; check the document."
    ),
    "demo-number": Text(
        "99 开头的号码仅用于演示。", "Numbers of the invented division 99 are for demonstrations only."
    ),
    "not-with-this-id-type": Text("此证件类型不带号码。", "This kind of document carries no number."),
    "in-the-future": Text("不得晚于现在。", "This must not lie in the future."),
    "repeats-the-primary": Text("次要原因不得与主要原因相同。", "A secondary cause repeats the primary one."),
    "person-or-employer-required": Text("须有 person 或 employer。", "A report needs a person or an employer."),
    "id-number-or-name-and-birth-date-required": Text(
        "请给出证件号码，或姓名与出生日期。", "Give an identity number, or a name and a birth date."
    ),
    "unknown-client": Text("没有此系统账号或已停用。", "The agency has no such live client."),
    "unknown-language": Text("language 须为 1。", "The language is 1."),
    "unknown-target": Text(
        "target 须为 report、referral、step 或 nothing。", "A target is report, referral, step or nothing."
    ),
    "unknown-operator": Text("没有此运算，请查来函指南。", "There is no such operator; see the guide on inbound."),
    "unknown-conversion": Text(
        "没有此转换或其参数有误，请查来函指南。",
        "There is no such conversion, or not with this; see the guide on inbound.",
    ),
    "unknown-table": Text("tables 中没有此表。", "There is no such table."),
    "unknown-step": Text("没有此办理步骤。", "There is no such step of a referral."),
    "one-way-to-find-it": Text("须且只能写一种查找方式。", "Exactly one way to find it is needed."),
    "one-condition": Text("条件须且只能写一项。", "A condition has exactly one member."),
    "place-and-value": Text("须写位置与取值两项。", "A place and a value are needed."),
    "not-a-pointer": Text("须为 JSON 指针，如 /a/b 或 @/a。", "A JSON pointer is needed, such as /a/b or @/a."),
    "not-a-plain-value": Text("表中只能放单个值。", "A table holds single values."),
    "not-a-text": Text("须为文本，且不宜过长。", "A text is needed, not too long."),
    "not-a-list": Text("须为列表。", "A list is needed."),
    "too-many-items": Text("项数过多。", "There are too many items."),
    "too-deep": Text("层级过深。", "This is nested too deep."),
    "mapping-too-large": Text("映射过大。", "The mapping is too large."),
    "mapping-too-costly": Text("按此映射处理该内容开销过大。", "Making this of the body costs too much."),
    "no-translation": Text("代码表中没有此值。", "The table has no entry for this value."),
    "not-an-integer": Text("不是整数。", "This is no integer."),
    "not-an-amount": Text("不是可精确到分的金额。", "This is no amount that is exact to the fen."),
    "not-a-time": Text("不符合所写的日期或时间格式。", "This is no date or time in the formats given."),
    "not-one": Text("须恰好找到一个。", "Exactly one must be found."),
    "unknown-agency": Text(
        "没有此机构或已停用，请查 GET /v1/agencies。", "No such active agency; see GET /v1/agencies."
    ),
    "unknown-matter": Text("责任清单中没有此事项，请查 GET /v1/matters。", "No such matter; see GET /v1/matters."),
    "unknown-division": Text(
        "区划代码不在表中，已照收，请核对。",
        "The division code is not in our table; it was taken as it is, please check it.",
    ),
    "agency-not-competent": Text(
        "责任清单未列此机构承办此事项，已照转。",
        "The responsibility list does not name this agency for this matter; the referral was made all the same.",
    ),
    "referral-to-oneself": Text("不能转办给本机构。", "A referral goes to another agency."),
    "joint-has-no-addressee": Text("联合救助主单不指定受理机构。", "A joint referral is addressed to nobody."),
    "joint-is-no-draft": Text("联合救助主单不存草稿。", "A joint referral is under way at once; it has no draft."),
    "names-a-person": Text(
        "公文中不得写入身份证号或手机号码。", "Papers of offices hold no identity number and no phone."
    ),
    "not-a-labour-office": Text("建议书须送劳动行政部门。", "A proposal goes to a labour office."),
    "not-a-procuratorate": Text("只可抄送检察院。", "A copy goes to a procuratorate only."),
    "not-a-letter-to-follow": Text("须是本案中的前一份文书。", "Must be the letter before it, of the same case."),
    "not-with-this-letter": Text("此类文书不接受该字段。", "This kind of letter does not take this field."),
    "was-not-there": Text(
        "承办单位未到会，不得缺席议定。", "The office did not attend, and is not bound in its absence."
    ),
    "not-a-member": Text("该机构不是会议成员。", "This agency is no member of the conference."),
    "more-than-members": Text("法定人数超出成员数。", "More than there are members."),
    "notice-too-short": Text("通知期限不足。", "Called too short before it starts."),
    "unknown-referral": Text("没有该转办。", "There is no such referral."),
    "not-with-this-decision": Text("此表态不需要理由代码。", "This decision takes no reason code."),
    "not-with-this-step": Text("此步骤不接受该字段。", "This step does not take this field."),
    "not-with-a-drill": Text("演练不对应预警。", "A drill names no alert."),
    "not-with-this-subject": Text("此类对象不接受该字段。", "This kind of subject does not take this field."),
    "counted-by-the-platform": Text("聚集由平台自行统计。", "Clusters are counted by the platform itself."),
    "not-with-this-link": Text("此类关联不接受该字段。", "This kind of link does not take this field."),
    "same-case": Text("不能与案件自身关联。", "A case is not linked with itself."),
    "not-of-a-household": Text("只有家庭案件之间可以是同户。", "Only cases of households can be of one household."),
    "own-number-alone": Text(
        "按自有案号查询时，请勿再给出其他条件。", "A search by an own case number takes no other condition."
    ),
    "amount-or-quantity-required": Text("须有金额或数量。", "An amount or a quantity is needed."),
    "one-selection": Text(
        "事件标识、序号范围、时间范围、类型、失败投递，须且只须选一种；类型可与范围并用。",
        "Choose exactly one of ids, a range of sequences or times, types, what failed; types may go with a range.",
    ),
    "ends-before-it-begins": Text("止期早于起期。", "It ends before it begins."),
    "id-version": Text("自带标识须为 UUIDv7。", "An id of the client's own must be a UUIDv7."),
    "not-competent-to-decide": Text(
        "认定、决定和裁决只能由主管机构作出。", "Only the competent body recognises, decides or awards."
    ),
    "no-union-of-the-place": Text(
        "当地无工会，已由上级工会主办，请核对。",
        "No union is known for this place; the top union coordinates, please check.",
    ),
    "coordinator-only": Text("仅主办工会可以。", "Only the coordinator may."),
    "not-a-need-of-this-matter": Text("此事项不对应该需求。", "The matter does not answer this need."),
    "not-a-joint-referral-under-way": Text(
        "须为同一个案中进行中的联合救助主单。", "It must be a joint referral under way in the same case."
    ),
    "not-a-completed-referral": Text(
        "须为同一个案中已办结的转办。", "It must be a completed referral of the same case."
    ),
    "no-step-of-this-state": Text(
        "按转办当前状态，这些步骤都不能办理。", "None of these steps can be taken as the referral stands."
    ),
    "no-numbers-in-a-name": Text("姓名中不得含有号码。", "A name holds no numbers."),
    "period-of-a-year-at-most": Text("起止须先后有序，相隔不超过一年。", "two instants in order, a year apart at most"),
    "not-another-active-union": Text("须为另一家在用的工会。", "name another union that is active"),
    "request-is-for-oneself": Text(
        "申请主办时不填接收工会，即为本工会。", "leave it out: whoever asks for the role asks for itself"
    ),
    "no-competent-agency": Text(
        "当地没有机构承办此事项，请指定 to_agency。", "No office there is competent; name one in to_agency."
    ),
    "not-with-an-id-number": Text("此证件类型没有号码。", "This kind of document has no number."),
    "unknown-encoding-key": Text(
        "不是本机构今年的编码密钥，请查 GET /v1/linkage-encoding-key。",
        "This is not your agency's encoding key of this year; see GET /v1/linkage-encoding-key.",
    ),
    "clk-of-nobody": Text(
        "置位数不合常理，请用 ./tongli linkage-encode 核对编码。",
        "No person sets so few or so many bits; compare your encoding with ./tongli linkage-encode.",
    ),
    "not-a-known-code": Text("可用代码：{allowed}。", "Known codes: {allowed}."),
    "unknown-event-type": Text("没有此事件类型。", "There is no such event type; see openapi/events.json."),
    "division-below-county": Text("只能选到县级。", "A province, city or county: nothing below."),
    "url": Text("须为规范的 https 网址。", "This must be a plain https URL, without blanks, backslashes or controls."),
    "url-scheme": Text("须以 https:// 开头。", "This must begin with https://."),
    "url-user": Text("网址不得含用户名。", "The URL may hold no user name or password."),
    "url-fragment": Text("网址不得含 # 片段。", "The URL may hold no fragment."),
    "url-host": Text("主机名书写不规范。", "Write the host in its canonical form: lower-case name, or plain address."),
    "url-port": Text("端口须为 443 或 8443。", "Use port 443 or 8443; others need the operator's list."),
    "url-address": Text(
        "不得指向内部地址。", "This address may not be called; intranet ranges need the operator's list."
    ),
    "witness-key": Text(
        "须为 cosignature/v1 的 Ed25519 公钥（vkey 格式，类型 4）。",
        "An Ed25519 key of cosignature/v1 is needed, written as a vkey of kind 4.",
    ),
    "cosignature": Text(
        "联署签名不能以本机构的见证公钥验证；请对该检查点的原文签名。",
        "This does not verify with a witness key of your agency: sign the text of this very checkpoint.",
    ),
    "unknown-scope": Text("没有此权限范围。", "There is no such scope."),
    "beyond-own-scopes": Text("超出本账号自身的权限范围。", "This exceeds the scopes of your own account."),
    "common-password": Text(
        "密码过于常见，或与登录名、单位代码过于相近。",
        "Among the first anybody would try, or close to login or agency code.",
    ),
    "wrong-password": Text("当前密码不正确。", "This is not the present password."),
    "wrong-code": Text("验证码不正确或已使用过。", "This code is wrong or was used before."),
    "barred-with-secret": Text("密钥方式不得持有此权限范围。", "A client secret may not hold this scope; use a key."),
    "key-or-secret-required": Text("须有公钥或密钥。", "A public key or a secret is needed."),
    "unknown-role": Text("没有此角色。", "There is no such role."),
    "operator-only": Text("仅平台管理员可以。", "Only the platform operator may."),
    "union-only": Text("仅工会可用此角色。", "Only unions have this role."),
    "offices-only": Text("工会不用此角色。", "Unions do not have this role."),
    "no-ground-between-these-agencies": Text(
        "发送方与接收方之间不能以此为依据：工会不得仅凭法定职责提供，慈善组织与企业须经本人同意。",
        "No ground between these agencies: a union has no statutory duty, charities and enterprises need consent.",
    ),
    "only-with-consent": Text("仅同意可由监护人作出。", "Only a consent is given by a guardian."),
    "longer-than-90-days": Text("最长 90 天。", "It may last 90 days at most."),
    "longer-than-72-hours": Text("紧急情形最长 72 小时。", "An emergency lasts 72 hours at most."),
    "in-the-past": Text("不能早于现在。", "It must not lie in the past."),
    "class-not-open": Text("此类信息未向您开放。", "This class of fields is not open to you."),
    "not-in-this-case": Text("此人不在本案中。", "This person is not in the case."),
    "looser-override": Text("只能比清单更严，不能更宽。", "A division may be stricter than the list, never looser."),
    "private-key": Text("请只提交公钥。", "Send the public key only; this one holds its private part."),
    "not-supported": Text("须为 P-256 椭圆曲线公钥。", "An EC key on the curve P-256 is needed."),
    "invalid-format": Text("公钥格式不正确。", "The key is not well formed."),
    "not-on-curve": Text("公钥不在曲线上。", "The point is not on the curve."),
    "not-of-this-case": Text("此人不在该个案的家庭中。", "This person is not of the case's household."),
    "not-with-this-kind": Text("此类请求不接受该字段。", "A request of this kind does not take this field."),
    "not-in-this-step": Text("此步骤不接受该字段。", "This step does not take this field."),
    "not-for-the-person-itself": Text("本人提出时无须授权。", "A person who asks itself needs no mandate."),
    "not-asked-for": Text("请求中没有要求更正此项。", "The request did not ask to correct this."),
    "no-record-of-this-agency": Text(
        "该机构在此个案中没有报告过此人。", "That agency has reported nothing of this person in the case."
    ),
    "invalid": Text("此值不可接受，请对照接口文档。", "This value is not acceptable; see the API document."),
}

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
