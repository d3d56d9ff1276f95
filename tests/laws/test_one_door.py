"""Only db/transaction.py begins, says who acts, commits or rolls back; and no statement is put together from values."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("api", "actions", "rules", "db", "jobs", "crypto", "outbound", "cli", "web")

DOORS = {
    "db/transaction.py": "the one door",
    "db/operator.py": "the operator's door: no agency acts, one connection, one transaction, or a walk of many",
}
"""Files that may speak of transactions, and why."""

_CALLS = {"commit", "rollback", "begin", "begin_nested", "transaction", "set_config", "connect_begin"}
_WORDS = re.compile(
    r"^\s*(?:BEGIN|COMMIT|ROLLBACK|ABORT|END|SAVEPOINT|RELEASE|START\s+TRANSACTION|SET\s+(?:LOCAL\s+|SESSION\s+)?"
    r"(?:ROLE|SESSION|TRANSACTION))\b|\bset_config\s*\(|\bRESET\s+ROLE\b",
    re.IGNORECASE,
)

_SQL = re.compile(
    r"(?i:\bselect\b.*\bfrom\b|\binsert\s+into\b|\bupdate\s+\S+\s+set\b|\bdelete\s+from\b|\bset\s+local\b"
    r"|\b(?:create|alter|drop)\s+(?:role|database|table|policy|function|schema)\b|\bcomment\s+on\b)"
    r"|\bWHERE\b|\bGRANT\b|\bREVOKE\b",
    re.DOTALL,
)
_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")
BUILT = {
    ("db/bootstrap.py", "_create_roles"): "names of roles, constants of db/names.py",
    ("db/bootstrap.py", "_grant"): "schema and database as PostgreSQL itself quotes them",
    ("db/embedded.py", "_create_database"): "a name checked and quoted, from tests and the entrance",
    ("db/reference_data.py", "load_reference_data"): "a hash of our own file, hexadecimal",
    ("db/queries/referrals.py", "insert_referral"): "column names from code",
    ("db/queries/referrals.py", "update_referral"): "column names from code",
    ("db/queries/clocks.py", "update_referral"): "column names from code",
    ("db/queries/case_links.py", "insert_link"): "column names from code",
    ("cli/linkage_splink.py", "_see"): "names of comparisons, constants; a database in memory of the trainer's own",
    ("db/queries/person_requests.py", "insert_request"): "column names from code",
    ("db/queries/person_requests.py", "update_request"): "column names from code",
    ("db/queries/person_requests.py", "insert_correction"): "column names from code",
    ("db/queries/person_requests.py", "set_clock"): "column names from code",
    ("db/queries/consultations.py", "insert_consultation"): "column names from code",
    ("db/queries/consultations.py", "update_consultation"): "column names from code",
    ("db/queries/letters.py", "insert_letter"): "column names from code",
    ("db/queries/share_requests.py", "insert"): "table and column names from code",
    ("db/queries/share_requests.py", "update"): "table and column names from code",
    ("db/queries/proposals.py", "insert_proposal"): "column names from code",
    ("db/queries/proposals.py", "update_proposal"): "column names from code",
    ("db/queries/deliveries.py", "list_deliveries"): "conditions from code; values stay parameters",
    ("db/queries/keys.py", "count_sealed"): "tables and columns of the models",
    ("db/queries/keys.py", "count_sealed_left"): "tables and columns of the models",
    ("db/queries/keys.py", "take_sealed"): "tables and columns of the models",
    ("db/queries/keys.py", "put_sealed"): "tables and columns of the models",
}
"""Where SQL is put together from other than constants, and from what. Values never."""


def _files() -> Iterator[str]:
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            yield file.relative_to(ROOT).as_posix()


def _tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def _sources() -> Iterator[tuple[str, ast.Module]]:
    return ((file, _tree(file)) for file in _files())


def door_faults(tree: ast.AST) -> list[int]:
    """Lines that begin or end transactions, or say who acts."""
    documents = set(_docstrings(tree))
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CALLS:
            lines.append(node.lineno)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in documents:
            lines += [node.lineno] if _WORDS.search(node.value) else []
    return lines


def _docstrings(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


@pytest.mark.parametrize("file", list(_files()))  # parsed in the test: kept, the trees were half of a session's objects
def test_nobody_else_opens_or_ends_a_transaction(file: str) -> None:
    if file not in DOORS:
        assert door_faults(_tree(file)) == []


def test_the_doors_are_where_the_list_says() -> None:
    assert {file for file, tree in _sources() if door_faults(tree)} == set(DOORS)


@pytest.mark.parametrize(
    "text",
    [
        "await connection.commit()",
        "async with engine.begin() as c: pass",
        "raw.execute('BEGIN')",
        "raw.execute('  rollback')",
        "raw.execute(\"SELECT set_config('tongli.agency', $1, true)\", x)",
        "raw.execute('SET LOCAL ROLE tongli_owner')",
        "async with raw.transaction(): pass",
    ],
)
def test_the_check_sees_every_way_through(text: str) -> None:
    assert door_faults(ast.parse(f"async def f():\n    {text}"))


def built_statements(file: str, tree: ast.Module) -> list[tuple[str, str, int]]:
    """(file, function, line) of SQL put together from anything but constants in capitals."""
    found = []
    for function, node in _with_function(tree):
        parts = _variable_parts(node)
        if parts and not all(_is_constant(part) for part in parts):
            found.append((file, function, node.lineno))
    return found


def _with_function(tree: ast.AST, function: str = "") -> Iterator[tuple[str, ast.expr]]:
    for node in ast.iter_child_nodes(tree):
        inside = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else function
        if isinstance(node, ast.expr):
            yield inside, node
        yield from _with_function(node, inside)


def _variable_parts(node: ast.expr) -> list[ast.expr]:
    """What is put into an SQL text by an f-string, by `+`, by `%` or by `.format`."""
    if isinstance(node, ast.JoinedStr):
        text = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        inserted = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        return inserted if _SQL.search(text) else []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod) and _says_sql(node.left):
        return [node.right]
    formats = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"
    if formats and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _says_sql(node.func.value):
        return [*node.args, *(keyword.value for keyword in node.keywords)]
    return []


def _says_sql(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(_SQL.search(node.value))


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return bool(_CONSTANT.fullmatch(node.attr))
    if isinstance(node, ast.BinOp):
        return _is_constant(node.left) and _is_constant(node.right)
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and bool(_CONSTANT.fullmatch(node.id)))


def test_no_statement_is_put_together_from_values() -> None:
    found = [statement for file, tree in _sources() for statement in built_statements(file, tree)]
    assert [s for s in found if (s[0], s[1]) not in BUILT] == []


def test_what_is_excused_is_still_there() -> None:
    found = {(file, function) for file, tree in _sources() for file, function, _ in built_statements(file, tree)}
    assert set(BUILT) - found == set()


@pytest.mark.parametrize(
    "text",
    [
        "f\"SELECT * FROM agency WHERE name = '{name}'\"",
        '"SELECT * FROM agency WHERE name = \'" + name',
        '"DELETE FROM agency WHERE id = %s" % name',
        '"UPDATE agency SET name = {}".format(name)',
    ],
)
def test_the_check_sees_every_way_of_putting_together(text: str) -> None:
    assert built_statements("x.py", ast.parse(f"def f(name):\n    return {text}")) == [("x.py", "f", 2)]
