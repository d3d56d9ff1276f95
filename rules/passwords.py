"""Which passwords are taken: long enough, not among those everybody tries first. No rules of composition.

NIST SP 800-63B section 5.1.1.2: check length and a list of common ones, forbid nothing else, never ask for symbols.
"""

import re
from typing import Final
from unicodedata import normalize

SHORTEST: Final = 12
LONGEST: Final = 128

# Twelve characters and more that head published lists, and what people here put first; case does not make them better.
_COMMON: Final = frozenset(
    {
        *("password1234", "password12345", "password123456", "passwordpassword", "mypassword123", "mypassword1234"),
        *("p@ssw0rd1234", "passw0rd1234", "passw0rd12345", "password2024", "password2025", "password2026"),
        *("administrator", "administrator1", "admin1234567", "admin12345678", "admin@123456", "adminadminadmin"),
        *("welcome12345", "welcome123456", "changeme1234", "changemenow1", "letmein12345", "letmein123456"),
        *("iloveyou1234", "iloveyouforever", "iloveyou1314", "iloveyou5201314", "woaini1314520", "woaini5201314"),
        *("woaini123456", "woaini521521", "5201314woaini", "5201314520131", "131452013145", "520131452013"),
        *("qwertyuiop12", "qwertyuiop123", "qwertyuiop[]", "qwerty123456", "qwerty1234567", "1qaz2wsx3edc"),
        *("1qaz2wsx3edc4rfv", "qazwsxedcrfv", "zaq12wsxcde3", "1q2w3e4r5t6y", "1q2w3e4r5t6y7u", "asdfghjkl123"),
        *("zxcvbnm12345", "asdfghjkl;'", "abcdefghijkl", "abcd12345678", "abc123456789", "abc1234567890"),
        *("a123456789012", "a12345678910", "aa123456789", "aa1234567890", "qq1234567890", "123456789abc"),
        *("123456789qaz", "1234567890qwe", "123qweasdzxc", "qweasdzxc123", "qwe123asd456", "test12345678"),
        *("unknownunknown", "correcthorse", "correcthorsebatterystaple", "trustno1trustno1", "superman1234"),
        *("football1234", "baseball1234", "sunshine1234", "princess1234", "dragon123456", "monkey123456"),
        *("zhongguo1234", "zhongguo123456", "beijing2008", "beijing12345", "shanghai1234", "gonghui12345"),
        *("gonghui123456", "renshe123456", "minzheng1234", "tongli123456", "tongli1234567", "woaizhongguo"),
        *("woaibeijingtiananmen", "nihao1234567", "nihaonihaonihao", "computer1234", "internet1234", "samsung12345"),
    }
)
_ROWS: Final = (
    *(
        "012345678901234567890123456789",
        "abcdefghijklmnopqrstuvwxyz",
        "qwertyuiopasdfghjklzxcvbnm",
        "1qaz2wsx3edc4rfv5tgb",
    ),
)
_WORDS = re.compile(r"[^\W_]+")


def normal_form(password: str) -> str:
    """The same characters typed on another keyboard are the same password (NFKC, as NIST asks)."""
    return normalize("NFKC", password)


def password_fault(password: str, *, about: tuple[str, ...] = ()) -> str | None:
    """Code of what is wrong with a new password, None where it is taken. `about`: login, agency code and the like."""
    text = normal_form(password)
    if len(text) < SHORTEST:
        return "too-short"
    if len(text) > LONGEST:
        return "too-long"
    return "common-password" if _is_common(text.lower(), about) else None


def _is_common(text: str, about: tuple[str, ...]) -> bool:
    if text in _COMMON or len(set(text)) < 5 or any(text in row or text in row[::-1] for row in _ROWS):
        return True
    return _is_repeated(text) or _says_little_more(text, about)


def _is_repeated(text: str) -> bool:
    """abcabcabcabc: a piece of at most a third, again and again."""
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(1, len(text) // 3 + 1))


def _says_little_more(text: str, about: tuple[str, ...]) -> bool:
    """Whether fewer than eight characters are left without the words an attacker knows of the account."""
    for known in about:
        for word in _WORDS.findall(normal_form(known).lower()):
            text = text.replace(word, "") if len(word) >= 3 else text
    return len(text) < 8
