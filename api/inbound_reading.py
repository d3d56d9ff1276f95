"""Reads what came in by an inbound source with the API's own eyes: the bodies strictly, the documents that a mapping
makes by the schemas of the requests they stand for.

The jobs are handed `ApiReading` by their entrance: they may not import the API, and must not have eyes of their own.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from actions.inbound_effects import Said
from api.errors import field_errors
from api.schemas.case_links import CaseLinkIn
from api.schemas.referrals import ReferralIn, StepIn
from api.schemas.reports import ReportIn
from api.strict_json import canonical, read_json
from rules.case_links import LinkKind, LinkSaid
from rules.errors import FieldError, ValidationFailed
from rules.inbound_conversions import Json

_SCHEMAS: Final[Mapping[str, type[ReportIn | ReferralIn | StepIn]]] = {
    "report": ReportIn,
    "referral": ReferralIn,
    "step": StepIn,
}


class ApiReading:
    """`actions.inbound_effects.Reading`."""

    def body(self, raw: bytes) -> Json:
        return read_json(raw)

    def said(self, target: str, document: Mapping[str, Json]) -> Said:
        try:
            return _SCHEMAS[target].model_validate(document).said()
        except ValidationError as wrong:
            raise ValidationFailed(*field_errors(wrong, document)) from None

    def own_number(self, document: Mapping[str, Json]) -> LinkSaid:
        try:
            return CaseLinkIn.model_validate({"kind": LinkKind.own_number.value, **document}).said()
        except ValidationError as wrong:
            faults = field_errors(wrong, document)
            raise ValidationFailed(*(FieldError(f"/own_number{one.pointer}", one.code) for one in faults)) from None

    def canonical(self, document: Mapping[str, Json]) -> bytes:
        return canonical(dict(document))


READING: Final = ApiReading()
