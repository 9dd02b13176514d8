"""Taking a governance file apart for editing and putting it together again loses nothing."""

import copy
import json
from importlib import resources
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wanderbuch.governance.form.cte_model import DESCRIPTION, ROLES
from wanderbuch.governance.form.model import ACCREDITATION, CROSSWALK, LISTING
from wanderbuch.governance.form.records import LISTS, OBJECTS, join, split

EXAMPLE: dict[str, Any] = json.loads(
    resources.files("wanderbuch.governance.files").joinpath("sri-lanka.example.json").read_bytes()
)
CENTRE = "did:example:centre"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
schemas = st.sampled_from([*OBJECTS.values(), *LISTS.values(), CROSSWALK, LISTING, "https://example.test/unknown.json"])
dids = st.sampled_from(["did:example:a", "did:example:b", "did:example:c", "P01/0142"])
bodies = st.dictionaries(st.sampled_from([*LISTS, "name", "alias_dids"]), json_values, max_size=3) | json_values
entries = st.dictionaries(schemas, st.dictionaries(dids, bodies, max_size=3) | json_values, max_size=6)
payloads = st.dictionaries(st.sampled_from(["id", "version", "participants"]), json_values, max_size=3) | entries.map(
    lambda by_type: {"id": "x", "participants": {"id": "y", "entries": by_type}}
)


@given(payloads)
def test_joining_what_was_split_gives_the_same_file(payload: dict[str, Any]) -> None:
    before = copy.deepcopy(payload)
    assert join(*split(payload)) == payload == before


def test_a_record_is_all_that_the_example_says_of_one_participant() -> None:
    header, records = split(EXAMPLE)
    entries = EXAMPLE["participants"]["entries"]
    assert set(records) == set(entries[DESCRIPTION]) | set(entries[ACCREDITATION]) | set(entries[ROLES])
    did = next(iter(entries[ACCREDITATION]))
    assert records[did]["did"] == did
    assert records[did]["accreditations"] == entries[ACCREDITATION][did]["accreditations"]
    assert records[did]["description"] == entries[DESCRIPTION][did]
    assert not set(header["participants"]["entries"]) & {*OBJECTS.values(), *LISTS.values()}
    assert CROSSWALK in header["participants"]["entries"]


def test_a_new_record_appears_under_its_statements_and_a_removed_one_under_none() -> None:
    header, records = split(EXAMPLE)
    added = join(header, records | {CENTRE: {"did": CENTRE, "description": {"name": "New"}, "accreditations": []}})
    entries = added["participants"]["entries"]
    assert entries[DESCRIPTION][CENTRE] == {"name": "New"}
    assert entries[ACCREDITATION][CENTRE] == {"accreditations": []}
    assert CENTRE not in entries[ROLES]
    gone = next(iter(records))
    without = join(header, {did: record for did, record in records.items() if did != gone})
    assert gone not in json.dumps({uri: without["participants"]["entries"].get(uri) for uri in OBJECTS.values()})
