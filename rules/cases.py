"""case (个案): its states, its participants' roles, and who coordinates. Pure."""

from dataclasses import dataclass

from rules.errors import InvalidTransition

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


def is_active(status: str) -> bool:
    """Whether a household with this case may have no second one."""
    return status != "closed"
