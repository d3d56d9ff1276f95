"""The caller itself: who it is here, its password, its second factor."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from actions import credentials as verbs
from api.deps import CallerDep, ServicesDep, Writing, reads, writes
from api.schemas.credentials import FactorCode, FactorShown, MeShown, PasswordChange, RecoveryCodesShown
from api.schemas.reports import utc_or_none
from api.strict_json import StrictRouter
from api.tries import count_of_account, given_back, settled, taken
from crypto.second_factors import totp_text, totp_uri
from db.transaction import Tx, open_transaction
from rules.errors import FieldError, QuotaExceeded, TemporaryReducedCapacity, ValidationFailed
from rules.passwords import password_fault

router = StrictRouter("/v1/me", tags=["accounts"])

Own = Annotated[Writing, writes()]


@router.get("", operation_id="read_me")
async def read_me(tx: Annotated[Tx, reads()]) -> MeShown:
    """Read who the caller is and what it may do now."""
    caller = tx.caller
    return MeShown(
        kind=caller.kind,
        id=caller.principal_id,
        agency_id=caller.agency_id,
        roles=sorted(tx.rights.roles),
        scopes=sorted(tx.rights.scopes),
        device_id=caller.session_id,
        signed_in_at=utc_or_none(caller.auth_time),
        second_factor=caller.second_factor,
    )


@dataclass(frozen=True, slots=True)
class _Hashed:
    """A change of password, its hashes made before the transaction: they take long."""

    matches: bool
    new_hash: str = field(repr=False)


async def _hashed(change: PasswordChange, request: Request, services: ServicesDep, caller: CallerDep) -> _Hashed:
    async with open_transaction(services.database, caller) as tx:
        held = await verbs.own_credential(tx)
    fault = password_fault(change.new_password, about=(held["login"], held["agency_code"]))
    if fault is not None:
        raise ValidationFailed(FieldError("/new_password", fault))
    count = count_of_account(services, request, f"password\n{caller.principal_id}", device=str(caller.session_id))
    wait = await taken(services, count)
    if wait:
        raise QuotaExceeded(retry_after=wait)
    try:
        matches = await services.passwords.matches(change.current_password, held["password_hash"])
    except TemporaryReducedCapacity:
        await given_back(services, count)
        raise
    if matches:
        await settled(services, count)
    return _Hashed(matches, await services.passwords.hash(change.new_password) if matches else "")


@router.post("/password", operation_id="change_password", status_code=204)
async def post_password(hashed: Annotated[_Hashed, Depends(_hashed)], writing: Own) -> Response:
    """Change the own password; every other device of the person is signed out."""
    if not hashed.matches:
        raise ValidationFailed(FieldError("/current_password", "wrong-password"))
    await verbs.change_password(writing.tx, hashed.new_hash)
    return await writing.answer(None, status=204)


@router.post("/second-factor", operation_id="begin_second_factor", status_code=201, response_model=FactorShown)
async def post_second_factor(writing: Own) -> Response:
    """Begin a new second factor: it is in force once a code of it is shown. Needs a sign-in within five minutes."""
    factor = await verbs.begin_second_factor(writing.tx)
    uri = totp_uri(factor.secret, account=factor.account, issuer="Tongli")
    return await writing.answer(FactorShown(secret=totp_text(factor.secret), uri=uri), status=201)


@router.post("/second-factor/confirm", operation_id="confirm_second_factor", response_model=RecoveryCodesShown)
async def post_confirmation(given: FactorCode, writing: Own) -> Response:
    """Put the new second factor in force with its first code; old recovery codes are void, new ones come with this.

    Needs a sign-in within five minutes; every other device of the person is signed out.
    """
    codes = await verbs.confirm_second_factor(writing.tx, given.code)
    return await writing.answer(RecoveryCodesShown(recovery_codes=codes))
