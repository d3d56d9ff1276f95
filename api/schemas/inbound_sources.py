"""inbound_source and inbound_mapping as they cross the wire."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from api.params import CodeText, JsonObject, ShortText, Uuid
from api.schemas.base import StrictModel
from api.schemas.reports import Caution
from rules.inbound import SourceKind

Sha256 = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{64}$")]


class InboundSourceIn(StrictModel):
    """A new source. `client_id`: the agency's account that what comes is done as; without it, the machine that asks.
    `certificate_sha256` for `mtls` only: of the certificate's DER, in hexadecimal."""

    name: ShortText
    kind: SourceKind
    client_id: Uuid | None = None
    certificate_sha256: Sha256 | None = None


class InboundSourceChange(StrictModel):
    """What may be changed. A disabled source takes nothing; what came before is still done."""

    name: ShortText | None = None
    client_id: Uuid | None = None
    status: Literal["active", "disabled"] | None = None

    @model_validator(mode="after")
    def _nothing_removed(self) -> Self:
        """A merge patch removes what is null, and nothing here can be absent."""
        if any(getattr(self, name) is None for name in self.model_fields_set):
            raise PydanticCustomError("required", "a null removes, and this cannot be removed")
        return self


class InboundCredentialIn(StrictModel):
    """For `mtls`, the new certificate; nothing for the other kinds."""

    certificate_sha256: Sha256 | None = None


class InboundRetryIn(StrictModel):
    """Which quarantined receipts are done again: those of one reason, or all."""

    reason: CodeText | None = None


class InboundMappingIn(StrictModel):
    """A new version of the mapping, in the language of docs/integrators/inbound.md."""

    document: JsonObject


class InboundTrialIn(StrictModel):
    """A body as the partner would send it, and the mapping to try; without one, the mapping in use."""

    body: JsonObject
    document: JsonObject | None = None


class InboundSourceShown(BaseModel):
    """A source. `previous_secret_until`: until then the credential before the last one is taken too."""

    id: UUID
    name: str
    kind: str
    status: str
    client_id: UUID
    href: str
    certificate_sha256: str | None
    previous_secret_until: datetime | None
    mapping_version: int | None
    created_at: datetime
    version: int


class InboundSourceOpened(InboundSourceShown):
    """The same with its credential, which is shown this once; null for `mtls`, which has its own."""

    secret: str | None


class InboundMappingRow(BaseModel):
    version: int
    created_at: datetime
    in_use: bool


class InboundMappingShown(BaseModel):
    version: int
    created_at: datetime
    document: dict[str, object]


class InboundTrial(BaseModel):
    """What would be made, and what stands in its way: places in the body (`/body/…`) or in the made document
    (`/made/…`). `reason` is null where nothing does."""

    rule: str | None
    target: str | None
    where: dict[str, object] | None
    step: str | None
    made: dict[str, object] | None
    reason: str | None
    problems: list[Caution]


class InboundRetried(BaseModel):
    """How many receipts wait to be done again."""

    count: int
