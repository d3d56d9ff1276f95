"""Addresses of homes, taken apart: division, street or town, community, road and number, building, unit, room.

What cannot be told apart without a list of streets is not told apart: 环城桥头社区 is community 环城桥头; whoever
compares should try the end of the longer value. Roads keep their word (路, 街, 大道, 巷), everything else loses its
generic word.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from rules.linkage.characters import CJK, levelled, simplified
from rules.linkage.gazetteers import Gazetteer, gazetteer
from rules.linkage.numerals import NUMERALS, number_of

_RAW_MAX = 200
_CODE = re.compile(r"\d{6}(?:\d{3}|\d{6})?")


@dataclass(frozen=True, slots=True)
class AddressRead:
    """Parts of an address, empty where not told. `division` is a county, a prefecture if only that is known, or None.

    `community` is the residents' or villagers' committee, or the residential quarter where no committee is named;
    `estate` is that quarter in any case, `group` the villagers' group. `number`, `building`, `unit` and `room` are
    digits and letters.
    """

    division: str | None
    street: str = field(default="", repr=False)
    road: str = field(default="", repr=False)
    number: str = field(default="", repr=False)
    community: str = field(default="", repr=False)
    building: str = field(default="", repr=False)
    unit: str = field(default="", repr=False)
    room: str = field(default="", repr=False)
    estate: str = field(default="", repr=False)
    group: str = field(default="", repr=False)


def read_address(text: str | None, division_code: str | None, places: Gazetteer | None) -> AddressRead:
    """An address and the division code that came with it. A county's code wins over the text; so does none else."""
    return _read((text or "")[:_RAW_MAX], (division_code or "")[:40], places)


@lru_cache(maxsize=4_096)
def _read(text: str, code: str, places: Gazetteer | None) -> AddressRead:
    given = _given(code, places)
    plain = _plain(text)
    if places is None or not plain:
        return _parts(plain, _division(given, None, None))
    place = places.locate(plain, above=given)
    known = _division(given, place.county, place.prefecture, county_known=places.is_county(given or ""))
    return _parts(plain[place.end :], known)


def _given(code: str, places: Gazetteer | None) -> str | None:
    """Six digits of a code of six, nine or twelve; the prefecture for 市辖区, which is no place."""
    digits = levelled(code, limit=40).replace(" ", "")
    if not _CODE.fullmatch(digits) or digits.startswith("0"):
        return None
    six = digits[:6]
    known = places is None or six in places.levels
    return six if known or not six.endswith("01") else six[:4] + "00"


def _division(
    given: str | None, county: str | None, prefecture: str | None, *, county_known: bool = False
) -> str | None:
    if given is not None and (county_known or (county is None and not given.endswith("00"))):
        return given
    if county is not None:
        return county
    if given is not None and not given.endswith("0000"):
        return given
    return prefecture


_DROPPED = re.compile(r"[\s,.。·、;:'\"“”‘’!?]+|\([^()]*\)|\[[^\[\]]*\]|【[^】]*】|\([^()]*$")
_LABEL = re.compile(
    r"^(?:现?(?:家庭)?(?:居住|联系|通讯|户籍|户口|经常居住)?(?:地址|住址|所在地|住所地?)|现住|现居|住|家住)"
)
_DASHES = re.compile(r"[‐-―−~—–]+")
_LANE = re.compile(r"(\d+)弄(\d+)号(?!楼)")
_COUNTED = re.compile(rf"[{NUMERALS}]+(?=号|栋|幢|单元|室|层|组|弄|座|户|房|排|梯|队)|(?<=单元)[{NUMERALS}]+$")


def _plain(text: str) -> str:
    """Level, simplified, without spaces, punctuation and notes; counted numerals as digits."""
    level = simplified(levelled(text, limit=_RAW_MAX))
    level = _LABEL.sub("", _DROPPED.sub("", _DASHES.sub("-", level)).upper())
    return _LANE.sub(r"\1号\2栋", _COUNTED.sub(_as_digits, level))


def _as_digits(match: re.Match[str]) -> str:
    number = number_of(match.group())
    return match.group() if number is None else str(number)


_LETTER = "A-Z甲乙丙丁东西南北"
_BUILDING = re.compile(
    rf"(?P<building>[A-Z]?\d{{1,4}}[A-Z]?|[{_LETTER}])(?:号?[栋幢座]|号楼|#楼?|楼(?![层上下]))"
    rf"(?:(?P<unit>\d{{1,2}}|[{_LETTER}])(?:单元|门洞?|梯|[-#]))?(?:第?\d{{1,2}}[层楼])?-?"
    r"(?:(?P<room>\d{1,2}-\d{1,2}|[A-Z]?\d{1,5}[A-Z]?)(?:室|号房?|房|户)?)?-?$"
)
_UNIT = re.compile(
    rf"(?P<unit>\d{{1,2}}|[{_LETTER}])(?:单元|门洞?|梯)(?:第?\d{{1,2}}[层楼])?-?"
    r"(?:(?P<room>[A-Z]?\d{1,5}[A-Z]?)(?:室|号房?|房|户)?)?$"
)
_DASHED = re.compile(
    r"(?<![\dA-Z])(?P<building>[A-Z]?\d{1,4}[A-Z]?)[-#](?:(?P<unit>\d{1,2}|[A-Z])-)?"
    r"(?P<room>[A-Z]?\d{2,5}[A-Z]?)(?:室|号房?|房|户)?$"
)
_ROOM = re.compile(
    r"(?<![\dA-Z\-])(?P<room>[A-Z]?\d{1,5}[A-Z]?)(?:室|房|户)$|(?<=[号弄院])(?P<bare>[A-Z]?\d{3,5}[A-Z]?)$"
)


def _parts(text: str, division: str | None) -> AddressRead:
    front, home = _home(text)
    found = _place(front, at_home=bool(home)) | home
    if "unit" in found and "building" not in found and "road" not in found and "number" in found:
        found["building"] = found.pop("number")
    return AddressRead(division, **found)


def _home(text: str) -> tuple[str, dict[str, str]]:
    """What is before the building, and building, unit, room: 3栋2单元501室, 3-2-501, 3#2-501, A座1203, 501室."""
    for pattern in (_BUILDING, _UNIT, _DASHED, _ROOM):
        match = pattern.search(text)
        if match is None:
            continue
        home = {name: _bare_number(value) for name, value in match.groupdict().items() if value}
        if "bare" in home:
            home["room"] = home.pop("bare")
        front = text[: match.start()]
        earlier = _BUILDING.search(front) if "building" not in home else None
        if earlier is not None and earlier["room"] is None:
            return front[: earlier.start()], home | {"building": _bare_number(earlier["building"])}
        return front, home
    return text, {}


def _bare_number(text: str) -> str:
    return text.lstrip("0") or "0" if text[:1] == "0" else text


_ROAD_WORD = (
    r"(?:大道|大街|支路|公路|环路|路|街|巷|胡同|弄(?!堂)|里(?=\d))(?:[东西南北中]段|[一二三四五六七八九十\d]+段)?"
)
_NUMBER = r"(?:特|附|临|甲|乙)?\d+(?:[-之附]\d+)?(?:号?附\d+)?[A-Z]?"
_STREET = re.compile(
    r"^(?P<name>[^\d]{1,12}?)(?:街道办事处|街道办|地区办事处|办事处|街道|"
    r"(?:[回满苗侗彝瑶壮藏]族|土家族|蒙古族|民族)?(?:镇|乡)(?![路街村巷]|大道|小学|中学)|苏木|农场(?!路)|林场|团场|工业园区?)"
)
_ZONE = re.compile(r"^[^\d]{2,8}?(?:技术开发区|高新区|经开区|开发区|风景区|示范区|新区)(?=.{2,})")
_SHORT_STREET = re.compile(rf"^(?P<name>[^\d]{{1,6}}?)街(?=[^\d道]{{1,8}}?(?:{_ROAD_WORD}|社区|村|居委))")
_COMMUNITY = re.compile(
    r"^(?P<name>.{1,12}?)(?:社区居民委员会|社区居委会|社区村|社区|居民委员会|居委会|居委|村民委员会|村委会|村委|行政村|"
    r"(?<!新)村(?![东西南北中]?[路街巷]|大[道街]|委|社区|小区|新)|嘎查)"
)
_ROAD = re.compile(
    rf"^(?P<road>[^\d]{{1,12}}?{_ROAD_WORD})(?![道区村社居])(?:(?P<number>{_NUMBER})号?(?![栋幢楼座])(?:大?院)?)?"
)
_ESTATE = re.compile(
    r"^(?P<name>.{1,14}?)(?:住宅小区|居民小区|小区|住宅区|生活区|家属院|家属楼|家属区|宿舍区?|(?=$))(?:[A-Z]?\d*[期区])?"
)
_ANNEX = re.compile(r"(?<=\d)(?:号?附|之|-)(?=\d)")
_NAMED = re.compile(rf".*[{CJK}]")
_QUARTER = re.compile(r"小区|花园|[苑园]|公寓|新村|宿舍|家属|大厦|广场|公馆|生活区|住宅|新城|山庄|别墅")
_GROUP = re.compile(r"^(?:第)?(?P<group>\d+)(?:村民)?[组队社](?:(?P<number>\d+)号?)?")
_PLAIN_NUMBER = re.compile(rf"^(?P<number>{_NUMBER})号(?:大?院)?")


def _place(text: str, *, at_home: bool) -> dict[str, str]:
    """The text before the building, read from the left; each step takes what it knows."""
    found: dict[str, str] = {}
    text = _ZONE.sub("", text)
    street = _STREET.match(text) or _SHORT_STREET.match(text)
    if street is not None:
        found["street"], text = street["name"], text[street.end() :]
    for _ in range(4):
        before = text
        text = _step(text, found)
        if text in {"", before}:
            break
    if _NAMED.match(text):
        if found or at_home or _QUARTER.search(text):
            _take_estate(text, found)
        elif len(text) <= 12 and text.isalpha():
            found["street"] = text
    if "estate" in found:
        found.setdefault("community", found["estate"])
    return found


def _step(text: str, found: dict[str, str]) -> str:
    """One more part from the left. A road before a community and a community before a road both occur."""
    road, community = _ROAD.match(text), _COMMUNITY.match(text)
    if road is not None and "road" not in found and (community is None or road.end("road") < community.end()):
        found["road"] = road["road"]
        if road["number"]:
            found["number"] = _house_number(road["number"])
        return text[road.end() :]
    if community is not None and "community" not in found:
        found["community"] = community["name"]
        return text[community.end() :]
    for pattern in (_GROUP, _PLAIN_NUMBER):
        counted = pattern.match(text)
        if counted is not None:
            for name, value in counted.groupdict().items():
                if value:
                    found.setdefault(name, _house_number(value))
            return text[counted.end() :]
    return text


def _house_number(text: str) -> str:
    """16-3 for 16号附3 and 16之3."""
    return _ANNEX.sub("-", text)


def _take_estate(text: str, found: dict[str, str]) -> None:
    estate = _ESTATE.match(text)
    if estate is not None and not estate["name"].isdigit():
        found["estate"] = estate["name"]


__all__ = ["AddressRead", "Gazetteer", "gazetteer", "read_address"]
