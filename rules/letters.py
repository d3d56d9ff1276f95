"""letter (一函两书): what a union writes in supervision of labour law, and what may follow. Pure.

A hint (提示函) prevents and asks nothing by a date. An opinion (意见书) is answered in writing within the period of
matter UNI-08, fifteen working days unless a division is stricter. A proposal (建议书) goes to the labour department,
which files within five or says in writing why not; only what the employer did with the opinion is ground for one. A
union decides nothing: whether there is a case is the department's word.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rules.errors import Conflict, FieldError, InvalidTransition, ValidationFailed


class LetterKind(StrEnum):
    hint = "hint"
    opinion = "opinion"
    proposal = "proposal"


class LetterStatus(StrEnum):
    sent = "sent"
    replied = "replied"
    refused = "refused"
    corrected = "corrected"
    not_corrected = "not_corrected"
    filed = "filed"
    declined = "declined"
    withdrawn = "withdrawn"


class LetterStep(StrEnum):
    """`record_*` write down what the employer did; `file` and `decline` are the labour department's own words."""

    record_reply = "record_reply"
    record_refusal = "record_refusal"
    record_correction = "record_correction"
    record_no_correction = "record_no_correction"
    file = "file"
    decline = "decline"
    withdraw = "withdraw"


class Violation(StrEnum):
    """What is said to be against the law."""

    wage_arrears = "wage_arrears"
    wage_deduction = "wage_deduction"
    below_minimum_wage = "below_minimum_wage"
    overtime_unpaid = "overtime_unpaid"
    not_insured = "not_insured"
    unlawful_dismissal = "unlawful_dismissal"
    lay_off_without_notice = "lay_off_without_notice"
    safety_health = "safety_health"


ARTICLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        Violation.wage_arrears: "《中华人民共和国劳动合同法》第三十条、第八十五条、《劳动保障监察条例》第十七条",
        Violation.wage_deduction: "《中华人民共和国劳动合同法》第八十五条",
        Violation.below_minimum_wage: "《中华人民共和国劳动法》第四十八条、《中华人民共和国劳动合同法》第八十五条",
        Violation.overtime_unpaid: "《中华人民共和国劳动法》第四十四条",
        Violation.not_insured: "《中华人民共和国社会保险法》第五十七条至第六十三条",
        Violation.unlawful_dismissal: "《中华人民共和国劳动合同法》第四十二条",
        Violation.lay_off_without_notice: "《中华人民共和国劳动合同法》第四十一条",
        Violation.safety_health: "《中华人民共和国工会法》第二十五条至第二十七条",
    }
)
"""The articles that a letter cites, as the responsibility list has them."""

_STEPS: Final[Mapping[tuple[str, str], Mapping[str, LetterStatus]]] = {
    (LetterKind.hint, LetterStatus.sent): {
        LetterStep.record_correction: LetterStatus.corrected,
        LetterStep.record_no_correction: LetterStatus.not_corrected,
    },
    (LetterKind.opinion, LetterStatus.sent): {
        LetterStep.record_reply: LetterStatus.replied,
        LetterStep.record_refusal: LetterStatus.refused,
        LetterStep.record_correction: LetterStatus.corrected,
    },
    (LetterKind.opinion, LetterStatus.replied): {
        LetterStep.record_correction: LetterStatus.corrected,
        LetterStep.record_no_correction: LetterStatus.not_corrected,
    },
    (LetterKind.proposal, LetterStatus.sent): {
        LetterStep.file: LetterStatus.filed,
        LetterStep.decline: LetterStatus.declined,
    },
}
_OF_ADDRESSEE: Final = frozenset({LetterStep.file, LetterStep.decline})
RESULTS: Final[Mapping[str, LetterStatus]] = {
    LetterStep.withdraw: LetterStatus.withdrawn,
    **{step: status for steps in _STEPS.values() for step, status in steps.items()},
}

OPEN: Final = (LetterStatus.sent, LetterStatus.replied)
_NUMBER_WORDS: Final = {LetterKind.hint: "提", LetterKind.opinion: "意", LetterKind.proposal: "建"}


class Ground(StrEnum):
    """Why a proposal may be made."""

    refused_to_take = "refused_to_take"
    no_reply = "no_reply"
    not_corrected = "not_corrected"


def letter_number(kind: str, agency_code: str, year: int, ordinal: int) -> str:
    """The number a letter carries (文号), counted for each union, kind and year."""
    return f"{agency_code}劳监{_NUMBER_WORDS[LetterKind(kind)]}字〔{year}〕{ordinal}号"


def parts_in_letter(
    agency: object, *, author: object, coordinator: object, addressee: object | None, copied: object | None
) -> frozenset[str]:
    """The parts of `agency`: whoever coordinates the case now stands for the union that wrote."""
    parts = {"author"} if agency in (author, coordinator) else set()
    parts |= {"addressee"} if agency == addressee else set()
    return frozenset(parts | ({"copied"} if agency == copied else set()))


def allowed_steps(kind: str, status: str, parts: Collection[str]) -> tuple[str, ...]:
    """What an agency with these parts may do now. What waits for an answer may be taken back by its author."""
    steps = [
        step for step in _STEPS.get((kind, status), {}) if ("addressee" if step in _OF_ADDRESSEE else "author") in parts
    ]
    withdraws = status == LetterStatus.sent and "author" in parts
    return (*steps, *((LetterStep.withdraw,) if withdraws else ()))


def check_step(
    step: str, allowed: Collection[str], status: str, *, text: str | None, filing_number: str | None
) -> LetterStatus:
    """The status after it. Everything but filing and a correction says why, in writing; filing names its number. Raises
    InvalidTransition, ValidationFailed."""
    if step not in allowed:
        raise InvalidTransition(status, tuple(allowed))
    errors = []
    if step not in (LetterStep.file, LetterStep.record_correction) and not text:
        errors.append(FieldError("/text", "required"))
    if (step == LetterStep.file) != (filing_number is not None):
        code = "required" if filing_number is None else "not-with-this-step"
        errors.append(FieldError("/filing_number", code))
    if errors:
        raise ValidationFailed(*errors)
    return RESULTS[step]


def ground_for_proposal(status: str, reply_by: datetime | None, *, now: datetime) -> Ground:
    """What the employer did with an opinion that lets a proposal follow. Raises Conflict while there is none."""
    if status == LetterStatus.refused:
        return Ground.refused_to_take
    if status == LetterStatus.not_corrected:
        return Ground.not_corrected
    if status == LetterStatus.sent and reply_by is not None and reply_by <= now:
        return Ground.no_reply
    raise Conflict(reason="no-ground-for-a-proposal")


def check_letter(kind: str, *, follows: object | None, addressee: object | None, copied: object | None) -> None:
    """A proposal follows an opinion and names the labour department; the others go to the employer. Raises
    ValidationFailed."""
    errors = []
    proposal = kind == LetterKind.proposal
    if proposal and follows is None:
        errors.append(FieldError("/follows", "required"))
    if kind == LetterKind.hint and follows is not None:
        errors.append(FieldError("/follows", "not-with-this-letter"))
    for name, agency in (("to_agency", addressee), ("copy_to", copied)):
        if not proposal and agency is not None:
            errors.append(FieldError(f"/{name}", "not-with-this-letter"))
    if proposal and addressee is None:
        errors.append(FieldError("/to_agency", "required"))
    if errors:
        raise ValidationFailed(*errors)
