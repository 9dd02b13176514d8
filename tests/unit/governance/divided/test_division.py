import copy
import json
import statistics
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bench.institutions import institutions
from tests.unit.governance.conftest import EXAMPLE
from tests.unit.governance.divided_files import Json, issuer, record

from wanderbuch.governance.divided.division import (
    DivisionError,
    bits_for,
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
    suggest_parts,
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
    ("total", "parts"),
    [
        (0, 2),
        (64 * 1024 - 1, 3),
        (64 * 1024, 4),
        (2_300_000, 138),
        (46_000_000, 619),
        (900_000_000, 2738),
        (1 << 40, 4096),
    ],
)
def test_what_a_phone_fetches_is_smallest_and_no_part_tiny(total: int, parts: int) -> None:
    assert suggest_parts(total) == parts


@given(st.integers(2, 4096))
def test_a_part_has_so_many_buckets_that_parts_can_be_even(parts: int) -> None:
    assert 16 <= (1 << bits_for(parts)) / parts < 32


def deflated(content: bytes) -> int:
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    return len(deflate.compress(content) + deflate.flush())


def test_a_phone_fetches_little_for_one_decision_whichever_part_it_needs() -> None:
    """ADR 134: 1,000 institutions; the root and a part, as bytes and as they travel (deflated)."""
    payload = large(1_000)
    root, parts = divide(payload)
    sizes = sorted(len(part) for part in parts.values())
    travelling = sorted(deflated(part) for part in parts.values())
    crowds = sorted(len(json.loads(part)) for part in parts.values())
    assert 15_000 < statistics.median(sizes) < 18_000
    assert sizes[-1] < 1.3 * statistics.median(sizes)
    assert travelling[-1] < 1.3 * statistics.median(travelling)
    assert crowds[0] >= 4
    before, parts_before = divide(payload, 7)
    assert len(canonical(root)) < len(canonical(before))
    assert deflated(canonical(root)) + travelling[-1] < deflated(canonical(before)) + max(
        map(deflated, parts_before.values())
    )


def large(count: int) -> Json:
    """Return the example with so many institutions more, unlike each other."""
    document: Json = json.loads(EXAMPLE.read_bytes())
    author = {"did": document["author"], "name": "Authority", "site": "https://authority.wanderbuch.test"}
    for institution in institutions(count, authority=author, seed=14):
        for schema, statement in institution.statements.items():
            document["participants"]["entries"].setdefault(schema, {})[institution.did] = statement
    return document


def test_even_parts_say_what_parts_of_one_bucket_say(example: Json) -> None:
    listed = {str(issuer(number)): record(number) for number in range(60)}
    payload = join(split(example)[0], split(example)[1] | listed)
    root, parts = divide(payload, 8, parts=9)
    division = division_of(root)
    assert gather(root, parts.__getitem__) == payload
    assert len(division.parts) == 9
    assert division.is_whole
    for did, stated in listed.items():
        assert read_record(root, did, parts.__getitem__) == stated
        assert stated in json.loads(parts[division.part_of(did).digest])


def test_no_part_has_a_crowd_of_three(example: Json) -> None:
    """One institution as large as all others does not get a part of its own, nor do those after it."""
    listed = {str(issuer(number)): record(number) for number in range(40)}
    listed[str(issuer(7))]["description"]["name"] = "Centre" * 10_000
    root, parts = divide(join(split(example)[0], split(example)[1] | listed), 10, parts=40)
    crowds = [len(json.loads(parts[part.digest])) for part in division_of(root).parts]
    assert min(crowds) >= 4
    assert len(crowds) > 1


def test_a_file_of_few_records_has_one_even_part(example: Json) -> None:
    header, records = split(example)
    for listed in ({}, {str(issuer(1)): record(1)}):
        payload = join(header, {example["author"]: records[example["author"]], **listed})
        root, parts = divide(payload, 5, parts=2)
        assert [part.buckets for part in division_of(root).parts] == [32]
        assert gather(root, parts.__getitem__) == payload


def test_a_part_that_becomes_too_large_comes_apart_and_no_other_moves() -> None:
    payload = large(300)
    root, parts = divide(payload)
    before = division_of(root)
    middle = len(before.parts) // 2
    new = {str(did): record(number) for number in range(900) if before.number_of(did := issuer(number)) == middle}
    root, further = redivide(root, new, parts.__getitem__)
    after = division_of(root)
    assert after.is_whole
    assert len(after.parts) == len(before.parts) - 1 + len(further) > len(before.parts)
    assert set(before.parts) - set(after.parts) == {before.parts[middle]}
    assert max(len(part) for part in further.values()) < 2 * 16_384
    assert min(len(json.loads(part)) for part in further.values()) >= 4
    whole = gather(root, (parts | further).__getitem__)
    assert split(whole)[1] == split(payload)[1] | new


def test_a_file_of_the_first_form_stays_in_it(example: Json) -> None:
    root, parts = divide(example, 2)
    new = {str(issuer(number)): record(number) for number in range(200)}
    root, _ = redivide(root, new, parts.__getitem__)
    stated = root["participants"]["entries"][DIVIDED][root["author"]]
    assert [set(part) for part in stated["parts"]] == [{"digest", "bytes"}] * 4


def test_no_more_parts_than_a_file_may_have(example: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {str(issuer(number)): record(number) for number in range(60)}
    root, parts = divide(join(split(example)[0], split(example)[1] | listed), 8, parts=4)
    monkeypatch.setattr("wanderbuch.governance.divided.division.MAX_PARTS", 5)
    root, _ = redivide(root, {str(issuer(number)): record(number) for number in range(999)}, parts.__getitem__)
    assert len(division_of(root).parts) == 5


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_a_bucket_is_the_first_bits_of_the_digest(number: int, bits: int) -> None:
    did = f"did:web:example.org:{number}"
    assert bucket_of(did, bits) == bucket_of(did, 12) >> (12 - bits)
    assert 0 <= bucket_of(did, bits) < 2**bits


def test_the_parts_for_some_dids_are_those_of_their_buckets() -> None:
    parts = tuple(Part(f"sha256:{number:064x}", 2) for number in range(4))
    division = Division(2, parts)
    of_several = Division(4, tuple(Part(part.digest, 2, 4) for part in parts))
    dids = [issuer(number) for number in range(40)]
    assert division.parts_for(dids) == parts
    assert division.parts_for(dids[:1]) == (division.part_of(dids[0]),)
    assert division.part_of(dids[0]) is parts[bucket_of(dids[0], 2)]
    assert [of_several.number_of(did) for did in dids] == [division.number_of(did) for did in dids]
    unlike = Division(4, tuple(Part(parts[0].digest, 2, buckets) for buckets in (1, 9, 6)))
    numbers = [0, *[1] * 9, *[2] * 6]
    assert [unlike.number_of(did) for did in dids] == [numbers[bucket_of(did, 4)] for did in dids]


def test_parts_have_addresses_by_digest() -> None:
    assert part_name(part_digest(b"[]")) == f"parts/{part_digest(b'[]')[7:]}.json"


def test_dids_are_texts() -> None:
    assert bucket_of(str(issuer(1)), 8) == bucket_of(Did.parse(issuer(1)), 8)
