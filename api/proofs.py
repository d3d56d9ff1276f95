"""Proofs of the audit log, made from its tiles: what a route asks for, at any size the log has had."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from api.schemas.audit import ConsistencyProof, InclusionProof
from crypto.digests import DIGESTS
from db.queries import audit
from db.transaction import Tx
from rules.audit import SEALED_WITHIN_S
from rules.errors import FieldError, Unavailable, ValidationFailed
from rules.merkle import Digest, Node, consistency_nodes, fold, inclusion_nodes, root_nodes, tiles_of


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


@dataclass(frozen=True, slots=True)
class Tree:
    """The log as one transaction sees it, up to its latest checkpoint."""

    tx: Tx
    origin: str
    hash_name: str
    size: int
    note: str

    @classmethod
    async def of(cls, tx: Tx) -> Self:
        """One statement. Raises Unavailable where no log has begun: the jobs begin it when they start."""
        log = await audit.the_log(tx)
        if log is None:
            raise Unavailable(SEALED_WITHIN_S)
        return cls(tx, log["origin"], log["hash"], log["size"], log["note"] + log["cosignatures"])

    @property
    def _digest(self) -> Digest:
        return DIGESTS[self.hash_name]

    async def inclusion(self, index: int, size: int) -> InclusionProof:
        """One statement. Raises ValidationFailed outside index < size <= the log's size."""
        self._check(size, "query:size")
        if index >= size:
            raise ValidationFailed(FieldError("query:index", "too-large", {"most": max(0, size - 1)}))
        hashes = await self._hashes([*inclusion_nodes(index, size), root_nodes(size), [Node(0, index)]])
        return InclusionProof(index=index, size=size, hashes=hashes[:-2], root=hashes[-2], leaf_hash=hashes[-1])

    async def consistency(self, old: int, new: int) -> ConsistencyProof:
        """One statement. Raises ValidationFailed outside old <= new <= the log's size."""
        self._check(new, "query:to")
        if old > new:
            raise ValidationFailed(FieldError("query:from", "too-large", {"most": new}))
        hashes = await self._hashes([*consistency_nodes(old, new), root_nodes(old), root_nodes(new)])
        return ConsistencyProof(
            from_size=old, to_size=new, hashes=hashes[:-2], from_root=hashes[-2], to_root=hashes[-1]
        )

    def _check(self, size: int, place: str) -> None:
        if size > self.size:
            raise ValidationFailed(FieldError(place, "too-large", {"most": self.size}))

    async def _hashes(self, parts: Sequence[Sequence[Node]]) -> list[str]:
        tiles = await audit.tiles_for(self.tx, tiles_of(node for nodes in parts for node in nodes))
        return [encoded(fold(self._digest, tiles, nodes)) for nodes in parts]
