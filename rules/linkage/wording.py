"""What comparisons, levels and guards are called before people, Chinese and English. Pure."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Wording(NamedTuple):
    zh: str
    en: str


COMPARISON_WORDS: Final[Mapping[str, Wording]] = {
    "prior": Wording("先验", "before anything is compared"),
    "name": Wording("姓名", "name"),
    "number": Wording("证件号码", "identity number"),
    "birth": Wording("出生日期", "birth date"),
    "phone": Wording("电话", "phone"),
    "sex": Wording("性别", "sex"),
    "address": Wording("住址", "address"),
    "employer": Wording("用人单位", "employer"),
    "household": Wording("家庭编号", "household number"),
    "members": Wording("家庭成员", "household members"),
    "limit": Wording("共同环境上限", "limit of what a household shares"),
}

_EXACT, _OTHER = Wording("一致", "the same"), Wording("不同", "different")
_ONE_EDIT = Wording("差一字", "one character apart")

LEVEL_WORDS: Final[Mapping[str, Mapping[str, Wording]]] = {
    "prior": {"prior": Wording("随机两份记录", "two records at random")},
    "limit": {"context": Wording("住址、电话、单位合计", "address, phone and work together")},
    "name": {
        "exact": _EXACT,
        "former": Wording("曾用名一致", "a former name"),
        "same_sound": Wording("同音", "same sound"),
        "same_folded_sound": Wording("方言同音", "same sound in dialect"),
        "readable_part": Wording("可读部分一致", "what can be read agrees"),
        "one_differs": Wording("一字不同音", "one syllable differs"),
        "other_order": Wording("字序不同", "in another order"),
        "part": Wording("缺字", "a part of the other"),
        "surname": Wording("仅姓相同", "the surname only"),
        "other": _OTHER,
    },
    "number": {
        "exact": _EXACT,
        "same_doubtful": Wording("存疑号码一致", "the same doubtful number"),
        "one_edit": _ONE_EDIT,
        "close_valid": Wording("均有效，差一字", "both valid, one character apart"),
        "ends_agree": Wording("首尾一致", "both ends agree"),
        "short_ends_agree": Wording("首尾数位一致", "short ends agree"),
        "sibling": Wording("同日同地，顺序码不同", "same place and day, another serial"),
        "valid_differ": Wording("均有效而不同", "both valid and different"),
        "differ": _OTHER,
    },
    "birth": {
        "exact": _EXACT,
        "lunar": Wording("农历公历一致", "the same day of the other calendar"),
        "part_agrees": Wording("已知部分一致", "what is known agrees"),
        "day_and_month_changed": Wording("月日互换", "day and month changed places"),
        "first_of_january": Wording("同年，一方为元旦", "same year, one on 1 January"),
        "same_month": Wording("同年同月", "same year and month"),
        "same_year": Wording("同年", "same year"),
        "near_year": Wording("相差一两年", "a year or two apart"),
        "one_edit": _ONE_EDIT,
        "other": _OTHER,
    },
    "phone": {"exact": _EXACT, "one_edit": _ONE_EDIT, "other": _OTHER},
    "sex": {"same": _EXACT, "other": _OTHER},
    "address": {
        "room": Wording("同一房间", "same room"),
        "house": Wording("同一门牌", "same house"),
        "area": Wording("同一街道", "same street"),
        "other_area": Wording("同县不同街道", "same county, another street"),
        "county": Wording("同县", "same county"),
        "prefecture": Wording("同市", "same prefecture"),
        "other": _OTHER,
    },
    "employer": {
        "code": Wording("代码一致", "same code"),
        "name": Wording("名称一致", "same name"),
        "part_of_name": Wording("名称部分一致", "a part of the name"),
        "other": _OTHER,
    },
    "household": {"exact": _EXACT, "one_edit": _ONE_EDIT, "other": _OTHER},
    "members": {
        "shared": Wording("有共同成员", "somebody in common"),
        "names_the_other": Wording("互为家庭成员", "one names the other"),
        "none_shared": Wording("无共同成员", "nobody in common"),
    },
}
"""By comparison and level."""


def wording_of(comparison: str, level: str) -> tuple[Wording, Wording]:
    """What a term is called: comparison and level. One of a later model is shown as its code."""
    called = COMPARISON_WORDS.get(comparison, Wording(comparison, comparison))
    return called, LEVEL_WORDS.get(comparison, {}).get(level, Wording(level, level))
