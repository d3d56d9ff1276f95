"""`./tongli linkage-encode`: what a partner runs with its key and a file, before anything leaves the house."""

import base64
import hmac
import json
from datetime import date
from pathlib import Path

import pytest

from cli.__main__ import main
from crypto.strict import encode_base64url
from rules.linkage.clk import BYTES
from tests.builders import identity_number

SECRET = bytes(range(32))
NUMBER = identity_number(date(1971, 3, 8), serial=17)
PERSON = {
    **{"record_id": "A-1", "name": "周慧兰", "birth_date": "1971-03-08", "id_number": NUMBER},
    **{"phones": ["13912345678", "0556-5551234"], "division_code": "340802"},
}
HEADINGS = "编号,姓名,出生日期,身份证号,联系电话,区划代码"
ROW = f"A-1,周慧兰,1971年3月8日,{NUMBER},13912345678 0556-5551234,340802"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "key.json"
    file.write_text(json.dumps({"key": "enc-2026-01234567", "secret": encode_base64url(SECRET), "year": 2026}))
    file.chmod(0o600)
    return file


def encoded(capsys: pytest.CaptureFixture[str], key: Path, file: Path) -> list[dict[str, object]]:
    assert main(["linkage-encode", "--key", str(key), str(file)]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_person_comes_out_as_a_report_takes_it(key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "people.json"
    file.write_text(json.dumps([PERSON, {"record_id": "A-2", "name": "李敏"}]), encoding="utf-8")
    whole, bare = encoded(capsys, key, file)
    assert whole["record"] == "A-1"
    assert isinstance(whole["encoded"], dict)
    assert set(whole["encoded"]) == {"key", "id_number", "clk"}
    assert whole["encoded"]["key"] == "enc-2026-01234567"
    assert whole["encoded"]["id_number"] == hmac.digest(SECRET, NUMBER.encode(), "sha256").hex()
    assert len(base64.b64decode(whole["encoded"]["clk"], validate=True)) == BYTES
    assert bare == {"record": "A-2", "encoded": None}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_as_spreadsheets_write_it_gives_the_same(
    encoding: str, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, table = tmp_path / "people.ndjson", tmp_path / "people.csv"
    lines.write_text(json.dumps(PERSON) + "\n\n", encoding="utf-8")
    table.write_text(f"{HEADINGS}\n{ROW}\n", encoding=encoding)
    assert encoded(capsys, key, table) == encoded(capsys, key, lines)


def test_a_number_whose_check_fails_is_not_hashed(
    key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its hash would meet nobody's and look like somebody else's."""
    file = tmp_path / "people.csv"
    wrong = NUMBER[:17] + ("0" if NUMBER[17] != "0" else "1")
    file.write_text(f"{HEADINGS}\n{ROW.replace(NUMBER, wrong)}\n", encoding="utf-8")
    (person,) = encoded(capsys, key, file)
    assert isinstance(person["encoded"], dict)
    assert set(person["encoded"]) == {"key", "clk"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("people.json", f'[{{"id_number": "{NUMBER}"'),
        ("people.json", f'["{NUMBER}"]'),
        ("people.ndjson", f"周慧兰 {NUMBER}"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_nothing_of_it_repeated(
    name: str, content: str, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    assert main(["linkage-encode", "--key", str(key), str(file)]) == 2
    said = capsys.readouterr()
    assert name in said.err
    assert NUMBER not in said.err + said.out


@pytest.mark.parametrize("content", ["", "{}", '{"key": "enc-2026-01234567", "secret": "c2hvcnQ"}', '{"key": 1}'])
def test_a_key_that_is_none_is_refused(
    content: str, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key.write_text(content)
    (tmp_path / "people.json").write_text("[]")
    assert main(["linkage-encode", "--key", str(key), str(tmp_path / "people.json")]) == 2
    assert "linkage-encoding-key" in capsys.readouterr().err


def test_a_key_that_others_may_read_is_refused(key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key.chmod(0o640)
    (tmp_path / "people.json").write_text("[]")
    assert main(["linkage-encode", "--key", str(key), str(tmp_path / "people.json")]) == 2
    assert "chmod 600" in capsys.readouterr().err
