"""What texts between offices may hold."""

import pytest

from rules.errors import ValidationFailed
from rules.papers import check_paper


@pytest.mark.parametrize("text", ["身份证99000019740315122x", "13900000001", "86 139-0000-0001", "990000740315122"])
def test_papers_hold_nothing_that_looks_like_a_number_of_a_person(text: str) -> None:
    with pytest.raises(ValidationFailed):
        check_paper("/text", text)


@pytest.mark.parametrize(
    "text", [None, "", "涉及46人、138万元", "国办发明电〔2026〕7号", "信用代码91340800MA0000007A", "2026-12-09"]
)
def test_papers_hold_figures_and_numbers_of_offices(text: str | None) -> None:
    check_paper("/text", text)
