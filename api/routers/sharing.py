"""Why fields may leave: bases and their withdrawal, and what a receiver sees under them."""

from typing import Annotated

import asyncpg
from starlette.responses import Response

from actions.cases import seen_case
from actions.referral_files import read_people
from actions.revealing import RevealSaid, reveal
from actions.sharing import record_basis, seen_basis, withdraw_basis
from api.deps import Writing, reads, reads_with_mark, spends, writes
from api.params import Uuid
from api.schemas.cases import AgencyName, PersonShown, SharingBasisOut
from api.schemas.reports import SharingBasisIn, utc, utc_or_none
from api.schemas.sharing import (
    PeopleOfReferral,
    Revealed,
    RevealIn,
    SharingBases,
    SharingBasisShown,
    WithdrawalIn,
)
from api.strict_json import StrictRouter
from db.queries import sharing
from db.transaction import Tx
from rules.limits import REVEAL

router = StrictRouter("/v1/sharing-bases", tags=["sharing"])
of_case = StrictRouter("/v1/cases", tags=["sharing"])
of_referral = StrictRouter("/v1/referrals", tags=["sharing"])


def _shown(row: asyncpg.Record) -> SharingBasisShown:
    return SharingBasisShown(
        id=row["id"],
        recorded_by=AgencyName(id=row["agency_id"], name=row["agency_name"]),
        recipient=AgencyName(id=row["recipient_agency_id"], name=row["recipient_name"]),
        kind=row["kind"],
        purpose=row["purpose"],
        field_classes=row["field_classes"],
        text_version=row["text_version"],
        channel=row["channel"],
        given_by=row["given_by"],
        valid_from=utc(row["valid_from"]),
        valid_until=utc_or_none(row["valid_until"]),
        recorded_at=utc(row["recorded_at"]),
        withdrawn_at=utc_or_none(row["withdrawn_at"]),
        withdrawn_by=row["withdrawn_by"],
    )


@of_case.get("/{case_id}/sharing-bases", operation_id="list_sharing_bases")
async def get_bases(case_id: Uuid, tx: Annotated[Tx, reads()]) -> SharingBases:
    """List the recorded bases of a case: all for the coordinator, else those the caller recorded or received."""
    await seen_case(tx, case_id)
    return SharingBases(data=[_shown(row) for row in await sharing.bases_of_case(tx, case_id)])


@of_case.post(
    "/{case_id}/sharing-bases", operation_id="record_sharing_basis", status_code=201, response_model=SharingBasisOut
)
async def post_basis(case_id: Uuid, basis: SharingBasisIn, writing: Annotated[Writing, writes()]) -> Response:
    """Record why fields of this case may go to the named agencies: the person's consent, a statutory duty (of a state
    organ: a union has none), or an emergency of at most 72 hours."""
    await record_basis(writing.tx, case_id, basis.said())
    shown = SharingBasisOut(recorded=len(basis.recipients), kind=basis.kind.value, recipients=basis.recipients)
    return await writing.answer(shown, status=201, location=f"/v1/cases/{case_id}/sharing-bases")


@router.get("/{basis_id}", operation_id="read_sharing_basis")
async def get_basis(basis_id: Uuid, tx: Annotated[Tx, reads()]) -> SharingBasisShown:
    """Read one basis. For whoever recorded it, its recipient and the coordinator."""
    return _shown(await seen_basis(tx, basis_id))


@router.post("/{basis_id}/withdraw", operation_id="withdraw_sharing_basis", response_model=SharingBasisShown)
async def post_withdrawal(basis_id: Uuid, withdrawal: WithdrawalIn, writing: Annotated[Writing, writes()]) -> Response:
    """Withdraw a basis. Nothing leaves under it from then on; the recipient is told by `consent.withdrawn`."""
    basis = await withdraw_basis(writing.tx, basis_id, withdrawn_by=withdrawal.withdrawn_by.value)
    return await writing.answer(_shown(basis))


@of_referral.get("/{referral_id}/people", operation_id="read_people_of_referral")
async def get_people(referral_id: Uuid, tx: Annotated[Tx, reads_with_mark()]) -> PeopleOfReferral:
    """Read the people of an accepted referral's case in the matter's minimum fields, as its receiver.

    Needs `Tongli-Purpose`; leaves an audit mark. Without a basis 403 `consent-missing` names what is lacking.
    """
    opened = await read_people(tx, referral_id)
    return PeopleOfReferral(
        field_classes=sorted(opened.disclosure.classes),
        basis=opened.disclosure.basis_kind or "",
        people=[PersonShown.model_validate(person) for person in opened.people],
        withheld=opened.withheld,
    )


@of_case.post("/{case_id}/reveal", operation_id="reveal_values")
async def post_reveal(
    case_id: Uuid, asked: RevealIn, _spent: Annotated[None, spends(REVEAL)], tx: Annotated[Tx, reads_with_mark()]
) -> Revealed:
    """See masked values of one person in full: as the coordinator, or as the receiver of a named referral.

    Needs `Tongli-Purpose`, a sign-in (a machine's assertion) of the last five minutes, and of a machine the login of
    a staff member in `Tongli-Actor`. Limited by quota, audited, told to the coordinator and, on request, to the person.
    """
    said = RevealSaid(asked.person_id, tuple(dict.fromkeys(asked.fields)), asked.reason.value, asked.referral_id)
    seen = await reveal(tx, case_id, said)
    return Revealed(
        person_id=asked.person_id,
        id_number=seen.values.get("id_number"),
        phones=seen.values.get("phones"),
        bank_account=seen.values.get("bank_account"),
        leaf_id=seen.leaf_id,
    )
