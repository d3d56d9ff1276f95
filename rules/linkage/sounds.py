"""How characters and Latin letters sound: toneless pinyin syllables, and what speakers of dialects do not tell apart.

One character has one sound whatever stands beside it, so that a wrong character changes one syllable and no other. ü is
written v, as in input methods and in pypinyin.
"""

import re
import unicodedata
from functools import lru_cache

from pypinyin import lazy_pinyin

UNREADABLE = "?"

_FINALS = {
    "": "a o e ai ei ao ou an en ang eng er",
    "b": "a o ai ei ao an en ang eng i ie iao ian in ing u",
    "p": "a o ai ei ao ou an en ang eng i ie iao ian in ing u",
    "m": "a o e ai ei ao ou an en ang eng i ie iao iu ian in ing u",
    "f": "a o ei ou an en ang eng u",
    "d": "a e ai ei ao ou an en ang eng ong i ia ie iao iu ian ing u uo ui uan un",
    "t": "a e ai ao ou an ang eng ong i ie iao ian ing u uo ui uan un",
    "n": "a e ai ei ao ou an en ang eng ong i ie iao iu ian in iang ing u uo uan v ve",
    "l": "a o e ai ei ao ou an ang eng ong i ia ie iao iu ian in iang ing u uo uan un v ve",
    "g k h": "a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang",
    "j q x": "i ia ie iao iu ian in iang ing iong u ue uan un",
    "zh ch sh": "a e ai ei ao ou an en ang eng ong i u ua uo uai ui uan un uang",
    "r": "e ao ou an en ang eng ong i u ua uo ui uan un",
    "z c s": "a e ai ei ao ou an en ang eng ong i u uo ui uan un",
    "y": "a o e ao ou an ang i in ing ong u ue uan un",
    "w": "a o ai ei an en ang eng u",
}
SYLLABLES = frozenset(
    initial + final
    for initials, finals in _FINALS.items()
    for initial in (initials.split() or [""])
    for final in finals.split()
)
_SPELLINGS = {"lyu": "lv", "nyu": "nv", "lue": "lve", "nue": "nve", "lyue": "lve", "nyue": "nve"}
_SPELLED = SYLLABLES | _SPELLINGS.keys()
_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"))
_ENDINGS = (("ing", "in"), ("eng", "en"), ("ang", "an"))
_U_UMLAUT = re.compile("u\u0308")
_MARKS = re.compile("[\u0300-\u036f]")


@lru_cache(maxsize=16_384)
def sound_of(character: str) -> str:
    """Toneless syllable of a Chinese character by itself; `?` where the dictionary has none. 6 µs, then cached."""
    sound = lazy_pinyin(character)[0]
    return sound if sound in SYLLABLES else UNREADABLE if sound == character else sound


@lru_cache(maxsize=2_048)
def folded(sound: str) -> str:
    """The sound without what dialects merge: n/l, zh/z, ch/c, sh/s, ing/in, eng/en, ang/an, and ü/u.

    What is no syllable of Mandarin (a foreign name) stays as it is.
    """
    if sound not in SYLLABLES:
        return sound
    for long, short in _INITIALS:
        if sound.startswith(long):
            sound = short + sound[len(long) :]
            break
    for long, short in _ENDINGS:
        if sound.endswith(long):
            sound = sound[: -len(long)] + short
            break
    return sound.replace("v", "u")


def plain_latin(text: str) -> str:
    """Lower-case letters without tone marks; ü as v. Letters of other scripts keep their shape."""
    lowered = unicodedata.normalize("NFKD", text.lower())
    plain = _MARKS.sub("", _U_UMLAUT.sub("v", lowered)).replace("ı", "i")
    return unicodedata.normalize("NFC", plain)


@lru_cache(maxsize=4_096)
def syllables(word: str) -> tuple[str, ...]:
    """A plain Latin word as pinyin syllables: as few as possible, later ones rather with a consonant in front.

    `wangwei` is wang wei, `fangan` fan gan. A word that is no pinyin is one sound, the word itself.
    """
    ways: list[tuple[int, int, tuple[str, ...]] | None] = [(0, 0, ())] + [None] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - 6), end):
            before, piece = ways[start], word[start:end]
            if before is None or piece not in _SPELLED:
                continue
            bare = start > 0 and piece[0] in "aeo"
            way = (before[0] + 1, before[1] + bare, (*before[2], _SPELLINGS.get(piece, piece)))
            best = ways[end]
            ways[end] = way if best is None or way < best else best
    whole = ways[len(word)]
    return whole[2] if whole is not None else (word,)
