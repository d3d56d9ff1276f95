"""One word per thing: what crosses the wire is what the rules decide on."""

from enum import StrEnum

import pytest

from api.schemas.cases import CaseStatus, CaseStep, DifficultyClass
from api.schemas.referrals import Outcome, ReferralStatus, StepName
from rules import cases, referrals


@pytest.mark.parametrize(
    ("shown", "decided"),
    [
        (CaseStatus, cases.CASE_STATUSES),
        (CaseStep, cases.STEPS),
        (DifficultyClass, cases.DIFFICULTY_CLASSES),
        (ReferralStatus, referrals.STATUSES),
        (StepName, referrals.STEPS),
        (Outcome, referrals.OUTCOMES),
    ],
)
def test_the_api_and_the_rules_use_the_same_words(shown: type[StrEnum], decided: tuple[str, ...]) -> None:
    assert {word.value for word in shown} == set(decided)
