"""Human accounts of the caller's agency, for its administrators."""

from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import Request
from starlette.responses import Response

from actions import credentials
from actions import staff as verbs
from api.conditional import not_modified
from api.deps import ServicesDep, Writing, reads, writes
from api.key_listing import answer_key_page, open_key_cursor
from api.listing import Position
from api.paging import Cursor, Limit, Page
from api.params import MergePatchBody, Uuid
from api.schemas.reports import utc, utc_or_none
from api.schemas.staff import EnrolmentIn, EnrolmentShown, StaffChange, StaffIn, StaffShown
from api.strict_json import StrictRouter
from db.queries import accounts
from db.transaction import Tx

router = StrictRouter("/v1/staff", tags=["accounts"])

Admin = Annotated[Writing, writes()]


def _shown(person: asyncpg.Record) -> StaffShown:
    revoked = person["revoked_at"]
    return StaffShown(
        id=person["id"],
        login=person["login"],
        name=person["name"],
        roles=person["roles"],
        status=person["status"],
        created_at=utc(person["created_at"]),
        revoked_at=utc_or_none(revoked),
        version=person["version"],
    )


@router.get("", operation_id="list_staff", response_model=Page[StaffShown])
async def list_staff(
    *,
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the agency's staff, newest first, revoked accounts too."""
    position = Position.of(tx, "staff")
    after = open_key_cursor(services, position, cursor)
    rows = await accounts.list_staff(tx, after=UUID(after) if after else None, limit=limit + 1)
    shown = [_shown(row) for row in rows]
    return answer_key_page(request, services, position, shown, limit=limit, key=lambda last: str(last.id))


@router.get("/{staff_id}", operation_id="read_staff", response_model=StaffShown)
async def get_staff(staff_id: Uuid, request: Request, tx: Annotated[Tx, reads()]) -> Response:
    """Read a human account."""
    person = await verbs.seen_staff(tx, staff_id)
    return not_modified(request, _shown(person), version=person["version"], projection="")


@router.post("", operation_id="open_staff", status_code=201, response_model=StaffShown)
async def post_staff(person: StaffIn, writing: Admin) -> Response:
    """Open a human account. Union roles are for unions; the operator's role is not given here."""
    opened = await verbs.open_staff(writing.tx, login=person.login, name=person.name, roles=person.roles)
    location = f"/v1/staff/{opened['id']}"
    return await writing.answer(_shown(opened), status=201, location=location, version=opened["version"])


@router.patch("/{staff_id}", operation_id="change_staff", response_model=StaffShown)
async def patch_staff(
    staff_id: Uuid,
    change: Annotated[StaffChange, MergePatchBody],
    writing: Annotated[Writing, writes(key_required=False)],
) -> Response:
    """Change name or roles. Needs `If-Match`."""
    given = change.model_fields_set
    person = await verbs.change_staff(
        writing.tx,
        staff_id,
        version=writing.expected_version(),
        name=change.name if "name" in given else None,
        roles=change.roles if "roles" in given else None,
    )
    return await writing.answer(_shown(person), version=person["version"])


@router.post("/{staff_id}/revoke", operation_id="revoke_staff", response_model=StaffShown)
async def post_revocation(staff_id: Uuid, writing: Admin) -> Response:
    """End the account for good; its next request is refused. Needs `If-Match`."""
    person = await verbs.revoke_staff(writing.tx, staff_id, version=writing.expected_version())
    return await writing.answer(_shown(person), version=person["version"])


@router.post("/{staff_id}/enrolment", operation_id="invite_staff", status_code=201, response_model=EnrolmentShown)
async def post_enrolment(staff_id: Uuid, asked: EnrolmentIn, services: ServicesDep, writing: Admin) -> Response:
    """Invite a person to choose a password, or to choose another: the code works once, for 72 hours.

    A password it has is void at once, and all its devices are signed out.
    """
    given = await credentials.invite(writing.tx, staff_id, reset_second_factor=asked.reset_second_factor)
    shown = EnrolmentShown(
        staff_id=staff_id,
        enrolment_code=given.code,
        enrolment_url=f"{services.public_url}/oauth/enrol",
        expires_at=utc(given.expires_at),
    )
    return await writing.answer(shown, status=201, location=f"/v1/staff/{staff_id}")
