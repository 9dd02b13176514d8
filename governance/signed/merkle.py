"""Merkle trees of RFC 9162 §2.1 (Certificate Transparency 2.0): roots, proofs, and checking them. No I/O.

A log that only grows has at every size one root. Two proofs let others check it without trusting who keeps it:

- inclusion: an entry stands at a place in the log of that size;
- consistency: the log of a smaller size is the beginning of the log of a larger one, so nothing was changed or removed.

Everything here takes and gives *leaf hashes*: `leaf_hash(entry)` of each entry, in order, 32 bytes each. Hash: SHA-256.

    >>> entries = [b"first", b"second", b"third"]
    >>> leaves = [leaf_hash(entry) for entry in entries]
    >>> proof = inclusion_proof(leaves, 1)
    >>> verify_inclusion(leaves[1], index=1, size=3, proof=proof, expected_root=root(leaves))
    True
    >>> proof = consistency_proof(leaves, 2)
    >>> verify_consistency(2, 3, root(leaves[:2]), root(leaves), proof)
    True
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

HASH_BYTES: Final = 32
MAX_PROOF_HASHES: Final = 128  # twice the depth of a log of 2^63 entries, so a longer proof is nonsense
_LEAF: Final = b"\x00"  # RFC 9162 §2.1.1: leaves and nodes are told apart, so none can be passed off as the other
_NODE: Final = b"\x01"


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry (RFC 9162 §2.1.1)."""
    return hashlib.sha256(_LEAF + entry).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over these leaf hashes (RFC 9162 §2.1.1); of none it is the hash of nothing.

    Args:
        leaves: `leaf_hash` of each entry, in order.
    """
    if not leaves:
        return hashlib.sha256(b"").digest()
    # Pairs from left to right, the odd one out goes up as it is: the same tree as the RFC's recursion, in one pass.
    level = list(leaves)
    while len(level) > 1:
        paired = [_node(level[index], level[index + 1]) for index in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the proof that the entry at `index` is in the log of these leaves (RFC 9162 §2.1.3.1).

    Raises:
        IndexError: there is no such entry.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"expected an index below {len(leaves)}, found {index}")
    proof: list[bytes] = []
    first, last = 0, len(leaves)
    while last - first > 1:
        middle = first + _split(last - first)
        if index < middle:
            proof.append(root(leaves[middle:last]))
            last = middle
        else:
            proof.append(root(leaves[first:middle]))
            first = middle
    return proof[::-1]


def verify_inclusion(leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], expected_root: bytes) -> bool:
    """Tell whether `proof` shows `leaf` at `index` of the log with that size and root (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes((leaf, expected_root, *proof)):
        return False
    place, end = index, size - 1
    digest = leaf
    for sibling in proof:
        if end == 0:
            return False
        if place & 1 or place == end:
            digest = _node(sibling, digest)
            while not place & 1 and place:
                place, end = place >> 1, end >> 1
        else:
            digest = _node(digest, sibling)
        place, end = place >> 1, end >> 1
    return end == 0 and hmac.compare_digest(digest, expected_root)


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Return the proof that the log of the first `old_size` leaves is the beginning of this one (RFC 9162 §2.1.4.1).

    From size 0, and from the size it has, there is nothing to prove: the proof is empty.

    Raises:
        IndexError: the log was never of that size.
    """
    if not 0 <= old_size <= len(leaves):
        raise IndexError(f"expected an old size of at most {len(leaves)}, found {old_size}")
    if old_size in (0, len(leaves)):
        return []
    proof: list[bytes] = []
    first, last, known = 0, len(leaves), True
    while old_size != last - first:
        left = _split(last - first)
        if old_size <= left:
            proof.append(root(leaves[first + left : last]))
            last = first + left
        else:
            proof.append(root(leaves[first : first + left]))
            first, old_size, known = first + left, old_size - left, False
    if not known:
        proof.append(root(leaves[first:last]))
    return proof[::-1]


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether `proof` shows that the log grew from the old size and root to the new ones (RFC 9162 §2.1.4.2)."""
    if not 0 <= old_size <= new_size or not _are_hashes((old_root, new_root, *proof)):
        return False
    if old_size == 0:
        return not proof and hmac.compare_digest(old_root, root(()))
    if old_size == new_size:
        return not proof and hmac.compare_digest(old_root, new_root)
    path = list(proof)
    if not old_size & (old_size - 1):  # a whole tree: its root is its own first node
        path.insert(0, old_root)
    if not path:
        return False
    place, end = old_size - 1, new_size - 1
    while place & 1:
        place, end = place >> 1, end >> 1
    found_old = found_new = path[0]
    for sibling in path[1:]:
        if end == 0:
            return False
        if place & 1 or place == end:
            found_old, found_new = _node(sibling, found_old), _node(sibling, found_new)
            while not place & 1 and place:
                place, end = place >> 1, end >> 1
        else:
            found_new = _node(found_new, sibling)
        place, end = place >> 1, end >> 1
    return end == 0 and hmac.compare_digest(found_old, old_root) and hmac.compare_digest(found_new, new_root)


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()


def _split(size: int) -> int:
    """Return the largest power of two that is smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _are_hashes(values: Sequence[bytes]) -> bool:
    return len(values) <= MAX_PROOF_HASHES + 2 and all(len(digest) == HASH_BYTES for digest in values)
