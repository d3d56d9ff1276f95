"""What a reader of the feed asks for in the query: types, kinds of case, places."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query, Request

from api.deps import ASKED, Asked, CallerDep, ServicesDep
from api.feed import Feed
from rules.envelopes import is_pattern
from rules.errors import FieldError, ValidationFailed
from rules.selections import Selection

Types = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=1000,
        pattern=r"^[a-z_.*]+(?:,[a-z_.*]+)*$",
        description="event types, `noun.*`, or `*`, by comma; default: all",
    ),
]
CaseKinds = Annotated[
    str | None,
    Query(pattern=r"^(?:household|employer)(?:,(?:household|employer))?$", description="kinds of case, by comma"),
]
Divisions = Annotated[
    str | None,
    Query(
        max_length=699,
        pattern=r"^[0-9]{6}(?:,[0-9]{6})*$",
        description="codes of provinces, cities or counties, by comma. What happens in a case of which the agency may "
        "not know where it is comes in any case",
    ),
]


def selection_asked(types: Types = None, case_kinds: CaseKinds = None, divisions: Divisions = None) -> Selection:
    """What the query asks for, each part sorted. Raises ValidationFailed."""
    wanted = Selection(_parts(types or "*"), _parts(case_kinds), _parts(divisions))
    if not all(is_pattern(pattern) for pattern in wanted.types):
        raise ValidationFailed(FieldError("query:types", "unknown-event-type"))
    return wanted


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(sorted(set(text.split(",")))) if text else ()


async def feed_of(
    request: Request,
    services: ServicesDep,
    caller: CallerDep,
    selection: Annotated[Selection, Depends(selection_asked)],
) -> Feed:
    """The caller's feed under its selection, until its token ends. No statement."""
    token = request.headers["authorization"].partition(" ")[2].strip()
    claims = services.tokens.verify(token, datetime.now(UTC))
    return Feed(services, caller, selection=selection, ends_at=claims.expires_at)


ASKED[feed_of] = Asked()
