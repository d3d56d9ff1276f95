"""The texts of every problem, in Chinese and English: what it is, and what the caller's developer does next.

A detail may name places such as `{scope}`; they are filled from the facts of the error alone, never from what was sent.
`tests/contracts/test_problems.py` holds this table against the classes of `rules/errors.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

Language: TypeAlias = Literal["zh-CN", "en"]


class Text(NamedTuple):
    """One text in both languages."""

    zh: str
    en: str

    def in_language(self, language: Language) -> str:
        return self.en if language == "en" else self.zh


class OpenPlaces(dict[str, str]):
    """Facts for a text. A place without a fact shows an ellipsis: an answer about a failure must not fail itself."""

    def __missing__(self, key: str) -> str:
        return "…"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem. `members` are the facts that become extension members of the answer."""

    code: str
    status: int
    title: Text
    detail: Text
    retryable: bool = False
    members: tuple[str, ...] = ()

    def explanation(self, language: Language) -> str:
        """The detail for a reader without a particular answer in hand."""
        return self.detail.in_language(language).format_map(OpenPlaces())


def _by_code(kinds: Iterable[Kind]) -> dict[str, Kind]:
    return {kind.code: kind for kind in kinds}


KINDS: Final[dict[str, Kind]] = _by_code(
    (
        Kind(
            "malformed-request",
            400,
            Text("请求无法解析", "The request cannot be read"),
            Text("请按接口文档检查请求的写法后重发。", "Compare the request with the API document and send it again."),
            members=("reason",),
        ),
        Kind(
            "unknown-parameter",
            400,
            Text("查询参数未知或重复", "Unknown or repeated query parameter"),
            Text(
                "请删除 errors 所指的查询参数，或只写一次；本接口接受的参数见接口文档。",
                "Remove the query parameter named in errors, or send it once; the API document lists what is accepted.",
            ),
        ),
        Kind(
            "unknown-field",
            422,
            Text("字段未知", "Unknown field"),
            Text(
                "请求体含有本接口没有的字段，已拒绝全部内容以免丢失数据。请按 errors 逐项更正。",
                "The body has fields this endpoint does not know; nothing was stored. Correct what errors lists.",
            ),
        ),
        Kind(
            "validation-failed",
            422,
            Text("内容未通过校验", "The content is not valid"),
            Text(
                "没有保存任何内容。请按 errors 中的位置逐项更正后重发。",
                "Nothing was stored. Correct each place named in errors and send the request again.",
            ),
        ),
        Kind(
            "unsupported-media-type",
            415,
            Text("内容类型不支持", "Unsupported media type"),
            Text(
                "请以 Content-Type: {expected}、UTF-8、不压缩的方式发送请求体。",
                "Send the body as Content-Type: {expected} in UTF-8, not compressed.",
            ),
            members=("expected",),
        ),
        Kind(
            "payload-too-large",
            413,
            Text("请求体过大", "The body is too large"),
            Text(
                "请分成几个较小的请求；批量数据请用导入接口。",
                "Split the request into smaller ones; use an import for bulk data.",
            ),
        ),
        Kind(
            "request-timeout",
            408,
            Text("请求体发送过慢", "The body arrived too slowly"),
            Text(
                "请在时限内发完请求体；用同一个 Idempotency-Key 重发是安全的。",
                "Send the whole body within the time limit; sending again with the same Idempotency-Key is safe.",
            ),
            retryable=True,
        ),
        Kind(
            "not-authenticated",
            401,
            Text("未认证", "Not authenticated"),
            Text(
                "请从 /oauth/token 取得访问令牌，放入 Authorization: Bearer 头。",
                "Get an access token at /oauth/token and send it as Authorization: Bearer.",
            ),
        ),
        Kind(
            "token-expired",
            401,
            Text("令牌已过期", "The token has expired"),
            Text(
                "请重新取得访问令牌后重发；令牌有效期为 10 分钟。",
                "Get a new access token and send the request again; a token lives 10 minutes.",
            ),
        ),
        Kind(
            "insufficient-scope",
            403,
            Text("令牌权限范围不足", "The token lacks a scope"),
            Text(
                "本操作需要 {scope}。请用含此范围的令牌重发；未获准时请联系本机构管理员。",
                "This needs the scope {scope}. Request a token with it; if the client may not have it, ask your"
                " agency's administrator.",
            ),
            members=("scope",),
        ),
        Kind(
            "insufficient-role",
            403,
            Text("角色权限不足", "The role does not allow this"),
            Text(
                "当前角色不能执行本操作。请由有此职责的人员办理，或请本机构管理员调整角色。",
                "Have it done by someone whose duty it is, or ask your agency's administrator to change the role.",
            ),
        ),
        Kind(
            "qualification-missing",
            403,
            Text("缺少上岗资格", "A qualification is missing"),
            Text(
                "本事项须由持有效“{area}”资格的人员办理。系统接入方请在 Tongli-Actor 头中写明该人员的登录名。",
                "This matter needs somebody with a valid certificate in {area}. "
                "A system names that person's login in the Tongli-Actor header.",
            ),
            members=("area",),
        ),
        Kind(
            "step-up-required",
            403,
            Text("需要再次验证身份", "Prove again who you are"),
            Text(
                "请在最近 5 分钟内重新登录验证，再用新令牌重发。",
                "Sign in again so that the sign-in is at most 5 minutes old, and repeat with the new token.",
            ),
        ),
        Kind(
            "purpose-required",
            400,
            Text("须说明用途", "A purpose is required"),
            Text(
                "本次读取涉及个人信息，请在 Tongli-Purpose 头中写明用途代码。",
                "This read concerns personal data: name the purpose code in the Tongli-Purpose header.",
            ),
        ),
        Kind(
            "consent-missing",
            403,
            Text("缺少共享依据", "No basis for sharing"),
            Text(
                "没有允许向该接收方提供此信息的依据。请先取得本人同意，或登记法定职责、紧急情形；"
                "reason 与 field_classes 说明所缺。",
                "No basis in force opens this to the recipient. Record the person's consent, a statutory duty or an "
                "emergency first; `reason` and `field_classes` name what is lacking.",
            ),
            members=("recipient", "reason", "field_classes"),
        ),
        Kind(
            "not-found",
            404,
            Text("未找到", "Not found"),
            Text(
                "没有此对象，或您无权查看。请核对标识与本机构的参与关系。",
                "It does not exist, or not for you. Check the id and your agency's part in the case.",
            ),
        ),
        Kind(
            "merged",
            308,
            Text("已并案", "Merged"),
            Text(
                "该个案已并入 {kept}。请改用 Location 中的地址，并更新贵方保存的引用。",
                "This case went into {kept}. Use the address in Location, and renew your reference to it.",
            ),
            members=("kept",),
        ),
        Kind(
            "gone",
            410,
            Text("已删除", "Erased"),
            Text(
                "此对象的个人信息已依法删除，无法恢复。请删除贵方保存的引用。",
                "The personal data of this object has been erased and will not return. Drop your reference to it.",
            ),
        ),
        Kind(
            "method-not-allowed",
            405,
            Text("方法不允许", "Method not allowed"),
            Text("请改用 Allow 头列出的方法。", "Use a method listed in the Allow header."),
        ),
        Kind(
            "state-conflict",
            409,
            Text("当前状态不允许", "Not possible in this state"),
            Text(
                "请重新读取对象的最新状态，再决定如何处理。",
                "Read the object again and decide on its present state.",
            ),
            members=("current", "reason"),
        ),
        Kind(
            "duplicate-record",
            409,
            Text("记录已存在", "The record exists already"),
            Text(
                "同一记录已经登记，见 existing。请改为更新该记录，或核对来源记录编号。",
                "The same record is there already, see existing. Update that one, or check the source record id.",
            ),
            members=("existing",),
        ),
        Kind(
            "invalid-transition",
            409,
            Text("此步骤现在不能办理", "This step is not possible now"),
            Text(
                "当前状态为 {current}。请从 allowed 所列步骤中选择。",
                "The present state is {current}. Choose one of the steps in allowed.",
            ),
            members=("current", "allowed"),
        ),
        Kind(
            "precondition-required",
            428,
            Text("须带 If-Match", "If-Match is required"),
            Text(
                "请先读取对象，再把其 ETag 放入 If-Match 头，以免覆盖他人的修改。",
                "Read the object first and send its ETag as If-Match, so that nobody's change is overwritten.",
            ),
        ),
        Kind(
            "precondition-failed",
            412,
            Text("对象已被他人修改", "Someone else changed it"),
            Text(
                "最新 ETag 见 current。请重新读取、合并修改后以新 ETag 重发。",
                "The present ETag is in current. Read again, merge your change and send it with the new ETag.",
            ),
            members=("current",),
        ),
        Kind(
            "idempotency-missing",
            400,
            Text("须带 Idempotency-Key", "Idempotency-Key is required"),
            Text(
                "请为每次业务操作生成一个 16 至 128 个字符的键（如 UUID），重试时保持不变。",
                "Make one key of 16 to 128 characters per business action, such as a UUID, and keep it when retrying.",
            ),
        ),
        Kind(
            "idempotency-mismatch",
            422,
            Text("同一个键用于不同内容", "The key was used for another body"),
            Text(
                "此 Idempotency-Key 已用于内容不同的请求。新的操作请用新的键。",
                "This Idempotency-Key belongs to a request with other content. Use a new key for a new action.",
            ),
        ),
        Kind(
            "idempotency-in-progress",
            409,
            Text("同一请求正在处理", "The same request is being handled"),
            Text(
                "请按 Retry-After 等待，再以同一个键、同样内容重发，即得同一结果。",
                "Wait as Retry-After says and send the same key and body again: the answer will be the same.",
            ),
            retryable=True,
        ),
        Kind(
            "invalid-cursor",
            400,
            Text("游标无效", "The cursor is not valid"),
            Text(
                "游标已过期，或筛选、排序条件与取得它时不同。请去掉 cursor 从头读取。",
                "It has expired, or the filter or sort is not the one it was made for. Start again without cursor.",
            ),
        ),
        Kind(
            "quota-exceeded",
            429,
            Text("超过调用限额", "The quota is used up"),
            Text(
                "请按 Retry-After 等待后重发，并参照 RateLimit 头安排频率。",
                "Wait as Retry-After says, and pace requests by the RateLimit header.",
            ),
            retryable=True,
        ),
        Kind(
            "abnormal-usage-detected",
            429,
            Text("检测到异常使用", "Unusual use was detected"),
            Text(
                "为保护个人信息，此操作已暂停。请按 Retry-After 等待；如属正常业务请联系平台管理员。",
                "To protect personal data this operation is paused. Wait as Retry-After says; if the use is regular,"
                " contact the operator.",
            ),
            retryable=True,
        ),
        Kind(
            "temporary-reduced-capacity",
            503,
            Text("服务繁忙", "Capacity is reduced"),
            Text(
                "请按 Retry-After 等待后以同一个 Idempotency-Key 重发。",
                "Wait as Retry-After says and send again with the same Idempotency-Key.",
            ),
            retryable=True,
        ),
        Kind(
            "storage-full",
            503,
            Text("存储空间已满", "Storage is full"),
            Text(
                "暂不能写入，读取不受影响。没有保存任何内容，请稍后以同一个键重发。",
                "Writing is paused, reading works. Nothing was stored; send again later with the same key.",
            ),
            retryable=True,
        ),
        Kind(
            "dependency-unavailable",
            503,
            Text("服务暂不可用", "Temporarily unavailable"),
            Text(
                "请按 Retry-After 等待后以同一个 Idempotency-Key 重发，不会重复办理。",
                "Wait as Retry-After says and send again with the same Idempotency-Key: nothing is done twice.",
            ),
            retryable=True,
        ),
        Kind(
            "import-rejected",
            422,
            Text("导入被拒绝", "The import was rejected"),
            Text(
                "没有导入任何一行。请按 errors 或导入报告更正文件后重传。",
                "No row was imported. Correct the file as errors or the import report says and send it again.",
            ),
        ),
        Kind(
            "internal",
            500,
            Text("内部错误", "Internal error"),
            Text(
                "已记录此错误。可用同一个 Idempotency-Key 重发；若仍失败，请把 trace_id 告知平台管理员。",
                "The error has been recorded. Send again with the same Idempotency-Key; if it persists, give the"
                " operator the trace_id.",
            ),
            retryable=True,
        ),
    )
)
