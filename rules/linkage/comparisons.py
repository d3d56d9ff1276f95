"""How far two records agree, one level for each comparison. Pure; a level is a word, the weight is the model's.

A comparison answers None where either side says nothing: what is missing speaks neither for nor against.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from rules.linkage.features import Features

Level: TypeAlias = str
Comparison: TypeAlias = Callable[[Features, Features], Level | None]

UNREADABLE: Final = "?"
AREA_HEAD: Final = 2
"""Characters in which the names of two areas must agree; most street names have two."""
AREA_LONG: Final = 3
"""An area told in more characters than this names more than the street."""


def compare_name(a: Features, b: Features) -> Level | None:
    if not a.name or not b.name:
        return None
    if a.name == b.name:
        return "exact"
    if a.former == b.name or b.former == a.name:
        return "former"
    if a.sounds == b.sounds and UNREADABLE not in a.sounds:
        return "same_sound"
    if a.folded == b.folded and UNREADABLE not in a.folded:
        return "same_folded_sound"
    return _unlike_names(a, b)


def _unlike_names(a: Features, b: Features) -> Level:
    if len(a.folded) == len(b.folded):
        differing = [at for at, (x, y) in enumerate(zip(a.folded, b.folded, strict=True)) if x != y]
        if all(UNREADABLE in (a.folded[at], b.folded[at]) for at in differing):
            return "readable_part"
        if len(differing) == 1 and len(a.folded) > 2:
            return "one_differs"
        if sorted(a.folded) == sorted(b.folded):
            return "other_order"
    elif _part_of(a.folded, b.folded) or _part_of(b.folded, a.folded):
        return "part"
    return "surname" if a.surname == b.surname else "other"


def _part_of(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    """Whether `short` is `long` without some of its syllables, in order, two at least."""
    if len(short) < 2 or len(short) >= len(long):
        return False
    rest = iter(long)
    return all(syllable in rest for syllable in short)


def compare_number(a: Features, b: Features) -> Level | None:
    """Identity numbers: whole, of fifteen digits, masked or doubtful."""
    if not (a.id_kind and b.id_kind):
        return None
    if a.id_number and a.id_number == b.id_number:
        return "exact" if a.valid_id or b.valid_id else "same_doubtful"
    if not (a.id_number and b.id_number):
        return _masked(a, b)
    if one_edit_apart(a.id_number, b.id_number):
        return "close_valid" if a.valid_id and b.valid_id else "one_edit"
    if a.valid_id and b.valid_id:
        return "sibling" if a.id_number[:14] == b.id_number[:14] else "valid_differ"
    return "differ"


def _masked(a: Features, b: Features) -> Level:
    if not (a.id_head and a.id_tail and b.id_head and b.id_tail):
        return "differ"
    head, tail = min(len(a.id_head), len(b.id_head)), min(len(a.id_tail), len(b.id_tail))
    agree = a.id_head[:head] == b.id_head[:head] and a.id_tail[-tail:] == b.id_tail[-tail:]
    if not agree:
        return "differ"
    return "ends_agree" if head >= 6 else "short_ends_agree"


def compare_birth(a: Features, b: Features) -> Level | None:
    if not a.birth or not b.birth:
        return None
    if a.birth == b.birth:
        return "exact" if len(a.birth) == 10 else "part_agrees"
    if a.birth in (b.lunar, "") or b.birth == a.lunar:
        return "lunar"
    if a.birth.startswith(b.birth) or b.birth.startswith(a.birth):
        return "part_agrees"
    return _unlike_births(a.birth, b.birth)


def _unlike_births(a: str, b: str) -> Level:
    same_year, whole = a[:4] == b[:4], len(a) == len(b) == 10
    if whole and same_year:
        if a[5:7] == b[8:] and a[8:] == b[5:7]:
            return "day_and_month_changed"
        if "01-01" in (a[5:], b[5:]):
            return "first_of_january"
        return "same_month" if a[5:7] == b[5:7] else "same_year"
    if whole and a[4:] == b[4:] and abs(int(a[:4]) - int(b[:4])) <= 2:
        return "near_year"
    if whole and one_edit_apart(a, b):
        return "one_edit"
    return "same_year" if same_year else "other"


def compare_phone(a: Features, b: Features) -> Level | None:
    if not a.phones or not b.phones:
        return None
    if not set(a.phones).isdisjoint(b.phones):
        return "exact"
    if any(one_edit_apart(x, y) for x in a.phones for y in b.phones):
        return "one_edit"
    return "other"


def compare_sex(a: Features, b: Features) -> Level | None:
    if not a.sex or not b.sex:
        return None
    return "same" if a.sex == b.sex else "other"


def compare_address(a: Features, b: Features) -> Level | None:
    if not a.division or not b.division:
        return None
    same_county = a.division == b.division and bool(a.county)
    if same_county or not (a.county and b.county):
        if same_area(a.area, b.area):
            return _within_area(a, b)
        if same_county:
            return "other_area" if a.area and b.area else "county"
    return "prefecture" if a.division[:4] == b.division[:4] else "other"


def same_area(a: str, b: str) -> bool:
    """Whether two areas begin alike: one sender stops at the street, the next goes on to community or road."""
    return len(a) >= AREA_HEAD and a[:AREA_HEAD] == b[:AREA_HEAD]


def _within_area(a: Features, b: Features) -> Level:
    if a.room and a.room == b.room:
        return "room"
    if a.area == b.area and a.door == b.door and (a.door or len(a.area) > AREA_LONG):
        return "house"
    return "area"


def compare_employer(a: Features, b: Features) -> Level | None:
    if a.organisation and a.organisation == b.organisation:
        return "code"
    if not a.employer or not b.employer:
        return None
    if a.employer == b.employer:
        return "name"
    if a.employer in b.employer or b.employer in a.employer:
        return "part_of_name"
    return "other"


def compare_household(a: Features, b: Features) -> Level | None:
    if not a.household or not b.household:
        return None
    if a.household == b.household:
        return "exact"
    return "one_edit" if one_edit_apart(a.household, b.household) else "other"


def compare_members(a: Features, b: Features) -> Level | None:
    """Whether the two name somebody in common beside themselves, or each other. A name without a year says neither."""
    if _names(a, b) or _names(b, a):
        return "names_the_other"
    if not a.members or not b.members:
        return None
    alike = [(x.year, y.year) for x in a.members for y in b.members if x.name == y.name]
    if any(_near(*years) for years in alike):
        return "shared"
    return None if any(None in years for years in alike) else "none_shared"


def _names(a: Features, b: Features) -> bool:
    """Whether `a` lists the person of `b` as another member of its household."""
    return a.name != b.name and any(m.name == b.name and _near(m.year, b.year) for m in a.members)


def _near(a: int | None, b: int | None) -> bool:
    return a is not None and b is not None and abs(a - b) <= 1


COMPARISONS: Final[Mapping[str, Comparison]] = {
    "name": compare_name,
    "number": compare_number,
    "birth": compare_birth,
    "phone": compare_phone,
    "sex": compare_sex,
    "address": compare_address,
    "employer": compare_employer,
    "household": compare_household,
    "members": compare_members,
}


def one_edit_apart(a: str, b: str) -> bool:
    """Whether one character changed, added, lost, or two neighbours changed places makes `a` into `b`. 1 us."""
    if abs(len(a) - len(b)) > 1 or a == b:
        return False
    start = next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[start:], b[start:]
    if len(a) > len(b):
        return rest_a[1:] == rest_b
    if len(a) < len(b):
        return rest_a == rest_b[1:]
    return rest_a[1:] == rest_b[1:] or (rest_a[1:2] + rest_a[:1] == rest_b[:2] and rest_a[2:] == rest_b[2:])
