"""The person of the guide for encoders comes out as printed there, in both languages, also by its table alone."""

import hmac
import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main
from crypto.strict import decode_base64url

GUIDES = sorted((Path(__file__).resolve().parents[2] / "docs" / "integrators").glob("encoded-numbers*.md"))
_BLOCK = re.compile(r"```json\n(\{\"secret\".*?)```", re.DOTALL)
_ROW = re.compile(r"^\| .*\| ([0-9]+)(?:[,、] ?([0-9]+)[,、] ?([0-9]+))? \| `", re.MULTILINE)


def printed(guide: Path) -> dict[str, Any]:
    (block,) = _BLOCK.findall(guide.read_text(encoding="utf-8"))
    vector: dict[str, Any] = json.loads(block)
    return vector


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_the_command_makes_what_the_guide_prints(
    guide: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vector = printed(guide)
    key, people = tmp_path / "key.json", tmp_path / "people.json"
    key.write_text(json.dumps({"key": "enc-2026-01234567", "secret": vector["secret"]}))
    key.chmod(0o600)
    people.write_text(json.dumps([vector["person"]]), encoding="utf-8")
    assert main(["linkage-encode", "--key", str(key), str(people)]) == 0
    encoded = json.loads(capsys.readouterr().out)["encoded"]
    assert (encoded["id_number"], encoded["clk"]) == (vector["id_number"], vector["clk"])


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_whoever_follows_the_guide_by_hand_makes_the_same(guide: Path) -> None:
    """Written from the text, not from our code; the counts are read from its table."""
    vector = printed(guide)
    secret, person = decode_base64url(vector["secret"]), vector["person"]
    counts = [int(count) for row in _ROW.findall(guide.read_text(encoding="utf-8")) for count in row if count]
    name, pair, syllable, year, month, day, phone, number, division, prefecture = counts
    features = {f"name|{character}": name for character in person["name"]}
    features |= {f"pair|{two}": pair for two in ("_周", "周慧", "慧兰", "兰_")}
    features |= {f"syllable|{sound}": syllable for sound in ("zou", "hui", "lan")}
    features |= {"year|1971": year, "month|03": month, "day|08": day}
    features |= {f"phone|{at}|{person['phones'][0][at : at + 3]}": phone for at in range(9)}
    features |= {f"number|{at}|{person['id_number'][at : at + 3]}": number for at in range(16)}
    features |= {"division|340802": division, "prefecture|3408": prefecture}
    positions = {feature: _positions(secret, feature, count) for feature, count in features.items()}
    assert {feature: positions[feature] for feature in vector["positions"]} == vector["positions"]
    bits = {position for of in positions.values() for position in of}
    made = int.from_bytes(b64decode(vector["clk"], validate=True), "big")
    assert {at for at in range(1024) if made >> at & 1} == bits


def _positions(secret: bytes, feature: str, count: int) -> list[int]:
    digest = hmac.digest(secret, feature.encode(), "sha256")
    return [int.from_bytes(digest[2 * at : 2 * at + 2], "big") % 1024 for at in range(count)]
