"""What an adoption must say, and until when a recognition keeps others from checking again."""

from datetime import date

import pytest

from rules.errors import ValidationFailed
from rules.results import bars_second_check, check_adoption

TODAY = date(2026, 3, 10)


@pytest.mark.parametrize("decision", ["partly", "not_adopted"])
@pytest.mark.parametrize(
    ("reason_code", "reason", "missing"),
    [
        (None, None, ["/reason_code", "/reason"]),
        ("other", None, ["/reason"]),
        ("other", "", ["/reason"]),
        (None, "口径不同", ["/reason_code"]),
    ],
)
def test_whoever_does_not_adopt_in_full_says_why(
    decision: str, reason_code: str | None, reason: str | None, missing: list[str]
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        check_adoption(decision, reason_code=reason_code, reason=reason)
    assert [error.pointer for error in refused.value.errors] == missing


def test_whoever_adopts_names_no_reason_but_may_say_something() -> None:
    check_adoption("adopted", reason_code=None, reason="同意")
    check_adoption("partly", reason_code="outdated", reason="上年度数据")
    with pytest.raises(ValidationFailed):
        check_adoption("adopted", reason_code="outdated", reason=None)


@pytest.mark.parametrize(
    ("valid_to", "said", "bars"),
    [
        (None, [], True),
        (date(2026, 4, 10), [], True),
        (date(2026, 4, 9), [], False),
        (TODAY, [], False),
        (None, ["adopted"], True),
        (None, ["partly"], False),
        (None, ["not_adopted"], False),
    ],
)
def test_a_recognition_bars_a_second_check_until_shortly_before_its_end(
    valid_to: date | None, said: list[str], *, bars: bool
) -> None:
    assert bars_second_check(valid_to, said, day=TODAY) is bars
