"""Who writes to an inbound source: judged on the raw bytes, before anything of them is read.

Whatever is wrong, the answer is one 401 and the work is the same: an unknown source is judged against secrets that
nobody has, and signature, token and certificate are all looked at whatever kind the source is of.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg
from fastapi import Request

from actions.inbound import caller_for
from actions.inbound_sources import secret_context
from api.services import Services
from crypto.client_secrets import hash_secret
from crypto.fields import FieldCipher, SealBroken
from crypto.webhooks import verify
from db.queries.inbound_sources import source_to_judge
from db.transaction import Caller, open_system_transaction
from rules.client_addresses import is_trusted_peer
from rules.errors import IdempotencyMissing, MalformedRequest, NotAuthenticated
from rules.inbound import SourceKind

_KEY = re.compile(r'([A-Za-z0-9._:-]{16,128})|"([A-Za-z0-9._:-]{16,128})"')
_MAX_CERTIFICATE = 16_384
_NOBODYS_SECRET: Final = secrets.token_bytes(32)
_NOBODYS_DIGEST: Final = secrets.token_bytes(32)


class Unproven(NotAuthenticated):
    """The sender of an inbound request has not proved itself, for whatever reason."""

    def __init__(self) -> None:
        super().__init__(reason="inbound")


@dataclass(frozen=True, slots=True)
class Sender:
    """A source that has proved itself, and as whom it acts."""

    source_id: UUID
    kind: SourceKind
    caller: Caller


async def prove_sender(request: Request, services: Services, source_id: UUID, signed: bytes) -> Sender:
    """The sender of a request whose signature, where it signs, is over `signed`; spends one of the source's budget.

    Three statements. Raises Unproven for whatever is wrong, QuotaExceeded.
    """
    async with open_system_transaction(services.database) as raw:
        source = await source_to_judge(raw, source_id)
    proofs = {
        SourceKind.standard_webhooks: _is_signed(request, signed, _secrets_of(services, source_id, source)),
        SourceKind.bearer: _is_one_of(_token_digest(request), _digests_of(source)),
        SourceKind.mtls: _is_one_of(_certificate_digest(request, services), _digests_of(source)),
    }
    if source is None or not proofs[SourceKind(source["kind"])]:
        raise Unproven
    await services.inbound_limiter.spend(source_id, request.state.answer_headers)
    caller = caller_for(
        source_id,
        client_id=source["client_id"],
        agency_id=source["agency_id"],
        request_id=request.state.request_id,
    )
    request.state.client_id = str(source["client_id"])
    return Sender(source_id, SourceKind(source["kind"]), caller)


def message_id_of(request: Request, kind: SourceKind) -> str:
    """The sender's own id of a message: `webhook-id` where it signs, else `Idempotency-Key`. Raises IdempotencyMissing,
    MalformedRequest."""
    if kind is SourceKind.standard_webhooks:
        return request.headers["webhook-id"]  # signed, so it is there and well formed
    given = request.headers.get("idempotency-key")
    if given is None:
        raise IdempotencyMissing
    match = _KEY.fullmatch(given)
    if match is None:
        raise MalformedRequest("idempotency-key")
    return match[1] or match[2]


def _secrets_of(services: Services, source_id: UUID, source: asyncpg.Record | None) -> list[bytes]:
    """Two secrets to try, always: the live ones, and nobody's for those that are missing."""
    sealed = [] if source is None else [source["secret"], source["previous_secret"]]
    opened = [_opened(services.vault.cipher, source_id, one) for one in sealed if one is not None]
    return [*opened, _NOBODYS_SECRET, _NOBODYS_SECRET][:2]


def _opened(cipher: FieldCipher, source_id: UUID, sealed: bytes) -> bytes:
    try:
        return cipher.open_bytes(sealed, secret_context(source_id))
    except SealBroken:
        return _NOBODYS_SECRET


def _digests_of(source: asyncpg.Record | None) -> list[bytes]:
    found = [] if source is None else [source["digest"], source["previous_digest"]]
    return [*(one for one in found if one is not None), _NOBODYS_DIGEST, _NOBODYS_DIGEST][:2]


def _is_signed(request: Request, signed: bytes, keys: list[bytes]) -> bool:
    verdicts = [
        verify(
            message_id=request.headers.get("webhook-id", ""),
            timestamp_text=request.headers.get("webhook-timestamp", ""),
            signature_header=request.headers.get("webhook-signature", ""),
            body=signed,
            now=int(datetime.now(UTC).timestamp()),
            secret=key,
            public_key=None,
        )
        for key in keys
    ]
    return any(verdicts)  # of a list: both are tried, so the time does not tell which one was good


def _is_one_of(digest: bytes, known: list[bytes]) -> bool:
    verdicts = [hmac.compare_digest(digest, one) for one in known]
    return any(verdicts)


def _token_digest(request: Request) -> bytes:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return hash_secret(token.strip() if scheme.lower() == "bearer" else "")


def _certificate_digest(request: Request, services: Services) -> bytes:
    """SHA-256 of the certificate that a trusted proxy says it was shown (RFC 9440: `Client-Cert`, DER as a byte
    sequence); of nothing where anybody else says so, or says it twice."""
    peer = request.client.host if request.client else None
    given = request.headers.getlist("client-cert")
    believed = len(given) == 1 and is_trusted_peer(peer, services.trusted_proxies)
    return hashlib.sha256(_der(given[0]) if believed else b"").digest()


def _der(text: str) -> bytes:
    if len(text) > _MAX_CERTIFICATE or len(text) < 3 or not text.startswith(":") or not text.endswith(":"):
        return b""
    try:
        return base64.b64decode(text[1:-1], validate=True)
    except binascii.Error:
        return b""
