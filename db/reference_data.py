"""Loads reference data (db/reference/) into its tables at every start: once per content, otherwise one statement.

The hash of everything the tables are made from is kept as the comment on the primary key of `code`: it lives and dies
with the rows it describes, travels with a dump and a template, and shows up in no list. Rows are put as they are in the
files; two things are never touched: a matter or division code that other rows may name is not deleted, and a year that
an administrator confirmed by another notice keeps its notice and its days.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TypedDict, cast

from db import names
from db.engine import Raw
from db.operator import open_operator_transaction
from rules.deadlines import SHANGHAI
from rules.matters import parse_matter

FOLDER = Path(__file__).resolve().parent / "reference"
FILES = ("divisions.csv", "codes.json", "matters.json", "calendar_notices.json")
YEARS = range(2023, 2028)

_ONE_AT_A_TIME = 7_461_003


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows the files hold; `changed` is false where the database held this very content already."""

    divisions: int
    codes: int
    matters: int
    days: int
    changed: bool


class Notice(TypedDict):
    """One line of calendar_notices.json."""

    year: int
    reference: str
    title: str
    published: str
    recalled: bool
