"""Certificates of the caller's own staff: matters may ask for one."""

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from actions import qualifications as verbs
from actions.staff import seen_staff
from api.deps import Writing, reads, writes
from api.params import Uuid
from api.schemas.qualifications import QualificationIn, Qualifications, QualificationShown
from api.schemas.reports import utc, utc_or_none
from api.strict_json import StrictRouter
from db.queries import qualifications
from db.transaction import Tx

router = StrictRouter("/v1/staff", tags=["accounts"])


@router.get("/{staff_id}/qualifications", operation_id="list_qualifications")
async def get_qualifications(staff_id: Uuid, tx: Annotated[Tx, reads()]) -> Qualifications:
    """List the certificates of a staff member, oldest first, revoked ones too."""
    await seen_staff(tx, staff_id)
    return await _of(tx, staff_id)


async def _of(tx: Tx, staff_id: UUID) -> Qualifications:
    return Qualifications(
        data=[
            QualificationShown.model_validate(
                dict(row)
                | {
                    "recorded_at": utc(row["recorded_at"]),
                    "revoked_at": utc_or_none(row["revoked_at"]),
                }
            )
            for row in await qualifications.of_staff(tx, staff_id)
        ]
    )


@router.post(
    "/{staff_id}/qualifications",
    operation_id="record_qualification",
    status_code=201,
    response_model=Qualifications,
)
async def post_qualification(staff_id: Uuid, said: QualificationIn, writing: Annotated[Writing, writes()]) -> Response:
    """Record the result of an exam: area, certificate, its days. It counts from the holder's next request."""
    await verbs.record_qualification(
        writing.tx,
        staff_id,
        verbs.QualificationSaid(
            said.area.value, said.result.value, said.certificate, said.valid_from, said.valid_until
        ),
    )
    shown = await _of(writing.tx, staff_id)
    return await writing.answer(shown, status=201, location=f"/v1/staff/{staff_id}/qualifications")


@router.post(
    "/{staff_id}/qualifications/{qualification_id}/revoke",
    operation_id="revoke_qualification",
    response_model=Qualifications,
)
async def post_revocation(staff_id: Uuid, qualification_id: Uuid, writing: Annotated[Writing, writes()]) -> Response:
    """End a certificate before its time. It stays in the list, revoked."""
    await verbs.revoke_qualification(writing.tx, staff_id, qualification_id)
    return await writing.answer(await _of(writing.tx, staff_id))
