import copy
import json
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.governance.divided_files import Json, issuer, record

from wanderbuch.governance.divided.division import (
    DivisionError,
    bucket_of,
    canonical,
    checked_part,
    divide,
    division_of,
    gather,
    part_digest,
    part_name,
    read_record,
    redivide,
    suggest_bits,
)
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.statements import Division, Part
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION, DIVIDED
from wanderbuch.governance.form.records import join, split


@pytest.mark.parametrize("bits", [1, 2, 5])
def test_what_was_divided_can_be_gathered(example: Json, bits: int) -> None:
    before = copy.deepcopy(example)
    root, parts = divide(example, bits)
    assert gather(root, parts.__getitem__) == before == example
    assert len(division_of(root).parts) == 2**bits


def test_a_root_keeps_the_author_and_no_other_record(example: Json) -> None:
    root, _ = divide(example, 2)
    assert set(split(root)[1]) == {example["author"]}
    assert set(root["participants"]["entries"][DESCRIPTION]) == {example["author"]}
    assert ACCREDITATION not in root["participants"]["entries"]


def test_every_record_stands_in_its_bucket_sorted_by_did(example: Json) -> None:
    root, parts = divide(example, 1)
    seen = []
    for bucket, part in enumerate(division_of(root).parts):
        dids = [in_part["did"] for in_part in json.loads(parts[part.digest])]
        assert dids == sorted(dids)
        assert all(bucket_of(did, 1) == bucket for did in dids)
        seen += dids
    assert sorted([*seen, example["author"]]) == sorted(split(example)[1])


def test_a_file_is_not_divided_twice(example: Json) -> None:
    with pytest.raises(DivisionError, match="not divided"):
        divide(divide(example, 1)[0], 1)


@pytest.mark.parametrize("bits", [0, 13])
def test_refuses_too_few_and_too_many_bits(example: Json, bits: int) -> None:
    with pytest.raises(DivisionError, match="bits"):
        divide(example, bits)


def test_a_change_moves_the_root_and_one_part(example: Json) -> None:
    root, parts = divide(example, 4)
    new_root, new_parts = redivide(root, {str(issuer(1)): record(1)}, parts.__getitem__)
    moved = [
        pair for pair in zip(division_of(root).parts, division_of(new_root).parts, strict=True) if pair[0] != pair[1]
    ]
    assert len(new_parts) == len(moved) == 1
    assert read_record(new_root, issuer(1), (parts | new_parts).__getitem__) == record(1)
    assert read_record(root, issuer(1), parts.__getitem__) is None


@pytest.mark.parametrize("bits", [1, 4])
def test_redividing_is_dividing_what_was_changed(example: Json, bits: int) -> None:
    centre = next(did for did in split(example)[1] if ":centre." in did)
    author = example["author"]
    renamed = {"did": author, "description": {"name": "Renamed"}}
    changes = {str(issuer(1)): record(1), str(issuer(2)): record(2), centre: None, author: renamed}
    root, parts = divide(example, bits)
    new_root, new_parts = redivide(root, changes, parts.__getitem__)
    whole = gather(new_root, (parts | new_parts).__getitem__)
    assert split(whole)[1] == {
        did: divided_record
        for did, divided_record in (split(example)[1] | changes).items()
        if divided_record is not None
    }
    again, expected = divide(whole, bits)
    assert again == new_root
    assert new_parts == {digest: part for digest, part in expected.items() if digest not in parts}


def test_what_does_not_change_anything_moves_nothing(example: Json) -> None:
    root, parts = divide(example, 2)
    did, stated = next((did, unchanged) for did, unchanged in split(example)[1].items() if did != example["author"])
    assert redivide(root, {did: stated}, parts.__getitem__) == (root, {})
    assert redivide(root, {str(issuer(9)): None}, parts.__getitem__) == (root, {})


def test_refuses_a_record_of_another_did(example: Json) -> None:
    root, parts = divide(example, 2)
    with pytest.raises(DivisionError, match="another DID"):
        redivide(root, {str(issuer(1)): record(2)}, parts.__getitem__)


def test_never_builds_on_a_part_that_is_not_the_one_the_root_names(example: Json) -> None:
    root, _ = divide(example, 2)
    forged = canonical([record(1)])
    with pytest.raises(DivisionError, match="expected"):
        redivide(root, {str(issuer(1)): record(1)}, lambda _: forged)
    with pytest.raises(DivisionError, match="expected"):
        gather(root, lambda _: forged)


def test_a_part_is_its_size_and_its_digest() -> None:
    content = canonical([record(1)])
    part = Part(part_digest(content), len(content))
    assert checked_part(part, content) == content
    for other in (content + b" ", content[:-1], content[:-1] + b" ", b""):
        with pytest.raises(DivisionError):
            checked_part(part, other)


def test_refuses_an_oversize_part_even_where_the_root_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    content = canonical([record(1)])
    monkeypatch.setattr("wanderbuch.governance.divided.division.MAX_PART_BYTES", len(content) - 1)
    with pytest.raises(DivisionError, match="at most"):
        checked_part(Part(part_digest(content), len(content)), content)


def test_refuses_to_make_an_oversize_part(example: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wanderbuch.governance.divided.division.MAX_PART_BYTES", 1000)
    with pytest.raises(DivisionError, match="at most 1000"):
        divide(example, 1)


def test_a_whole_file_has_no_division(example: Json) -> None:
    for use in (division_of, lambda root: gather(root, {}.__getitem__)):
        with pytest.raises(DivisionError, match="no divided statement"):
            use(example)
    divided_by_another = divide(example, 1)[0]
    statement = divided_by_another["participants"]["entries"][DIVIDED]
    divided_by_another["participants"]["entries"][DIVIDED] = {str(issuer(1)): statement[example["author"]]}
    with pytest.raises(DivisionError, match="no divided statement"):
        division_of(divided_by_another)


@pytest.mark.parametrize(
    ("total", "bits"),
    [(0, 1), (64 * 1024 - 1, 1), (64 * 1024, 2), (512 * 1024, 5), (100_000_000, 10), (900_000_000, 12), (1 << 40, 12)],
)
def test_root_and_part_are_smallest_and_no_part_tiny(total: int, bits: int) -> None:
    assert suggest_bits(total) == bits


def test_a_phone_fetches_little_for_one_decision(example: Json) -> None:
    """ADR 111: 1,000 institutions; the root as a JWS, the issuer's part and the asker's."""
    listed = {str(issuer(number)): record(number) for number in range(1_000)}
    header, own = split(example)
    author = header["author"]
    payload = join(header, {author: own[author], **listed})
    root, parts = divide(payload, suggest_bits(len(canonical(payload))))
    sizes = sorted(part.size for part in division_of(root).parts)
    crowds = sorted(len(json.loads(parts[part.digest])) for part in division_of(root).parts)
    assert len(canonical(root)) * 4 / 3 + 2 * statistics.mean(sizes) < 60_000
    assert sizes[-1] < 64_000
    assert statistics.mean(crowds) >= 7


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_a_bucket_is_the_first_bits_of_the_digest(number: int, bits: int) -> None:
    did = f"did:web:example.org:{number}"
    assert bucket_of(did, bits) == bucket_of(did, 12) >> (12 - bits)
    assert 0 <= bucket_of(did, bits) < 2**bits


def test_the_parts_for_some_dids_are_those_of_their_buckets() -> None:
    parts = tuple(Part(f"sha256:{number:064x}", 2) for number in range(4))
    division = Division(2, parts)
    dids = [issuer(number) for number in range(40)]
    assert division.parts_for(dids) == parts
    assert division.parts_for(dids[:1]) == (division.part_of(dids[0]),)
    assert division.part_of(dids[0]) is parts[bucket_of(dids[0], 2)]


def test_parts_have_addresses_by_digest() -> None:
    assert part_name(part_digest(b"[]")) == f"parts/{part_digest(b'[]')[7:]}.json"


def test_dids_are_texts() -> None:
    assert bucket_of(str(issuer(1)), 8) == bucket_of(Did.parse(issuer(1)), 8)
