"""The state table of docs: status → step → (next status, who may). Written from the domain model, not from the code."""

PARTIES = ("sender", "receiver", "coordinator")

_SENDER, _RECEIVER, _COORDINATOR = ("sender",), ("receiver",), ("coordinator",)
_ALL = ("sender", "receiver", "coordinator")

MOVES: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
    "draft": {"send": ("requested", _SENDER), "void": ("entered_in_error", _SENDER)},
    "requested": {
        "receive": ("requested", _RECEIVER),
        "accept": ("accepted", _RECEIVER),
        "reject": ("rejected", _RECEIVER),
        "return": ("returned", _RECEIVER),
        "cancel": ("cancelled", _ALL),
        "void": ("entered_in_error", _SENDER),
    },
    "returned": {
        "resubmit": ("requested", _SENDER),
        "dispute": ("returned", _SENDER),
        "cancel": ("cancelled", ("sender", "coordinator")),
        "void": ("entered_in_error", _SENDER),
    },
    "accepted": {
        "start": ("in_progress", _RECEIVER),
        "hold": ("on_hold", _RECEIVER),
        "return": ("returned", _RECEIVER),
        "extend": ("accepted", _RECEIVER),
        "cancel": ("cancelled", _ALL),
        "fail": ("failed", _RECEIVER),
        "void": ("entered_in_error", _COORDINATOR),
    },
    "in_progress": {
        "hold": ("on_hold", _RECEIVER),
        "complete": ("completed", _RECEIVER),
        "fail": ("failed", _RECEIVER),
        "extend": ("in_progress", _RECEIVER),
        "cancel": ("cancelled", _ALL),
        "void": ("entered_in_error", _COORDINATOR),
    },
    "on_hold": {
        "resume": ("in_progress", _RECEIVER),
        "extend": ("on_hold", _RECEIVER),
        "cancel": ("cancelled", _ALL),
        "fail": ("failed", _RECEIVER),
        "void": ("entered_in_error", _COORDINATOR),
    },
    "completed": {},
    "rejected": {"dispute": ("rejected", _SENDER)},
    "cancelled": {},
    "failed": {},
    "expired": {},
    "entered_in_error": {},
}
"""As a referral stands that was never returned, extended or received, of a matter without statutory duty."""

STEPS = (
    *("send", "receive", "accept", "reject", "return", "resubmit", "start", "hold"),
    *("resume", "extend", "dispute", "complete", "fail", "cancel", "void"),
)


def allowed_to(status: str, party: str) -> set[str]:
    return {name for name, (_, by) in MOVES[status].items() if party in by}
