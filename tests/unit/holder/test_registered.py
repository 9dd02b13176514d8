"""What a verifier is registered for, beside what it asks: nothing is added up, and every step beyond is named."""

from copy import replace
from datetime import date, timedelta

import pytest
from tests.unit.governance.conftest import EXAMPLE, NOW, fresh
from tests.unit.governance.deciding.test_asking_rules import EMPLOYER, STRANGER, verification

from wanderbuch.agents.holder.asked import ProofRequest, parse_proof_request
from wanderbuch.agents.holder.peers import Peer
from wanderbuch.agents.holder.registered import Beyond, registered_for
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan, Purpose
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.spans import OPEN_END
from wanderbuch.governance.form.validation import parse_file


@pytest.fixture
def snapshot() -> GovernanceSnapshot:
    verifications = (
        verification("V-2", purposes=(Purpose.STUDY,), attributes=frozenset({"family_name"}), predicates=frozenset()),
        verification("V-1"),
        verification("V-3", credential_type="attendance/1.0", intervals=(DateSpan(date(2027, 1, 1), OPEN_END),)),
    )
    return fresh(replace(parse_file(EXAMPLE.read_bytes()), verifications=verifications))


def request(*names: str, months: bool = False, **restricted: str) -> ProofRequest:
    predicate = {"g.months": {"name": "eqf_level", "p_type": ">=", "p_value": 3}} if months else {}
    alternatives = [{f"attr::{name}::value": value} for name, value in restricted.items()]
    group = {"names": list(names), "restrictions": alternatives}
    return parse_proof_request({"name": "x", "requested_attributes": {"g": group}, "requested_predicates": predicate})


def peer(did: Did | None = EMPLOYER, purpose: Purpose | None = Purpose.EMPLOYMENT) -> Peer:
    known = dict.fromkeys(Peer.__dataclass_fields__)
    return Peer(**{**known, "did": did, "purpose": purpose})  # type: ignore[arg-type]


def beyond(snapshot: GovernanceSnapshot, asked: ProofRequest, who: Peer) -> Beyond:
    registered = registered_for(snapshot, asked, who, at=NOW)
    assert registered is not None
    (one,) = registered.beyond
    return one


def test_what_is_registered_is_shown_whole_and_nothing_goes_beyond(snapshot: GovernanceSnapshot) -> None:
    registered = registered_for(snapshot, request("occupation_isco08", months=True), peer(), at=NOW)
    assert registered is not None
    assert {one.id for one in registered.statements} == {"V-1", "V-2"}  # V-3 is not in force yet
    assert registered.beyond == (Beyond(),)


@pytest.mark.parametrize(
    ("asked", "who", "expected"),
    [
        (request("occupation_isco08", "family_name"), peer(), Beyond(shown=("family_name",))),
        (request("occupation_isco08", family_name="Perera"), peer(), Beyond(shown=("family_name",))),
        (request("occupation_isco08"), peer(purpose=Purpose.REGULATED_PROFESSION), None),
        (request("family_name"), peer(purpose=Purpose.STUDY), Beyond()),
    ],
    ids=["a name", "a name by restriction", "another purpose", "what the other statement allows"],
)
def test_every_step_beyond_is_named(
    snapshot: GovernanceSnapshot,
    asked: ProofRequest,
    who: Peer,
    expected: Beyond | None,
) -> None:
    steps_beyond = beyond(snapshot, asked, who)
    assert steps_beyond == (expected or Beyond(purpose=Purpose.REGULATED_PROFESSION))


def test_two_statements_are_not_added_up(snapshot: GovernanceSnapshot) -> None:
    steps_beyond = beyond(snapshot, request("occupation_isco08", "family_name"), peer(purpose=Purpose.STUDY))
    assert not steps_beyond.is_nothing


@pytest.mark.parametrize("who", [peer(STRANGER), peer(None)], ids=["stranger", "nameless"])
def test_of_whom_nothing_is_known_nothing_is_said(snapshot: GovernanceSnapshot, who: Peer) -> None:
    assert registered_for(snapshot, request("occupation_isco08"), who, at=NOW) is None
    assert registered_for(None, request("occupation_isco08"), peer(), at=NOW) is None


def test_of_a_statement_that_has_ended_all_goes_beyond(snapshot: GovernanceSnapshot) -> None:
    (ended,) = [one for one in snapshot.file.verifications if one.id == "V-3"]
    later = fresh(replace(snapshot.file, verifications=(ended,)))
    steps_beyond = beyond(later, request("occupation_isco08"), peer())
    assert steps_beyond.shown == ("occupation_isco08",)
    assert steps_beyond.credential_types


def test_on_an_old_file_nothing_is_said_to_be_in_force(snapshot: GovernanceSnapshot) -> None:
    """Whoever keeps a wallet on an old file does not stay registered there after the authority has taken it back."""
    asked = request("occupation_isco08")
    fresh_until = NOW
    while snapshot.is_fresh(fresh_until):
        fresh_until += timedelta(hours=1)
    assert registered_for(snapshot, asked, peer(), at=fresh_until - timedelta(hours=1)) is not None
    assert registered_for(snapshot, asked, peer(), at=fresh_until) is None
