"""audit log (审计日志): the Merkle tree of RFC 6962 §2.1 (RFC 9162 §2.1), cut into the tiles of C2SP tlog-tiles. Pure.

The hash is an argument: `sha256` makes a conformant tree, any other of 32 bytes the same tree under another hash. Where
a tree is needed its hashes come as tiles: bytes of up to 256 hashes by (level, number), level 0 over the leaves, each
hash of level n + 1 the root of a full tile of level n. What was once written into a tile never changes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

Digest: TypeAlias = Callable[[bytes], bytes]

HASH_BYTES: Final = 32
TILE_WIDTH: Final = 256
TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES
_HEIGHT: Final = 8
_MAX_ENTRY_BYTES: Final = 0xFFFF


class TileAt(NamedTuple):
    """Where a tile stands."""

    level: int
    number: int


class Node(NamedTuple):
    """A perfect subtree: the `number`-th over 2**level leaves each."""

    level: int
    number: int


Tiles: TypeAlias = Mapping[TileAt, bytes]


def leaf_hash(digest: Digest, entry: bytes) -> bytes:
    """The hash of one entry (RFC 6962 §2.1: a leaf begins with 0x00)."""
    return digest(b"\x00" + entry)


def node_hash(digest: Digest, left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees (a node begins with 0x01)."""
    return digest(b"\x01" + left + right)


class Spine:
    """The roots of the perfect subtrees a growing tree consists of: all it takes to append and to say the root.

    Append costs one leaf hash and on average one node hash; memory is one hash for each bit of the size.
    """

    def __init__(self, digest: Digest) -> None:
        self._digest = digest
        self._roots: list[bytes] = []
        self.size = 0

    def append(self, leaf: bytes) -> None:
        """Adds the hash of a leaf."""
        rest, node = self.size, leaf
        while rest & 1:
            node = node_hash(self._digest, self._roots.pop(), node)
            rest >>= 1
        self._roots.append(node)
        self.size += 1

    def root(self) -> bytes:
        """MTH of everything appended; of nothing, the hash of no bytes."""
        return _folded(self._digest, self._roots)


def _folded(digest: Digest, roots: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees that stand side by side, the largest first."""
    if not roots:
        return digest(b"")
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = node_hash(digest, left, root)
    return root


def grown(digest: Digest, edge: Tiles, size: int, leaves: Sequence[bytes]) -> dict[TileAt, bytes]:
    """The tiles that change when leaf hashes are appended to a tree of `size`, whole, as they then stand.

    `edge` holds the tiles of `edge_of(size)`. Cost: one node hash for each leaf.
    """
    changed: dict[TileAt, bytes] = {}
    level, count, fresh = 0, size, leaves
    while fresh:
        index, width = divmod(count, TILE_WIDTH)
        filling = bytearray(edge[TileAt(level, index)][: width * HASH_BYTES] if width else b"")
        full: list[bytes] = []
        for value in fresh:
            filling += value
            if len(filling) == TILE_BYTES:
                changed[TileAt(level, index)] = bytes(filling)
                full.append(_perfect(digest, bytes(filling)))
                filling, index = bytearray(), index + 1
        if filling:
            changed[TileAt(level, index)] = bytes(filling)
        level, count, fresh = level + 1, count >> _HEIGHT, full
    return changed


def edge_of(size: int) -> list[TileAt]:
    """The rightmost tiles of a tree that are not full, one a level at most."""
    return [TileAt(level, count // TILE_WIDTH) for level, count in enumerate(_counts(size)) if count % TILE_WIDTH]


def width_of(tile: TileAt, size: int) -> int:
    """How many hashes a tile has in a tree of `size`: 256 where it is full, 0 where it is not there."""
    counts = list(_counts(size))
    count = counts[tile.level] if tile.level < len(counts) else 0
    return max(0, min(TILE_WIDTH, count - tile.number * TILE_WIDTH))


def _counts(size: int) -> Iterator[int]:
    """How many hashes each level of tiles holds."""
    while size:
        yield size
        size >>= _HEIGHT


def inclusion_nodes(index: int, size: int) -> list[list[Node]]:
    """What an inclusion proof of leaf `index` in a tree of `size` consists of: each hash as the subtrees it folds.

    RFC 6962 §2.1.1, PATH(m, D[n]), in its order. Raises ValueError outside 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf in a tree of this size")
    return [list(_perfects(start, end)) for start, end in _path(index, 0, size)]


def consistency_nodes(old: int, new: int) -> list[list[Node]]:
    """What a consistency proof between two sizes consists of, as `inclusion_nodes`.

    RFC 6962 §2.1.2, PROOF(m, D[n]); empty where the sizes are equal or the old tree is. Raises ValueError for old >
    new.
    """
    if not 0 <= old <= new:
        raise ValueError("a tree only grows")
    if old in (0, new):
        return []
    return [list(_perfects(start, end)) for start, end in _subproof(old, 0, new, whole=True)]


def root_nodes(size: int) -> list[Node]:
    """The subtrees whose fold is the root of a tree of `size`."""
    return list(_perfects(0, size))


def tiles_of(nodes: Iterable[Node]) -> set[TileAt]:
    """The tiles in which nodes are found."""
    return {_place(node)[0] for node in nodes}


def fold(digest: Digest, tiles: Tiles, nodes: Sequence[Node]) -> bytes:
    """The hash over subtrees that stand side by side. Raises KeyError where a tile is missing."""
    return _folded(digest, [_node(digest, tiles, node) for node in nodes])


def verify_inclusion(
    digest: Digest, leaf: bytes, index: int, size: int, *, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether `proof` shows that the leaf hash stands at `index` of the tree with this root (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, node = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            node = node_hash(digest, step, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(digest, node, step)
        place, last = place >> 1, last >> 1
    return last == 0 and node == root


class Head(NamedTuple):
    """A tree as a checkpoint states it."""

    size: int
    root: bytes


def verify_consistency(digest: Digest, old: Head, new: Head, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the new tree begins with the old one (RFC 9162 §2.1.4.2)."""
    if old.size == new.size or not 0 < old.size < new.size:
        empty = old.size == 0 and old.root == digest(b"")
        same = old.size == new.size and old.root == new.root
        return not proof and (same or (empty and new.size > 0))
    steps = [old.root, *proof] if old.size & (old.size - 1) == 0 else list(proof)
    if not steps:
        return False
    place, last = old.size - 1, new.size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(digest, step, before), node_hash(digest, step, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(digest, after, step)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old.root and after == new.root


def tile_path(index: int) -> str:
    """A tile's index as tlog-tiles writes it: 1234067 is `x001/x234/067`."""
    parts = [f"{index % 1000:03d}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03d}")
    return "/".join(reversed(parts))


def read_tile_path(text: str) -> tuple[int, int]:
    """Index and width of `x001/x234/067` or `…/067.p/5`. Raises ValueError for any other spelling."""
    whole, dot, part = text.partition(".p/")
    width = TILE_WIDTH
    if dot:
        if not part.isascii() or not part.isdigit() or part != str(int(part)) or not 0 < int(part) < TILE_WIDTH:
            raise ValueError("not the width of a partial tile")
        width = int(part)
    digits = whole.replace("x", "").replace("/", "")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 18 or tile_path(int(digits)) != whole:
        raise ValueError("not the index of a tile")
    return int(digits), width


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries as tlog-tiles bundles them: each behind its length in two bytes. Raises ValueError for a longer one."""
    parts = []
    for entry in entries:
        if len(entry) > _MAX_ENTRY_BYTES:
            raise ValueError("an entry of a bundle holds 65,535 bytes at most")
        parts += [len(entry).to_bytes(2, "big"), entry]
    return b"".join(parts)


def read_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises ValueError for one that is cut."""
    entries, place = [], 0
    while place < len(data):
        length = int.from_bytes(data[place : place + 2], "big")
        entry = data[place + 2 : place + 2 + length]
        if place + 2 > len(data) or len(entry) != length:
            raise ValueError("a bundle that is cut")
        entries.append(entry)
        place += 2 + length
    return entries


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _path(index: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Ranges of leaves whose hashes are PATH(index, D[start:end])."""
    if end - start == 1:
        return
    middle = start + _split(end - start)
    if index < middle:
        yield from _path(index, start, middle)
        yield middle, end
    else:
        yield from _path(index, middle, end)
        yield start, middle


def _subproof(old: int, start: int, end: int, *, whole: bool) -> Iterator[tuple[int, int]]:
    """Ranges of leaves whose hashes are SUBPROOF(old, D[start:end], whole)."""
    if old == end:
        if not whole:
            yield start, end
        return
    middle = start + _split(end - start)
    if old <= middle:
        yield from _subproof(old, start, middle, whole=whole)
        yield middle, end
    else:
        yield from _subproof(old, middle, end, whole=False)
        yield start, middle


def _perfects(start: int, end: int) -> Iterator[Node]:
    """The perfect subtrees of D[start:end], left to right; `start` is a multiple of the largest."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield Node(level, start >> level)
        start += 1 << level


def _place(node: Node) -> tuple[TileAt, int, int]:
    """The tile that holds a node, and the first and behind the last of the hashes it is made of there."""
    level, height = divmod(node.level, _HEIGHT)
    first = node.number << height
    offset = first % TILE_WIDTH
    return TileAt(level, first // TILE_WIDTH), offset, offset + (1 << height)


def _node(digest: Digest, tiles: Tiles, node: Node) -> bytes:
    tile, first, behind = _place(node)
    hashes = tiles[tile][first * HASH_BYTES : behind * HASH_BYTES]
    if len(hashes) != (behind - first) * HASH_BYTES:
        raise KeyError(tile)
    return _perfect(digest, hashes)


def _perfect(digest: Digest, hashes: bytes) -> bytes:
    """The root over a power of two of hashes."""
    row = [hashes[place : place + HASH_BYTES] for place in range(0, len(hashes), HASH_BYTES)]
    while len(row) > 1:
        row = [node_hash(digest, row[place], row[place + 1]) for place in range(0, len(row), 2)]
    return row[0]
