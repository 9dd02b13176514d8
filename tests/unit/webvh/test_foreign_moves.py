"""Other people's did:webvh logs that move (DID Portability; Read, step 6)."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.webvh.foreign_log import ForeignLog

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.errors import LogError
from wanderbuch.plugins.webvh.log import MAX_NAMES

Change = Callable[[ForeignLog], None]


def portable() -> ForeignLog:
    return ForeignLog(place="old.example.test:org", parameters={"portable": True})


def test_a_moved_did_is_found_by_each_of_its_names() -> None:
    log = portable()
    second, third = log.move("new.example.test:org"), log.move("newest.example.test")
    for name in (log.did, second, third):
        verified = log.check(name)
        assert (verified.did, verified.names) == (name, (third, second, log.did))
        assert verified.document["id"] == third


def test_a_name_that_it_never_had_is_not_found() -> None:
    log = portable()
    log.move("new.example.test:org")
    for place in ("new.example.test", "thief.example.test:org", "old.example.test:org:x"):
        with pytest.raises(LogError, match="the log of another DID"):
            log.check(WebvhDid.parse(f"did:webvh:{log.scid}:{place}"))


def test_the_number_of_names_has_a_bound() -> None:
    log = portable()
    for number in range(1, MAX_NAMES):
        before = log.entries[-1]["state"]["id"]
        name = f"did:webvh:{log.scid}:p{number}.example.test"
        log.add(f"2026-01-02T00:00:{number:02}Z", id=name, alsoKnownAs=[before])
    assert len(log.check().names) == MAX_NAMES
    log.move("one-more.example.test", time="2026-01-03T00:00:00Z")
    with pytest.raises(LogError, match="names"):
        log.check()


def test_a_did_may_move_back() -> None:
    log = portable()
    log.move("new.example.test:org")
    log.move("old.example.test:org")
    assert log.check().names[0] == log.did


@pytest.mark.parametrize("parameters", [{}, {"portable": False}, {"portable": None}])
def test_a_did_that_is_not_portable_stays(parameters: dict[str, Any]) -> None:
    log = ForeignLog(parameters=parameters)
    log.move("new.example.test:org")
    with pytest.raises(LogError, match="not portable"):
        log.check()


@pytest.mark.parametrize("before", [True, False])
def test_portable_is_never_set_to_true_later(before: bool) -> None:
    log = ForeignLog(parameters={"portable": before})
    log.add(parameters={"portable": True})
    with pytest.raises(LogError, match="portable"):
        log.check()


@pytest.mark.parametrize("same_entry", [True, False])
def test_a_did_that_gave_up_moving_stays(same_entry: bool) -> None:
    log = portable()
    if not same_entry:
        log.add(parameters={"portable": False})
        log.check()
    log.move("new.example.test:org", parameters={"portable": False} if same_entry else {})
    with pytest.raises(LogError, match="not portable"):
        log.check()


@pytest.mark.parametrize("known", [[], ["did:web:old.example.test"], "the old name", None])
def test_a_move_names_where_it_came_from(known: Any) -> None:
    log = portable()
    log.move("new.example.test:org", alsoKnownAs=known)
    with pytest.raises(LogError, match="alsoKnownAs"):
        log.check()


def test_no_move_changes_the_scid() -> None:
    log, other = portable(), ForeignLog()
    log.add(id=other.did, alsoKnownAs=[log.did])
    for did in (log.did, other.did):
        with pytest.raises(LogError, match=r"SCID|another DID"):
            log.check(did)
