"""CLKs: the same person with a slip is alike, strangers are not, nobody without the key learns anything."""

import hashlib
import hmac
import random
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.linkage.clk import (
    ALIKE,
    BITS,
    BYTES,
    FEWEST_BITS,
    MOST_BITS,
    Keyed,
    bits_set,
    clk_of,
    dice,
    hides_enough,
    number_of,
)
from rules.linkage.features import Features
from rules.linkage.reading import Written, read_features
from tests.builders import GIVEN, SURNAMES, identity_number

SECRET = b"0123456789abcdef0123456789abcdef"


def keyed(message: bytes) -> bytes:
    return hmac.digest(SECRET, message, "sha256")


def under(secret: bytes) -> Keyed:
    return lambda message: hmac.digest(secret, message, "sha256")


BORN = date(1971, 3, 8)
ZHOU = Written(
    name="周慧兰",
    birth="1971-03-08",
    number=identity_number(BORN, serial=17),
    phones=("13912345678",),
    division="340802",
)


def clk(written: Written) -> bytes:
    return clk_of(read_features(written, None), keyed)


def invented(seed: int) -> Written:
    """Somebody who does not exist; few surnames and given names, so that many share parts of theirs."""
    chance = random.Random(seed)
    born = date(1955, 1, 1) + timedelta(days=chance.randrange(16_000))
    return Written(
        name=chance.choice(SURNAMES) + "".join(chance.choices(GIVEN, k=chance.choice((1, 2, 2)))),
        birth=born.isoformat(),
        number=identity_number(born, female=chance.random() < 0.5, serial=chance.randrange(499)),
        phones=(f"139{chance.randrange(10**8):08d}",),
        division=chance.choice(("340802", "340803", "340811", "340822")),
    )


@pytest.mark.parametrize(
    "slip",
    [
        replace(ZHOU, name="周慧蓝"),
        replace(ZHOU, name="邹慧兰"),
        replace(ZHOU, birth="1971-03-09"),
        replace(ZHOU, birth="1972-03-08", number=None),
        replace(ZHOU, phones=("13912345687",)),
        replace(ZHOU, phones=("15000000017",)),
        replace(ZHOU, number=identity_number(BORN, serial=71)),
        replace(ZHOU, number=None),
        replace(ZHOU, division="340803"),
        replace(ZHOU, name=" 周 慧兰 ", phones=("+86 139-1234-5678",), birth="1971年3月8日"),
    ],
    ids=lambda written: "/".join(str(value) for value in (written.name, written.birth, *written.phones)),
)
def test_a_person_told_with_a_slip_is_alike(slip: Written) -> None:
    assert dice(clk(ZHOU), clk(slip)) >= ALIKE


def test_another_spelling_of_the_same_values_is_the_same_clk() -> None:
    assert clk(ZHOU) == clk(replace(ZHOU, name="周·慧兰", birth="1971.03.08", phones=("０１３９１２３４５６７８"[1:],)))


def test_of_a_thousand_pairs_of_strangers_hardly_one_is_alike() -> None:
    """Of people with 16 surnames in four districts of one city: what little is alike, people look at and dismiss."""
    clks = [clk(invented(seed)) for seed in range(300)]
    alike = [dice(a, b) >= ALIKE for a, b in combinations(clks, 2)]
    assert sum(alike) * 1_000 <= len(alike)


def test_most_people_are_found_again_with_one_field_changed_and_one_missing() -> None:
    people = [invented(seed) for seed in range(200)]
    missing: list[dict[str, Any]] = [{"birth": None}, {"number": None}, {"division": None}]
    told_again = [
        replace(person, phones=other.phones, **missing[at % 3])
        for at, (person, other) in enumerate(pairwise([*people, people[0]]))
    ]
    again = [dice(clk(one), clk(other)) >= ALIKE for one, other in zip(people, told_again, strict=True)]
    assert sum(again) >= 190


def test_a_clk_has_1024_bits_as_many_set_as_a_person_can() -> None:
    made = [clk(invented(seed)) for seed in range(100)]
    assert {len(one) for one in made} == {BYTES} == {BITS // 8}
    crowded = replace(ZHOU, phones=tuple(f"139{at:08d}" for at in range(12_345_678, 92_345_678, 8_888_888)))
    for one in (*made, clk(crowded), clk(Written(name="王兰", division="340802", birth="1971"))):
        assert FEWEST_BITS <= bits_set(one) <= MOST_BITS


def test_under_another_key_one_person_is_a_stranger() -> None:
    it = read_features(ZHOU, None)
    other = under(b"f" * 32)
    assert dice(clk_of(it, keyed), clk_of(it, other)) < 0.4
    assert number_of(it.valid_id, keyed) != number_of(it.valid_id, other)


def test_one_value_in_two_fields_sets_other_bits() -> None:
    """Each field has a salt of its own: what is frequent in one does not betray the other."""
    as_phone = clk_of(Features(phones=("13912345678",)), keyed)
    as_number = clk_of(Features(id_number="13912345678" + "0000000"), keyed)
    assert dice(as_phone, as_number) < 0.25


def test_the_number_is_an_hmac_anybody_can_make() -> None:
    number = identity_number(BORN, serial=17)
    assert number_of(number, keyed) == hmac.new(SECRET, number.encode("ascii"), hashlib.sha256).hexdigest()


def test_a_clk_of_few_fields_is_not_made() -> None:
    """What is made of one field or two is read back from how often its patterns occur."""
    whole = read_features(ZHOU, None)
    assert hides_enough(whole)
    assert hides_enough(read_features(Written(name="周慧兰", birth="1971", division="340802"), None))
    assert not hides_enough(read_features(Written(name="周慧兰", birth="1971-03-08"), None))
    assert not hides_enough(replace(whole, name=""))


_BITS = st.binary(min_size=BYTES, max_size=BYTES)


@given(_BITS, _BITS)
def test_dice_is_symmetric_between_nothing_and_the_same(a: bytes, b: bytes) -> None:
    assert dice(a, b) == dice(b, a)
    assert 0 <= dice(a, b) <= 1
    assert dice(a, a) == (1 if bits_set(a) else 0)
    assert dice(a, b"") == 0
