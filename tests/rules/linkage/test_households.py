"""Which households are one though nobody in them is known: by number, by who lives there, never by a phone."""

from typing import Any

import pytest

from rules.linkage.deciding import Band
from rules.linkage.households import Housemate, household_keys, household_of, judge_household
from rules.linkage.scoring import Score
from tests.rules.linkage.people import BARE, MODEL, person

HUSBAND: dict[str, Any] = BARE | {"name": "周建国", "sex": "male", "birth": "1972"}
CHILD: dict[str, Any] = BARE | {"name": "周小明", "sex": "male", "birth": "2001"}
GRANDMOTHER: dict[str, Any] = BARE | {"name": "吴桂英", "birth": "1948-02-03"}
SISTER: dict[str, Any] = BARE | {"name": "周秀梅", "birth": "1979-06-01", "phones": ["13912345678"]}
NUMBER = {"household": "340802117"}
FAR = {"division": "420683"}


def mate(said: dict[str, Any], relation: str = "self", **changes: Any) -> Housemate:
    return Housemate(person(**(said | changes)), relation)


def judged(new: list[Housemate], *known: Housemate) -> tuple[str, float]:
    """Band and weight against a household in which each record is a person of its own."""
    band, score = judge_household(new, [[one] for one in known], MODEL)
    return band.value, score.weight


@pytest.mark.parametrize(
    ("new", "known", "band", "weight"),
    [
        # The number, alone and with something against it
        ([mate(GRANDMOTHER, **NUMBER)], [mate(HUSBAND, **NUMBER)], "auto", 13.5),
        ([mate(GRANDMOTHER, **NUMBER, **FAR)], [mate(HUSBAND, **NUMBER)], "review", 7.5),
        ([mate(GRANDMOTHER, household="12")], [mate(HUSBAND, household="12")], "none", 0),
        ([mate(GRANDMOTHER, household="340802118")], [mate(HUSBAND, **NUMBER)], "none", 0),
        # Two people who are the same, and one
        (
            [mate(GRANDMOTHER), mate(HUSBAND, "child"), mate(CHILD, "grandchild")],
            [mate({}), mate(HUSBAND, "spouse"), mate(CHILD, "child")],
            "auto",
            16,
        ),
        ([mate(GRANDMOTHER), mate(CHILD, "grandchild")], [mate({}), mate(CHILD, "child")], "none", 8),
        ([mate(HUSBAND)], [mate({}), mate(HUSBAND, "spouse")], "review", 11),
        ([mate(HUSBAND)], [mate(HUSBAND)], "none", 8),
        ([mate(HUSBAND), mate(CHILD, "child")], [mate({}), mate(HUSBAND, "spouse"), mate(CHILD, "child")], "auto", 19),
        (
            [mate(HUSBAND, **FAR), mate(CHILD, "child", **FAR)],
            [mate({}), mate(HUSBAND, "spouse"), mate(CHILD, "child")],
            "auto",
            13,
        ),
        # Two people who are the same, under another number
        (
            [mate(HUSBAND, household="340802998"), mate(CHILD, "child")],
            [mate({}, **NUMBER), mate(HUSBAND, "spouse"), mate(CHILD, "child")],
            "review",
            19,
        ),
        # A shared phone, a shared room, a shared name
        ([mate(SISTER)], [mate({}, phones=["13912345678"])], "none", 0),
        ([mate(GRANDMOTHER, address="湘雅路12号3栋2单元501室")], [mate({})], "none", 8),
        (
            [mate(GRANDMOTHER, address="湘雅路12号3栋2单元501室"), mate(CHILD, "grandchild")],
            [mate({}), mate(CHILD, "child")],
            "review",
            16,
        ),
        ([mate(HUSBAND, birth=None)], [mate({}), mate(HUSBAND, "spouse")], "none", 0),
        ([mate(HUSBAND, birth="1990")], [mate({}), mate(HUSBAND, "spouse")], "none", 0),
    ],
)
def test_what_makes_a_household(new: list[Housemate], known: list[Housemate], band: str, weight: float) -> None:
    assert judged(new, *known) == (band, weight)


def test_a_dormitory_has_one_number_and_no_household() -> None:
    known = [mate(BARE | {"name": name}, **NUMBER) for name in "甲乙丙丁戊己庚辛壬癸子丑"]
    assert judged([mate(GRANDMOTHER, **NUMBER)], *known) == ("review", 13.5)


def test_one_known_person_is_not_counted_for_two() -> None:
    twins = [mate(CHILD, "child"), mate(CHILD, "child", name="周晓明")]
    assert judged([mate(GRANDMOTHER), *twins], mate({}), mate(CHILD, "child")) == ("review", 11)


def test_a_person_of_two_records_is_one() -> None:
    known = [[mate(CHILD, "child"), mate(CHILD, "child", birth="2001-05")]]
    band, score = judge_household([mate(GRANDMOTHER), mate(CHILD, "child")], known, MODEL)
    assert (band, score.weight) == (Band.review, 11)


@pytest.mark.parametrize(
    ("bands", "found"), [(["auto", "review"], 0), (["review", "none"], None), (["auto", "auto"], None), ([], None)]
)
def test_only_one_sure_household_is_taken(bands: list[str], found: int | None) -> None:
    judgements = {place: (Band(band), Score(8.0, ())) for place, band in enumerate(bands)}
    assert household_of(judgements) == found


def test_a_household_is_looked_for_by_number_and_by_each_who_has_a_year() -> None:
    main, child, nameless = person(**NUMBER), person(**CHILD), person(**BARE, birth=None, name=None)
    assert household_keys(main, [main, child, nameless]) == (
        ("register|340802117", "housemate|zou xiu lan|1975|430102"),
        ("housemate|zou xiao min|2001|430102",),
        (),
    )
    nowhere = person(division=None, household="12", address=None)
    assert household_keys(nowhere, [nowhere]) == ((),)
