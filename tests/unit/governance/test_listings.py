"""Institutions that are listed and have no DID yet: what a file says of them, where it lies, and that it is none."""

import copy
import json
from typing import Any

import pytest
from tests.unit.governance.conftest import VECTORS, Json, fresh, payload_of
from tests.unit.governance.divided_files import Divided
from tests.vectors.make_listing_vectors import CENTRE, SOUND, vectors

from wanderbuch.governance.comparing.differences import changes_trust, differences
from wanderbuch.governance.divided.bulk import PartError
from wanderbuch.governance.divided.division import canonical, divide, gather, redivide
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.form.model import DIVIDED, LISTING
from wanderbuch.governance.form.records import join, split
from wanderbuch.governance.form.validation import parse_file, validate_file

KEY = "P01/0142"


def with_listing(document: Json, listing: Any, key: str = KEY) -> Json:
    changed = copy.deepcopy(document)
    changed["participants"]["entries"][LISTING] = {key: copy.deepcopy(listing)}
    return changed


def test_the_vectors_are_those_of_their_script() -> None:
    assert json.loads((VECTORS / "listings.json").read_bytes()) == vectors()


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["name"])
def test_a_listing_keeps_its_rules(example: Json, vector: Json) -> None:
    before = {(error.rule, error.path) for error in validate_file(payload_of(example)).errors}
    report = validate_file(payload_of(with_listing(example, vector["listing"], vector["key"])))
    assert sorted({error.rule for error in report.errors if (error.rule, error.path) not in before}) == vector["errors"]
    assert (report.file is None) == bool(vector["errors"])


def listed(example: Json) -> GovernanceFile:
    return parse_file(payload_of(with_listing(example, SOUND)))


def test_a_listing_says_who_and_what_for_and_accredits_nobody(example: Json) -> None:
    before, file = parse_file(payload_of(example)), listed(example)
    [listing] = file.listings
    assert (listing.register_id, listing.name, listing.did) == (KEY, "Matara Plumbing School", None)
    assert listing.accredited_for[0].occupations == ("C7126",)
    assert (file.accreditations, file.participants) == (before.accreditations, before.participants)
    assert fresh(file).file.index.by_issuer.keys() == before.index.by_issuer.keys()


def test_naming_a_did_in_a_listing_gives_it_nothing(example: Json) -> None:
    file = parse_file(payload_of(with_listing(example, {"name": "Matara", "did": CENTRE})))
    assert file.listings[0].did == CENTRE
    assert CENTRE not in file.index.by_issuer
    assert file.index.participants.get(file.listings[0].did) is None


def test_a_listing_that_comes_changes_or_goes_changes_no_trust(example: Json) -> None:
    before, after = parse_file(payload_of(example)), listed(example)
    connected = parse_file(payload_of(with_listing(example, {"name": "Matara", "did": CENTRE})))
    pairs = ((before, after), (after, connected), (after, before))
    told = [[one for one in differences(*pair) if one.code.startswith("listing.")] for pair in pairs]
    assert [one.code for changes in told for one in changes] == [
        "listing.added",
        "listing.connected",
        "listing.removed",
    ]
    assert not any(changes_trust(change) for change in told)
    assert "nothing that it issues counts yet" in told[0][0].text


def test_a_file_without_listings_is_what_it_always_was(example: Json) -> None:
    header, records = split(example)
    assert join(header, records) == example
    assert LISTING not in json.dumps(join(header, records))
    assert parse_file(payload_of(example)).listings == ()


def divided(example: Json) -> Divided:
    return Divided(*divide(with_listing(example, SOUND), 2))


def test_a_listing_lies_in_a_part_and_never_in_the_root(example: Json) -> None:
    file = divided(example)
    assert KEY not in json.dumps(file.root)
    assert file.load().listings == listed(example).listings
    assert gather(file.root, file.parts.__getitem__) == with_listing(example, SOUND)
    header, own = split(with_listing(file.root, SOUND))
    rooted = validate_file(payload_of(join(header, own)))
    assert "listing-in-part" in {error.rule for error in rooted.errors}


def test_one_listing_moves_one_part(example: Json) -> None:
    file = divided(example)
    changed = {"register_id": KEY, "listing": {"name": "Matara", "did": CENTRE}}
    root, parts = redivide(file.root, {KEY: changed}, file.parts.__getitem__)
    assert len(parts) == 1
    after = Divided(root, file.parts | parts).load()
    assert [(one.name, one.did) for one in after.listings] == [("Matara", CENTRE)]
    root, parts = redivide(root, {KEY: None}, (file.parts | parts).__getitem__)
    assert Divided(root, file.parts | parts).load().listings == ()


@pytest.mark.parametrize(
    ("record", "wrong"),
    [
        pytest.param({"register_id": KEY, "did": CENTRE, "listing": SOUND}, "with a DID, or", id="both names"),
        pytest.param({"register_id": KEY}, "with a DID, or", id="no listing"),
        pytest.param({"listing": SOUND}, "with a DID, or", id="no name"),
        pytest.param({"did": CENTRE, "listing": SOUND}, "with a DID, or", id="under a DID"),
        pytest.param({"register_id": KEY, "listing": SOUND, "accreditations": []}, "nothing more", id="accredits"),
        pytest.param({"register_id": KEY, "listing": {**SOUND, "sources": []}}, "sources", id="a member more"),
        pytest.param({"register_id": CENTRE, "listing": SOUND}, "number of an institution", id="a DID as number"),
        pytest.param({"register_id": KEY, "listing": [SOUND]}, "record of 'P01/0142'", id="a list"),
    ],
)
def test_a_part_with_another_form_of_listing_is_refused(example: Json, record: Json, wrong: str) -> None:
    file = Divided(*divide(example, 1))
    bucket = file.number_of(record.get("register_id", record.get("did", "")))
    there = json.loads(file.content(bucket))
    ordered = sorted([*there, record], key=lambda one: str(one.get("register_id", one.get("did", ""))))
    file.replace_part(bucket, canonical(ordered))
    with pytest.raises(PartError, match=wrong):
        file.load()


def test_the_divided_statement_stands_under_the_author(example: Json) -> None:
    assert list(divided(example).root["participants"]["entries"][DIVIDED]) == [example["author"]]
