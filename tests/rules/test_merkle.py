"""The tree is that of RFC 6962; every proof it gives verifies, and none that was altered does."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.digests import sm3
from rules.merkle import (
    TILE_BYTES,
    Head,
    Node,
    Spine,
    TileAt,
    bundle,
    consistency_nodes,
    edge_of,
    fold,
    grown,
    inclusion_nodes,
    leaf_hash,
    node_hash,
    read_bundle,
    read_tile_path,
    root_nodes,
    tile_path,
    tiles_of,
    verify_consistency,
    verify_inclusion,
    width_of,
)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


# The eight leaves and roots of the reference implementation of RFC 6962 (certificate-transparency's merkle tests).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    *("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",),
    *("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    *("aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",),
    *("d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",),
    *("4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",),
    *("76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",),
    *("ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",),
    *("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",),
]


def mth(entries: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word: the second opinion."""
    if not entries:
        return sha256(b"")
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0])
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:]))


def path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 §2.1.1, word for word."""
    if len(entries) == 1:
        return []
    k = 1
    while k * 2 < len(entries):
        k *= 2
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: Sequence[bytes], whole: bool) -> list[bytes]:
    """RFC 6962 §2.1.2, word for word."""
    if m == len(entries):
        return [] if whole else [mth(entries)]
    k = 1
    while k * 2 < len(entries):
        k *= 2
    if m <= k:
        return [*subproof(m, entries[:k], whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


def entries_of(count: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(count)]


def tiles_for(entries: Sequence[bytes], *, batch: int = 300) -> dict[TileAt, bytes]:
    """Tiles as a log writes them: in batches."""
    tiles: dict[TileAt, bytes] = {}
    for start in range(0, len(entries), batch):
        leaves = [leaf_hash(sha256, entry) for entry in entries[start : start + batch]]
        tiles |= grown(sha256, {at: tiles[at] for at in edge_of(start)}, start, leaves)
    return tiles


def proof(tiles: dict[TileAt, bytes], parts: list[list[Node]]) -> list[bytes]:
    needed = tiles_of(node for nodes in parts for node in nodes)
    return [fold(sha256, {at: tiles[at] for at in needed}, nodes) for nodes in parts]


def test_roots_are_those_of_the_reference_implementation() -> None:
    spine = Spine(sha256)
    assert spine.root() == sha256(b"")
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        spine.append(leaf_hash(sha256, leaf))
        assert spine.root().hex() == root
    assert mth(LEAVES).hex() == ROOTS[-1]


def test_the_reference_path_of_the_first_leaf() -> None:
    assert [step.hex() for step in proof(tiles_for(LEAVES), inclusion_nodes(0, 8))] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]


@given(st.integers(1, 700), st.integers(1, 700))
def test_tiles_written_in_batches_say_the_root_of_the_rfc(count: int, batch: int) -> None:
    entries = entries_of(count)
    tiles = tiles_for(entries, batch=batch)
    assert fold(sha256, tiles, root_nodes(count)) == mth(entries)


@given(st.data())
def test_every_inclusion_proof_is_that_of_the_rfc_and_verifies(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 600))
    index = data.draw(st.integers(0, size - 1))
    more = data.draw(st.integers(0, 300))
    entries = entries_of(size + more)
    found = proof(tiles_for(entries), inclusion_nodes(index, size))
    assert found == path(index, entries[:size])
    leaf, root = leaf_hash(sha256, entries[index]), mth(entries[:size])
    assert verify_inclusion(sha256, leaf, index, size, proof=found, root=root)


@given(st.data())
def test_no_altered_inclusion_proof_verifies(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 300))
    index = data.draw(st.integers(0, size - 1))
    entries = entries_of(size)
    found, root = path(index, entries), mth(entries)
    leaf = leaf_hash(sha256, entries[index])
    other = data.draw(st.integers(0, size - 1).filter(lambda place: place != index))
    assert not verify_inclusion(sha256, leaf, other, size, proof=found, root=root)
    assert not verify_inclusion(sha256, leaf_hash(sha256, b"x"), index, size, proof=found, root=root)
    assert not verify_inclusion(sha256, leaf, index, size, proof=[*found, root], root=root)
    assert not verify_inclusion(sha256, leaf, index, size, proof=found[:-1], root=root)
    place = data.draw(st.integers(0, len(found) - 1))
    turned = [*found[:place], bytes([found[place][0] ^ 1]) + found[place][1:], *found[place + 1 :]]
    assert not verify_inclusion(sha256, leaf, index, size, proof=turned, root=root)
    assert not verify_inclusion(sha256, leaf, index, size, proof=found, root=sha256(root))
    assert not verify_inclusion(sha256, leaf, size, size, proof=found, root=root)


@given(st.data())
def test_every_consistency_proof_is_that_of_the_rfc_and_verifies(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 600))
    old = data.draw(st.integers(0, new))
    entries = entries_of(new)
    found = proof(tiles_for(entries), consistency_nodes(old, new))
    assert found == (subproof(old, entries, True) if old else [])
    assert verify_consistency(sha256, Head(old, mth(entries[:old])), Head(new, mth(entries)), found)


@given(st.data())
def test_no_altered_consistency_proof_verifies(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 300))
    old = data.draw(st.integers(1, new - 1))
    entries = entries_of(new)
    found = subproof(old, entries, True)
    before, after = Head(old, mth(entries[:old])), Head(new, mth(entries))
    changed = list(entries)
    changed[data.draw(st.integers(0, old - 1))] = b"changed"
    forked = Head(new, mth(changed))
    assert not verify_consistency(sha256, before, forked, subproof(old, changed, True))
    assert not verify_consistency(sha256, before, after, found[:-1])
    assert not verify_consistency(sha256, before, after, [*found, before.root])
    assert not verify_consistency(sha256, Head(old, sha256(before.root)), after, found)
    place = data.draw(st.integers(0, len(found) - 1))
    turned = [*found[:place], bytes([found[place][0] ^ 1]) + found[place][1:], *found[place + 1 :]]
    assert not verify_consistency(sha256, before, after, turned)
    assert not verify_consistency(sha256, after, before, found)


def test_equal_sizes_need_equal_roots_and_no_proof() -> None:
    head = Head(5, b"r" * 32)
    assert verify_consistency(sha256, head, head, [])
    assert not verify_consistency(sha256, head, head, [b"r" * 32])
    assert not verify_consistency(sha256, head, Head(5, b"s" * 32), [])
    assert not verify_consistency(sha256, Head(0, b"r" * 32), Head(5, b"s" * 32), [])


def test_a_tree_of_70000_has_the_tiles_that_tlog_tiles_counts() -> None:
    """The specification's own example."""
    size = 70_000
    assert edge_of(size) == [TileAt(0, 273), TileAt(1, 1), TileAt(2, 0)]
    assert [width_of(at, size) for at in edge_of(size)] == [112, 17, 1]
    assert (width_of(TileAt(0, 272), size), width_of(TileAt(1, 0), size)) == (256, 256)
    assert (width_of(TileAt(0, 274), size), width_of(TileAt(3, 0), size)) == (0, 0)
    assert edge_of(256) == [TileAt(1, 0)]
    tiles = tiles_for(entries_of(256))
    assert len(tiles[TileAt(0, 0)]) == TILE_BYTES
    assert tiles[TileAt(1, 0)] == mth(entries_of(256))


@pytest.mark.parametrize(
    ("index", "text"), [(0, "000"), (67, "067"), (1000, "x001/000"), (1234067, "x001/x234/067"), (999, "999")]
)
def test_paths_are_those_of_tlog_tiles(index: int, text: str) -> None:
    assert tile_path(index) == text
    assert read_tile_path(text) == (index, 256)
    assert read_tile_path(f"{text}.p/17") == (index, 17)


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "67", "x067", "0067", "x000/067", "001/067", "x001/x067", "067.p/0", "067.p/256", "067.p/01"),
        *("067.p/", "067.p", "067/", "/067", "x001//067", "-01", "٠٠٠", "067.p/٣", "067.p/+1", "067 "),
        "x999/" * 7 + "000",
    ],
)
def test_another_spelling_of_a_tile_is_none(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  int() says it in many words
        read_tile_path(text)


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    data = bundle(entries)
    assert read_bundle(data) == entries
    if entries:
        with pytest.raises(ValueError, match="cut"):
            read_bundle(data[:-1])


def test_an_entry_too_long_for_a_bundle_is_refused() -> None:
    with pytest.raises(ValueError, match="65,535"):
        bundle([bytes(65_536)])


def test_no_proof_of_what_is_not_there() -> None:
    for index, size in ((3, 3), (-1, 3), (0, 0)):
        with pytest.raises(ValueError, match="no such leaf"):
            inclusion_nodes(index, size)
    with pytest.raises(ValueError, match="only grows"):
        consistency_nodes(4, 3)


def test_the_hash_is_the_logs_choice() -> None:
    left, right = leaf_hash(sm3, b"a"), leaf_hash(sm3, b"b")
    spine = Spine(sm3)
    spine.append(left)
    spine.append(right)
    assert spine.root() == node_hash(sm3, left, right) == sm3(b"\x01" + left + right)
    assert spine.root() != mth([b"a", b"b"])
