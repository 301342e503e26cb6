"""Merkle trees over seals: that one entry is among many is shown by a few digests, and tells of no other.

The tree hash and its audit paths are those of RFC 9162 §2.1 with SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

EMPTY: Final = hashlib.sha256(b"").digest()


def _leaf(value: bytes) -> bytes:
    return hashlib.sha256(b"\0" + value).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _levels(values: Sequence[bytes]) -> list[list[bytes]]:
    """The tree from its leaves up; a node without a sibling rises as it is, which is the RFC's split."""
    levels = [[_leaf(value) for value in values]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        above = [_node(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)]
        levels.append(above + ([below[-1]] if len(below) % 2 else []))
    return levels


def root(values: Sequence[bytes]) -> bytes:
    """The tree hash over these values in their order; of none it is the hash of nothing."""
    return _levels(values)[-1][0] if values else EMPTY


def paths(values: Sequence[bytes], wanted: Sequence[int]) -> dict[int, list[tuple[str, bytes]]]:
    """For each wanted position its way up: (`left` or `right`, the sibling's hash), the leaf's own first."""
    if not wanted:
        return {}
    levels = _levels(values)
    found = {}
    for position in wanted:
        at, path = position, []
        for level in levels[:-1]:
            sibling = at ^ 1
            if sibling < len(level):
                path.append(("left" if sibling < at else "right", level[sibling]))
            at //= 2
        found[position] = path
    return found


def climbed(value: bytes, path: Sequence[tuple[str, bytes]]) -> bytes:
    """The root that a value and its path lead to."""
    at = _leaf(value)
    for side, sibling in path:
        at = _node(sibling, at) if side == "left" else _node(at, sibling)
    return at
