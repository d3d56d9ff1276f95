"""Encodings: they bring a match before people, or bar one, and never link."""

import hmac
import json
from dataclasses import replace
from datetime import date

import pytest

from db.linkage_model import committed_model
from rules.linkage.clk import Keyed, clk_of, number_of
from rules.linkage.deciding import Band, Decision, Guard, Match, decide
from rules.linkage.encoded import Encodings, encoded_for, taken_until, years_taken
from rules.linkage.features import Encoded, Features, decode, encode
from rules.linkage.keys import blocking_keys
from rules.linkage.membership import sought, weak
from rules.linkage.reading import Written, read_features
from rules.linkage.scoring import Population
from tests.builders import identity_number

COURT, BUREAU = "court", "bureau"
BORN = date(1971, 3, 8)
NUMBER, OTHER_NUMBER = identity_number(BORN, serial=17), identity_number(BORN, serial=18)
WHOLE = Written(name="周慧兰", birth="1971-03-08", number=NUMBER, phones=("13912345678",), division="340802")
POPULATION = Population(1_000_000, {})


def keyed(agency: str, year: int) -> Keyed:
    secret = f"{agency} {year}".encode().ljust(32)
    return lambda message: hmac.digest(secret, message, "sha256")


def plain(**changes: object) -> Features:
    return read_features(replace(WHOLE, **changes), None)  # type: ignore[arg-type]  # fields by name, as the test says


def encoded(
    shown: Written, *, number: str | None = NUMBER, clk: Features | None = None, by: str = COURT, year: int = 2026
) -> Features:
    """A record that discloses `shown`, and the rest under a key."""
    under = keyed(by, year)
    return replace(
        read_features(shown, None),
        encoded=Encoded(by, year, number_of(number, under) if number else "", clk_of(clk, under).hex() if clk else ""),
    )


NAME_ONLY = Written(name="周慧兰", division="340802")
ALL_BUT_NUMBER = replace(WHOLE, number=None)


def decided(new: Features, *records: Features) -> Decision[str, int]:
    persons = {"known": list(enumerate(records))}
    return decide(
        new,
        persons,
        committed_model(),
        POPULATION,
        may_join=lambda _a, _b: False,
        clues=Encodings(keyed).clue,
    )


def review(decision: Decision[str, int]) -> Match[str, int]:
    assert decision.linked is None
    (match,) = decision.reviews
    return match


def without_encodings(new: Features, record: Features) -> Decision[str, int]:
    return decided(replace(new, encoded=None), replace(record, encoded=None))


@pytest.mark.parametrize("turned", [False, True], ids=["encoded later", "encoded first"])
def test_a_number_that_agrees_brings_the_match_before_people_whoever_reported_first(turned: bool) -> None:
    pair = (encoded(replace(NAME_ONLY, name="周会兰")), plain())
    new, old = pair[::-1] if turned else pair
    assert without_encodings(new, old) == Decision(None, (), ())
    match = review(decided(new, old))
    assert (match.band, match.guards[-1]) == (Band.review, Guard.encoded)
    assert match.score.level("encoded") == "same_number"
    assert sum(term.weight for term in match.score.terms) == pytest.approx(match.score.weight)


def test_a_clk_that_is_alike_brings_the_match_before_people() -> None:
    new = encoded(replace(NAME_ONLY, name="周会兰"), number=None, clk=plain(name="周会兰", number=None))
    assert without_encodings(new, plain()) == Decision(None, (), ())
    match = review(decided(new, plain()))
    assert Guard.encoded in match.guards
    assert match.score.level("encoded") == "alike"


def test_another_number_bars_what_would_have_linked_and_makes_a_likeness_nothing() -> None:
    """Twins share all but the number and a syllable of the name."""
    new = encoded(ALL_BUT_NUMBER, number=OTHER_NUMBER, clk=plain(number=OTHER_NUMBER))
    assert without_encodings(new, plain()).linked is not None
    match = review(decided(new, plain()))
    assert Guard.numbers_differ in match.guards
    assert Guard.encoded not in match.guards
    twin = encoded(replace(ALL_BUT_NUMBER, name="周慧敏"), number=OTHER_NUMBER, clk=plain(number=OTHER_NUMBER))
    assert decided(twin, plain()) == Decision(None, (), ())


def test_encodings_add_nothing_to_a_weight_and_never_link() -> None:
    """However little or much is disclosed beside them: linked with them only what is linked without."""
    for shown in (NAME_ONLY, replace(NAME_ONLY, birth="1971"), replace(NAME_ONLY, phones=WHOLE.phones), ALL_BUT_NUMBER):
        new = encoded(shown, clk=plain())
        bare, helped = without_encodings(new, plain()), decided(new, plain())
        assert (bare.linked is None) == (helped.linked is None), shown
        if bare.linked and helped.linked:
            assert helped.linked.score.weight == bare.linked.score.weight
            assert Guard.encoded not in helped.linked.guards
        else:
            assert Guard.encoded in review(helped).guards


def test_records_under_two_keys_say_nothing_of_each_other() -> None:
    new, whole = encoded(NAME_ONLY, clk=plain()), plain()
    for other in (encoded(NAME_ONLY, clk=whole, by=BUREAU), encoded(NAME_ONLY, clk=whole, year=2025)):
        assert Encodings(keyed).clue(new, [other]).level is None
    assert Encodings(keyed).clue(new, [encoded(NAME_ONLY)]).level == "same_number"


def test_one_agency_that_encodes_a_number_twice_meets_itself_by_it() -> None:
    once, again = encoded(NAME_ONLY), encoded(Written(name="邹惠蓝", division="110101"))
    assert set(blocking_keys(once)) & set(blocking_keys(again))
    assert not set(blocking_keys(once)) & set(blocking_keys(encoded(Written(name="邹惠蓝"), year=2025)))


def test_clks_are_made_up_to_the_cap_and_numbers_beyond_it() -> None:
    strangers = [plain(name=f"周{x}", number=None) for x in "安邦昌德"]
    new, limited = encoded(NAME_ONLY, clk=plain()), Encodings(keyed, cap=len(strangers))
    limited.clue(new, strangers)
    assert not limited.clue(new, [plain(number=None)]).alike
    assert Encodings(keyed).clue(new, [plain(number=None)]).alike
    assert limited.clue(new, [plain()]).same_number


def test_whoever_is_encoded_is_looked_for_however_little_is_told() -> None:
    bare = read_features(Written(name="周慧兰"), None)
    assert weak(bare)
    assert not sought(bare)
    assert sought(encoded(Written(name="周慧兰")))


def test_features_keep_what_was_encoded_and_older_ones_open_without() -> None:
    new = encoded(NAME_ONLY, clk=plain())
    assert decode(encode(new)) == new
    assert decode(encode(plain())) == plain()
    whole = json.loads(encode(plain()))
    assert decode(json.dumps(whole[:-1]).encode()) == plain(), "as it was sealed before there were encodings"


def test_what_an_agency_sends_is_what_the_platform_makes_of_the_plain_values() -> None:
    said = encoded_for(plain(), keyed(COURT, 2026))
    assert set(said) == {"id_number", "clk"}
    assert set(encoded_for(plain(number=NUMBER[:-1]), keyed(COURT, 2026))) == {"clk"}, "a doubtful number has no hash"
    assert encoded_for(read_features(Written(name="周慧兰"), None), keyed(COURT, 2026)) == {}


def test_the_key_of_last_year_is_taken_through_january() -> None:
    assert years_taken(date(2026, 12, 31)) == (2026,)
    assert years_taken(date(2027, 1, 1)) == years_taken(date(2027, 1, 31)) == (2027, 2026)
    assert years_taken(date(2027, 2, 1)) == (2027,)
    assert taken_until(2026).isoformat() == "2027-01-31T16:00:00+00:00"
