"""Gold pairs: what the committed model makes of reports as agencies send them."""

import re
from collections import Counter
from dataclasses import replace

import pytest

from cli.linkage_gold import ALLOWED, GoldPair, fallen, match_gold_pair, read_gold_pairs
from cli.linkage_reports import places_of_reference
from db.linkage_model import committed_model
from rules.linkage.deciding import Band

PAIRS = read_gold_pairs()


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.name for pair in PAIRS])
def test_the_committed_model_makes_of_each_pair_what_is_expected(pair: GoldPair) -> None:
    assert fallen([pair], committed_model(), places_of_reference()) == {}


def test_a_pair_is_judged_alike_whichever_report_comes_first() -> None:
    for pair in PAIRS:
        turned = GoldPair(pair.name, pair.expected, pair.second, pair.first, people_with=pair.people_with)
        there, back = (match_gold_pair(one, committed_model(), places_of_reference()) for one in (pair, turned))
        assert there.score.weight == pytest.approx(back.score.weight), pair.name


def test_there_are_enough_pairs_of_every_kind_and_each_has_a_name_of_its_own() -> None:
    assert len(PAIRS) >= 80
    assert len({pair.name for pair in PAIRS}) == len(PAIRS)
    kinds = Counter(pair.expected for pair in PAIRS)
    assert kinds.keys() <= ALLOWED.keys()
    assert kinds["auto"] >= 30
    assert kinds["not_auto"] >= 20
    assert kinds["none"] >= 5


def test_no_number_of_a_gold_pair_can_be_a_living_persons() -> None:
    for pair in PAIRS:
        for row in (pair.first, pair.second):
            digits = re.sub(r"[^0-9]", "", row.get("id_number") or "").lstrip("0")
            assert len(digits) < 15 or digits.startswith("99"), pair.name


def test_a_model_that_believes_nothing_loses_pairs_and_says_which() -> None:
    deaf = replace(committed_model(), auto=1000.0)
    lost = fallen(PAIRS, deaf, places_of_reference())
    assert "same number and name" in lost
    assert lost["same number and name"].startswith(f"{Band.review}, not auto")
