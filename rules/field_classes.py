"""The classes of fields about a person: what a matter's minimum set, a consent's scope and an audit mark speak in.
Pure.
"""

from enum import StrEnum


class FieldClass(StrEnum):
    basic = "basic"
    contact = "contact"
    identity = "identity"
    economic = "economic"
    medical = "medical"
    legal = "legal"
    mood = "mood"
    family = "family"
    finance_account = "finance_account"


SENSITIVE_CLASSES = frozenset(
    {FieldClass.identity, FieldClass.medical, FieldClass.legal, FieldClass.mood, FieldClass.finance_account}
)
"""Released by a recorded basis only (个人信息保护法 art. 28)."""

COMPARTMENTS = (FieldClass.medical, FieldClass.legal, FieldClass.mood)
"""Classes whose free text only its author and the coordinator read."""
