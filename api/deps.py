"""What a route asks for: who calls, a transaction to read in, a transaction to write in.

    async def read_case(case_id: Uuid, tx: Annotated[Tx, reads()]) -> CaseSummary
    async def accept(…, writing: Annotated[Writing, writes()]) -> Response

What a route demands of its caller is not said here and not in the route: `rules.rights.OPERATIONS` says it for the
route's operation id, and a route without a line there answers nobody.

Order inside a write: authorise, replay a known key, check If-Match, act in a savepoint (so that a business 409 or 422
is kept with its key), keep the answer, commit, answer. The dependencies have function scope: the commit precedes the
answer.
"""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from starlette.responses import Response

from actions.idempotency import Answer, Key, claim_key, keep_answer, key_for
from api.errors import answer as answer_to_error
from api.limits import spend_sensitive
from api.services import Services, services_of
from api.strict_json import canonical
from db.transaction import Caller, Tx, open_transaction
from rules.errors import (
    Conflict,
    IdempotencyInProgress,
    IdempotencyMissing,
    MalformedRequest,
    NotAuthenticated,
    PreconditionRequired,
    TongliError,
    ValidationFailed,
)
from rules.limits import Budget
from rules.purposes import Purpose
from rules.rights import OPERATIONS, Operation

ServicesDep = Annotated[Services, Depends(services_of)]

# No long run of digits: an identity number or a phone in these headers would be kept in the audit.
_ACTOR = re.compile(r"(?!.*[0-9]{7})[A-Za-z0-9._:-]{1,64}")
_KEY = re.compile(r'([A-Za-z0-9._:-]{16,128})|"([A-Za-z0-9._:-]{16,128})"')
_TAG = re.compile(r'"v(\d{1,9})(?:-[A-Za-z0-9_-]+)?"')


async def caller_of(
    request: Request,
    services: ServicesDep,
    authorization: Annotated[str | None, Header(include_in_schema=False)] = None,
    actor: Annotated[
        str | None, Header(alias="Tongli-Actor", description="pseudonym of the machine caller's own operator")
    ] = None,
) -> Caller:
    """Who calls, from the bearer token; spends one request of its budget. No SQL but for a new block of budget."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated(reason="missing")
    claims = services.tokens.verify(token.strip(), datetime.now(UTC))
    if actor is not None and not _ACTOR.fullmatch(actor):
        raise MalformedRequest("actor")
    request.state.client_id = str(claims.client_id)
    await services.limiter.spend(claims.principal_id, request.state.answer_headers)
    return Caller(
        kind="client" if claims.principal_kind == "client" else "staff",
        principal_id=claims.principal_id,
        agency_id=claims.agency_id,
        client_id=claims.client_id,
        scopes=claims.scopes,
        request_id=request.state.request_id,
        actor=actor,
        session_id=claims.session_id,
        auth_time=claims.auth_time,
        second_factor=claims.second_factor,
    )


async def _purpose(
    purpose: Annotated[
        str | None,
        Header(
            alias="Tongli-Purpose",
            description="why sensitive fields are read, from the code list `purpose`; recorded in the audit",
        ),
    ] = None,
) -> str | None:
    if purpose is not None and purpose not in Purpose.__members__:
        raise MalformedRequest("purpose")
    return purpose


CallerDep = Annotated[Caller, Depends(caller_of)]
PurposeDep = Annotated[str | None, Depends(_purpose)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a dependency asks of a request, for the API document: a write, an Idempotency-Key."""

    writes: bool = False
    key_required: bool = False


ASKED: dict[Callable[..., object], Asked] = {}


def _asking(dependency: Callable[..., object], asked: Asked) -> Any:
    """FastAPI's marker of a dependency with function scope."""
    ASKED[dependency] = asked
    return Depends(dependency, scope="function")


def operation_of(request: Request) -> Operation:
    """What the rights model says of the route that was asked for."""
    return OPERATIONS[request.scope["route"].operation_id]


def spends(budget: Budget) -> Any:
    """Takes one token of a sensitive operation's own budget, whatever becomes of the request."""

    async def spend(request: Request, services: ServicesDep, caller: CallerDep) -> None:
        await spend_sensitive(services.database, caller.principal_id, budget, request.state.answer_headers)

    return Depends(spend, scope="function")


async def spend_report(request: Request, services: ServicesDep, caller: CallerDep) -> None:
    """Takes one report from the caller's budget of them."""
    await services.report_limiter.spend(caller.principal_id, request.state.answer_headers)


def reads() -> Any:
    """A read-only transaction of a caller who may ask for this operation."""

    async def open_reading(request: Request, services: ServicesDep, caller: CallerDep) -> AsyncIterator[Tx]:
        operation = operation_of(request)
        async with open_transaction(services.database, caller, operation=operation, read_only=True) as tx:
            yield tx

    return _asking(open_reading, Asked())


def reads_with_mark() -> Any:
    """A transaction for a sensitive read: it may leave an audit mark and knows the purpose, where one was named."""

    async def open_marked_reading(
        request: Request, services: ServicesDep, caller: CallerDep, purpose: PurposeDep
    ) -> AsyncIterator[Tx]:
        operation = operation_of(request)
        async with open_transaction(services.database, caller, purpose=purpose, operation=operation) as tx:
            yield tx

    return _asking(open_marked_reading, Asked())


@dataclass(slots=True)
class Writing:
    """One write on its way: the transaction, the If-Match of the request, and how it is answered."""

    tx: Tx
    request: Request
    if_match: str | None
    key: Key | None
    given: Answer | None = field(default=None)

    @property
    def body(self) -> bytes:
        """What was sent, as canonical JSON."""
        return canonical(self.request.state.json)

    def expected_version(self) -> int:
        """The version of `If-Match`. Raises PreconditionRequired without one (also for `*`: it would match
        anything).
        """
        tag = _TAG.fullmatch(self.if_match or "")
        if tag is None:
            raise PreconditionRequired
        return int(tag[1])

    async def answer(
        self, shown: BaseModel | None, *, status: int = 200, location: str | None = None, version: int | None = None
    ) -> Response:
        """The answer, kept with the request's key. Cost: one statement where there is a key."""
        headers = {"location": location, "etag": None if version is None else f'"v{version}"'}
        kept = {name: value for name, value in headers.items() if value is not None}
        body = b"" if shown is None else shown.model_dump_json().encode()
        self.given = Answer(status, kept, body)
        return as_response(self.given)


def as_response(given: Answer, *, replayed: bool = False) -> Response:
    headers = given.headers | ({"idempotency-replayed": "true"} if replayed else {})
    media_type = headers.pop("content-type", "application/json" if given.body else None)
    return Response(given.body, status_code=given.status, headers=headers, media_type=media_type)


class Replayed(Exception):  # noqa: N818  not a failure: the request was done before
    """Ends a request whose key is known with the answer it got then."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("replayed")
        self.answer = answer


def writes(*, key_required: bool = True) -> Any:
    """A write of a caller who may ask for it. `key_required` is false for methods that are idempotent by themselves."""

    async def open_writing(  # noqa: PLR0917  its parameters are headers, as a route's are
        request: Request,
        services: ServicesDep,
        caller: CallerDep,
        purpose: PurposeDep,
        idempotency_key: Annotated[str | None, Header(description="16 to 128 of A-Z a-z 0-9 . _ : -")] = None,
        if_match: Annotated[str | None, Header(description="the entity tag the change is based on")] = None,
    ) -> AsyncIterator[Writing]:
        refusal: TongliError | None = None
        operation = operation_of(request)
        async with open_transaction(services.database, caller, purpose=purpose, operation=operation) as tx:
            key = _key(request, tx, idempotency_key, required=key_required)
            done = await claim_key(tx, key) if key else None
            if done is not None:
                raise Replayed(done)
            writing = Writing(tx, request, if_match, key)
            try:
                async with tx.savepoint():
                    yield writing
            except TongliError as error:
                if key is None or not _is_kept(error):
                    raise
                refusal = error
                writing.given = _refusal_answer(request, services, error)
            if key is not None and writing.given is not None:
                await keep_answer(tx, key, writing.given)
        if refusal is not None:
            raise refusal

    return _asking(open_writing, Asked(writes=True, key_required=key_required))


def _key(request: Request, tx: Tx, given: str | None, *, required: bool) -> Key | None:
    if given is None:
        if required:
            raise IdempotencyMissing
        return None
    match = _KEY.fullmatch(given)
    if match is None:
        raise MalformedRequest("idempotency-key")
    body = canonical(request.state.json)
    return key_for(tx, method=request.method, path=request.scope["path"], key=match[1] or match[2], body=body)


def _is_kept(error: TongliError) -> bool:
    """Business refusals are the answer to a key; what may differ next time (rights, limits, trouble) is not."""
    return isinstance(error, Conflict | ValidationFailed) and not isinstance(error, IdempotencyInProgress)


def _refusal_answer(request: Request, services: Services, error: TongliError) -> Answer:
    response = answer_to_error(error, request.scope, services.public_url)
    kept = {name: value for name, value in response.headers.items() if name in ("content-type", "content-language")}
    return Answer(response.status_code, kept, bytes(response.body))


async def answer_replay(_request: Request, replayed: Exception) -> Response:
    """Exception handler of Replayed."""
    assert isinstance(replayed, Replayed)
    return as_response(replayed.answer, replayed=True)
