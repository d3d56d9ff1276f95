"""Texts that say which value is wrong and why, in Chinese and English.

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
    "unknown-item": Text("没有该目录项，或已停用。", "There is no such entry, or it is retired."),
    "not-in-the-item": Text("不在该目录项所列信息项中。", "Not among the parts of the entry."),
    "more-than-persons": Text("同意数超过人数。", "More consents than persons."),
    "not-with-this-share-type": Text("此共享类型不接受该字段。", "This share type does not take this field."),
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
    "not-a-need-of-this-case": Text("个案没有该项需求。", "The case has no such need."),
    "a-matter-answers-this": Text(
        "职责清单事项 {matter} 对应该需求；当地无承办机构的，依据填 no_competent_agency。",
        "Matter {matter} of the list answers this need; where no office is competent for it, say no_competent_agency.",
    ),
    "an-agency-is-competent": Text(
        "当地由{agency}承办事项 {matter}，请转办；对方推诿的，请提出异议。",
        "{agency} is competent for {matter} there: refer to it, and dispute where it says that it is not.",
    ),
    "no-competence-disputed": Text(
        "该需求的转办尚无关于管辖的异议。", "No referral of this need was disputed for competence."
    ),
    "not-an-active-agency": Text("须为一家在用的机构。", "name an agency that is active"),
    "one-drafter": Text("起草单位填机构或名称，二者择一。", "name an agency or a body outside, not both"),
    "counts-from-the-asking": Text(
        "须填征求意见日期，且截止日期不得早于该日。", "say when the union was asked; not before that day"
    ),
    "needs-an-opinion": Text("请先登记工会意见。", "record the union's opinion first"),
    "not-another-active-agency": Text("须为另一家在用的机构。", "name another agency that is active"),
    "one-addressee": Text("发送对象填机构或名称，二者择一。", "name an agency or a body outside, not both"),
    "not-when-adopted": Text("采纳时不填理由代码。", "leave it out: what is adopted needs no reason"),
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
