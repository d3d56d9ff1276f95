"""person (人员): one view of a person from several records, none of which overwrites another. Pure."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from rules.disclosure import PersonOpened

_UNSAID: dict[str, object] = {"name": "", "sex": "unknown", "id_type": "none", "phones": ()}
_TOGETHER = {"id_number": "id_type"}
"""A number is only read with its kind, so both come from one record."""


def fold(records: Sequence[PersonOpened]) -> PersonOpened:
    """The first record with its gaps filled from the later ones, in the order given (oldest first).

    A correction that the reporting agency confirmed comes before all of them and holds only what it corrects (the query
    puts it there). Then what was said first stands: a later report adds what nobody had said and changes nothing.
    Differing values are found in the reports themselves.
    """
    known = records[0]
    for record in records[1:]:
        known = replace(known, **_gaps(known, record))
    return known


def _gaps(known: PersonOpened, record: PersonOpened) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    for name in (field.name for field in fields(PersonOpened)):
        if name in _TOGETHER.values():
            continue
        if _says_nothing(name, getattr(known, name)) and not _says_nothing(name, getattr(record, name)):
            filled[name] = getattr(record, name)
            if name in _TOGETHER:
                filled[_TOGETHER[name]] = getattr(record, _TOGETHER[name])
    return filled


def _says_nothing(name: str, value: object) -> bool:
    return value is None or value == _UNSAID.get(name)
