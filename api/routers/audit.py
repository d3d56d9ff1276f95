"""The audit log: a partner's own leaves, and the log over everybody's, which reveals nothing."""

from typing import Annotated, Any, Final
from uuid import UUID

import asyncpg
from fastapi import Path, Query, Request
from starlette.responses import Response

from actions import audit as verbs
from actions import witnesses
from api.conditional import not_modified
from api.deps import ServicesDep, Writing, reads, reads_with_mark, writes
from api.key_listing import answer_key_page, open_key_cursor
from api.listing import NEWEST, Position
from api.paging import Cursor, Limit, Page
from api.params import Instant, Uuid, WholeNumber
from api.proofs import Tree, encoded
from api.schemas.audit import (
    CheckpointShown,
    ConsistencyProof,
    CosignatureIn,
    CosignatureShown,
    InclusionProof,
    LeafShown,
    LeafWithProof,
    LogKeyShown,
    LogShown,
    WitnessIn,
    WitnessShown,
)
from api.schemas.reports import utc, utc_or_none
from api.strict_json import StrictRouter
from db.queries import audit
from db.transaction import Tx
from rules.audit import SEALED_WITHIN_S, entry_of, stored_leaf
from rules.errors import Hidden, Unavailable
from rules.merkle import HASH_BYTES, TILE_WIDTH, TileAt, bundle, read_tile_path, width_of

router = StrictRouter("/v1/audit", tags=["audit"])

_NOTE: Final = "text/plain; charset=utf-8"
_BYTES: Final = "application/octet-stream"
_IMMUTABLE: Final = {"cache-control": "private, max-age=31536000, immutable"}
_NOTE_CONTENT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}}
}
_BINARY: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {_BYTES: {"schema": {"type": "string", "format": "binary"}}}}
}


class TileResponse(Response):
    """Bytes that never change."""

    media_type = _BYTES


Partner = Annotated[Tx, reads()]
Admin = Annotated[Writing, writes()]
Witness = Annotated[Writing, writes()]
TilePath = Annotated[str, Path(max_length=64, description="index in parts of three digits, such as x001/x234/067")]
Size = Annotated[WholeNumber | None, Query(description="tree size; default: the latest checkpoint's")]


def _fields(row: asyncpg.Record) -> dict[str, Any]:
    erased = row["erased_at"]
    return {
        "id": row["id"],
        "leaf": None if erased else stored_leaf(dict(row)),
        "salt": None if row["salt"] is None else row["salt"].hex(),
        "algorithm": row["algorithm"],
        "commitment": row["commitment"].hex(),
        "erased_at": utc_or_none(erased),
        "index": row["index"],
    }


@router.get("/leaves", operation_id="list_audit_leaves", response_model=Page[LeafShown])
async def get_leaves(
    *,
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads_with_mark()],
    action: Annotated[str | None, Query(pattern=r"^[a-z_]{1,40}\.[a-z_]{1,40}$")] = None,
    case_id: Uuid | None = None,
    since: Instant | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the agency's own audit leaves, newest first; with `case_id` those of everybody in a case it coordinates.

    Leaves an audit mark.
    """
    position = Position.of(tx, "audit-leaves", action=action, case_id=case_id, since=since)
    after = open_key_cursor(services, position, cursor)
    wanted = verbs.LeafFilter(action, case_id, since)
    rows = await verbs.list_leaves(tx, wanted, before=UUID(after) if after else NEWEST[1], limit=limit + 1)
    shown = [LeafShown(**_fields(row)) for row in rows]
    return answer_key_page(request, services, position, shown, limit=limit, key=lambda last: str(last.id))


@router.get("/leaves/{leaf_id}", operation_id="read_audit_leaf", response_model=LeafWithProof)
async def get_leaf(leaf_id: Uuid, tx: Annotated[Tx, reads_with_mark()]) -> Response:
    """Read one audit leaf with salt, index and inclusion proof to the latest checkpoint.

    For its agency, and for the coordinator of its case, whose reading leaves a mark. `receipt.leaf_id` of a report
    leads here. Until the leaf is sealed, at most half a minute, `index` is null and `Retry-After` says when to ask
    again.
    """
    row = await verbs.read_leaf(tx, leaf_id)
    if row["index"] is None:
        waiting = LeafWithProof(**_fields(row), proof=None, checkpoint=None)
        return Response(
            waiting.model_dump_json().encode(),
            media_type="application/json",
            headers={"retry-after": str(SEALED_WITHIN_S)},
        )
    tree = await Tree.of(tx)
    proof = await tree.inclusion(row["index"], tree.size)
    shown = LeafWithProof(**_fields(row), proof=proof, checkpoint=tree.note)
    return Response(shown.model_dump_json().encode(), media_type="application/json")


@router.get("/log", operation_id="read_audit_log")
async def get_log(tx: Partner) -> LogShown:
    """Read what it takes to verify: origin, hash, every key the log ever signed with, every witness."""
    tree = await Tree.of(tx)
    keys = [
        LogKeyShown(key=row["key"], since_size=row["since_size"], listed_at=utc(row["listed_at"]))
        for row in await audit.keys_of_log(tx)
    ]
    shown = [_witness(row) for row in await audit.witnesses(tx)]
    return LogShown(origin=tree.origin, hash=tree.hash_name, keys=keys, witnesses=shown)


@router.get(
    "/checkpoint", operation_id="read_audit_checkpoint", response_model=CheckpointShown, responses=_NOTE_CONTENT
)
async def get_checkpoint(request: Request, tx: Partner) -> Response:
    """Read the latest checkpoint with all cosignatures.

    A C2SP signed note, or JSON with `Accept: application/json`. Keep it: it is all a later verification needs.
    """
    row = await audit.the_log(tx)
    if row is None:
        raise Unavailable(SEALED_WITHIN_S)
    return _checkpoint(request, row)


@router.get(
    "/checkpoints/{size}",
    operation_id="read_audit_checkpoint_of_size",
    response_model=CheckpointShown,
    responses=_NOTE_CONTENT,
)
async def get_checkpoint_of_size(size: WholeNumber, request: Request, tx: Partner) -> Response:
    """Read the checkpoint that was signed at one size, as the latest one."""
    row = await audit.find_checkpoint(tx, size)
    if row is None:
        raise Hidden
    return _checkpoint(request, row)


def _checkpoint(request: Request, row: asyncpg.Record) -> Response:
    note = row["note"] + row["cosignatures"]
    if "application/json" not in request.headers.get("accept", ""):
        return Response(note.encode(), headers={"content-type": _NOTE})
    shown = CheckpointShown(
        origin=row["origin"],
        hash=row["hash"],
        size=row["size"],
        root=encoded(row["root"]),
        signed_at=utc(row["signed_at"]),
        note=note,
    )
    return Response(shown.model_dump_json().encode(), media_type="application/json")


@router.get("/proofs/inclusion", operation_id="prove_audit_inclusion")
async def get_inclusion(index: WholeNumber, tx: Partner, size: Size = None) -> InclusionProof:
    """Prove that an entry stands in the log: RFC 6962 §2.1.1, for any size the log has had."""
    tree = await Tree.of(tx)
    return await tree.inclusion(index, tree.size if size is None else size)


@router.get("/proofs/consistency", operation_id="prove_audit_consistency")
async def get_consistency(
    from_size: Annotated[WholeNumber, Query(alias="from", description="the older size")],
    tx: Partner,
    to_size: Annotated[
        WholeNumber | None, Query(alias="to", description="the newer size; default: the latest checkpoint's")
    ] = None,
) -> ConsistencyProof:
    """Prove that the log only grew between two sizes: RFC 6962 §2.1.2."""
    tree = await Tree.of(tx)
    return await tree.consistency(from_size, tree.size if to_size is None else to_size)


@router.get(
    "/tile/entries/{place:path}", operation_id="read_audit_entries", response_class=TileResponse, responses=_BINARY
)
async def get_entries(place: TilePath, tx: Partner) -> Response:
    """Read a bundle of entries (C2SP tlog-tiles): each an algorithm's name, a zero byte and a commitment."""
    index, wanted = _tile(place)
    tree = await Tree.of(tx)
    _require_width(TileAt(0, index), wanted, tree.size)
    rows = await audit.entries_between(tx, index * TILE_WIDTH, wanted)
    return _bytes(bundle(entry_of(row["algorithm"], row["commitment"]) for row in rows))


@router.get(
    "/tile/{level}/{place:path}", operation_id="read_audit_tile", response_class=TileResponse, responses=_BINARY
)
async def get_tile(level: WholeNumber, place: TilePath, tx: Partner) -> Response:
    """Read a tile of hashes (C2SP tlog-tiles): `<index>` whole, `<index>.p/<width>` the first hashes of it."""
    index, wanted = _tile(place)
    tree = await Tree.of(tx)
    at = TileAt(level, index)
    _require_width(at, wanted, tree.size)
    tiles = await audit.tiles_for(tx, [at])
    return _bytes(tiles[at][: wanted * HASH_BYTES])


def _tile(place: str) -> tuple[int, int]:
    try:
        return read_tile_path(place)
    except ValueError:
        raise Hidden from None


def _require_width(at: TileAt, wanted: int, size: int) -> None:
    """Raises Hidden for hashes the log has not signed yet."""
    if wanted > width_of(at, size):
        raise Hidden


def _bytes(data: bytes) -> Response:
    return TileResponse(data, headers=_IMMUTABLE)


def _witness(row: asyncpg.Record) -> WitnessShown:
    return WitnessShown(
        created_at=utc(row["created_at"]),
        revoked_at=utc_or_none(row["revoked_at"]),
        **{name: row[name] for name in ("id", "agency_id", "agency_name", "name", "key", "version")},
    )


@router.get("/witnesses/{witness_id}", operation_id="read_audit_witness", response_model=WitnessShown)
async def get_witness(witness_id: Uuid, request: Request, tx: Partner) -> Response:
    """Read a witness."""
    row = await audit.find_witness(tx, witness_id)
    if row is None:
        raise Hidden
    return not_modified(request, _witness(row), version=row["version"], projection="")


@router.post("/witnesses", operation_id="register_audit_witness", status_code=201, response_model=WitnessShown)
async def post_witness(witness: WitnessIn, writing: Admin) -> Response:
    """Register a key of the agency as a witness; from now on the agency's feed tells of each checkpoint."""
    row = await witnesses.register(writing.tx, witness.key)
    location = f"/v1/audit/witnesses/{row['id']}"
    return await writing.answer(_witness(row), status=201, location=location, version=row["version"])


@router.post("/witnesses/{witness_id}/revoke", operation_id="revoke_audit_witness", response_model=WitnessShown)
async def post_witness_revocation(witness_id: Uuid, writing: Admin) -> Response:
    """End a witness: nothing it signs is taken any more, what it cosigned stays. Needs `If-Match`."""
    row = await witnesses.revoke(writing.tx, witness_id, version=writing.expected_version())
    return await writing.answer(_witness(row), version=row["version"])


@router.post(
    "/checkpoints/{size}/cosignatures",
    operation_id="cosign_audit_checkpoint",
    status_code=201,
    response_model=CosignatureShown,
)
async def post_cosignature(size: WholeNumber, given: CosignatureIn, writing: Witness) -> Response:
    """Add the cosignature of one of the agency's witnesses to a checkpoint, which is served with it from then on.

    Cosign only what you have verified: the signature of the log, and its consistency with what you cosigned before.
    """
    made = await witnesses.cosign(writing.tx, size, given.cosignature)
    shown = CosignatureShown(size=size, cosigned_at=made)
    return await writing.answer(shown, status=201, location=f"/v1/audit/checkpoints/{size}")
