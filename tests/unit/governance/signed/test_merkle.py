"""Merkle trees of RFC 9162: known roots, proofs that hold, and neighbours that do not."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wanderbuch.governance.signed.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

# The entries and roots that implementations of Certificate Transparency check themselves against.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def logs(least: int = 1) -> st.SearchStrategy[list[bytes]]:
    return st.lists(st.binary(max_size=4), min_size=least, max_size=40).map(
        lambda entries: [leaf_hash(entry) for entry in entries]
    )


@pytest.mark.parametrize("size", range(9))
def test_root_at_every_size_is_the_known_one(size: int) -> None:
    assert root(LEAVES[:size]).hex() == ROOTS[size]


def recursive_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 9162 §2.1.1, word by word."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + recursive_root(leaves[:k]) + recursive_root(leaves[k:])).digest()


@given(logs(least=0))
def test_root_is_that_of_the_definition(leaves: list[bytes]) -> None:
    assert root(leaves) == recursive_root(leaves)


def test_inclusion_proof_of_the_rfc_example_has_the_nodes_it_names() -> None:
    # RFC 9162 §2.1.5: in a tree of seven, the path of d0 is [b, h, l], of d6 it is [i, k].
    leaves = LEAVES[:7]
    b, h, layer = leaves[1], root(leaves[2:4]), root(leaves[4:7])
    assert inclusion_proof(leaves, 0) == [b, h, layer]
    assert inclusion_proof(leaves, 6) == [root(leaves[4:6]), root(leaves[:4])]


def test_consistency_proofs_of_the_rfc_example_have_the_nodes_they_name() -> None:
    # RFC 9162 §2.1.5: from 3 [c, d, g, l], from 4 [l], from 6 [i, j, k].
    leaves = LEAVES[:7]
    c, d, g, right = leaves[2], leaves[3], root(leaves[:2]), root(leaves[4:7])
    assert consistency_proof(leaves, 3) == [c, d, g, right]
    assert consistency_proof(leaves, 4) == [right]
    assert consistency_proof(leaves, 6) == [root(leaves[4:6]), leaves[6], root(leaves[:4])]


@given(logs(), st.data())
def test_inclusion_proof_holds_for_its_entry_and_place_and_nothing_else(
    leaves: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof, size, head = inclusion_proof(leaves, index), len(leaves), root(leaves)
    assert verify_inclusion(leaves[index], index=index, size=size, proof=proof, expected_root=head)
    other = leaf_hash(b"another entry")
    assert not verify_inclusion(other, index=index, size=size, proof=proof, expected_root=head)
    assert not verify_inclusion(leaves[index], index=index, size=size, proof=[*proof, other], expected_root=head)
    assert not verify_inclusion(leaves[index], index=size, size=size, proof=proof, expected_root=head)
    if proof:
        assert not verify_inclusion(leaves[index], index=index, size=size, proof=proof[:-1], expected_root=head)
        changed = [bytes(32), *proof[1:]]
        assert not verify_inclusion(leaves[index], index=index, size=size, proof=changed, expected_root=head)


@given(logs(), st.data())
def test_consistency_proof_holds_between_any_two_sizes(leaves: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(0, len(leaves)))
    proof = consistency_proof(leaves, old)
    assert verify_consistency(old, len(leaves), root(leaves[:old]), root(leaves), proof)


@given(logs(least=2), st.data())
def test_no_proof_makes_a_log_with_a_changed_entry_a_continuation(leaves: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(1, len(leaves) - 1))
    changed = data.draw(st.integers(0, old - 1))
    other = [*leaves[:changed], leaf_hash(b"another entry"), *leaves[changed + 1 :]]
    proof = consistency_proof(other, old)
    assert not verify_consistency(old, len(leaves), root(leaves[:old]), root(other), proof)


@pytest.mark.parametrize(("old", "new"), [(3, 2), (-1, 2), (2, 2), (0, 2)])
def test_sizes_that_do_not_fit_the_roots_are_refused(old: int, new: int) -> None:
    assert not verify_consistency(old, new, LEAVES[0], root(LEAVES[:2]), [LEAVES[1]])


def test_a_hash_of_another_length_is_refused() -> None:
    proof = inclusion_proof(LEAVES, 0)
    assert not verify_inclusion(LEAVES[0], index=0, size=8, proof=[*proof[:-1], b"short"], expected_root=root(LEAVES))


def test_there_is_no_proof_about_what_was_never_in_the_log() -> None:
    with pytest.raises(IndexError):
        inclusion_proof(LEAVES, 8)
    with pytest.raises(IndexError):
        consistency_proof(LEAVES, 9)
