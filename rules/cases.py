"""case (个案): its states, its participants' roles, and who coordinates. Pure."""

from dataclasses import dataclass

from rules.errors import FieldError, InvalidTransition, ValidationFailed

PARTICIPANT_ROLES = ("coordinator", "reporter", "receiver", "observer")
"""Strongest first: an agency with several roles in one case is shown its strongest."""

TRANSITIONS: dict[str, dict[str, str]] = {
    "reported": {"assess": "assessing", "activate": "active"},
    "assessing": {"activate": "active"},
    "active": {"propose_closing": "closing"},
    "closing": {"close": "closed", "activate": "active"},
    "closed": {"reopen": "active"},
}
"""status → step → next status. Reopening (返困) makes the case active again."""

CASE_STATUSES = tuple(TRANSITIONS)
STEPS = tuple(dict.fromkeys(step for steps in TRANSITIONS.values() for step in steps))
EXIT_REASONS = (
    "lifted",
    "covered_by_floor",
    "retired_out",
    "moved",
    "deceased",
    "not_qualified",
    "withdrawn",
    "false_declaration",
)
MERGED = "merged"
"""The exit reason of a case that went into another: said by a link, never by a step."""
DIFFICULTY_CLASSES = ("deep", "relative", "accidental", "edge", "not_qualified")


@dataclass(frozen=True, slots=True)
class Standing:
    """The roles one agency holds in one case now."""

    roles: frozenset[str]

    @property
    def strongest(self) -> str | None:
        return next((role for role in PARTICIPANT_ROLES if role in self.roles), None)


def next_status(current: str, step: str) -> str:
    """The status after `step`. Raises InvalidTransition with the steps that `current` allows."""
    allowed = TRANSITIONS[current]
    if step not in allowed:
        raise InvalidTransition(current, tuple(allowed))
    return allowed[step]


_SAID_WITH = {"activate": ("difficulty_class", "text"), "close": ("exit_reason", "text")}


def check_step_words(step: str, *, difficulty_class: str | None, exit_reason: str | None, text: str | None) -> None:
    """Closing has an exit reason and a text; nothing is said with a step that it would ignore. Raises
    ValidationFailed.
    """
    said = {"difficulty_class": difficulty_class, "exit_reason": exit_reason, "text": text}
    allowed = _SAID_WITH.get(step, ("text",))
    errors = [
        FieldError(f"/{name}", "not-with-this-step") for name, value in said.items() if value and name not in allowed
    ]
    if step == "close" and exit_reason not in EXIT_REASONS:
        code = "required" if exit_reason is None else "not-a-known-code"
        errors.append(FieldError("/exit_reason", code, {"allowed": ", ".join(EXIT_REASONS)}))
    if step == "close" and not text:
        errors.append(FieldError("/text", "required"))
    if errors:
        raise ValidationFailed(*errors)


def is_active(status: str) -> bool:
    """Whether a household with this case may have no second one."""
    return status != "closed"
