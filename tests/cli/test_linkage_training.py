"""`./tongli linkage train`: what is counted, what is smoothed, and when no model is written."""

import argparse
import json
import math
import random
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from bench.linkage_people import main as make_people
from cli.__main__ import main
from cli.linkage import REFUSED, UNREADABLE, WRITTEN, write_or_refuse
from cli.linkage_reports import features_of_row, places_of_reference
from cli.linkage_splink import level_function, mean_shares, splink_settings
from cli.linkage_training import Trained, chance_of_the_same, named, one_of_each, settings_of, written
from db.linkage_model import COMMITTED
from rules.linkage.comparisons import COMPARISONS
from rules.linkage.features import encode
from rules.linkage.model import ModelError, read_model

SMALL = ["--pairs", "200000"]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    make_people(["--reports", "3000", "--seed", "5", "--out", str(folder)])
    return folder


def train(folder: Path, out: Path, *more: str) -> int:
    return main(["linkage", "train", "--reports", str(folder / "reports.ndjson"), "--out", str(out), *SMALL, *more])


def test_one_record_of_each_person_is_chosen_and_always_the_same_one() -> None:
    labels = ["a", "b", "a", "a", "b", "c"]
    chosen = one_of_each(labels)
    assert [labels[at] for at in chosen] == ["a", "b", "c"]
    assert chosen == one_of_each(labels)


@pytest.mark.parametrize(
    ("values", "chance"),
    [
        ([["x"], ["x"], ["y"], ["z"]], 1.5 / 7),
        ([["x"], ["y"], []], 0.5 / 2),
        ([["x", "y"], ["y", "z"]], 1.5 / 2),
    ],
)
def test_the_chance_of_the_same_value_counts_only_who_has_one_and_is_never_nothing(
    values: list[list[str]], chance: float
) -> None:
    assert chance_of_the_same(values) == pytest.approx(chance)


def test_the_database_asks_the_same_function_as_the_service() -> None:
    places = places_of_reference()
    one = features_of_row({"report_id": "1", "name": "傅桂珍", "birth_date": "1975-03-15"}, places)
    other = features_of_row({"report_id": "2", "name": "付桂珍", "birth_date": "1975-02-03"}, places)
    for name, compare in COMPARISONS.items():
        assert level_function(name)(encode(one).decode(), encode(other).decode()) == compare(one, other)


def test_settings_of_splink_name_our_functions_and_nothing_else() -> None:
    (comparison,) = splink_settings({"sex": ("other", "same")})["comparisons"]
    said = [level["sql_condition"] for level in comparison["comparison_levels"]]
    call = "sex_level(features_l, features_r)"
    assert said == [f"{call} IS NULL", f"{call} = 'other'", "ELSE"]


def test_the_committed_model_is_written_as_the_command_writes_it() -> None:
    text = COMMITTED.read_text(encoding="utf-8")
    model = settings_of(text)
    assert written(model) == text
    assert named(model, model["version"], model["trained_on"]) == model
    assert "--seed 77" in model["trained_on"]


def test_no_level_of_the_committed_model_is_impossible() -> None:
    for comparison in settings_of(COMMITTED.read_text(encoding="utf-8"))["comparisons"].values():
        for level in comparison["levels"].values():
            assert 0 < level["m"] <= 1
            assert 0 < level["u"] <= 1


def test_a_model_without_a_name_is_named_by_its_content() -> None:
    model = settings_of(COMMITTED.read_text(encoding="utf-8"))
    assert named(model, None, "here")["version"] == named(model, None, "there")["version"]
    assert named(model | {"pairs_per_record": 9}, None, "here")["version"] != named(model, None, "here")["version"]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("comparison", "level", "fell"),
    [("name", "exact", "name and phone"), ("number", "exact", "former name in brackets")],
)
def test_a_spoilt_model_is_refused_and_the_file_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, strict: bool, comparison: str, level: str, fell: str
) -> None:
    before = settings_of(COMMITTED.read_text(encoding="utf-8"))
    spoilt = deepcopy(before)
    spoilt["comparisons"][comparison]["levels"][level] = {"m": 1e-3, "u": 0.9}
    out = tmp_path / "model.json"
    out.write_text("the model in force", encoding="utf-8")
    arguments = argparse.Namespace(out=out, version="spoilt", strict=strict)
    assert write_or_refuse(arguments, Trained(spoilt, 1, 1), before, "") == REFUSED
    assert out.read_text(encoding="utf-8") == "the model in force"
    assert f"gold pair fell (held before): {fell}" in capsys.readouterr().err


def test_the_committed_model_would_be_written_again_strictly(tmp_path: Path) -> None:
    before = settings_of(COMMITTED.read_text(encoding="utf-8"))
    out = tmp_path / "model.json"
    arguments = argparse.Namespace(out=out, version=before["version"], strict=True)
    assert write_or_refuse(arguments, Trained(before, 1, 1), before, before["trained_on"]) == WRITTEN
    assert out.read_bytes() == COMMITTED.read_bytes()


def test_what_one_sample_did_not_meet_counts_as_nothing_in_the_mean() -> None:
    samples = [{"sex": {"same": 0.5, "other": 0.5}}, {"sex": {"same": 1.0}}, {}]
    assert mean_shares(samples) == {"sex": {"other": 0.25, "same": 0.75}}


@pytest.mark.parametrize("text", ["", "[]", "{}"])
def test_a_model_before_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ModelError):
        settings_of(text)


def test_without_splink_the_command_says_what_to_install(
    reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "splink", None)
    assert train(reports, tmp_path / "model.json") == UNREADABLE
    assert "uv sync --locked --all-extras --group linkage" in capsys.readouterr().err


def test_a_file_that_is_no_report_is_named_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "reports.ndjson").write_text(
        '{"report_id": "R1", "name": "傅桂珍"}\n{"name": "刘"}\n', encoding="utf-8"
    )
    assert train(tmp_path, tmp_path / "model.json") == UNREADABLE
    said = capsys.readouterr().err
    assert "reports.ndjson:2" in said
    assert "刘" not in said


class TestWithSplink:
    """Needs the group `linkage`."""

    @pytest.fixture(scope="class", autouse=True)
    def _splink(self) -> None:
        pytest.importorskip("splink", reason="the group linkage is not installed")
        pytest.importorskip("numpy", reason="the group linkage is not installed")

    @pytest.fixture(scope="class")
    def labelled(self, reports: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        model = tmp_path_factory.mktemp("labelled") / "model.json"
        assert train(reports, model, "--truth", str(reports / "truth.ndjson")) == WRITTEN
        return model

    def test_labels_make_a_model_that_reads_and_twice_the_same(
        self, reports: Path, labelled: Path, tmp_path: Path
    ) -> None:
        again = tmp_path / "again.json"
        assert train(reports, again, "--truth", str(reports / "truth.ndjson")) == WRITTEN
        assert again.read_bytes() == labelled.read_bytes()
        before, after = (json.loads(path.read_text(encoding="utf-8")) for path in (COMMITTED, again))
        learnt = {"version", "trained_on", "comparisons", "pairs_per_record", "people_per_record"}
        assert {name for name in before if after[name] != before[name]} <= learnt
        weights = read_model(again.read_text(encoding="utf-8")).weights
        assert weights["name"]["exact"] > 8
        assert weights["number"]["valid_differ"] < -5

    def test_without_labels_expectation_maximisation_finds_about_the_same(
        self, reports: Path, labelled: Path, tmp_path: Path
    ) -> None:
        assert train(reports, tmp_path / "model.json") == WRITTEN
        found, told = (read_model(path.read_text(encoding="utf-8")) for path in (tmp_path / "model.json", labelled))
        for name, level in (("name", "exact"), ("birth", "exact"), ("phone", "exact"), ("employer", "name")):
            assert math.isclose(found.weights[name][level], told.weights[name][level], abs_tol=1.5), (name, level)

    def test_no_model_is_written_when_labels_are_wrong_and_gold_pairs_fall(
        self, reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "truth.ndjson").write_text(shuffled(reports / "truth.ndjson"), encoding="utf-8")
        assert train(reports, tmp_path / "model.json", "--truth", str(tmp_path / "truth.ndjson")) == REFUSED
        assert not (tmp_path / "model.json").exists()
        assert "gold pair fell (held before): same number and name" in capsys.readouterr().err


def shuffled(truth: Path) -> str:
    """The truth with its persons dealt out anew."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in truth.read_text(encoding="utf-8").splitlines()]
    persons = [row["person_id"] for row in rows]
    random.Random(1).shuffle(persons)
    dealt = zip(rows, persons, strict=True)
    return "".join(json.dumps(row | {"person_id": person}) + "\n" for row, person in dealt)
