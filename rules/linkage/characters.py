"""Characters as agencies' systems send them, levelled: one spelling for what is one character to its reader.

Four things keep equal names apart in stores: width and compatibility forms (NFKC), traditional and variant characters
(OpenCC's `t2s` and a small table of our own), rare characters stored in the private use area by systems older than
Unicode 4.1, or as HTML references by systems that have no place for them at all.
"""

import html
import re
import unicodedata

from opencc import OpenCC

CJK = r"\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\U00020000-\U0003FFFF"
"""Inside of a regular expression's class: every plane, written out because Unicode tables of Python 3.11 lag behind."""

_INVISIBLE = re.compile(
    r"[\u00AD\u034F\u061C\u180B-\u180F\u200B-\u200F\u202A-\u202E\u2060-\u206F\uFE00-\uFE0F\uFEFF\uFFF9-\uFFFB"
    r"\U000E0000-\U000E0FFF\uD800-\uDFFF]"
)
_CONTROLS = re.compile(r"[\x00-\x1F\x7F-\x9F\s\u3000]+")
_TO_SIMPLIFIED = OpenCC("t2s")  # reads its tables once, 15 ms; a conversion is about a microsecond after that

_RADICALS = str.maketrans(
    "⺀⺁⺄⺈⺋⺎⺏⺐⺟⺠⺩⻁⻄⻅⻆⻉⻋⻑⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻨⻩⻬⻮⻰⻳",
    "冫厂乙刀㔾兀尢尣母民王虎西见角贝车长长门青韦页风飞食马骨鬼鱼鸟麦黄齐齿龙龟",
)
_VARIANTS = str.maketrans(
    # what t2s leaves as it is although the standard tables name the two as one character
    "锺靑甯隣峯羣煇喩凃衞郞淸淨黙冨髙﨑徳恵栄児沢広曽呉呂黒亀斎斉敎眞爲卽旣卻擧淵裵昻",
    "钟青宁邻峰群辉喻涂卫郎清净默富高崎德惠荣儿泽广曾吴吕黑龟斋齐教真为即既却举渊裴昂",
)
_KEPT = "乾"
"""In names of today the sky (qián), not a traditional 干: t2s would give it another sound."""


def _private_use() -> dict[int, str]:
    """GBK kept 80 rare characters at FE50–FEA0; old systems sent them to Unicode as U+E815–U+E864 (䶮 is U+E863)."""
    trail = [*range(0x50, 0x7F), *range(0x80, 0xA1)]
    known = {0xE815 + place: bytes([0xFE, byte]).decode("gb18030") for place, byte in enumerate(trail)}
    return {code: character for code, character in known.items() if ord(character) != code}


_PRIVATE_USE = _private_use()


def levelled(text: str, *, limit: int) -> str:
    """The first `limit` characters in NFKC, without invisible ones; controls and every kind of space as one space."""
    text = text[:limit]
    if text.isascii() and "&" not in text:
        return _CONTROLS.sub(" ", text).strip()
    if "&" in text:
        text = html.unescape(text)[:limit]
    text = _INVISIBLE.sub("", text.translate(_PRIVATE_USE))
    text = unicodedata.normalize("NFKC", text)[: limit * 2].translate(_RADICALS)  # one ligature may become 18
    return _CONTROLS.sub(" ", _INVISIBLE.sub("", text)).strip()


def simplified(text: str) -> str:
    """Traditional and variant characters as the simplified one in general use; other text as it is."""
    if text.isascii():
        return text
    parts = [_TO_SIMPLIFIED.convert(part.translate(_VARIANTS)) for part in text.split(_KEPT)]
    return _KEPT.join(parts).translate(_VARIANTS)
