"""result (办理结果), adoption (采用), assistance (帮扶措施): the words they are told in. Pure."""

from enum import StrEnum


class ResultKind(StrEnum):
    recognition = "recognition"
    decision = "decision"
    benefit = "benefit"
    placement = "placement"
    mediation = "mediation"
    award = "award"
    other = "other"


class AdoptionDecision(StrEnum):
    adopted = "adopted"
    partly = "partly"
    not_adopted = "not_adopted"


class AssistanceKind(StrEnum):
    living = "living"
    employment = "employment"
    training = "training"
    schooling = "schooling"
    medical = "medical"
    legal = "legal"
    warmth = "warmth"
    counselling = "counselling"


class Depth(StrEnum):
    emergency = "emergency"
    recovery = "recovery"
    root_cause = "root_cause"
