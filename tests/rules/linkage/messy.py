"""Text nobody should send and somebody does."""

from hypothesis import strategies as st

HOSTILE = (
    "",
    " ",
    "\x00",
    "\x07\x1b[31m",
    "😀👩‍👩‍👧",
    "\u202e伟张",
    "\u200b\ufeff",
    "\ud800",
    "\U000e0100",
    "(((((",
    "））",
    "&#x110000;&#0;",
    "a\u0308\u0323" * 40,
    "ﷺ" * 200,
    "ئايگۈل",
    "王" * 10_000,
    "1" * 10_000,
    "*" * 10_000,
    "(" * 10_000,
    "甲1-" * 4_000,
    "1 " * 5_000,
    "十" * 10_000,
)

_LIKELY = (
    "张王李欧阳单曾伟芳某女士先生原曾用名（）()·.?*？□ XxOolI0123456789-/年月日初廿正腊冬农历栋单元室"
    "号路街道镇乡村社区小区市区县省湖北长沙"
    "有限责任公司股份集团厂第一分、；,:\u3000\u200bàǚüv'转或+86"
)
texts = st.one_of(st.text(max_size=60), st.text(alphabet=_LIKELY, max_size=40))
