"""The responsibility list has the last word on whether nobody is competent."""

import pytest

from rules.errors import ValidationFailed
from rules.policy_gaps import Competent, GapGround, check_ground

OFFICE = Competent("LAB-09", "迎江区公共就业服务中心")


@pytest.mark.parametrize(
    ("ground", "answered_by", "competent", "disputed", "code"),
    [
        ("no_matter", (), None, False, None),
        ("no_matter", ("LAB-09",), None, False, "a-matter-answers-this"),
        ("no_matter", ("LAB-09",), OFFICE, True, "a-matter-answers-this"),
        ("no_competent_agency", ("LAB-09",), None, False, None),
        ("no_competent_agency", ("LAB-09",), OFFICE, True, "an-agency-is-competent"),
        ("disputed", ("LAB-09",), OFFICE, True, None),
        ("disputed", ("LAB-09",), OFFICE, False, "no-competence-disputed"),
        ("disputed", (), None, False, "no-competence-disputed"),
    ],
)
def test_each_ground_must_be_borne_out(
    ground: str, answered_by: tuple[str, ...], competent: Competent | None, disputed: bool, code: str | None
) -> None:
    found = None
    try:
        check_ground(ground, answered_by=answered_by, competent=competent, disputed=disputed)
    except ValidationFailed as failed:
        (error,) = failed.errors
        found = error.code
    assert found == code


def test_who_is_competent_is_named() -> None:
    with pytest.raises(ValidationFailed) as failed:
        check_ground(GapGround.no_competent_agency, answered_by=("LAB-09",), competent=OFFICE, disputed=False)
    assert failed.value.errors[0].facts == {"matter": "LAB-09", "agency": OFFICE.agency}
