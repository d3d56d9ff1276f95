"""The invented reports: the same bytes for the same arguments, and other places and spellings only where asked for."""

import json
from hashlib import md5
from pathlib import Path
from typing import Any

from bench.linkage_people import generate, main
from bench.linkage_world import id_check

TWO_THOUSAND = "5f9bf594ff552a24cc60d33d2e3e4e3c"
THEIR_TRUTH = "24e4b03f60be0ebf678c8a3a71c057c0"


def reports_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "reports.ndjson").read_text(encoding="utf-8").splitlines()]


def test_the_same_arguments_give_the_bytes_every_figure_was_measured_on(tmp_path: Path) -> None:
    main(["--reports", "2000", "--seed", "5", "--out", str(tmp_path)])
    assert md5((tmp_path / "reports.ndjson").read_bytes()).hexdigest() == TWO_THOUSAND
    assert md5((tmp_path / "truth.ndjson").read_bytes()).hexdigest() == THEIR_TRUTH


def test_other_spellings_change_no_other_draw_and_say_what_they_changed() -> None:
    plain = list(generate(300, 7))
    other = list(generate(300, 7, spellings=0.5))
    assert [truth["person_id"] for _, truth in plain] == [truth["person_id"] for _, truth in other]
    for (row, _), (respelt, truth) in zip(plain, other, strict=True):
        changed = {f"otherwise_{field}" for field in row if row[field] != respelt[field]}
        assert changed == {error for error in truth["errors"] if error.startswith("otherwise_")}
    assert any(truth["errors"] for _, truth in other)


def test_elsewhere_no_place_of_the_benchmark_is_named(tmp_path: Path) -> None:
    main(["--reports", "300", "--places", "elsewhere", "--surnames", "southern", "--out", str(tmp_path)])
    rows = reports_of(tmp_path)
    assert rows
    assert not [row for row in rows if (row["division_code"] or "51").startswith("42")]
    assert not [row for row in rows if "武汉" in (row["address"] or "") + (row["employer_name"] or "")]


def test_the_check_character_is_that_of_the_standard() -> None:
    assert id_check("11010519491231002") == "X"
