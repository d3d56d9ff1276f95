"""The responsibility list: complete, readable, honest about its figures; overrides only ever stricter."""

import copy
import json
from functools import cache
from pathlib import Path

import pytest

from rules.deadlines import Period
from rules.field_classes import FieldClass
from rules.matters import (
    CLOCKS,
    AgencyKind,
    ClockOverride,
    FigureMark,
    LooserOverride,
    Matter,
    MatterError,
    Need,
    effective_clocks,
    parse_matter,
    parse_override,
)

MATTERS = Path(__file__).parents[2] / "db" / "reference" / "matters.json"
COUNTS = {
    "LAB": 21,
    "FIN": 6,
    "JUS": 11,
    "CIV": 8,
    "MED": 3,
    "EDU": 2,
    "HOU": 1,
    "DPF": 1,
    "PET": 1,
    "SAF": 1,
    "UNI": 10,
}
CODES = [f"{group}-{number:02}" for group, count in COUNTS.items() for number in range(1, count + 1)]
BASIS_OF_MARK = {"V": "law", "R": "law", "L": "local", "D": "default"}


@cache
def rows() -> list[dict[str, object]]:
    loaded: list[dict[str, object]] = json.loads(MATTERS.read_text(encoding="utf-8"))
    return loaded


@cache
def matters() -> dict[str, Matter]:
    return {matter.code: matter for matter in map(parse_matter, rows())}


def row(code: str) -> dict[str, object]:
    return copy.deepcopy(next(raw for raw in rows() if raw["code"] == code))


def test_the_list_has_exactly_the_matters_of_the_catalogue_in_order() -> None:
    assert [raw["code"] for raw in rows()] == CODES


def test_every_need_has_a_matter_and_every_matter_a_need_and_a_lead() -> None:
    assert {need for matter in matters().values() for need in matter.needs} == set(Need)
    assert [m.code for m in matters().values() if not (m.needs and m.lead_body and m.legal_basis)] == []


def test_the_first_three_letters_agree_with_the_kind_of_the_lead() -> None:
    kinds = {"LAB": {"labour"}, "FIN": {"finance"}, "JUS": {"judicial", "court", "procuratorate"}, "UNI": {"union"}}
    for matter in matters().values():
        assert matter.lead_kind in kinds.get(matter.code[:3], set(AgencyKind)), matter.code


def test_a_figure_marked_read_or_recalled_is_law_and_a_default_says_so() -> None:
    for matter in matters().values():
        assert matter.figure_basis.keys() == matter.figure_marks.keys()
        for clock, mark in matter.figure_marks.items():
            assert matter.figure_basis[clock] == BASIS_OF_MARK[mark], (matter.code, clock)


def test_a_matter_without_a_clock_to_resolve_says_what_ends_it() -> None:
    silent = [m.code for m in matters().values() if m.resolve is None and not m.resolve_note]
    assert silent == []
    assert {m.code for m in matters().values() if m.resolve is None} == {
        *("JUS-08", "JUS-09", "CIV-08", "UNI-04", "UNI-05", "UNI-09", "UNI-10")
    }


@pytest.mark.parametrize(
    ("code", "accept", "resolve", "extension", "marks"),
    [
        ("LAB-01", (5, "working_day"), (60, "working_day"), (30, "working_day"), "RVV"),
        ("LAB-03", (5, "working_day"), (60, "working_day"), (30, "working_day"), "RVV"),
        ("LAB-04", (1, "working_day"), (60, "working_day"), (30, "working_day"), "DVV"),
        ("LAB-06", (5, "calendar_day"), (45, "calendar_day"), (15, "calendar_day"), "VVV"),
        ("LAB-09", (0, "same_day"), (5, "working_day"), None, "DL"),
        ("LAB-14", (15, "calendar_day"), (60, "calendar_day"), None, "RV"),
        ("LAB-17", (5, "working_day"), (60, "working_day"), (30, "working_day"), "DDD"),
        ("FIN-02", (5, "working_day"), (30, "calendar_day"), None, "DR"),
        ("JUS-05", (7, "calendar_day"), (6, "month"), None, "VV"),
        ("JUS-06", (5, "working_day"), (48, "hour"), None, "DV"),
        ("CIV-01", (0, "same_day"), (30, "working_day"), (15, "working_day"), "RRR"),
        ("CIV-04", (0, "same_day"), (15, "working_day"), None, "VL"),
        ("MED-03", (0, "immediate"), (0, "immediate"), None, "DD"),
        ("PET-01", (15, "calendar_day"), (60, "calendar_day"), (30, "calendar_day"), "VVV"),
        ("UNI-08", (5, "working_day"), (15, "working_day"), None, "DL"),
    ],
)
def test_figures_and_their_marks_are_those_of_the_catalogue(
    code: str, accept: tuple[int, str], resolve: tuple[int, str], extension: tuple[int, str] | None, marks: str
) -> None:
    matter = matters()[code]
    assert (matter.accept, matter.resolve) == (Period(*accept), Period(*resolve))
    assert matter.extension == (Period(*extension) if extension else None)
    assert "".join(matter.figure_marks[clock] for clock in CLOCKS if clock in matter.figure_marks) == "D" + marks


def test_an_office_acknowledges_in_a_working_day_and_an_emergency_in_two_hours() -> None:
    for matter in matters().values():
        hours = matter.default_urgency == "emergency"
        assert matter.acknowledge == (Period(2, "hour") if hours else Period(1, "working_day")), matter.code
        assert matter.figure_marks["acknowledge"] is FigureMark.default


def test_age_and_means_never_enter_the_minimum_set_of_a_wage_matter() -> None:
    assert matters()["LAB-01"].minimum_fields == (FieldClass.basic, FieldClass.contact, FieldClass.identity)


def test_the_sensitive_part_of_a_minimum_set_is_named() -> None:
    assert matters()["LAB-14"].sensitive == (FieldClass.identity, FieldClass.medical, FieldClass.finance_account)
    assert matters()["SAF-01"].sensitive == ()


@pytest.mark.parametrize(
    "key", ["code", "title_zh", "lead", "accept", "legal_basis", "statutory_duty", "needs", "minimum_fields"]
)
def test_a_row_without_a_field_is_refused_and_the_field_named(key: str) -> None:
    raw = row("LAB-01")
    del raw[key]
    with pytest.raises(MatterError) as refused:
        parse_matter(raw)
    assert refused.value.field == key


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("lead", {"kind": "police", "body": "公安机关"}, "kind"),
        ("needs", ["money"], "needs"),
        ("accept", {"amount": 1, "unit": "week", "basis": "law", "mark": "V"}, "unit"),
        ("accept", {"amount": True, "unit": "working_day", "basis": "law", "mark": "V"}, "amount"),
        ("accept", {"amount": 1.5, "unit": "working_day", "basis": "law", "mark": "V"}, "amount"),
        ("accept", {"amount": 1, "unit": "working_day", "basis": "custom", "mark": "V"}, "basis"),
        ("statutory_duty", "yes", "statutory_duty"),
        ("support_kinds", "union", "support_kinds"),
        ("title_zh", "", "title_zh"),
        ("colour", "red", "colour"),
    ],
)
def test_a_wrong_value_or_an_unknown_field_is_refused_and_named(key: str, value: object, field: str) -> None:
    with pytest.raises(MatterError) as refused:
        parse_matter(row("LAB-01") | {key: value})
    assert (refused.value.matter, refused.value.field) == ("LAB-01", field)


def test_without_an_override_the_list_stands() -> None:
    matter = matters()["LAB-01"]
    assert effective_clocks(matter, None) == matter.clocks
    assert effective_clocks(matter, ClockOverride()) == matter.clocks


def test_a_stricter_override_replaces_only_its_figure() -> None:
    matter = matters()["LAB-01"]
    clocks = effective_clocks(
        matter, ClockOverride(accept=Period(3, "working_day"), resolve=Period(60, "calendar_day"))
    )
    assert (clocks.accept, clocks.resolve) == (Period(3, "working_day"), Period(60, "calendar_day"))
    assert (clocks.acknowledge, clocks.extension) == (matter.acknowledge, matter.extension)


def test_a_clock_may_be_added_where_the_list_has_none() -> None:
    clocks = effective_clocks(matters()["JUS-09"], ClockOverride(resolve=Period(7, "calendar_day")))
    assert clocks.resolve == Period(7, "calendar_day")


@pytest.mark.parametrize(
    ("code", "override", "clock"),
    [
        ("LAB-01", ClockOverride(accept=Period(6, "working_day")), "accept"),
        ("LAB-01", ClockOverride(acknowledge=Period(2, "working_day")), "acknowledge"),
        ("LAB-01", ClockOverride(resolve=Period(61, "calendar_day")), "resolve"),
        ("LAB-01", ClockOverride(extension=Period(31, "working_day")), "extension"),
        ("LAB-06", ClockOverride(accept=Period(5, "working_day")), "accept"),
        ("LAB-06", ClockOverride(accept=Period(4, "working_day")), "accept"),
        ("LAB-08", ClockOverride(extension=Period(1, "working_day")), "extension"),
        ("JUS-05", ClockOverride(resolve=Period(180, "calendar_day")), "resolve"),
    ],
)
def test_a_looser_or_incomparable_override_is_refused(code: str, override: ClockOverride, clock: str) -> None:
    with pytest.raises(LooserOverride) as refused:
        effective_clocks(matters()[code], override)
    assert (refused.value.matter, refused.value.clock) == (code, clock)


def test_an_override_is_read_from_json() -> None:
    raw = {"accept": {"amount": 3, "unit": "working_day"}, "resolve": {"amount": 20, "unit": "calendar_day"}}
    override = parse_override(raw, matter="LAB-01")
    assert override == ClockOverride(accept=Period(3, "working_day"), resolve=Period(20, "calendar_day"))
    with pytest.raises(MatterError):
        parse_override({"accepts": {"amount": 3, "unit": "working_day"}}, matter="LAB-01")
