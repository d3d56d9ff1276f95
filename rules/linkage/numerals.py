"""Chinese numerals as digits, where a text counts with them."""

import re

NUMERALS = "〇○零一二三四五六七八九十百廿卅两壹贰叁肆伍陆柒捌玖拾"
_DIGITS = {character: place for place, character in enumerate("零一二三四五六七八九")} | {
    character: place for place, character in enumerate("〇壹贰叁肆伍陆柒捌玖")
}
_DIGITS |= {"○": 0, "两": 2}
_TENS = {"廿": "二十", "卅": "三十", "拾": "十", "佰": "百"}
_TENS_PATTERN = re.compile("[廿卅拾佰]")


def number_of(text: str) -> int | None:
    """37 for 三十七, 503 for 五〇三 and 五百零三, 23 for 廿三; plain digits too. None for what is no number."""
    if text.isascii():
        return int(text) if text.isdigit() and len(text) < 10 else None
    text = _TENS_PATTERN.sub(lambda match: _TENS[match.group()], text)
    if not text or len(text) > 9:
        return None
    if not any(mark in text for mark in "十百"):
        digits = [_DIGITS.get(character) for character in text]
        return None if None in digits else int("".join(map(str, digits)))
    return _counted(text)


def _counted(text: str) -> int | None:
    """Numbers with 十 and 百."""
    total = digit = 0
    for character in text:
        if character in "十百":
            total += (digit or 1) * (10 if character == "十" else 100)
            digit = 0
        elif character in _DIGITS:
            digit = _DIGITS[character]
        else:
            return None
    return total + digit
