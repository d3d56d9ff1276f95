"""Text as it may enter: NFC, without characters that break stores or deceive readers; names of persons.

Rare CJK characters of every plane pass. Ranges are written out because the interpreter's Unicode tables lag behind the
names on identity cards (extension H is younger than Python 3.11's tables).
"""

import re
import unicodedata
from typing import Literal

TextFault = Literal["nul", "control", "bidi", "surrogate", "empty", "too-long"]

NAME_MAX = 50
NAME_DOT = "\u00b7"

_CJK = r"\u3007\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\U00020000-\U0003FFFF"
_FORBIDDEN: tuple[tuple[re.Pattern[str], TextFault], ...] = (
    (re.compile(r"[\uD800-\uDFFF]"), "surrogate"),
    (re.compile(r"\x00"), "nul"),
    (re.compile(r"[\x01-\x08\x0B-\x1F\x7F-\x9F]"), "control"),
    (re.compile(r"[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]"), "bidi"),
)
_DOTS = re.compile(rf"\s*(?:[\u00B7\u2022\u2027\u30FB]|(?<=[{_CJK}])\uFF0E(?=[{_CJK}]))\s*")
_KEY_IGNORED = re.compile(r"[\s.\u00B7\u2022\u2027\u30FB]+")


class TextError(ValueError):
    """Text that may not enter; `code` says why. The message never repeats the text."""

    def __init__(self, code: TextFault) -> None:
        super().__init__(f"text: {code}")
        self.code = code


def clean_text(text: str) -> str:
    """The text in NFC. Raises TextError: `surrogate`, `nul`, `control` (C0 but LF and TAB, DEL, C1), `bidi`."""
    for pattern, code in _FORBIDDEN:
        if pattern.search(text):
            raise TextError(code)
    return unicodedata.normalize("NFC", text)


def clean_name(text: str) -> str:
    """A person's name: clean text, 1 to 50 characters, single spaces, every name dot as U+00B7 without spaces at it.

    Raises TextError as `clean_text`, `empty`, `too-long`.
    """
    name = _DOTS.sub(NAME_DOT, " ".join(clean_text(text).split()))
    if not name.strip(NAME_DOT):
        raise TextError("empty")
    if len(name) > NAME_MAX:
        raise TextError("too-long")
    return name


def name_key(name: str) -> str:
    """What equal names share: compatibility forms folded, no case, spaces or dots. For matching, never for display."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return unicodedata.normalize("NFKC", _KEY_IGNORED.sub("", folded))


def masked_name(name: str) -> str:
    """First character, then one `*` for each further one: 周桂兰 becomes 周**. A single character is hidden."""
    if len(name) <= 1:
        return "*" * len(name)
    return name[0] + "*" * (len(name) - 1)
