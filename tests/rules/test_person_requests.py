"""Who may do what with a request of a person, by when it is answered, what a correction may change."""

import ast
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from rules.accesses import OPERATIONS, is_read, words_of
from rules.calendar import WorkCalendar
from rules.cases import CASE_STATUSES
from rules.corrections import FIELDS, CorrectionSaid, check_correction, confirmed
from rules.disclosure import PersonOpened
from rules.errors import Conflict, InsufficientRole, InvalidTransition, ValidationFailed
from rules.people import fold
from rules.person_copies import copy_of_member, copy_of_report
from rules.person_requests import (
    REQUEST_STATUSES,
    STEPS,
    RequestKind,
    RequestStep,
    StepWords,
    allowed_steps,
    check_words,
    due_of,
    next_status,
    period_source,
)
from rules.referrals import TRANSITIONS

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 2, 26, 2, 0, tzinfo=UTC)
CALENDAR = WorkCalendar({}, frozenset({2026}))
EVERY_PART = frozenset({"filer", "decider", "coordinator"})


@pytest.mark.parametrize(
    ("kind", "last_day", "source"),
    [
        ("correction", date(2026, 3, 12), "law"),
        ("copy", date(2026, 3, 19), "default"),
        ("access_log", date(2026, 3, 19), "default"),
        ("objection", date(2026, 3, 19), "default"),
        ("erasure", date(2026, 3, 19), "default"),
    ],
)
def test_each_kind_has_its_clock_in_working_days(kind: str, last_day: date, source: str) -> None:
    due = due_of(kind, NOW, CALENDAR)
    assert (due.last_day, due.confirmed, period_source(kind)) == (last_day, True, source)
    longer = due_of(kind, NOW, CALENDAR, prolonged=True)
    assert CALENDAR.workdays_between(due.last_day, longer.last_day) == (10 if kind == "correction" else 15)


def test_a_year_nobody_confirmed_makes_the_date_provisional() -> None:
    assert not due_of("copy", datetime(2026, 12, 20, tzinfo=UTC), CALENDAR).confirmed


@pytest.mark.parametrize("status", REQUEST_STATUSES)
@pytest.mark.parametrize("step", list(RequestStep))
@pytest.mark.parametrize("part", sorted(EVERY_PART))
def test_a_step_is_taken_by_its_party_in_its_state_or_not_at_all(status: str, step: RequestStep, part: str) -> None:
    allowed = step.value in allowed_steps(status, {part}, prolonged=False)
    if part not in STEPS[step].parts:
        with pytest.raises(InsufficientRole):
            next_status(step, status, {part}, prolonged=False)
    elif not allowed:
        with pytest.raises(InvalidTransition):
            next_status(step, status, {part}, prolonged=False)
    else:
        assert next_status(step, status, {part}, prolonged=False) in REQUEST_STATUSES


def test_what_is_decided_stays_decided() -> None:
    for status in ("fulfilled", "partly_fulfilled", "refused", "withdrawn"):
        assert allowed_steps(status, EVERY_PART, prolonged=False) == ()


def test_a_second_extension_is_a_conflict() -> None:
    with pytest.raises(Conflict):
        next_status(RequestStep.extend, "in_review", {"decider"}, prolonged=True)


@pytest.mark.parametrize(
    ("kind", "step", "words", "pointers"),
    [
        ("copy", "refuse", StepWords(), ["/reason", "/text"]),
        ("copy", "extend", StepWords("retention_period", "x"), ["/reason"]),
        ("copy", "fulfil", StepWords("retention_period"), ["/reason"]),
        ("correction", "partly_fulfil", StepWords("record_is_correct", "x"), ["/fields"]),
        ("copy", "partly_fulfil", StepWords("rights_of_others", "x", ["name"]), ["/fields"]),
    ],
)
def test_words_that_do_not_belong_are_refused(kind: str, step: str, words: StepWords, pointers: list[str]) -> None:
    with pytest.raises(ValidationFailed) as refused:
        check_words(kind, RequestStep(step), words)
    assert [error.pointer for error in refused.value.errors] == pointers


# Corrections


def test_a_correction_is_kept_in_normal_form() -> None:
    said = CorrectionSaid(name=" 王 芳 ", phones=("139 0000 0001",), birth_date=date(1974, 3, 15))
    values = check_correction(said, now=NOW, allow_demo=True)
    assert values["phones"] == ["+8613900000001"]
    assert values["birth_date"] == "1974-03-15"
    assert set(values) <= set(FIELDS)


def test_a_part_of_a_correction_is_confirmed_by_field() -> None:
    values = {"name": "王芳", "sex": "female"}
    assert confirmed(values, []) == values
    assert confirmed(values, ["sex"]) == {"sex": "female"}
    with pytest.raises(ValidationFailed):
        confirmed(values, ["phones"])


def _person(**changes: Any) -> PersonOpened:
    unsaid: dict[str, Any] = {
        **{"role": "main", "relation": "self", "name": "", "id_type": "none", "id_number": None, "phones": ()},
        **{"address": None, "division_code": None, "sex": "unknown", "birth_date": None, "employment_status": None},
        **{"employer_name": None, "health": None, "monthly_income_fen": None},
    }
    return PersonOpened(**(unsaid | changes))


def test_a_correction_that_comes_first_overrides_and_leaves_the_rest() -> None:
    first = _person(name="王方", sex="female", phones=("+8613900000001",))
    known = fold([_person(name="王芳"), first, _person(address="一号")])
    assert (known.name, known.sex, known.phones, known.address) == ("王芳", "female", ("+8613900000001",), "一号")


# Words for the person


def test_every_action_that_is_marked_in_a_case_has_words_in_both_languages() -> None:
    literal = {action for action in _marked() if not action.startswith(_WITHOUT_CASE)}
    steps = {f"case.{step}" for step in ("assess", "activate", "propose_closing", "close", "reopen")}
    steps |= {f"referral.{step}" for moves in TRANSITIONS.values() for step in moves if step != "expire"}
    steps |= {f"case_link.{verb}" for verb in ("say", "undo")}
    compared = ("read", "read_terms", "compare", "compare_by_grant", "not_duplicate", "confirm", "undo")
    steps |= {f"match_candidate.{verb}" for verb in compared} | {"match.undone"}
    steps |= {f"access_request.{verb}" for verb in ("ask", "read", "granted", "refused", "revoked")}
    steps |= {f"person_request.{step}" for step in (*RequestStep, "file", "read", "overdue")}
    steps |= {f"{kind}.adopt" for kind in ("result", "report")}
    assert {action for action in literal | steps if action not in OPERATIONS} == set()
    assert all(words.zh and words.en for words in OPERATIONS.values())
    assert CASE_STATUSES


_WITHOUT_CASE = (
    *(
        "agency.",
        "alert.",
        "plan.",
        "plan_task.",
        "signal.",
        "assessment.",
        "client.",
        "consultation.",
        "delivery.",
        "device.",
        "keys.",
        "proposal.",
        "share_request.",
        "catalogue_item.",
        "qualification.",
        "sign_in.",
        "staff.",
    ),
    *(
        "audit.cosign",
        "audit.register_witness",
        "audit.revoke_witness",
        "inbound_receipt.",
        "inbound_source.",
        "linkage.read_key",
        "webhook_endpoint.",
        "webhook_replay.",
    ),
    "match_candidate.nothing_left",
)


def _marked() -> set[str]:
    """The actions written out in calls that leave a mark."""
    found = set()
    for file in (ROOT / "actions").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "leave_mark" and len(node.args) > 1:
                action = node.args[1]
                if isinstance(action, ast.Constant) and isinstance(action.value, str):
                    found.add(action.value)
    return found


def test_reads_are_told_from_writes_and_an_unknown_action_is_not_left_out() -> None:
    assert [is_read(action) for action in ("case.read_file", "break_glass.open", "report.file", "case.copy")] == [
        *(True, True, False, True)
    ]
    assert words_of("novelty.done").zh == "其他操作"


# The copy


def test_a_copy_shows_the_person_and_masks_everybody_else() -> None:
    said = {
        "person": {"name": "王芳", "id_number": "990000197403151227", "employer": {"name": "安纺织造"}},
        "household": [{"name": "李建国", "relation": "spouse", "health": "chronic", "phones": ["+8613900000001"]}],
        "narrative": "电话 13900000002",
    }
    mine = copy_of_report(said, ["王芳"])
    assert mine["person"] == said["person"]
    assert mine["household"] == [{"name": "李**", "relation": "spouse"}]
    assert "13900000002" not in str(mine["narrative"])
    theirs = copy_of_report(said, ["李建国"])
    assert theirs["household"] == said["household"]
    assert theirs["person"] == {"name": "王*"}
    assert copy_of_member("李建国", "spouse", "member") == {"name": "李**", "relation": "spouse", "role": "member"}


def test_every_kind_of_request_is_known_to_the_clock() -> None:
    assert all(due_of(kind, NOW, CALENDAR).at > NOW for kind in RequestKind)
