"""purpose (用途): why somebody reads fields of a person, which classes that can need, and what a consent covers. Pure.

个人信息保护法 arts. 6 and 23: no more than the purpose needs; whoever received is bound to the purpose consented to.
"""

from collections.abc import Mapping
from enum import StrEnum

from rules.field_classes import ALL_CLASSES, FieldClass


class Purpose(StrEnum):
    assistance = "assistance"
    referral = "referral"
    eligibility = "eligibility"
    payment = "payment"
    counselling = "counselling"
    follow_up = "follow_up"
    emergency = "emergency"
    supervision = "supervision"
    recognition = "recognition"
    person_request = "person_request"


_CLOSED = frozenset({FieldClass.mood, FieldClass.finance_account})

CLASSES: Mapping[Purpose, frozenset[FieldClass]] = {
    Purpose.assistance: ALL_CLASSES - _CLOSED,
    Purpose.referral: ALL_CLASSES,
    Purpose.eligibility: ALL_CLASSES - _CLOSED - {FieldClass.contact},
    Purpose.payment: frozenset(
        {FieldClass.basic, FieldClass.identity, FieldClass.economic, FieldClass.finance_account}
    ),
    Purpose.counselling: frozenset({FieldClass.basic, FieldClass.contact, FieldClass.mood, FieldClass.family}),
    Purpose.follow_up: frozenset({FieldClass.basic, FieldClass.contact}),
    Purpose.emergency: ALL_CLASSES - _CLOSED - {FieldClass.economic},
    Purpose.supervision: frozenset({FieldClass.basic, FieldClass.economic, FieldClass.family}),
    Purpose.recognition: ALL_CLASSES - _CLOSED - {FieldClass.contact},
    Purpose.person_request: ALL_CLASSES,
}
"""The classes that can be needed for a purpose. `referral` is bounded by the matter's minimum set."""

_HELPING = frozenset(
    {
        *(Purpose.assistance, Purpose.referral, Purpose.eligibility, Purpose.payment, Purpose.counselling),
        *(Purpose.follow_up, Purpose.recognition),
    }
)


def covers(consented: str, asked: str) -> bool:
    """Whether a basis recorded for one purpose allows a read for another: helping a person is one purpose with many
    parts, each of which may be consented to alone. An emergency is a purpose of its own and always inside helping."""
    if consented == Purpose.assistance:
        return asked in _HELPING or asked == Purpose.emergency
    return consented == asked


def classes_for(purpose: str | None) -> frozenset[FieldClass]:
    """The classes a named purpose can need; none without one."""
    return frozenset() if purpose is None else CLASSES[Purpose(purpose)]
