"""Names that are nearly one name: what is left of it, and when it is the son's."""

from dataclasses import replace

import pytest

from db.linkage_model import committed_model
from rules.linkage.comparisons import compare_name
from rules.linkage.deciding import Band, Guard, Match, match_person
from rules.linkage.features import Features
from rules.linkage.reading import Written, read_features
from rules.linkage.scoring import Population

FATHER = Written(name="段志强", sex="male", birth="1962-03-03", phones=["13900010021"])
SON = replace(FATHER, name="段智强", birth="1989-10-10")


def features(written: Written) -> Features:
    return read_features(written, None)


def match(first: Features, second: Features) -> Match[int, int]:
    model = committed_model()
    return match_person(second, 1, [(1, first)], model=model, population=Population(model.smallest_population, {}))


@pytest.mark.parametrize(
    ("whole", "told", "level"),
    [
        ("黎建桦", "黎某某", None),
        ("黎建桦", "黎建某", "readable_part"),
        ("黎桦", "黎某", "readable_part"),
        ("欧阳建桦", "欧阳某某", "readable_part"),
    ],
)
def test_a_surname_alone_is_no_readable_part_of_a_name(whole: str, told: str, level: str | None) -> None:
    one, other = features(Written(name=whole)), features(Written(name=told))
    assert compare_name(one, other) == compare_name(other, one) == level


def test_a_son_whose_name_sounds_like_his_fathers_is_put_before_people() -> None:
    found = match(features(FATHER), features(SON))
    assert found.score.weight > committed_model().auto
    assert Guard.years_differ in found.guards
    assert found.band is not Band.auto


def test_a_name_misheard_at_the_right_age_asks_nobody() -> None:
    found = match(features(FATHER), features(replace(SON, birth="1962-03-03")))
    assert (found.guards, found.band) == ((), Band.auto)


def test_the_identity_number_says_that_the_year_was_wrong() -> None:
    number = "990101196203030133"
    one = replace(features(FATHER), id_kind="valid", id_number=number)
    other = replace(features(SON), id_kind="valid", id_number=number)
    assert Guard.years_differ not in match(one, other).guards
