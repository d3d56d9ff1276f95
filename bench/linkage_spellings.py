"""Other ways to write what a report says, which the benchmark does not know: dates, numbers, phones, addresses, firms.

Nothing here changes what is meant. Used for reports that no linker and no model was tuned to.
"""

import random
from collections.abc import Callable
from typing import Any

from bench.linkage_lists import TRADITIONAL

_NUMERALS = "〇一二三四五六七八九"
_PLACE_TRADITIONAL = dict(
    zip(
        "区县镇号单栋楼长东马车华宁广门龙桥兴龙庆凉义厂机团业电国",
        "區縣鎮號單棟樓長東馬車華寧廣門龍橋興龍慶涼義廠機團業電國",
        strict=True,
    )
)
_TRADITIONAL = TRADITIONAL | _PLACE_TRADITIONAL


def respell(row: dict[str, Any], rng: random.Random, share: float) -> list[str]:
    """Writes this share of the fields otherwise, in place; answers what was done."""
    done = []
    for field, write in _WRITERS.items():
        if row[field] and rng.random() < share:
            text = write(str(row[field]), rng)
            if text != row[field]:
                row[field] = text
                done.append("otherwise_" + field)
    return done


def _name(text: str, rng: random.Random) -> str:
    kind = rng.randrange(5)
    if kind == 0:
        return f"姓名：{text}"
    if kind == 1:
        return text + rng.choice(["（本人）", "同志", " 先生" if rng.random() < 0.5 else " 女士", "(户主)"])
    if kind == 2:
        return "".join(_TRADITIONAL.get(c, c) for c in text)
    return "\u3000".join(text) if kind == 3 and len(text) < 4 else f" {text}\t"


def _birth(text: str, rng: random.Random) -> str:
    parts = text.split("-")
    if len(parts) < 3:
        return parts[0] + "年" + (f"{int(parts[1])}月" if len(parts) == 2 else "")
    year, month, day = parts
    short = f"{int(month)}", f"{int(day)}"
    return rng.choice(
        [
            f"{year}年{short[0]}月{short[1]}日",
            year + month + day,
            ".".join((year, *short)),
            f"{year}/{short[0]}/{short[1]}",
            f"{year}-{short[0]}-{short[1]} 00:00:00",
            f"{''.join(_NUMERALS[int(c)] for c in year)}年{_spoken(short[0])}月{_spoken(short[1])}日",
            f"{year}年{month}月{day}日出生",
        ]
    )


def _spoken(number: str) -> str:
    """3 as 三, 12 as 十二, 23 as 二十三."""
    tens, ones = divmod(int(number), 10)
    return ("" if tens < 2 else _NUMERALS[tens]) + ("十" if tens else "") + (_NUMERALS[ones] if ones else "")


def _number(text: str, rng: random.Random) -> str:
    kind = rng.randrange(6)
    if kind == 0 and len(text) == 18:
        return f"{text[:6]} {text[6:14]} {text[14:]}"
    if kind == 1:
        return text.replace("0", "O", 2)
    if kind == 2:
        return text.replace("1", rng.choice("lI"), 1)
    if kind == 3:
        return "".join(chr(ord(c) + 0xFEE0) for c in text)
    if kind == 4 and "*" in text:
        return text.replace("*", rng.choice("xX×●"))
    return rng.choice(["身份证：", "ID:", "居民身份证 "]) + text


def _phone(text: str, rng: random.Random) -> str:
    other = f"1{rng.choice('3578')}{rng.randrange(10**9):09d}"
    land = f"0{rng.choice(('27', '28', '710', '830'))}-8{rng.randrange(10**6):06d}{rng.randrange(10)}"
    return rng.choice(
        [
            f"{text}/{other}",
            f"{land} {text}",
            f"手机{text}（本人）",
            f"0086 {text}",
            f"{text}；{land}",
            "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in text),
        ]
    )


def _address(text: str, rng: random.Random) -> str:
    kind = rng.randrange(4)
    if kind == 0:
        return "".join(_TRADITIONAL.get(c, c) for c in text)
    if kind == 1:
        return "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in text)
    if kind == 2:
        return text.replace("市", "市 ", 1).replace("区", "区 ", 1)
    return f"现住：{text}" if rng.random() < 0.5 else f"{text}（租住）"


def _firm(text: str, rng: random.Random) -> str:
    kind = rng.randrange(4)
    if kind == 0:
        return "".join(_TRADITIONAL.get(c, c) for c in text)
    if kind == 1:
        return f"{text}（已停产）"
    if kind == 2:
        return " ".join((text[:2], text[2:]))
    return f"单位：{text}"


_WRITERS: dict[str, Callable[[str, random.Random], str]] = {
    "name": _name,
    "birth_date": _birth,
    "id_number": _number,
    "phone": _phone,
    "address": _address,
    "employer_name": _firm,
}
