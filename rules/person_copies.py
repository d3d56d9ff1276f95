"""The copy a person gets (PIPL art. 45): everything about them in clear, everybody else masked. Pure.

Encodings are left out: they say nothing to a person that the rest does not, and more than they should to a thief.
"""

from collections.abc import Mapping, Sequence

from rules.disclosure import mask_said
from rules.field_classes import WITHHELD
from rules.texts import masked_name, name_key

_OF_OTHERS = ("role", "relation")
"""What is kept of what a report says of somebody else, beside the masked name."""


def copy_of_report(said: Mapping[str, object], names: Sequence[str]) -> dict[str, object]:
    """A report as it was said, the person of these names in clear, other people masked, numbers in free text too."""
    mine = {name_key(name) for name in names}
    copied = mask_said({key: value for key, value in said.items() if key not in ("person", "household")})
    person, household = said.get("person"), said.get("household")
    if isinstance(person, Mapping):
        copied["person"] = _copied(person, mine)
    if isinstance(household, Sequence) and not isinstance(household, str):
        copied["household"] = [_copied(member, mine) for member in household if isinstance(member, Mapping)]
    return copied


def _copied(person: Mapping[str, object], mine: set[str]) -> dict[str, object]:
    name = person.get("name")
    if isinstance(name, str) and name_key(name) in mine:
        return {key: value for key, value in person.items() if key not in WITHHELD}
    kept = {key: person[key] for key in _OF_OTHERS if key in person}
    return {**kept, "name": masked_name(name) if isinstance(name, str) else None}


def copy_of_member(name: str, relation: str, role: str) -> dict[str, object]:
    """Somebody else of the household: that there is such a person, and nothing more."""
    return {"name": masked_name(name), "relation": relation, "role": role}
