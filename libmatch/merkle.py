"""Merkle trees of RFC 6962 section 2.1, over the hash of the caller's choice.

A batch of sealed records (``batch``) and the audit log (``auditlog``) are such trees. Leaf hashes are
``H(0x00 ‖ entry)``, nodes ``H(0x01 ‖ left ‖ right)``, and a tree of n leaves splits at the largest power
of two below n. Trees are addressed by complete subtrees: node (level, index) covers the leaves
``index · 2**level`` up to ``(index + 1) · 2**level``, so that a store keeps each node once and for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from libmatch.errors import LogError

Hash = Callable[[bytes], bytes]
NodeReader = Callable[[int, int], bytes]  # (level, index) -> hash of a complete subtree


def hash_leaf(h: Hash, entry: bytes) -> bytes:
    """``H(0x00 ‖ entry)``."""
    return h(b"\x00" + entry)


def hash_node(h: Hash, left: bytes, right: bytes) -> bytes:
    """``H(0x01 ‖ left ‖ right)``."""
    return h(b"\x01" + left + right)


def compute_root(h: Hash, leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes, 32 bytes; of none it is ``H("")``."""
    if not leaf_hashes:
        return h(b"")
    return build_levels(h, leaf_hashes)[-1][0]


def build_levels(h: Hash, leaf_hashes: Sequence[bytes]) -> list[list[bytes]]:
    """All levels from the leaves to the root; an odd last node rises unchanged (as RFC 6962 defines).

    Raises LogError for no leaves.
    """
    if not leaf_hashes:
        raise LogError("a tree without leaves has no levels")
    levels = [list(leaf_hashes)]
    while len(levels[-1]) > 1:
        row = levels[-1]
        above = [h(b"\x01" + row[i] + row[i + 1]) for i in range(0, len(row) - 1, 2)]
        if len(row) % 2:
            above.append(row[-1])
        levels.append(above)
    return levels


def prove_position(h: Hash, leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of leaf ``index``, from the leaf upwards. Raises LogError out of range."""
    return read_position(build_levels(h, leaf_hashes), index)


def read_position(levels: Sequence[Sequence[bytes]], index: int) -> list[bytes]:
    """The same from the levels of ``build_levels``. Raises LogError out of range."""
    if not 0 <= index < len(levels[0]):
        raise LogError("no such leaf")
    path = []
    for row in levels[:-1]:
        if index ^ 1 < len(row):
            path.append(row[index ^ 1])
        index >>= 1
    return path


def root_from_path(
    h: Hash, leaf_hash: bytes, index: int, size: int, path: Sequence[bytes]
) -> bytes:
    """The root that ``path`` leads to from leaf ``index`` of ``size`` (RFC 9162 section 2.1.3.2).

    Raises LogError where the index or the length of the path does not fit the size.
    """
    if not 0 <= index < size:
        raise LogError("a leaf's index lies below the size of its tree")
    node, last, current = index, size - 1, leaf_hash
    for sibling in path:
        if last == 0:
            raise LogError("an audit path is too long")
        if node & 1 or node == last:
            current = hash_node(h, sibling, current)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            current = hash_node(h, current, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise LogError("an audit path is too short")
    return current


def verify_position(
    h: Hash, leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Return if ``leaf_hash`` is leaf ``index`` of the tree of ``size`` leaves under ``root``.

    Raises LogError otherwise.
    """
    if root_from_path(h, leaf_hash, index, size, path) != root:
        raise LogError("an audit path does not lead to the root")


def _cover(start: int, end: int) -> list[tuple[int, int]]:
    """The complete subtrees (level, index) that make up the leaves start…end-1, left to right.

    ``start`` is a multiple of the largest power of two in the range, as in every RFC 6962 split.
    """
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def _hash_range(h: Hash, read: NodeReader, start: int, end: int) -> bytes:
    nodes = [read(level, index) for level, index in _cover(start, end)]
    current = nodes.pop()
    while nodes:
        current = hash_node(h, nodes.pop(), current)
    return current


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def read_root(h: Hash, read: NodeReader, size: int) -> bytes:
    """The root of the first ``size`` leaves, from O(log n) stored nodes."""
    return _hash_range(h, read, 0, size) if size else h(b"")


def read_inclusion(h: Hash, read: NodeReader, index: int, size: int) -> list[bytes]:
    """The audit path of leaf ``index`` in the tree of ``size`` leaves (RFC 6962 section 2.1.1).

    Reads O(log² n) stored nodes. Raises LogError out of range.
    """
    if not 0 <= index < size:
        raise LogError("a leaf's index lies below the size of its tree")
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_hash_range(h, read, middle, end))
            end = middle
        else:
            path.append(_hash_range(h, read, start, middle))
            start = middle
    return path[::-1]


def read_consistency(h: Hash, read: NodeReader, old: int, new: int) -> list[bytes]:
    """The proof that the tree of ``old`` leaves is a prefix of that of ``new`` (RFC 6962 2.1.2).

    Empty for ``old`` 0 or ``old == new``. Raises LogError where ``old > new``.
    """
    if not 0 <= old <= new:
        raise LogError("an older tree is not larger than a newer one")
    if old in (0, new):
        return []
    proof, start, end, whole = [], 0, new, True
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(_hash_range(h, read, middle, end))
            end = middle
        else:
            proof.append(_hash_range(h, read, start, middle))
            start, whole = middle, False
    if not whole:
        proof.append(_hash_range(h, read, start, end))
    return proof[::-1]


def verify_consistency(
    h: Hash, old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Return if the tree (new, new_root) extends (old, old_root): RFC 9162 section 2.1.4.2.

    Raises LogError otherwise.
    """
    if old > new or old < 0:
        raise LogError("the log became shorter")
    if old == new or old == 0:
        if proof or (old == new and old_root != new_root) or (old == 0 and old_root != h(b"")):
            raise LogError("two heads of one log contradict each other")
        return
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise LogError("a consistency proof is missing")
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise LogError("a consistency proof is too long")
        if node & 1 or node == last:
            first = hash_node(h, sibling, first)
            second = hash_node(h, sibling, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = hash_node(h, second, sibling)
        node, last = node >> 1, last >> 1
    if first != old_root or second != new_root or last:
        raise LogError("the log was altered: its old head is not a prefix of its new one")
