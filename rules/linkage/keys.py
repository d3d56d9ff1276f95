"""Blocking keys: two records are compared when they share one. Pure; hashed with a key before they touch the database.

Each key joins two or more facts, so that a block stays small; blocks that outgrow the cap are skipped (link_key_heavy).
"""

from collections.abc import Iterator
from typing import Final

from rules.linkage.comparisons import AREA_HEAD
from rules.linkage.features import Features

ID_FRONT: Final = 12
"""Place, year and month. Less (place and decade) is said of hundreds with one surname, who are all read in vain."""
ID_BACK: Final = 8
"""Month, day, sequence and check character."""


def blocking_keys(features: Features) -> tuple[str, ...]:
    """The keys of a record, distinct, about twelve. 15 us."""
    return tuple(dict.fromkeys(_keys(features)))


def _keys(features: Features) -> Iterator[str]:
    yield from _by_number(features)
    yield from _by_phone(features)
    yield from _by_name(features)
    yield from _by_birth(features)
    yield from _by_household(features)


def _by_number(it: Features) -> Iterator[str]:
    sound = " ".join(it.folded)
    if len(it.id_number) == 18:
        yield f"id|{it.id_number}"
        yield f"id-frame|{it.id_number[:6]}|{it.id_number[14:]}|{sound}"
    if it.valid_id or len(it.id_number) >= ID_FRONT:
        # One digit wrong, doubled or lost: a half is still right, or (of the month, which is in both) the frame.
        yield f"id-front|{it.id_number[:ID_FRONT]}|{it.surname}"
        yield f"id-back|{it.id_number[-ID_BACK:]}|{it.surname}"
    if it.id_head and it.id_tail and it.name:
        yield f"id-ends|{it.id_head[:3]}|{it.id_tail[-4:]}|{sound}"
    if it.encoded and it.encoded.number:
        yield f"encoded|{it.encoded.agency}|{it.encoded.year}|{it.encoded.number}"


def _by_phone(it: Features) -> Iterator[str]:
    for phone in it.phones:
        yield f"phone-surname|{phone}|{it.surname}"
        if it.year:
            yield f"phone-year|{phone}|{it.year}"


def _by_name(it: Features) -> Iterator[str]:
    if not it.name:
        return
    sound = " ".join(it.folded)
    if it.year:
        yield f"name-year|{it.name}|{it.year}"
        yield f"sound-year-prefecture|{sound}|{it.year}|{it.division[:4]}"
    if it.county:
        yield f"name-county|{it.name}|{it.county}"
    if len(it.area) >= AREA_HEAD:
        yield f"sound-area|{sound}|{it.area[:AREA_HEAD]}"
    if it.employer:
        yield f"sound-employer|{sound}|{it.employer}"
    if it.organisation:
        yield f"sound-organisation|{sound}|{it.organisation}"
    for phone in it.phones:
        yield f"sound-phone-end|{sound}|{phone[-4:]}"


def _by_birth(it: Features) -> Iterator[str]:
    for day in {it.birth, it.lunar} - {""}:
        if len(day) == 10:
            yield f"sound-day|{' '.join(it.folded)}|{day}"
            yield f"surname-day-prefecture|{it.surname}|{day}|{it.division[:4]}"
    if len(it.birth) == 10 and it.sex and it.county:
        yield f"day-county|{it.birth}|{it.sex}|{it.county}"


def _by_household(it: Features) -> Iterator[str]:
    if it.household:
        yield f"household|{it.household}|{it.sex}"
    if it.room and len(it.area) >= AREA_HEAD:
        yield f"room|{it.room}|{it.area[:AREA_HEAD]}|{it.surname}"
