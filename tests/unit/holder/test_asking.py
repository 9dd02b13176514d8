"""A verifier that is listed and asks for more than it may gets no answer; an unknown one is shown as unknown."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.trust.ecosystem import AUTHORITY, Authority, verification, webvh
from tests.unit.trust.ecosystem import payload as file_payload

from wanderbuch.agents.holder.asked import ProofRequest, parse_proof_request
from wanderbuch.agents.holder.asking import decide_asking, may_be_asked
from wanderbuch.agents.holder.peers import Peer
from wanderbuch.governance.facts.question import Purpose, TrustDecision, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import PROFILE_STATEMENTS
from wanderbuch.governance.signed.freshness import FreshnessStatement, snapshot_of

EMPLOYER = webvh("employer")
NOW = datetime.fromisoformat("2026-11-22T12:00:00Z")


def asked(*names: str, predicate: str | None = None, at_most: bool = False, **restricted: str) -> ProofRequest:
    alternatives = [{"schema_name": "none"}, {f"attr::{name}::value": value for name, value in restricted.items()}]
    request: dict[str, Any] = {
        "requested_attributes": {"q": {"names": list(names), "restrictions": alternatives if restricted else []}},
        "requested_predicates": {},
    }
    if predicate:
        request["requested_predicates"]["p"] = {"name": predicate, "p_type": ">=", "p_value": 3}
    if at_most:
        request["requested_predicates"]["m"] = {"name": predicate, "p_type": "<=", "p_value": 3}
    return parse_proof_request(request)


@pytest.fixture
async def snapshot() -> GovernanceSnapshot:
    return await snapshot_for()


async def snapshot_for(**told: Any) -> GovernanceSnapshot:
    document = file_payload({EMPLOYER: []})
    entries = document["participants"]["entries"]
    entries[DESCRIPTION] = {EMPLOYER: {"name": "Shipyard"}}
    entries[PROFILE_STATEMENTS + "verification.json"] = {
        EMPLOYER: {"verifications": [verification(attributes=["occupation_isco08", "award_year"], **told)]}
    }
    signed = await Authority(AUTHORITY).file(json.loads(json.dumps(document)))
    statement = FreshnessStatement.for_file(signed.ref, at=NOW, lifetime=timedelta(hours=1))
    return snapshot_of(signed, statement)


def decide(snapshot: GovernanceSnapshot | None, request: ProofRequest, peer: Peer) -> TrustDecision:
    return decide_asking(snapshot, request, peer, types=may_be_asked(request), at=NOW)


LISTED = Peer(EMPLOYER, "Shipyard", "label", Purpose.EMPLOYMENT)


async def test_a_listed_verifier_may_ask_what_it_is_listed_for(snapshot: GovernanceSnapshot) -> None:
    request = asked("occupation_isco08", predicate="eqf_level")
    assert decide(snapshot, request, LISTED).verdict is Verdict.TRUSTED
    restricted = asked("occupation_isco08", occupation_isco08="C7212", award_year="2020")
    assert decide(snapshot, restricted, LISTED).verdict is Verdict.TRUSTED


@pytest.mark.parametrize(
    ("purposes", "verdict"),
    [(["employment", "study"], Verdict.UNKNOWN), ([purpose.value for purpose in Purpose], Verdict.TRUSTED)],
)
async def test_who_states_no_purpose_is_trusted_with_what_it_may_ask_for_all(
    purposes: list[str], verdict: Verdict
) -> None:
    snapshot = await snapshot_for(purposes=purposes)
    decision = decide(snapshot, asked("occupation_isco08"), Peer(EMPLOYER, "Shipyard", None))
    assert decision.verdict is verdict
    assert (decision.reasons[0].code == "verifier.no_purpose") == (verdict is Verdict.UNKNOWN)
    assert decide(snapshot, asked("family_name"), Peer(EMPLOYER, "Shipyard", None)).verdict is Verdict.NOT_TRUSTED


@pytest.mark.parametrize(
    ("request_", "peer"),
    [
        (asked("occupation_isco08", "family_name"), LISTED),
        (asked("occupation_isco08", predicate="birth_date"), LISTED),
        (asked("occupation_isco08"), Peer(EMPLOYER, "Shipyard", None, Purpose.STUDY)),
        (asked("no_such_attribute"), LISTED),
        (asked("occupation_isco08", family_name="Perera"), LISTED),
        (asked("occupation_isco08", predicate="eqf_level", at_most=True), LISTED),
    ],
)
async def test_a_listed_verifier_that_asks_for_more_is_refused(
    snapshot: GovernanceSnapshot, request_: ProofRequest, peer: Peer
) -> None:
    assert decide(snapshot, request_, peer).verdict is Verdict.NOT_TRUSTED


async def test_whom_nobody_lists_is_unknown(snapshot: GovernanceSnapshot) -> None:
    request = asked("occupation_isco08", "family_name")
    for peer in (Peer(webvh("other"), None, "Shipyard"), Peer(None, None, "Shipyard", Purpose.EMPLOYMENT)):
        assert decide(snapshot, request, peer).verdict is Verdict.UNKNOWN
    assert decide(None, request, LISTED).verdict is Verdict.UNKNOWN
