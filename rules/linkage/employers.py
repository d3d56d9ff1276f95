"""Employers as agencies write them: the organisation's code, and a name taken apart into place, trade, form, branch."""

import re
from dataclasses import dataclass
from functools import lru_cache

from rules.credit_codes import CreditCodeError, organisation_check_character, parse_credit_code
from rules.linkage.characters import levelled, simplified
from rules.linkage.gazetteers import Gazetteer, gazetteer, short_name

_RAW_MAX = 200


@dataclass(frozen=True, slots=True)
class EmployerRead:
    """An employer to compare.

    `organisation`: nine characters, from a credit code or an organisation code; `code_valid` says whether the check
    character of what was sent holds. `full`: the whole name without brackets and notes. `core`: trade name and trade.
    `form`: 有限公司 also for 有限责任公司. `former`: names the text itself calls former ones.
    """

    organisation: str | None = None
    code_valid: bool = False
    registration: str = ""
    full: str = ""
    core: str = ""
    place: str = ""
    form: str = ""
    branch: str = ""
    former: tuple[str, ...] = ()


def read_employer(name: str | None, code: str | None, places: Gazetteer | None) -> EmployerRead | None:
    """The employer in a name and a code; None when neither says anything. About 25 µs, then cached."""
    if not name and not code:
        return None
    return _read((name or "")[:_RAW_MAX], (code or "")[:80], places)


@lru_cache(maxsize=8_192)
def _read(name: str, code: str, places: Gazetteer | None) -> EmployerRead | None:
    organisation, valid, registration = _code(code)
    current, former = _names(name)
    current = _without_formerly(current, places)
    if not (current or organisation or registration):
        return None
    full, place, core, form, branch = _parts(current, places)
    return EmployerRead(
        organisation,
        code_valid=valid,
        registration=registration,
        full=full,
        core=core,
        place=place,
        form=form,
        branch=branch,
        former=tuple(dict.fromkeys(other for other in former if other != full)),
    )


_CREDIT_ALPHABET = "0-9A-HJ-NPQRTUWXY"
_CREDIT = re.compile(rf"[0-9A-Z]{{2}}[0-9]{{6}}[{_CREDIT_ALPHABET}]{{8}}[0-9X][{_CREDIT_ALPHABET}]")
_ORGANISATION = re.compile(r"[0-9A-Z]{8}[0-9X]")
_TAX = re.compile(r"[1-9][0-9]{5}(?=[0-9A-Z]*[A-Z])([0-9A-Z]{8}[0-9X])")
_NOT_OF_A_CODE = re.compile(r"[^0-9A-Z]+")
_MISTYPED = str.maketrans("OIZS", "0125")


def _code(text: str) -> tuple[str | None, bool, str]:
    """(organisation, whether the check holds, registration number): of 18, 9, 15 or 13 characters, else nothing."""
    plain = _NOT_OF_A_CODE.sub("", levelled(text, limit=80).upper())
    if len(plain) == 18:
        return _of_credit_code(plain)
    if _ORGANISATION.fullmatch(plain) and len(set(plain)) > 1:
        return plain, organisation_check_character(plain[:8]) == plain[8], ""
    if len(plain) in {13, 15} and plain.isdigit():
        return None, False, plain
    tax = _TAX.fullmatch(plain)  # before 2015: division and organisation code
    if tax is not None:
        return tax[1], organisation_check_character(tax[1][:8]) == tax[1][8], ""
    return None, False, ""


def _of_credit_code(plain: str) -> tuple[str | None, bool, str]:
    for candidate in (plain, plain.translate(_MISTYPED)):
        try:
            return parse_credit_code(candidate).organisation_code, True, ""
        except CreditCodeError:
            continue
    plain = plain.translate(_MISTYPED)
    return (plain[8:17], False, "") if _CREDIT.fullmatch(plain) else (None, False, "")


_NO_EMPLOYER = frozenset(
    {
        *("无", "无业", "失业", "待业", "个体", "个体户", "自由职业", "自由职业者", "灵活就业", "灵活就业人员"),
        *("务农", "退休", "下岗", "不详", "未知", "无单位", "无工作单位", "暂无", "没有", "空", "null", "none"),
        *("nan", "na", "-", "/", "学生", "打零工", "零工"),
    }
)
_NOTED_FORMER = re.compile(
    r"(?:曾用名|原名称?|原为|原企业名称|旧称|前身为?|更名前为?|由(?=.{2,}?(?:更名|变更|改制)))\s*:?\s*([^()\[\],;、。]{3,}?)(?=更名|变更|改制|$|[)\],;、。])"
)
_NOTED_CURRENT = re.compile(r"^(?:现(?:名|为|更名为|改为|改名)?|已?(?:更名|改名|变更)为|已改制为)\s*:?\s*(.{3,})$")
_BRACKET = re.compile(r"[(\[【〔<《「]([^()\[\]【】〔〕<>《》「」]*)[)\]】〕>》」]?")
_NOTE = re.compile(
    r"破产|原|曾用|注销|吊销|停产|停业|改制|已|更名|现|清算|简称|下称|倒闭|关闭|歇业|搬迁|筹|派遣|外包|重整|下岗|买断|退休|以下|备注|同上|待|电话|\d{7}"
)
_SEVERAL = re.compile(r"[/;,、|。]")
_SPACES = re.compile(r"[\s·•\"'“”‘’*?!\-‐-―_]+")
_FORMERLY = re.compile(r"^[原前](?=国营|国有|省|市|.{2,3}[省市县区].{3,})")
_ORIGINAL = ("原平", "原州", "原阳")
_SAYS_SOMETHING = re.compile(r"\w")


def _names(text: str) -> tuple[str, list[str]]:
    """The current name, with its brackets, and the former ones of the text."""
    level = simplified(levelled(text, limit=_RAW_MAX))
    former = [_SPACES.sub("", found) for found in _NOTED_FORMER.findall(level)]
    for inside in _BRACKET.findall(level):
        current = _NOTED_CURRENT.match(inside.strip())
        outside = _SPACES.sub("", _BRACKET.sub("", level))
        if current is not None and len(outside) >= 3:
            return _SPACES.sub("", current[1]), [*former, outside]
        if inside.startswith("原") and len(inside) >= 5 and not former:
            former.append(_SPACES.sub("", inside[1:].lstrip(":")))
    level = _BRACKET.sub(lambda match: "" if _NOTE.search(match[1]) else f"({match[1]})", level)
    level = re.split(r"(?<=.{4})[\s,;、]*(?:曾用名|原名)", level, maxsplit=1)[0] if len(level) > 6 else level
    first = next((part for part in _SEVERAL.split(level) if part.strip()), "")
    name = _SPACES.sub("", first)
    if name.lower() in _NO_EMPLOYER or not _SAYS_SOMETHING.search(name):
        return "", former
    return name.upper(), former


def _without_formerly(name: str, places: Gazetteer | None) -> str:
    """原武汉市锅炉厂 is 武汉市锅炉厂, said of the past; 原平市化肥厂 is a factory in Yuanping."""
    if not name.startswith(("原", "前")) or name.startswith(_ORIGINAL):
        return name
    if places is not None and places.locate(name[1:]).end:
        return name[1:]
    return _FORMERLY.sub("", name)


_FORMS = (
    ("股份有限公司", "股份有限公司"),
    ("有限责任公司", "有限公司"),
    ("有限公司", "有限公司"),
    ("股份公司", "股份有限公司"),
    ("总公司", "公司"),
    ("公司", "公司"),
    ("农民专业合作社", "合作社"),
    ("专业合作社", "合作社"),
    ("合作社", "合作社"),
    ("总厂", "厂"),
    ("厂", "厂"),
    ("集团", "集团"),
    ("有限", "有限公司"),
)
_PARTNERS = re.compile(
    r"\((?:特殊普通合伙|普通合伙|有限合伙|个人独资|个体工商户|集团|股份|有限公司|有限责任公司|股份有限公司)\)"
)
_GROUP = re.compile(r"\(?集团\)?(?:股份)?$|股份$")
_BRANCH_WORD = (
    r"分公司|分厂|子公司|分店|分行|支行|分局|分院|分校|分部|分社|营业部|营业厅|办事处|代表处|项目经理部|项目部|项目组|事业部|管理处|管理部|车间|工区|工段|班组|"
    r"工程队|施工队|劳务队|服务区|服务站|门店|工地|工程处|第?[一二三四五六七八九十\d]+[队厂处部组]"
)
_NUMBERED = r"第?[一二三四五六七八九十百\dA-Z]{1,3}"
_BRANCH_BEHIND_FORM = re.compile(
    rf"(?<=公司)[^公]{{0,20}}?(?:{_BRANCH_WORD}|[厂店所院站处部队]|中心)$|(?<=.厂|集团)[^公厂]{{0,12}}?(?:{_BRANCH_WORD})$"
)
_BRANCH_AT_END = re.compile(rf"(?:{_NUMBERED})?(?:{_BRANCH_WORD})$")
_OWNED = re.compile(r"^(?:国营|国有|地方国营|公私合营)")
_PROVINCES = (
    *("北京", "天津", "上海", "重庆", "河北", "山西", "辽宁", "吉林", "黑龙江", "江苏", "浙江", "安徽", "福建"),
    *("江西", "山东", "河南", "湖北", "湖南", "广东", "海南", "四川", "贵州", "云南", "陕西", "甘肃", "青海"),
    *("台湾", "内蒙古", "广西", "西藏", "宁夏", "新疆", "香港", "澳门"),
)
_TOWN = re.compile(r"^[^\d]{2,3}?(?:镇|乡|街道)(?=.{3,})")
_PLAIN_PLACE = re.compile(
    rf"^(?:(?:{'|'.join(_PROVINCES)})[省市]?)?(?:[^\d市区县]{{2,4}}市)?(?:[^\d市区县]{{2,4}}[区县])?"
)


def _parts(name: str, places: Gazetteer | None) -> tuple[str, str, str, str, str]:
    """(full, place, core, form, branch)."""
    full = name.replace("(", "").replace(")", "")
    rest, form = _PARTNERS.sub("", name), ""
    rest, bracketed = _place_in_bracket(rest, places)
    rest, branch = _without_branch(rest.replace("(", "").replace(")", ""))
    if rest == "":
        return full, "", full, "", ""
    rest, form = _without_form(rest, name)
    place, core = _without_place(_OWNED.sub("", rest), places)
    core = core or rest
    return full, place or bracketed, core, form, branch


def _without_branch(name: str) -> tuple[str, str]:
    match = _BRANCH_BEHIND_FORM.search(name) or _BRANCH_AT_END.search(name)
    if match is None or match.start() < 2:
        return name, ""
    return name[: match.start()], match.group()


def _without_form(name: str, written: str) -> tuple[str, str]:
    """The name without its legal form, and the form; 集团 and 股份 before it go as well."""
    found = ""
    for ending, form in _FORMS:
        if name.endswith(ending) and len(name) >= len(ending) + 2:
            name, found = name[: -len(ending)], form
            break
    bracketed = _PARTNERS.search(written)
    if not found and bracketed is not None:
        inside = bracketed.group().strip("()")
        found = dict(_FORMS).get(inside, inside)
    shorter = _GROUP.sub("", name)
    if len(shorter) >= 2 and shorter != name:
        return shorter, found or "集团"
    return name, found


def _place_in_bracket(name: str, places: Gazetteer | None) -> tuple[str, str]:
    """华星(武汉)科技: a place in brackets belongs to the name but tells nothing apart."""
    for inside in re.findall(r"\(([^()]{2,9})\)", name):
        place, rest = _located(inside, places)
        if place and not rest.strip("省市区县"):
            return name.replace(f"({inside})", ""), place
    return name, ""


def _without_place(name: str, places: Gazetteer | None) -> tuple[str, str]:
    """The place at the head, without suffixes, and the rest if that is still a name of two characters or more."""
    place, rest = _located(name, places)
    return (place, rest) if len(rest) >= 2 else ("", name)


def _located(name: str, places: Gazetteer | None) -> tuple[str, str]:
    if places is not None:
        found = places.locate(name)
        if found.end:
            return found.names, _TOWN.sub("", name[found.end :])
    match = _PLAIN_PLACE.match(name)
    length = match.end() if match is not None else 0
    if length == 0 or (places is not None and not name.startswith(_PROVINCES)):
        return "", name
    return "".join(short_name(part) for part in re.findall(r".+?(?:[省市区县]|$)", name[:length])), name[length:]


__all__ = ["EmployerRead", "Gazetteer", "gazetteer", "read_employer"]
