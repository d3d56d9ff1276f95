"""What follows from the scores: who is linked at once, who is put before people, and what each guard forbids."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.linkage.deciding import Band, Decision, Guard, agree, conflicting_numbers, decide
from rules.linkage.features import Features
from rules.linkage.scoring import Population, rare_values
from tests.rules.linkage.people import BARE, MODEL, NOBODY, features, matched, number, person

OTHER_PHONE = "13787654321"
YOUNG = Population(MODEL.names_known_from - 1, {})
"""Too few records to know which names are common."""
COMMON = Population(20_000, {"given|秀兰": 50})
CLEARED: dict[str, Any] = {"phones": [], "address": None, "employer": None}

# Whoever is the same person, whatever one sender made of it


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "週 秀 蘭"},
        {"name": "邹秀蓝"},
        {"name": "周秀？"},
        {"name": "周芳（曾用名周秀兰）"},
        {"name": "周秀云"},
        {"number": None},
        {"number": "430102750412122"},
        {"number": f"4301**********{number('19750412')[-4:]}"} | CLEARED,
        {"number": None, "birth": "农历一九七五年三月初一"},
        {"number": None, "birth": "1975-12-04"},
        {"number": None, "birth": "1975"},
        {"number": None, "birth": None, "sex": None},
        {"number": None, "name": "周兰秀"},
        {"number": None} | CLEARED,
        {"number": None, "division": "340826", "address": "宿松路1号", "employer": None},
        {"number": None, "phones": [OTHER_PHONE], "address": None},
        {"birth": None, "division": None} | CLEARED,
    ],
)
def test_one_person_is_linked_at_once(changes: dict[str, Any]) -> None:
    found = matched(person(**changes), person())
    assert (found.band, found.guards) == (Band.auto, ())


# Guards: each with a case in which it fires, and its neighbour in which it does not

TWIN = number("19750412", "124")
RELATIVE = {"name": "周建国", "sex": "male", "birth": "1973-01-02"}

GUARDED: Sequence[tuple[str, Guard, dict[str, Any], dict[str, Any]]] = (
    ("valid numbers that differ", Guard.numbers_differ, {"number": number("19800101")}, {"number": None}),
    ("twins that sound alike", Guard.numbers_differ, {"name": "周秀蓝", "number": TWIN}, {"name": "周秀蓝"}),
    (
        "twins without a number",
        Guard.names_sound_different,
        {"name": "周秀芳", "number": None},
        {"name": "周秀芳", "number": number("19750412")},
    ),
    ("the number of a relative", Guard.names_sound_different, RELATIVE, {"name": "周秀云"}),
    ("a part of a name", Guard.names_sound_different, {"name": "周兰", "number": None}, {"name": "周兰"}),
    (
        "syllables in another order and nothing else in common",
        Guard.names_sound_different,
        BARE | {"name": "周兰秀"},
        {"name": "周兰秀", "number": None},
    ),
    (
        "a namesake of another county",
        Guard.namesake,
        BARE | {"phones": [OTHER_PHONE], "division": "430121"},
        BARE | {"phones": ["13912345678"], "division": "430121"},
    ),
    ("a namesake of the same year", Guard.namesake, BARE | {"birth": "1975"}, {"number": None, "birth": "1975"}),
    (
        "a namesake whose hidden number ends otherwise",
        Guard.namesake,
        CLEARED | {"number": "430102********0000"},
        CLEARED | {"number": f"430102********{number('19750412')[-4:]}"},
    ),
    (
        "a child named alike who lives there too",
        Guard.generation_apart,
        {"name": "周秀岚", "number": None, "birth": "1999-04-12"},
        {"name": "周秀岚", "number": None, "birth": "1976-04-12"},
    ),
)


@pytest.mark.parametrize(("guard", "fires", "_neighbour"), [it[1:] for it in GUARDED], ids=[it[0] for it in GUARDED])
def test_a_guard_puts_before_people_what_was_weighty_enough(
    guard: Guard, fires: dict[str, Any], _neighbour: dict[str, Any]
) -> None:
    found = matched(person(**fires), person())
    assert found.score.weight > MODEL.auto
    assert (found.band, found.guards) == (Band.review, (guard,))


@pytest.mark.parametrize(("guard", "_fires", "neighbour"), [it[1:] for it in GUARDED], ids=[it[0] for it in GUARDED])
def test_a_guard_lets_its_neighbour_pass(guard: Guard, _fires: dict[str, Any], neighbour: dict[str, Any]) -> None:
    found = matched(person(**neighbour), person())
    assert (found.band, found.guards) == (Band.auto, ())


@pytest.mark.parametrize(
    ("records", "guards"), [(MODEL.cluster_cap - 1, ()), (MODEL.cluster_cap, (Guard.person_too_large,))]
)
def test_a_person_of_many_records_grows_no_more_by_itself(records: int, guards: tuple[str, ...]) -> None:
    told = person(number=None)
    assert matched(told, *[told] * records).guards == guards
    assert matched(person(), *[person()] * records).guards == (), "number and name say who it is"


def test_a_record_that_agrees_with_one_and_contradicts_the_rest_is_not_linked_at_once() -> None:
    stranger = person(**BARE | {"birth": "1980-01-02", "sex": "male", "division": "340826", "phones": [OTHER_PHONE]})
    new = person(number=None)
    assert matched(new, new, stranger).guards == ()
    assert matched(new, new, *[stranger] * 9).guards == (Guard.against_the_person,)


def test_a_year_that_one_sender_got_wrong_is_no_other_generation() -> None:
    wrong = person(number=None, birth="1999-04-12")
    assert matched(wrong, person(), wrong).guards == ()
    masked = person(number=f"430102********{number('19750412')[-4:]}", birth="1999-04-12")
    assert matched(masked, person()).guards == (), "the number says more than the year"


def test_where_little_speaks_for_it_and_the_rest_of_the_person_against_it_nobody_is_asked() -> None:
    stranger = person(**BARE | {"name": "李芳", "birth": "1990-01-02", "division": "340826"})
    new, alike = person(**BARE | {"birth": "1975-06-30"}), person(**BARE)
    assert MODEL.review < matched(new, alike).score.weight < MODEL.auto
    assert matched(new, alike).band is Band.review
    assert matched(new, alike, stranger, stranger).band is Band.none


def test_who_moved_within_the_county_still_lives_where_one_record_says() -> None:
    told = BARE | {"birth": "1975"}
    here, there = person(**told | {"address": "湘雅路9号"}), person(**told | {"address": "解放路1号"})
    assert matched(person(**told | {"address": "湘雅路19号"}), here, there).guards == ()
    assert matched(here, there).guards == (Guard.namesake,)


def test_another_number_and_another_name_is_not_even_asked_about() -> None:
    found = matched(person(name="周秀芳", number=TWIN), person())
    assert found.score.weight > MODEL.auto
    assert set(found.guards) == {Guard.numbers_differ, Guard.names_sound_different}
    assert found.band is Band.none


@pytest.mark.parametrize(
    ("changes", "population", "band"),
    [
        ({}, NOBODY, Band.auto),
        ({"phones": [OTHER_PHONE]}, NOBODY, Band.auto),
        ({"division": "430121"}, NOBODY, Band.review),
        ({}, COMMON, Band.auto),
        ({"division": None}, COMMON, Band.review),
        ({"division": None}, NOBODY, Band.auto),
        ({"division": None}, YOUNG, Band.review),
        ({"employer": "宿松茶厂"}, COMMON, Band.review),
        ({"employer": "宿松茶厂"}, NOBODY, Band.review),
        ({"birth": "1975-04"}, NOBODY, Band.review),
    ],
)
def test_name_and_birthday_alone_are_enough_for_a_rare_name_and_where_nothing_speaks_against_it(
    changes: dict[str, Any], population: Population, band: Band
) -> None:
    new = person(**(BARE | changes))
    known = person(number=None, address=None)
    assert matched(new, known, population=population).band is band


def test_another_phone_says_little_once_and_twice_that_there_are_two() -> None:
    phones = [person(**BARE | {"phones": [phone]}) for phone in ("13912345678", OTHER_PHONE, "13698761234")]
    assert matched(phones[0], phones[1]).band is Band.auto
    assert matched(phones[0], phones[1], phones[2]).guards == (Guard.namesake,)


@pytest.mark.parametrize(
    ("weight", "band"), [(MODEL.review - 0.01, Band.none), (MODEL.review, Band.review), (MODEL.auto, Band.auto)]
)
def test_bands_begin_at_their_weight(weight: float, band: Band) -> None:
    told = person()
    plain = matched(told, told).score.weight
    model = replace(MODEL, auto=plain + MODEL.auto - weight, review=plain + MODEL.review - weight)
    decision = decide(told, {"person": [(0, told)]}, model, NOBODY, may_join=_never)
    assert (decision.linked is not None) == (band is Band.auto)
    assert bool(decision.reviews) == (band is Band.review)


# Several persons


def _never(_one: str, _other: str) -> bool:
    return False


def _always(_one: str, _other: str) -> bool:
    return True


def decided(new: Features, may_join: Any = _never, **persons: Sequence[Features]) -> Decision[str, int]:
    numbered: Mapping[str, Sequence[tuple[int, Features]]] = {
        name: list(enumerate(records)) for name, records in persons.items()
    }
    return decide(new, numbered, MODEL, NOBODY, may_join=may_join)


def test_nobody_alike_founds_a_person() -> None:
    stranger = person(name="李芳", number=number("19800101", "126", "340826"), phones=[OTHER_PHONE], division="340826")
    assert decided(person(), stranger=[stranger]) == Decision(None, (), ())
    assert decided(person()) == Decision(None, (), ())


def test_the_likeliest_is_linked_by_its_likeliest_record_and_other_candidates_are_put_before_people() -> None:
    bare, twin = person(**BARE), person(name="周秀芳", number=None)
    decision = decided(person(), mine=[bare, person(), bare], twin=[twin])
    assert decision.linked is not None
    assert (decision.linked.person, decision.linked.record) == ("mine", 1)
    assert [match.person for match in decision.reviews] == ["twin"]


def test_where_nobody_is_sure_all_who_may_be_are_put_before_people() -> None:
    twins = {"one": [person(name="周秀芳", number=None)], "other": [person(name="周秀英", number=None)]}
    decision = decided(person(number=None), **twins)
    assert decision.linked is None
    assert {match.person for match in decision.reviews} == {"one", "other"}


def _of_two() -> dict[str, list[Features]]:
    """One person with a number, and one with a phone: a record with both says that they are one."""
    return {"numbered": [person(**CLEARED)], "phoned": [person(number=None, address=None, employer=None)]}


@pytest.mark.parametrize(("may_join", "joined", "reviews"), [(_always, 1, 0), (_never, 0, 1)])
def test_two_persons_become_one_only_where_that_is_allowed(may_join: Any, joined: int, reviews: int) -> None:
    decision = decided(person(), may_join, **_of_two())
    assert decision.linked is not None
    assert (len(decision.joined), len(decision.reviews)) == (joined, reviews)


def test_a_person_of_whom_only_name_and_birthday_agree_is_not_joined_to_another() -> None:
    decision = decided(person(), _always, mine=[person()], namesake=[person(**BARE)])
    assert decision.joined == ()
    assert [match.person for match in decision.reviews] == ["namesake"]


def test_two_persons_whose_numbers_contradict_each_other_never_become_one() -> None:
    two = _of_two() | {"phoned": [person(), person(number=number("19800101"), birth=None)]}
    decision = decided(person(), _always, **two)
    assert decision.joined == ()
    assert len(decision.reviews) == 1


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([{}], [{"number": None}], True),
        ([{}], [{"number": number("19800101")}], False),
        ([{}] * 6, [{}] * 6, True),
        ([{}] * 6, [{}] * 7, False),
        ([{}], [{}, BARE | {"name": "李芳", "birth": "1999-01-02"}], False),
    ],
)
def test_two_persons_agree_where_no_pair_of_their_records_is_hopeless(
    one: list[dict[str, Any]], other: list[dict[str, Any]], expected: bool
) -> None:
    mine, theirs = [person(**it) for it in one], [person(**it) for it in other]
    assert agree(mine, theirs, MODEL, NOBODY) is expected
    assert agree(theirs, mine, MODEL, NOBODY) is expected


# Whatever is told


@given(new=features(), records=st.lists(features(), min_size=1, max_size=4), known=st.integers(0, 100_000))
def test_numbers_that_contradict_each_other_never_link_by_themselves(
    new: Features, records: list[Features], known: int
) -> None:
    values = {value: known for it in records for value in rare_values(it)}
    found = matched(new, *records, population=Population(known, values))
    if conflicting_numbers([new, *records]):
        assert found.band is not Band.auto
        assert Guard.numbers_differ in found.guards or found.score.weight < MODEL.review
    assert found.band is not Band.auto or (not found.guards and found.score.weight >= MODEL.auto)
    assert found.band is not Band.none or found.score.weight < MODEL.auto or len(found.guards) > 1


@given(new=features(), records=st.lists(features(), min_size=1, max_size=3))
def test_the_order_of_the_records_of_a_person_changes_nothing(new: Features, records: list[Features]) -> None:
    one, other = matched(new, *records), matched(new, *records[::-1])
    assert (one.band, set(one.guards), one.score.weight) == (other.band, set(other.guards), other.score.weight)
