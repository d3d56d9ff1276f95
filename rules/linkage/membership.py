"""Who is who within one household: there a name and a year are enough, the household says the rest. Pure."""

from typing import Final

from rules.linkage.comparisons import compare_birth, compare_name, compare_number, compare_sex
from rules.linkage.features import Features

_SAME_NAME: Final = frozenset({"exact", "same_sound", "same_folded_sound", "readable_part", "former"})
_SAME_BIRTH: Final = frozenset({None, "exact", "part_agrees", "lunar", "near_year", "day_and_month_changed"})
_OTHER_NUMBER: Final = frozenset({"valid_differ", "sibling", "close_valid", "differ"})


def weak(it: Features) -> bool:
    """Whether a person is told too little of to be looked for outside the household: no number, no phone, no whole
    birthday."""
    return not it.id_kind and not it.phones and len(it.birth) < 10


def sought(it: Features) -> bool:
    """Whether a person is looked for outside the household: also one of whom what is told is encoded."""
    return it.encoded is not None or not weak(it)


def same_member(a: Features, b: Features) -> bool:
    """Whether two descriptions of members of one household mean one person."""
    return (
        compare_name(a, b) in _SAME_NAME
        and compare_birth(a, b) in _SAME_BIRTH
        and compare_sex(a, b) != "other"
        and compare_number(a, b) not in _OTHER_NUMBER
    )


def member_key(household: str, it: Features) -> str:
    """The blocking key by which members of one case meet; `household` is the case's id."""
    return f"member|{household}|{' '.join(it.folded)}"
