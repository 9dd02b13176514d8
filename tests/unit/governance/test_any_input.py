"""No input makes the reader crash, and nothing unsigned is accepted."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thorough import examples
from tests.unit.governance.conftest import ECOSYSTEM, EXAMPLE, KeyHolder

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.form.validation import validate_file
from wanderbuch.governance.signed.signing import sign_file, verify_file

JUNK: list[Any] = [None, True, -1, 0, 2**53 - 1, "", "x", "\u202e", "C7212", "2024-02-30", [], [None], {}, {"a": []}]
DOCUMENTS = [path.read_text() for path in (EXAMPLE, ECOSYSTEM, *sorted(EXAMPLE.parent.glob("[a-r]*.example.json")))]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in below for place in places(item, (*path, key)))]


def spoilt(chance: Random) -> bytes:
    document = json.loads(chance.choice(DOCUMENTS))
    for _ in range(chance.randint(1, 4)):
        *above, last = chance.choice(places(document)[1:])
        place = document
        for step in above:
            place = place[step]
        if chance.random() < 0.3:
            del place[last]
        else:
            place[last] = chance.choice([*JUNK, json.loads(json.dumps(place[last])), [place[last]]])
    return json.dumps(document).encode()


@settings(max_examples=examples(400), deadline=None)
@given(st.integers(0, 2**48).map(Random))
def test_a_spoilt_file_leads_to_findings_never_to_a_crash(chance: Random) -> None:
    report = validate_file(spoilt(chance))
    assert (report.file is None) == bool(report.errors)
    assert all(finding.message and finding.fix and finding.rule for finding in report.findings)


@settings(max_examples=examples(300), deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_any_bytes_lead_to_findings_never_to_a_crash(payload: bytes) -> None:
    assert validate_file(payload).file is None


@pytest.fixture(scope="module")
def signer() -> KeyHolder:
    return KeyHolder(json.loads(DOCUMENTS[0])["author"])


@pytest.mark.parametrize("seed", range(60))
async def test_no_change_of_a_signed_file_is_accepted(signer: KeyHolder, seed: int) -> None:
    chance = Random(seed)  # noqa: S311
    jws = await sign_file(EXAMPLE.read_bytes(), signer.kid, signer.sign)
    changed = bytearray(jws)
    position = chance.randrange(len(changed))
    match chance.randint(0, 3):
        case 0:
            changed[position] ^= 1 << chance.randint(0, 7)
        case 1:
            del changed[position]
        case 2:
            changed.insert(position, chance.choice(b"Aa0-_.=\n"))
        case _:
            del changed[position:]
    with pytest.raises(GovernanceError):
        await verify_file(bytes(changed), author=signer.did, resolve_key=signer.resolve_key)
