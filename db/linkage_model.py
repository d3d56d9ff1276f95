"""The linkage model of this version of the program, as it was trained offline (`./tongli linkage train`)."""

from functools import cache
from pathlib import Path

from rules.linkage.model import Model, read_model

COMMITTED = Path(__file__).parent / "reference" / "linkage_model.json"


@cache
def committed_model() -> Model:
    """The model that comes with the program. Read once a process."""
    return read_model(COMMITTED.read_text(encoding="utf-8"))
