"""Employers: codes of every age, and names told apart into what distinguishes them and what not. All invented."""

import pytest
from hypothesis import given

from rules.credit_codes import check_character, organisation_check_character
from rules.linkage.employers import EmployerRead, read_employer
from tests.rules.linkage.messy import HOSTILE, texts
from tests.rules.linkage.places import PLACES

FIRST8 = "MA4K2B7C"
ORGANISATION = FIRST8 + organisation_check_character(FIRST8)
CREDIT17 = "91430102" + ORGANISATION
CREDIT = CREDIT17 + check_character(CREDIT17)


def read(name: str | None, code: str | None = None) -> EmployerRead:
    employer = read_employer(name, code, PLACES)
    assert employer is not None
    return employer


@pytest.mark.parametrize(
    ("code", "organisation", "valid", "registration"),
    [
        (CREDIT, ORGANISATION, True, ""),
        (CREDIT.lower(), ORGANISATION, True, ""),
        (f"{CREDIT[:8]} {CREDIT[8:]}", ORGANISATION, True, ""),
        (CREDIT[:17] + ("A" if CREDIT[17] != "A" else "B"), ORGANISATION, False, ""),
        (CREDIT.replace("0", "O"), ORGANISATION, True, ""),
        (ORGANISATION, ORGANISATION, True, ""),
        (f"{ORGANISATION[:8]}-{ORGANISATION[8]}", ORGANISATION, True, ""),
        (f"430102{ORGANISATION}", ORGANISATION, True, ""),
        ("430102000123456", None, False, "430102000123456"),
        ("4301021234567", None, False, "4301021234567"),
    ],
)
def test_the_organisation_of_every_code(code: str, organisation: str | None, valid: bool, registration: str) -> None:
    employer = read(None, code)
    assert (employer.organisation, employer.code_valid, employer.registration) == (organisation, valid, registration)


@pytest.mark.parametrize(
    ("name", "place", "core", "form", "branch"),
    [
        ("长沙市启明机械有限公司", "长沙", "启明机械", "有限公司", ""),
        ("长沙启明机械有限责任公司", "长沙", "启明机械", "有限公司", ""),
        ("湖南启明机械（有限公司）", "湖南", "启明机械", "有限公司", ""),
        ("湖南省长沙市芙蓉区启明机械厂", "湖南长沙芙蓉", "启明机械", "厂", ""),
        ("启明机械", "", "启明机械", "", ""),
        ("启明机械公司", "", "启明机械", "公司", ""),
        ("启明机械股份有限公司", "", "启明机械", "股份有限公司", ""),
        ("启明（集团）股份有限公司", "", "启明", "股份有限公司", ""),
        ("启明集团", "", "启明", "集团", ""),
        ("長沙啟明機械有限公司", "长沙", "启明机械", "有限公司", ""),
        ("长沙启明机械有限公司（破产）", "长沙", "启明机械", "有限公司", ""),
        ("长沙启明机械有限公司【已注销】", "长沙", "启明机械", "有限公司", ""),
        ("北京启明（长沙）科技有限公司", "北京", "启明科技", "有限公司", ""),
        ("启明（长沙）科技有限公司", "长沙", "启明科技", "有限公司", ""),
        ("长沙启明机械有限公司一分厂", "长沙", "启明机械", "有限公司", "一分厂"),
        ("长沙启明机械厂二车间", "长沙", "启明机械", "厂", "二车间"),
        ("长沙启明机械一分厂", "长沙", "启明机械", "", "一分厂"),
        ("长沙启明机械有限公司第二分公司", "长沙", "启明机械", "有限公司", "第二分公司"),
        ("启明机械有限公司长沙分公司", "", "启明机械", "有限公司", "长沙分公司"),
        ("长沙启明建筑有限公司项目部", "长沙", "启明建筑", "有限公司", "项目部"),
        ("启明集团有限公司炼铁厂三车间", "", "启明", "有限公司", "炼铁厂三车间"),
        ("长沙启明会计师事务所（普通合伙）", "长沙", "启明会计师事务所", "普通合伙", ""),
        ("国营长沙第一棉纺厂", "长沙", "第一棉纺", "厂", ""),
        ("东莞市长安镇启明五金厂", "东莞", "启明五金", "厂", ""),
        ("原长沙市启明锅炉厂", "长沙", "启明锅炉", "厂", ""),
        ("原野食品有限公司", "", "原野食品", "有限公司", ""),
        ("长沙有限公司", "", "长沙", "有限公司", ""),
        ("芙蓉区人民医院", "芙蓉", "人民医院", "", ""),
        ("启明机械有限公司／启明物流有限公司", "", "启明机械", "有限公司", ""),
    ],
)
def test_a_name_is_told_apart(name: str, place: str, core: str, form: str, branch: str) -> None:
    employer = read(name)
    assert (employer.place, employer.core, employer.form, employer.branch) == (place, core, form, branch)


@pytest.mark.parametrize(
    ("name", "full", "former"),
    [
        ("长沙新启明有限公司（原长沙启明厂）", "长沙新启明有限公司", ("长沙启明厂",)),
        ("长沙新启明有限公司（曾用名：长沙启明厂）", "长沙新启明有限公司", ("长沙启明厂",)),
        ("长沙新启明有限公司 曾用名:长沙启明厂", "长沙新启明有限公司", ("长沙启明厂",)),
        ("长沙启明厂（现长沙新启明有限公司）", "长沙新启明有限公司", ("长沙启明厂",)),
        ("长沙启明厂（已更名为长沙新启明有限公司）", "长沙新启明有限公司", ("长沙启明厂",)),
        ("长沙启明厂（原）", "长沙启明厂", ()),
    ],
)
def test_a_text_may_tell_a_former_name(name: str, full: str, former: tuple[str, ...]) -> None:
    employer = read(name)
    assert (employer.full, employer.former) == (full, former)


def test_without_a_gazetteer_the_pattern_of_places_is_used() -> None:
    employer = read_employer("湖南省长沙市芙蓉区启明机械有限公司", None, None)
    assert employer is not None
    assert (employer.place, employer.core) == ("湖南长沙芙蓉", "启明机械")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (None, None),
        ("", ""),
        ("无", None),
        ("失业", "无"),
        ("灵活就业人员", ""),
        ("😀", None),
        (None, "12345"),
        ("-", "-"),
    ],
)
def test_without_an_employer_there_is_none(name: str | None, code: str | None) -> None:
    assert read_employer(name, code, PLACES) is None


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_never_raises(text: str) -> None:
    read_employer(text, text, PLACES)
    read_employer(text, None, None)


@given(texts, texts)
def test_a_read_employer_says_something(name: str, code: str) -> None:
    employer = read_employer(name, code, PLACES)
    if employer is not None:
        assert employer.full or employer.organisation or employer.registration
        assert employer.core or not employer.full
