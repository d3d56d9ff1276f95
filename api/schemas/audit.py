"""audit log: leaves, proofs, checkpoints and witnesses as they cross the wire. Hashes are standard base64."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from api.schemas.base import StrictModel

HashText = Annotated[str, Field(description="32 bytes in base64")]
VkeyText = Annotated[
    str,
    StringConstraints(strict=True, min_length=50, max_length=400, pattern=r"^\S+$"),
    Field(description="public key as signed-note tools write it: name+id+base64 of 0x04 and 32 bytes of Ed25519"),
]
CosignatureText = Annotated[
    str,
    StringConstraints(strict=True, min_length=100, max_length=500, pattern=r"^\u2014 \S+ \S+\n?$"),
    Field(description="one signature line of a signed note: em dash, name, base64"),
]


class LeafShown(BaseModel):
    """One audit leaf. `leaf` and `salt` open `commitment`: the hash named by `algorithm` over 0x00, the salt and the
    leaf as canonical JSON (keys sorted, no blanks, UTF-8). Both are null once erased. `index` is null until the leaf is
    sealed."""

    id: UUID
    leaf: dict[str, Any] | None
    salt: str | None
    algorithm: str
    commitment: str
    erased_at: datetime | None
    index: int | None


class InclusionProof(BaseModel):
    """Proof that the entry at `index` stands in the tree of `size` (RFC 6962 §2.1.1), lowest hash first."""

    index: int
    size: int
    root: HashText
    leaf_hash: HashText
    hashes: list[HashText]


class LeafWithProof(LeafShown):
    """The leaf with its proof to the latest checkpoint, which stands beside it with its cosignatures; both null until
    the leaf is sealed."""

    proof: InclusionProof | None
    checkpoint: str | None


class ConsistencyProof(BaseModel):
    """Proof that the tree of `to_size` begins with that of `from_size` (RFC 6962 §2.1.2)."""

    from_size: int
    to_size: int
    from_root: HashText
    to_root: HashText
    hashes: list[HashText]


class CheckpointShown(BaseModel):
    """A checkpoint in JSON; `note` is the signed text with all cosignatures, as the plain form answers it."""

    origin: str
    hash: str
    size: int
    root: HashText
    signed_at: datetime
    note: str


class LogKeyShown(BaseModel):
    """A key the log signs or signed with, from `since_size` on."""

    key: str
    since_size: int
    listed_at: datetime


class WitnessIn(StrictModel):
    """A witness of the caller's agency."""

    key: VkeyText


class WitnessShown(BaseModel):
    """A witness: a partner's key that cosigns checkpoints. Revoked ones stay listed for old cosignatures."""

    id: UUID
    agency_id: UUID
    agency_name: str
    name: str
    key: str
    created_at: datetime
    revoked_at: datetime | None
    version: int


class LogShown(BaseModel):
    """Everything it takes to verify: the log's name, its hash, its keys, its witnesses."""

    origin: str
    hash: str
    keys: list[LogKeyShown]
    witnesses: list[WitnessShown]


class CosignatureIn(StrictModel):
    """A cosignature (C2SP cosignature/v1) of one of the caller's witnesses."""

    cosignature: CosignatureText


class CosignatureShown(BaseModel):
    size: int
    cosigned_at: datetime
