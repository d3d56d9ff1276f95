"""The documents say what is so: links lead somewhere, commands and settings exist, both READMEs keep step."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import COMMANDS
from cli.settings_table import variable
from settings import Settings

ROOT = Path(__file__).resolve().parents[2]
LIVES_ELSEWHERE = {
    *("TONGLI_TEST_POSTGRES_BIN", "TONGLI_TEST_PG15_BIN"),
    *("TONGLI_POSTGRES_PASSWORD", "TONGLI_APP_PASSWORD", "TONGLI_JOBS_PASSWORD", "TONGLI_LISTEN"),
}
"""Variables that are no settings: those of the tests and of compose.yaml."""

FORBIDDEN = re.compile(r"/(?:root|home|Users)/\w|\bTODO\b|\bFIXME\b|@@", re.IGNORECASE)
"""Paths of somebody's machine, and what was left to be done."""

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|^\[[^\]]+\]:\s+(\S+)$", re.MULTILINE)
_HEADING = re.compile(r"^(#{1,6})\s+(.+)$", re.MULTILINE)
_FENCE = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"\./tongli ([a-z][a-z-]*)")
_SETTING = re.compile(r"\bTONGLI_[A-Z][A-Z0-9_]*[A-Z0-9]\b")
_PATH_IN_CODE = re.compile(r"`((?:api|actions|rules|db|jobs|crypto|outbound|cli|web|migrations|bench|tests)/[\w./-]*)`")
_ARROWS = re.compile(r"<!-- arrows:.*?-->\n(.*?)\n<!-- end of arrows -->", re.DOTALL)


def documents() -> list[str]:
    """Every markdown file of ours, by its path from the root."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "db").rglob("*.md")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def prose_of(document: str) -> str:
    """Without code blocks, where brackets and number signs mean other things."""
    return _FENCE.sub("", text_of(document))


def links_of(document: str) -> Iterator[str]:
    for match in _LINK.finditer(prose_of(document)):
        target = match[1] or match[2]
        if not target.startswith(("https://", "http://", "mailto:")):
            yield target


def anchor(heading: str) -> str:
    """The anchor that GitHub and GitLab make of a heading."""
    kept = re.sub(r"[^\w\- ]", "", re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower())
    return kept.replace(" ", "-")


def anchors_of(document: Path) -> set[str]:
    text = _FENCE.sub("", document.read_text(encoding="utf-8"))
    return {anchor(match[2]) for match in _HEADING.finditer(text)}


def test_the_documents_are_there() -> None:
    expected = {"README.md", "README.zh-CN.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"}
    assert expected <= set(documents())
    assert len([name for name in documents() if re.match(r"docs/decisions/\d{4}-", name)]) >= 15


@pytest.mark.parametrize("document", documents())
def test_every_relative_link_leads_somewhere(document: str) -> None:
    lost = []
    for target in links_of(document):
        path, _, fragment = target.partition("#")
        place = (ROOT / document).parent / path if path else ROOT / document
        if not place.exists() or (fragment and fragment not in anchors_of(place)):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("document", documents())
def test_every_command_named_exists(document: str) -> None:
    assert set(_COMMAND.findall(text_of(document))) <= set(COMMANDS)


@pytest.mark.parametrize("document", documents())
def test_every_setting_named_exists(document: str) -> None:
    known = {variable(name) for name in Settings.model_fields} | LIVES_ELSEWHERE
    assert set(_SETTING.findall(text_of(document))) <= known


@pytest.mark.parametrize("document", documents())
def test_every_file_named_in_code_type_exists(document: str) -> None:
    named = {path for path in _PATH_IN_CODE.findall(text_of(document)) if "NNNN" not in path}
    assert {path for path in named if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize("document", documents())
def test_no_document_tells_of_a_machine_or_of_what_is_left_to_do(document: str) -> None:
    assert [match[0] for match in FORBIDDEN.finditer(text_of(document))] == []


def test_every_command_is_in_both_readmes() -> None:
    for document in ("README.md", "README.zh-CN.md"):
        assert set(_COMMAND.findall(text_of(document))) == set(COMMANDS), document


def test_the_chinese_readme_keeps_step_with_the_english() -> None:
    def shape(document: str) -> list[int]:
        return [len(match[1]) for match in _HEADING.finditer(prose_of(document))]

    assert shape("README.zh-CN.md") == shape("README.md")
    assert _rows("README.zh-CN.md") == _rows("README.md")
    commands = [block for block in _FENCE.findall(text_of("README.md")) if "API=" in block]
    assert commands
    assert all(block in text_of("README.zh-CN.md") for block in commands)


def _rows(document: str) -> int:
    return sum(line.startswith("|") for line in text_of(document).splitlines())


def test_every_decision_stands_in_the_list_and_has_its_four_parts() -> None:
    listed = text_of("docs/decisions/README.md")
    numbers = []
    for document in documents():
        if not re.match(r"docs/decisions/\d{4}-", document):
            continue
        name = Path(document).name
        assert f"({name})" in listed, name
        numbers.append(name[:4])
        parts = [match[2] for match in _HEADING.finditer(prose_of(document))]
        assert parts[1:] == ["Context", "Decision", "Alternatives", "Consequences"], name
    assert len(numbers) == len(set(numbers)), "a number given twice"


def test_the_arrows_are_those_that_are_checked() -> None:
    drawn = _ARROWS.search(text_of("ARCHITECTURE.md"))
    assert drawn is not None
    assert drawn[1] == arrows()


def test_the_functions_that_cross_the_wall_are_all_explained() -> None:
    explained = set(re.findall(r"`(\w+)`", _first_cells("## Functions that cross the wall")))
    definers = {
        re.split(r"\W", declared)[0]
        for declared in re.split(r"CREATE OR REPLACE FUNCTION ", _sql_at_head())[1:]
        if "SECURITY DEFINER" in re.split(r"\$\$|;\n", declared)[0]
    }
    assert definers
    assert explained == definers - {"make_partitions"}


def test_every_walled_table_stands_in_the_list_of_tables() -> None:
    listed = set(re.findall(r"`(\w+)`", _first_cells("## Row security")))
    assert listed == set(re.findall(r'ALTER TABLE "?(\w+)"? ENABLE ROW LEVEL SECURITY', _sql_at_head()))


def _sql_at_head() -> str:
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted((ROOT / "migrations" / "sql").glob("*.sql")))


def _first_cells(heading: str) -> str:
    """First column of the first table below a heading of ARCHITECTURE.md."""
    section = text_of("ARCHITECTURE.md").partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    return "\n".join(line.split("|")[1] for line in section.splitlines() if line.startswith("|"))


def arrows() -> str:
    """The import contracts as ARCHITECTURE.md shows them."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = configuration["tool"]["importlinter"]["contracts"]
    return "\n".join(line for contract in contracts for line in _drawn(contract))


def _drawn(contract: dict[str, Any]) -> tuple[str, str]:
    kind = contract["type"]
    if kind == "layers":
        drawn = " → ".join(f"`{layer}`" for layer in contract["layers"])
    elif kind == "forbidden":
        drawn = f"{_named(contract['source_modules'])} ⇸ {_named(contract['forbidden_modules'])}"
    else:
        drawn = _named(contract["modules"])
    return f"- **{contract['name']}**", f"  {drawn}"


def _named(modules: list[str]) -> str:
    return ", ".join(f"`{module}`" for module in modules)
