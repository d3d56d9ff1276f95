"""Reports of persons from a file, as the linker compares them: one JSON object a line, as the benchmark writes them.

Stands here because files are read by entrances; training and benchmark share it, so that both read a report as the
service does.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from db.reference_data import FOLDER
from rules.linkage.features import Features
from rules.linkage.gazetteers import Gazetteer, gazetteer
from rules.linkage.reading import Written, read_features

_SEXES: Final = {"M": "male", "F": "female"}

Row = Mapping[str, Any]
"""One report: name, sex (M or F), birth_date, id_number, phone, division_code, address, employer_name, employer_uscc,
household_no, members (name, birth_year); whatever is missing or None says nothing."""


class ReportsError(ValueError):
    """A file of reports or of truth cannot be read; the message names file and line, never a value."""


def features_of_row(row: Row, places: Gazetteer) -> Features:
    """The features of the person of a report. 200 us, often less: the readers remember what they read."""
    phone = row.get("phone")
    return read_features(
        Written(
            name=row.get("name"),
            sex=_SEXES.get(row.get("sex") or ""),
            birth=row.get("birth_date"),
            number=row.get("id_number"),
            phones=[phone] if phone else [],
            division=row.get("division_code"),
            address=row.get("address"),
            employer=row.get("employer_name"),
            credit_code=row.get("employer_uscc"),
            household=row.get("household_no"),
            members=[(member["name"], member.get("birth_year")) for member in row.get("members") or ()],
        ),
        places,
    )


def read_rows(path: Path) -> Iterator[tuple[str, Row]]:
    """Id and content of every report of a file, in its order. Raises ReportsError."""
    for row in _objects(path):
        yield str(row["report_id"]), row


def read_truth(path: Path) -> dict[str, str]:
    """Which person each report tells of. Raises ReportsError."""
    return {str(row["report_id"]): str(row["person_id"]) for row in _objects(path, "person_id")}


def _objects(path: Path, *names: str) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for at, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                raise ReportsError(f"{path.name}:{at}: not a JSON object") from None
            if not isinstance(row, dict) or not {"report_id", *names} <= row.keys():
                raise ReportsError(f"{path.name}:{at}: {' and '.join(('report_id', *names))} must be there")
            yield row


@cache
def places_of_reference() -> Gazetteer:
    """The divisions of the reference data; codes in force go before retired ones. 60 ms, once."""
    with (FOLDER / "divisions.csv").open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: bool(row["valid_to"]))
    return gazetteer((row["code"], row["name"], row["level"], row["parent"] or None) for row in rows)
