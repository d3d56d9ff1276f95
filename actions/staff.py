"""Opens, changes and revokes the human accounts of the acting agency. Names stay inside the agency: no event, no mark
carries one."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from actions.agencies import version_tag
from actions.audit import leave_mark
from crypto.ids import new_id
from db.clock import real_time
from db.queries import accounts
from db.transaction import Tx
from rules.errors import DuplicateRecord, FieldError, Hidden, InvalidTransition, PreconditionFailed, ValidationFailed
from rules.matters import AgencyKind
from rules.rights import OF_OFFICES, OF_UNIONS, STAFF_ROLES, Role

OPERATOR_ROLE = "platform_operator"


def check_roles(roles: Sequence[str], *, agency_kind: str) -> None:
    """Raises ValidationFailed for every role that is unknown, of a union in another agency or the other way
    round, or the operator's."""
    errors = []
    for position, role in enumerate(roles):
        at = f"/roles/{position}"
        if role not in STAFF_ROLES:
            errors.append(FieldError(at, "unknown-role"))
        elif role == OPERATOR_ROLE:
            errors.append(FieldError(at, "operator-only"))
        elif Role(role) in OF_UNIONS and agency_kind != AgencyKind.union:
            errors.append(FieldError(at, "union-only"))
        elif Role(role) in OF_OFFICES and agency_kind == AgencyKind.union:
            errors.append(FieldError(at, "offices-only"))
    if errors:
        raise ValidationFailed(*errors)


async def seen_staff(tx: Tx, staff_id: UUID) -> asyncpg.Record:
    """The staff member. Raises Hidden. One statement."""
    person = await accounts.find_staff(tx, staff_id)
    if person is None:
        raise Hidden
    return person


async def open_staff(tx: Tx, *, login: str, name: str, roles: Sequence[str]) -> asyncpg.Record:
    """Opens an account. Two statements. A login is used once in an agency, also after its account was revoked.

    Raises ValidationFailed, DuplicateRecord.
    """
    check_roles(roles, agency_kind=tx.rights.agency_kind)
    staff_id = new_id()
    if not await accounts.insert_staff(tx, staff_id, login=login, name=name, roles=roles, now=real_time()):
        raise DuplicateRecord(f"/v1/staff/{await accounts.staff_id_of_login(tx, login)}")
    _mark(tx, "open", staff_id, roles=list(roles))
    return await seen_staff(tx, staff_id)


async def change_staff(
    tx: Tx, staff_id: UUID, *, version: int, name: str | None, roles: Sequence[str] | None
) -> asyncpg.Record:
    """Changes name or roles; None leaves them. Three statements. Raises Hidden, PreconditionFailed, InvalidTransition,
    ValidationFailed."""
    before = await _locked(tx, staff_id, version)
    if roles is not None:
        check_roles(roles, agency_kind=tx.rights.agency_kind)
    await accounts.update_staff(tx, staff_id, name=name, roles=roles)
    changed = [field for field, value in (("name", name), ("roles", roles)) if value is not None]
    _mark(tx, "change", staff_id, changed=changed, roles=list(roles or before["roles"]))
    return await seen_staff(tx, staff_id)


async def revoke_staff(tx: Tx, staff_id: UUID, *, version: int) -> asyncpg.Record:
    """Ends an account for good, its tokens included. Three statements. Raises Hidden, PreconditionFailed,
    InvalidTransition."""
    await _locked(tx, staff_id, version)
    await accounts.revoke_staff(tx, staff_id, real_time())
    _mark(tx, "revoke", staff_id)
    return await seen_staff(tx, staff_id)


async def _locked(tx: Tx, staff_id: UUID, version: int) -> asyncpg.Record:
    person = await accounts.lock_staff(tx, staff_id)
    if person is None:
        raise Hidden
    if person["version"] != version:
        raise PreconditionFailed(version_tag(person["version"]))
    if person["status"] != "active":
        raise InvalidTransition(current=person["status"], allowed=())
    return person


def _mark(tx: Tx, verb: str, staff_id: UUID, **facts: object) -> None:
    leave_mark(tx, f"staff.{verb}", subject_type="staff", subject_id=staff_id, facts=facts)
