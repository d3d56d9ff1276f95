"""Seed data beside the responsibility list: code lists, divisions, calendar notices."""

import csv
import json
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from rules.field_classes import FieldClass
from rules.matters import AgencyKind, Need

REFERENCE = Path(__file__).parents[2] / "db" / "reference"
SIZES = {
    "cause": 10,
    "ethnic_group": 58,
    "political_status": 13,
    "sex_standard": 4,
    "disability_type": 7,
    "disability_level": 4,
    "referral_status": 12,
    "case_status": 6,
    "channel": 6,
    "urgency": 3,
    "id_type": 7,
    "outcome": 6,
    "result_kind": 7,
    "assistance_kind": 8,
    "assistance_depth": 3,
    "difficulty_class": 5,
    "purpose": 10,
}


@cache
def codes() -> list[dict[str, str]]:
    loaded: list[dict[str, str]] = json.loads((REFERENCE / "codes.json").read_text(encoding="utf-8"))
    return loaded


@cache
def divisions() -> list[dict[str, str]]:
    with (REFERENCE / "divisions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def codes_of(system: str) -> list[str]:
    return [entry["code"] for entry in codes() if entry["system"] == system]


def named(code: str) -> list[dict[str, str]]:
    return [division for division in divisions() if division["code"] == code]


def test_every_code_is_complete_unique_and_says_how_sure_it_is() -> None:
    keys = [(entry["system"], entry["code"]) for entry in codes()]
    assert len(set(keys)) == len(keys)
    for entry in codes():
        assert list(entry) == ["system", "code", "zh", "en", "source", "status"]
        assert all(entry.values()), entry
        assert entry["status"] in {"verified", "recalled", "local", "default"}


@pytest.mark.parametrize(("system", "size"), SIZES.items())
def test_a_code_list_has_its_number_of_entries(system: str, size: int) -> None:
    assert len(codes_of(system)) == size


def test_code_lists_and_rules_use_the_same_words() -> None:
    assert codes_of("agency_kind") == list(AgencyKind)
    assert codes_of("need") == list(Need)
    assert codes_of("field_class") == list(FieldClass)
    assert codes_of("cause") == [str(number) for number in range(1, 11)]


def test_every_sub_cause_hangs_under_one_of_the_ten_causes() -> None:
    assert {code.partition("-")[0] for code in codes_of("sub_cause")} <= set(codes_of("cause"))


def test_national_standards_from_memory_are_marked_so() -> None:
    assert {entry["status"] for entry in codes() if entry["source"].startswith("GB/T")} == {"recalled"}


@pytest.mark.parametrize("verb", ["return", "reject", "hold", "cancel", "fail"])
def test_every_negative_or_pausing_step_has_reason_codes(verb: str) -> None:
    assert "other" in codes_of(f"{verb}_reason")


def test_divisions_have_parents_levels_and_spans() -> None:
    known = {division["code"] for division in divisions()}
    keys = {(division["code"], division["valid_from"]) for division in divisions()}
    assert len(keys) == len(divisions()) > 7_000
    for division in divisions():
        top = division["level"] == "province"
        assert (division["parent"] == "") if top else (division["parent"] in known)
        assert division["level"] in {"province", "prefecture", "county"}
        first = date.fromisoformat(division["valid_from"])
        assert not division["valid_to"] or first <= date.fromisoformat(division["valid_to"])


def test_anqing_has_its_districts_counties_and_cities() -> None:
    below = {d["code"]: d["name"] for d in divisions() if d["parent"] == "340800" and not d["valid_to"]}
    assert {"340802": "迎江区", "340803": "大观区", "340811": "宜秀区", "340881": "桐城市"}.items() <= below.items()
    assert [d["name"] for d in named("340800")] == ["安庆市"]


def test_retired_codes_and_former_names_are_kept() -> None:
    assert [(d["name"], d["valid_to"]) for d in named("110103")] == [("崇文区", "2009-12-31")]
    assert {d["name"]: d["valid_to"] for d in named("340811")} == {"郊区": "2004-12-31", "宜秀区": ""}
    assert named("440524")[0]["valid_to"] == "1992-12-31"


def test_the_demo_province_is_marked_and_alone_under_99() -> None:
    demo = [division for division in divisions() if division["source"] == "demo"]
    assert [division["code"] for division in demo] == ["990000", "990100", "990101", "990102"]
    assert all(division["name"].startswith("演示") for division in demo)
    assert [d["code"] for d in divisions() if d["code"].startswith("99")] == [d["code"] for d in demo]


def test_the_file_of_divisions_stays_small() -> None:
    assert (REFERENCE / "divisions.csv").stat().st_size < 1_500_000


def test_a_confirmed_year_names_its_notice() -> None:
    notices = json.loads((REFERENCE / "calendar_notices.json").read_text(encoding="utf-8"))
    assert [notice["year"] for notice in notices] == [2024, 2025, 2026]
    for notice in notices:
        assert notice["reference"].startswith("国办发明电〔")
        assert f"{notice['year']}年" in notice["title"]
        assert isinstance(notice["recalled"], bool)
        assert date.fromisoformat(notice["published"]).year == notice["year"] - 1
