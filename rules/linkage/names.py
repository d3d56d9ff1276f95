"""Names of persons as agencies write them: characters, sounds, and what dialects make of the sounds."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from rules.linkage.characters import CJK, levelled, simplified
from rules.linkage.sounds import UNREADABLE, folded, plain_latin, sound_of, syllables
from rules.linkage.surnames import (
    CERTAIN_COMPOUND,
    COMPOUND,
    COMPOUND_READINGS,
    READINGS,
    SINGLE,
)

_RAW_MAX = 200
_WRITTEN_MAX = 50

_FORMER = re.compile(
    r"(?:曾用名|曾用|曾名|原名|旧名|又名|别名|化名|小名|乳名|俗名|户口名)\s*[:为叫是]?\s*([^()\[\],,;、/\s。]+)"
)
_BRACKETED = re.compile(r"[(\[{<【〔《「『〈]([^()\[\]{}<>【】〔〕《》「」『』〈〉]*)[)\]}>】〕》」』〉]?")
_LABEL = re.compile(rf"^\s*[{CJK}]{{1,8}}\s*:\s*(?=\S)")
_ROLE = re.compile(r"^(?:被申请人|申请人|被执行人|申请执行人|姓名|当事人|户主|本人|职工)(?=[^\s]{2,})")
_SEVERAL = re.compile(r"[/;|,、。]|\s(?:和|与|及)\s")
_TITLES = (
    *(
        "先生",
        "女士",
        "同志",
        "小姐",
        "太太",
        "夫人",
        "师傅",
        "大爷",
        "大妈",
        "大叔",
        "阿姨",
        "老师",
        "经理",
        "主任",
        "主席",
    ),
    *("书记", "律师", "医生", "法官", "工程师", "会计", "班长", "组长", "队长", "厂长", "本人", "等人", "同学"),
)
_LATIN_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "madam"})
_NOBODY = frozenset(
    {
        *("无", "不详", "未知", "不明", "无名", "无名氏", "匿名", "佚名", "空", "暂无", "测试", "null", "none"),
        *("nan", "na", "n/a", "test", "unknown", "undefined"),
    }
)
_LETTERS = rf"(?:(?![{CJK}\u3007])[^\W\d_])+"
_PIECE = re.compile(rf"[{CJK}]|{_LETTERS}(?:['’`]{_LETTERS})*|[?*□○◯〇●■×✕_#\uFFFD\uE000-\uF8FF]")
_REPEATED = re.compile(r"(.)々")
_AND_OTHERS = re.compile(r"等\s*[\d一二三四五六七八九十两几多]*\s*[人名位].*$")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_APOSTROPHES = re.compile(r"['’`]")
_U_COLON = re.compile(r"(?<=[LlNn])[Uu]:")
_ONE_CJK = re.compile(rf"[{CJK}]")
_ALL_CJK = re.compile(rf"[{CJK}]{{2,5}}")


@dataclass(frozen=True, slots=True)
class NameRead:
    """A name to compare. `sounds` and `folded` have one entry for each character, `?` for an unreadable one.

    A Latin piece has one entry for each pinyin syllable, one for a word that is no pinyin. `surname` is empty where no
    known surname stands in front; `surname_sound` is then the first folded sound, so that WANG WEI meets 王伟. `former`
    is a name the text itself gives beside this one.
    """

    written: str = field(repr=False)
    sounds: tuple[str, ...] = field(repr=False)
    folded: tuple[str, ...] = field(repr=False)
    surname: str = field(repr=False)
    surname_sound: str = field(repr=False)
    former: str | None = field(default=None, repr=False)


def read_name(text: str | None) -> NameRead | None:
    """The name in a text, None when nothing of it is readable. Reading `written` again gives the same `written`."""
    return _read(text[:_RAW_MAX]) if text else None


@lru_cache(maxsize=16_384)
def _read(text: str) -> NameRead | None:
    level = levelled(text, limit=_RAW_MAX)
    former = _FORMER.search(level)
    name = _settled(_name(_main_part(level)), level)
    if name is None or former is None:
        return name
    other = _name(former.group(1))
    told = other.written if other is not None and other.written != name.written else None
    return NameRead(name.written, name.sounds, name.folded, name.surname, surname_sound=name.surname_sound, former=told)


def _settled(name: NameRead | None, level: str) -> NameRead | None:
    """What was dropped may have hidden a title or a label: then it is read once more, a few times at most."""
    for _ in range(4):
        if name is None or name.written == level:
            break
        again = _name(_main_part(name.written))
        if again is None or again.written == name.written:
            break
        name = again
    return name


def _main_part(level: str) -> str:
    """Without notes, labels and further persons."""
    if level.isalpha():
        return level
    outside = _BRACKETED.sub(_of_bracket, level)
    if not any(map(str.isalnum, outside)) and UNREADABLE not in outside:
        outside = re.sub(r"[(\[{<【〔《「『〈>〉』」》〕】}\])]", "", level)
    elif not _ONE_CJK.search(outside):
        inside = [part for part in _BRACKETED.findall(level) if _ALL_CJK.fullmatch(part.strip())]
        outside = inside[0] if inside else outside
    noted = _FORMER.search(outside)
    if noted is not None and noted.start() > 0:
        outside = outside[: noted.start()]
    outside = _LABEL.sub("", outside)
    if _ONE_CJK.search(outside):
        outside = next((part for part in _SEVERAL.split(outside) if any(map(str.isalnum, part))), outside)
    return outside


def _of_bracket(match: re.Match[str]) -> str:
    """`?` for a character somebody described by its parts, 王（火+华）, or could not read; nothing for a note."""
    inside = match.group(1).strip()
    return UNREADABLE if "+" in inside or inside in {"?", "*", "□"} else ""


def _name(text: str) -> NameRead | None:
    if text.strip().lower() in _NOBODY:
        return None
    pieces = _without_romanisation(_pieces(_without_titles(text)))
    while pieces and sum(map(len, (written for written, _ in pieces))) > _WRITTEN_MAX:
        pieces.pop()
    written = "".join(piece for piece, _ in pieces)
    if not written.strip(UNREADABLE) or written in _NOBODY:
        return None
    return _with_surname(written, [sound for _, sounds in pieces for sound in sounds])


def _without_titles(text: str) -> str:
    text = simplified("".join(text.split()) if _ONE_CJK.search(text) and not re.search("[A-Za-z]", text) else text)
    text = _ROLE.sub("", text)
    text = _AND_OTHERS.sub("", _REPEATED.sub(r"\1\1", text))
    while True:
        shorter = text.strip(" .·•‧・-")
        ending = next((title for title in _TITLES if shorter.endswith(title) and len(shorter) > len(title)), "")
        if ending:
            shorter = shorter[: -len(ending)]
        if shorter == text:
            return text
        text = shorter


def _pieces(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Every character or word with its sounds; digits, dots and other signs fall away."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for piece in _PIECE.findall(_U_COLON.sub("v", text)):
        if piece == "某" or (len(piece) == 1 and not piece.isalpha()) or piece == "〇":
            found.append((UNREADABLE, (UNREADABLE,)))
        elif _ONE_CJK.match(piece):
            found.append((piece, (sound_of(piece),)))
        else:
            found += _latin(piece)
    words = [piece for piece in found if piece[0] not in _LATIN_TITLES]
    return words or found


def _latin(piece: str) -> list[tuple[str, tuple[str, ...]]]:
    found: list[tuple[str, tuple[str, ...]]] = []
    for part in _APOSTROPHES.split(piece):
        for word in _CAMEL.split(part):
            plain = "".join(filter(str.isalpha, plain_latin(word)))
            if plain and not plain.strip("x"):
                found += [(UNREADABLE, (UNREADABLE,))] * len(plain)
            elif plain:
                sounds = syllables(plain)
                found.append(("".join(sounds), sounds))  # lyu and lv are written alike, too
    return found


def _without_romanisation(pieces: list[tuple[str, tuple[str, ...]]]) -> list[tuple[str, tuple[str, ...]]]:
    """王伟 Wang Wei is 王伟: Latin pieces that only repeat the characters go."""
    characters = [piece for piece in pieces if _ONE_CJK.match(piece[0])]
    latin = [sound for piece, sounds in pieces if piece.isalpha() and not _ONE_CJK.match(piece) for sound in sounds]
    if len(characters) < 2 or len(latin) != len(characters):
        return pieces
    agree = sum(folded(sounds[0]) == folded(sound) for (_, sounds), sound in zip(characters, latin, strict=True))
    return characters if agree * 2 >= len(latin) else pieces


def _with_surname(written: str, sounds: list[str]) -> NameRead:
    surname = _surname(written, len(sounds))
    reading = COMPOUND_READINGS.get(surname)
    if reading is not None:
        sounds[:2] = reading
    elif len(surname) == 1:
        sounds[0] = READINGS.get(surname, sounds[0])
    plain = tuple(folded(sound) for sound in sounds)
    heard = "".join(plain[: max(1, len(surname))])
    return NameRead(written, tuple(sounds), plain, surname, surname_sound="" if UNREADABLE in heard else heard)


def _surname(written: str, length: int) -> str:
    """By the characters alone, so that 阿依古丽·买买提 and 阿依古丽买买提 are read alike: long names have none."""
    pair = written[:2]
    if pair in COMPOUND and length <= 5 and (length > 2 or pair in CERTAIN_COMPOUND):
        return pair
    return written[0] if written[0] in SINGLE and length <= 4 else ""
