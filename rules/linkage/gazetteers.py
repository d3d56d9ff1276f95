"""Names of administrative divisions, to find them at the head of an address or of a company's name."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_PEOPLES = (
    "蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|高山|拉祜|水|东乡|纳西|景颇|柯尔克孜|土|达斡尔|仫佬|羌|布朗|撒拉|"
    "毛南|仡佬|锡伯|阿昌|普米|塔吉克|怒|乌孜别克|俄罗斯|鄂温克|德昂|保安|裕固|京|塔塔尔|独龙|鄂伦春|赫哲|门巴|珞巴|基诺|各"
)
_AUTONOMOUS = re.compile(rf"(?:(?:{_PEOPLES})族?)*(自治[区州县旗])$")
_SUFFIX = re.compile(r"(?:特别行政区|地区|林区|特区|新区|矿区|省|市|区|县|盟|旗|州)$")
_NO_PLACE = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})
_RANK = {"province": 0, "prefecture": 1, "county": 2}
_MUNICIPALITIES = frozenset({"11", "12", "31", "50"})
_MORE_OF_A_NAME = re.compile(
    r"[省市区县州盟旗]|大[道街]|[东南西北中]?路|[东南西北中]?街|[巷里弄村镇乡]|新村|社区|小区|胡同|花园|公园|广场|学校|医院|[大中小]学"
)
_LEAST = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Divisions found at the head of a text: codes of each level, None where not named, and what they took of it.

    `names` are their names without suffix, joined; `end` is the place in the text behind the last one.
    """

    province: str | None = None
    prefecture: str | None = None
    county: str | None = None
    names: str = ""
    end: int = 0


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way to name divisions; `whole` with the suffix, `bare` without."""

    name: str
    bare: str
    whole: bool
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Gazetteer:
    """Divisions by name. Compared by identity, so that readers may cache by it. Build it with `gazetteer`."""

    levels: dict[str, str] = field(repr=False)
    parents: dict[str, str] = field(repr=False)
    heads: dict[str, tuple[Spelling, ...]] = field(repr=False)
    """By the first two characters of a name: whole names before short ones, longer ones first."""

    def is_county(self, code: str) -> bool:
        """Whether the code is one of a county, district or county-level city."""
        return self.levels.get(code) == "county"

    def within(self, code: str, above: str | None) -> bool:
        """Whether a division is another one, lies in it, or there is no other."""
        walk: str | None = code
        for _ in range(4):
            if above is None or walk == above:
                return True
            walk = self.parents.get(walk or "")
        return False

    def locate(self, text: str, *, above: str | None = None, county_alone: bool = True) -> Place:
        """The divisions that stand at the head of a text, from the larger to the smaller; `above` settles namesakes.

        A county's name without its suffix counts only behind its province or prefecture, or with `above`. Without
        `county_alone` even a whole county name needs that. Of several namesakes none is taken. About 6 µs.
        """
        place, context, rank = Place(), above, -1
        for _ in range(3):
            found = self._next(text, place.end, context, rank)
            if found is None or (not county_alone and context is None and self.levels[found[0]] == "county"):
                return place
            code, spelling = found
            context, rank = code, _RANK[self.levels[code]]
            end = place.end + len(spelling.name)
            if code[:2] in _MUNICIPALITIES and rank == 0:
                end += _repeated(text[end:], spelling.name)
            place = self._with(place, code, names=place.names + spelling.bare, end=end)
        return place

    def _with(self, place: Place, code: str, *, names: str, end: int) -> Place:
        level = self.levels[code]
        if level == "province":
            return Place(code, None, None, names=names, end=end)
        if level == "prefecture":
            return Place(self.parents.get(code), code, None, names=names, end=end)
        above = self.parents.get(code)
        prefecture = above if above and self.levels.get(above) == "prefecture" else place.prefecture
        return Place(place.province or code[:2] + "0000", prefecture, code, names=names, end=end)

    def _next(self, text: str, start: int, context: str | None, rank: int) -> tuple[str, Spelling] | None:
        """Code and spelling of the division that begins at `start`."""
        for spelling in self.heads.get(text[start : start + 2], ()):
            if not text.startswith(spelling.name, start):
                continue
            code = self._settled(spelling, context, rank)
            if code is None:
                continue
            if spelling.whole or self._stands_alone(code, text[start + len(spelling.name) :], context):
                return code, spelling
        return None

    def _stands_alone(self, code: str, rest: str, context: str | None) -> bool:
        """和平 in 和平大道 is a road's name, not a district's; 朝阳 in 朝阳区 is no city's."""
        if _MORE_OF_A_NAME.match(rest):
            return False
        return self.levels[code] != "county" or context is not None

    def _settled(self, spelling: Spelling, context: str | None, rank: int) -> str | None:
        inside = [code for code in spelling.codes if self._may_follow(code, context, rank)]
        if len(inside) > 1 and not spelling.whole:
            highest = min(_RANK[self.levels[code]] for code in inside)
            inside = [code for code in inside if _RANK[self.levels[code]] == highest]
        if not inside:
            return None
        if spelling.whole and self.levels[inside[0]] != "county":  # their names in force are unique
            return inside[0]
        if not all(self._same_place(inside[0], code) for code in inside[1:]):
            return None
        return inside[0]

    def _may_follow(self, code: str, context: str | None, rank: int) -> bool:
        """Before anything is found `context` is only what was given, and a text may name another prefecture."""
        level = _RANK[self.levels[code]]
        return level > rank and (self.within(code, context) or (rank < 0 and level < _RANK["county"]))

    def _same_place(self, one: str, other: str) -> bool:
        """A code of before and one of after a reform: the one's parent lies in the other's, as 420600 in 420000."""
        above, beside = self.parents.get(one), self.parents.get(other)
        return above == beside or (
            above is not None and beside is not None and (self.within(above, beside) or self.within(beside, above))
        )


def gazetteer(rows: Iterable[tuple[str, str, str, str | None]]) -> Gazetteer:
    """From rows of (code, name, level, parent code). Of one name in one place the earlier row wins: put the codes in
    force before retired ones. Rows of other levels are passed over.
    """
    levels: dict[str, str] = {}
    parents: dict[str, str] = {}
    codes: dict[tuple[str, bool], list[str]] = {}
    for code, name, level, parent in rows:
        if level not in _RANK:
            continue
        levels.setdefault(code, level)
        if parent:
            parents.setdefault(code, parent)
        for spelling in () if name in _NO_PLACE else _spellings(name):
            known = codes.setdefault(spelling, [])
            if code not in known:
                known.append(code)
    heads: dict[str, list[Spelling]] = {}
    for (name, whole), known in codes.items():
        heads.setdefault(name[:2], []).append(Spelling(name, short_name(name), whole, tuple(known)))
    ordered = {
        head: tuple(sorted(found, key=lambda spelling: (not spelling.whole, -len(spelling.name), spelling.name)))
        for head, found in heads.items()
    }
    return Gazetteer(levels, parents, ordered)


def short_name(name: str) -> str:
    """恩施 for 恩施土家族苗族自治州, 武汉 for 武汉市; two characters are left at least."""
    if name.startswith("内蒙"):
        return "内蒙古"
    bare = _AUTONOMOUS.sub("", name)
    if bare == name:
        bare = _SUFFIX.sub("", name)
    return bare if len(bare) >= _LEAST else name


def _spellings(name: str) -> set[tuple[str, bool]]:
    bare = short_name(name)
    found = {(name, True)}
    autonomous = _AUTONOMOUS.search(name)
    if autonomous is not None:  # 恩施州, 长阳县, 长阳自治县: how they are called
        found |= {(bare + autonomous.group(1)[-1], True), (bare + autonomous.group(1), True)}
    if bare != name:
        found.add((bare, False))
    if bare == "内蒙古":
        found.add(("内蒙", False))
    return found


def _repeated(rest: str, name: str) -> int:
    """Length of what only repeats a municipality: 北京市北京市, 北京市市辖区."""
    for again in (name, "市辖区"):
        if rest.startswith(again):
            return len(again)
    return 0
