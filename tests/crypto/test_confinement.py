"""python-jose stays in one module, and the packages it drags along stay asleep."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
MAY_IMPORT_JOSE = {Path("crypto/tokens.py"), Path("tests/crypto/test_python_jose_gaps.py")}
NOT_OURS = {"node_modules", "build", "dist"}


def own_modules() -> Iterator[Path]:
    for folder, names, files in os.walk(CHECKOUT):
        names[:] = [name for name in names if not name.startswith(".") and name not in NOT_OURS]
        yield from (Path(folder, name) for name in files if name.endswith(".py"))


def imported_packages(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 0]
    return {name.partition(".")[0] for name in names}


def test_only_the_token_module_and_its_gap_tests_import_python_jose() -> None:
    importers = {path.relative_to(CHECKOUT) for path in own_modules() if "jose" in imported_packages(path)}
    assert importers == MAY_IMPORT_JOSE


def test_nobody_imports_the_packages_with_known_weaknesses() -> None:
    weak = {"ecdsa", "rsa", "pyasn1"}
    assert {path.relative_to(CHECKOUT) for path in own_modules() if weak & imported_packages(path)} == set()


def test_ecdsa_is_installed_but_never_loaded() -> None:
    """CVE-2024-23342 (timing of ecdsa) has no fix: scanners will flag the package, and this is the answer."""
    program = "import sys, crypto.tokens; print(sorted({'ecdsa', 'rsa', 'pyasn1'} & set(sys.modules)))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=30
    )
    assert loaded.stdout.strip() == "[]"


def test_crypto_stands_on_rules_and_nothing_else_of_ours() -> None:
    columns = {"api", "actions", "db", "jobs", "outbound", "cli", "web", "settings", "logs"}
    for path in (CHECKOUT / "crypto").glob("*.py"):
        assert not columns & imported_packages(path), path.name
