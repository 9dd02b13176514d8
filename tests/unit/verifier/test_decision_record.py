"""A decision that rests on a chain of recognition survives the wallet store."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from wanderbuch.agents.runtime.decisions import DecisionOut
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import ChainLink, GovernanceRef, Reason, TrustDecision, Verdict

DECISIONS = TypeAdapter(TrustDecision)
REF = GovernanceRef("malta", 3, "sha256:" + "0" * 64)
ABROAD = Did.parse("did:webvh:QmExampAuthority111111111111111111111111111111:authority.wanderbuch.test:org")
DECISION = TrustDecision(
    Verdict.TRUSTED,
    (Reason("issuer.accredited", "It is."),),
    REF,
    datetime(2026, 11, 22, tzinfo=UTC),
    (ChainLink(ABROAD, "Authority abroad", "MT-LK-1", REF),),
    ("https://authority.wanderbuch.test/appeals",),
)


def test_a_decision_with_a_chain_comes_back_as_it_was() -> None:
    assert DECISIONS.validate_json(DECISIONS.dump_json(DECISION)) == DECISION


def test_a_chain_with_something_else_than_a_did_is_refused() -> None:
    with pytest.raises(ValidationError):
        DECISIONS.validate_json(DECISIONS.dump_json(DECISION).replace(b"did:webvh:QmExamp", b"somebody"))


def test_the_wire_shows_chain_and_redress() -> None:
    shown = DecisionOut.of(DECISION)
    assert [link.recognition for link in shown.chain] == ["MT-LK-1"]
    assert shown.redress == ["https://authority.wanderbuch.test/appeals"]
