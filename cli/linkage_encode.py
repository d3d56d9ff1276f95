"""`./tongli linkage-encode --key KEY FILE`: encodes people's identity numbers before they leave an agency.

Stands alone: no database, no server, no settings. KEY is the answer of GET /v1/linkage-encoding-key, kept in a file
that its owner alone may read; FILE is CSV, a JSON array, or one JSON object a line. Writes one JSON object a line:
`{"record": …, "encoded": {…}}`, where `encoded` is what a report takes, or null where nothing could be encoded. Exit
codes: 0 written, 2 a file that cannot be read as what it should be. Never repeats a value in what it complains of.
"""

import argparse
import csv
import io
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from crypto.link_encodings import keyed_by, year_of
from crypto.strict import decode_base64url, read_json_object
from rules.linkage.clk import Keyed
from rules.linkage.encoded import encoded_for
from rules.linkage.reading import Written, read_features

WRITTEN, UNREADABLE = 0, 2
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "record": ("record_id", "编号"),
    "name": ("name", "姓名"),
    "birth": ("birth_date", "出生日期"),
    "number": ("id_number", "证件号码", "身份证号", "身份证号码", "公民身份号码"),
    "phone": ("phones", "phone", "电话", "联系电话", "手机号", "手机号码"),
    "division": ("division_code", "区划代码", "行政区划代码"),
}
"""What is read, by the names it may have. Whatever else a file holds is not looked at."""


class EncodeError(ValueError):
    """The message says which file, and where; it repeats nothing of it."""


class Key(NamedTuple):
    key_id: str
    keyed: Keyed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A key and a file."""
    parser.add_argument("--key", type=Path, required=True, help="file with the answer of GET /v1/linkage-encoding-key")
    parser.add_argument("file", type=Path, help="people: .csv, .json, or one JSON object a line")
    parser.epilog = "Columns: " + "; ".join("/".join(names) for names in COLUMNS.values())


def run(arguments: argparse.Namespace) -> int:
    """Encode every person of the file to standard output."""
    try:
        key = read_key(arguments.key)
        lines = [encoded_line(person, key) for person in read_people(arguments.file)]
    except (OSError, EncodeError) as fault:
        print(f"tongli linkage-encode: {fault}", file=sys.stderr)
        return UNREADABLE
    sys.stdout.writelines(lines)
    return WRITTEN


def read_key(path: Path) -> Key:
    """The key as the platform answered it. Raises EncodeError where others may read the file too."""
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise EncodeError(f"{path}: allow its owner only (chmod 600)")
    try:
        said = read_json_object(path.read_text(encoding="utf-8"))
        key_id, secret = str(said["key"]), decode_base64url(str(said["secret"]))
    except (ValueError, KeyError):
        raise EncodeError(f"{path}: not an answer of GET /v1/linkage-encoding-key") from None
    if year_of(key_id) is None or len(secret) != 32:
        raise EncodeError(f"{path}: not an answer of GET /v1/linkage-encoding-key")
    return Key(key_id, keyed_by(secret))


def read_people(path: Path) -> Iterator[Mapping[str, object]]:
    """The rows of a file by column. CSV may be UTF-8 or, as spreadsheets write it, GB 18030."""
    text = _text(path)
    if path.suffix.lower() == ".csv":
        yield from csv.DictReader(io.StringIO(text))
        return
    try:
        said = json.loads(text) if text.lstrip().startswith("[") else [json.loads(x) for x in text.splitlines() if x]
    except ValueError:
        raise EncodeError(f"{path}: neither a JSON array nor one JSON object a line") from None
    for position, person in enumerate(said, start=1):
        if not isinstance(person, dict):
            raise EncodeError(f"{path}: entry {position} is not an object")
        yield person


def _text(path: Path) -> str:
    content = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise EncodeError(f"{path}: neither UTF-8 nor GB 18030")


def encoded_line(person: Mapping[str, object], key: Key) -> str:
    """One line of the answer."""
    features = read_features(
        Written(
            name=_cell(person, "name"),
            birth=_cell(person, "birth"),
            number=_cell(person, "number"),
            phones=(_cell(person, "phone") or "",),
            division=_cell(person, "division"),
        ),
        None,
    )
    said = encoded_for(features, key.keyed)
    encoded = {"key": key.key_id, **said} if said else None
    return json.dumps({"record": _cell(person, "record"), "encoded": encoded}, ensure_ascii=False) + "\n"


def _cell(person: Mapping[str, object], what: str) -> str | None:
    """The first column of these names that says something; a list is read as one text."""
    for name in COLUMNS[what]:
        value = person.get(name)
        text = " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value).strip()
        if text:
            return text
    return None
