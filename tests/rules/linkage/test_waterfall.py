"""A possible match drawn: the same bytes for the same terms, readable without sight, nothing that runs or loads."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.linkage.comparisons import COMPARISONS
from rules.linkage.waterfall import draw_waterfall
from rules.linkage.wording import COMPARISON_WORDS, LEVEL_WORDS, wording_of

ROOT = Path(__file__).resolve().parent.parent.parent.parent
GOLDEN = Path(__file__).with_name("waterfall.svg")
SVG = "{http://www.w3.org/2000/svg}"

TERMS: list[dict[str, Any]] = [
    {"name": "prior", "level": "prior", "weight": -13.5, "rarity": 0.0},
    {"name": "name", "level": "exact", "weight": 17.66, "rarity": 1.25},
    {"name": "number", "level": "valid_differ", "weight": -6.5, "rarity": 0.0},
    {"name": "birth", "level": "lunar", "weight": 5.5, "rarity": 0.0},
]


def test_it_is_drawn_as_it_was_agreed() -> None:
    """Look at the picture before changing it: it is what people decide by."""
    assert draw_waterfall(TERMS, 3.16) == GOLDEN.read_text(encoding="utf-8")


def test_it_has_a_title_in_chinese_and_tells_every_term_and_the_sum_in_english() -> None:
    root = ElementTree.fromstring(draw_waterfall(TERMS, 3.16))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title desc"
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert "+3.16" in str(title.text)
    assert description is not None
    told = str(description.text)
    assert "birth date, the same day of the other calendar: +5.50" in told
    assert told.endswith("Sum: +3.16.")
    labels = [node.text for node in root.iter(f"{SVG}text")]
    assert "证件号码：均有效而不同" in labels
    assert "合计" in labels


@given(
    st.lists(
        st.tuples(st.text(max_size=8), st.text(max_size=8), st.floats(-1e3, 1e3, allow_nan=False)),
        max_size=12,
    )
)
@example([("", "", 5e-324)])
@example([])
def test_whatever_the_terms_are_it_is_well_formed_and_each_bar_begins_where_the_last_ended(
    terms: list[tuple[str, str, float]],
) -> None:
    rows = [{"name": _xml(name), "level": _xml(level), "weight": weight} for name, level, weight in terms]
    drawn = draw_waterfall(rows, sum(weight for _, _, weight in terms))
    root = ElementTree.fromstring(drawn)
    bars = list(root.iter(f"{SVG}rect"))[1:]
    assert len(bars) == len(rows) + 1
    for bar in bars:
        left, width = float(bar.get("x", "")), float(bar.get("width", ""))
        assert left >= 249
        assert left + width <= 672
    assert re.search(r"<script|href|url\(|javascript|<image|<foreignObject|\son\w+=", drawn) is None


def _xml(text: str) -> str:
    """What XML can hold: a level is a word of ours, never a control character."""
    return "".join(character for character in text if character.isprintable())


@pytest.mark.parametrize("name", COMPARISONS)
def test_every_level_that_a_comparison_answers_has_words(name: str) -> None:
    source = (ROOT / "rules" / "linkage" / "comparisons.py").read_text(encoding="utf-8")
    assert name in COMPARISON_WORDS
    assert all(wording.zh and wording.en for wording in LEVEL_WORDS[name].values())
    for level in LEVEL_WORDS[name]:
        assert f'"{level}"' in source, "a level that no comparison knows"


def test_every_level_of_the_model_has_words() -> None:
    from db.linkage_model import committed_model  # noqa: PLC0415  one test reads the file

    for name, levels in committed_model().weights.items():
        assert set(levels) <= set(LEVEL_WORDS[name])


def test_a_level_of_a_later_model_is_shown_as_its_code() -> None:
    assert wording_of("gait", "limping") == (("gait", "gait"), ("limping", "limping"))
