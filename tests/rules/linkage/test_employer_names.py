"""By what an employer is looked for: its number, its name as one of many spellings, what it is a branch of."""

import pytest
from hypothesis import given

from rules.linkage.employer_names import EmployerSought, seek_employer
from tests.rules.linkage.messy import HOSTILE, texts
from tests.rules.linkage.places import PLACES
from tests.rules.linkage.test_employers import CREDIT, ORGANISATION

COUNTY = "430102"


def seek(name: str, code: str | None = None, division: str = COUNTY) -> EmployerSought:
    return seek_employer(name, code, division, PLACES)


@pytest.mark.parametrize("code", [CREDIT, CREDIT.lower(), f"{CREDIT[:8]} {CREDIT[8:]}", f"{CREDIT[:2]}-{CREDIT[2:]}"])
def test_a_credit_code_is_one_however_it_is_written(code: str) -> None:
    it = seek("长沙启明机械有限公司", code)
    assert (it.organisation, it.credit_code) == (ORGANISATION, CREDIT)


@pytest.mark.parametrize(
    ("code", "organisation", "registration"),
    [
        (ORGANISATION, ORGANISATION, None),
        (f"{ORGANISATION[:8]}-{ORGANISATION[8]}", ORGANISATION, None),
        ("430102000123456", None, "430102000123456"),
    ],
)
def test_older_numbers_anchor_as_well(code: str, organisation: str | None, registration: str | None) -> None:
    it = seek("长沙启明机械有限公司", code)
    assert (it.organisation, it.registration, it.credit_code) == (organisation, registration, None)


@pytest.mark.parametrize(
    "other",
    [
        "长沙启明机械有限公司",
        "长沙市启明机械有限责任公司",
        "长沙市 启明机械（有限公司）",
        "長沙啟明機械有限公司",
        "长沙启明机械有限公司（已注销）",
        "原长沙市启明机械有限公司",
    ],
)
def test_spellings_of_one_name_have_one_key(other: str) -> None:
    assert seek(other).name.key == seek("长沙启明机械有限公司").name.key


@pytest.mark.parametrize(
    "other",
    [
        "启明机械",
        "启明机械有限公司",
        "湖南启明机械有限公司",
        "长沙启明机械厂",
        "长沙启明机械集团有限公司",
        "长沙启明机械有限公司一分厂",
        "长沙启明（集团）机械有限公司",
    ],
)
def test_what_only_shares_the_core_has_another_key(other: str) -> None:
    assert seek(other).name.key != seek("长沙启明机械有限公司").name.key


@pytest.mark.parametrize(
    ("name", "division", "firm"),
    [
        ("启明机械", COUNTY, False),
        ("启明机械厂", COUNTY, True),
        ("长沙启明机械", COUNTY, True),
        ("启明机械厂", "430100", False),
        ("启明机械厂", "430102001", True),
        ("无", COUNTY, False),
    ],
)
def test_a_trade_name_or_no_county_is_not_firm(name: str, division: str, firm: bool) -> None:
    it = seek(name, division=division)
    assert (it.firm, it.county) == (firm, division[:6])


@pytest.mark.parametrize(
    ("name", "branch", "whole", "own_code"),
    [
        ("长沙启明机械有限公司", "", None, False),
        ("长沙启明机械有限公司一分厂", "一分厂", "长沙启明机械有限公司", False),
        ("长沙启明建筑有限公司项目部", "项目部", "长沙启明建筑有限公司", False),
        ("启明机械有限公司长沙分公司", "长沙分公司", "启明机械有限公司", True),
        ("启明（集团）有限公司第二分公司", "第二分公司", "启明集团有限公司", True),
    ],
)
def test_a_branch_knows_its_whole(name: str, branch: str, whole: str | None, own_code: bool) -> None:
    it = seek(name)
    assert (it.branch, it.whole and it.whole.name, it.own_code) == (branch, whole, own_code)
    assert it.whole is None or it.whole.key != it.name.key


def test_names_of_before_are_told_once_and_never_the_present_one() -> None:
    assert [it.name for it in seek("长沙新启明有限公司（原长沙启明厂）").former] == ["长沙启明厂"]
    assert seek("长沙启明有限公司（原长沙市启明有限责任公司）").former == ()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_never_raises(text: str) -> None:
    if text:
        assert seek(text, text).name.key


@given(texts, texts)
def test_every_name_has_a_key(name: str, code: str) -> None:
    if name:
        assert seek(name, code).name.key
