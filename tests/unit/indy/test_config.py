from typing import Any

import pytest
from pydantic import ValidationError

from wanderbuch.plugins.indy.config import IndyConfig

LEDGER: dict[str, Any] = {"namespace": "sovrin", "genesis_file": "pool.txn"}
AGREEMENT = {"version": "2.0", "digest": "0" * 64, "mechanism": "for_session", "accepted_on": "2026-11-27"}


def test_old_ids_belong_to_the_only_ledger_or_to_the_one_that_says_so() -> None:
    other = {**LEDGER, "namespace": "sovrin:staging"}
    assert IndyConfig.model_validate({"ledgers": [LEDGER]}).of_old_ids == "sovrin"
    assert IndyConfig.model_validate({"ledgers": [{**LEDGER, "old_ids": False}]}).of_old_ids is None
    assert IndyConfig.model_validate({"ledgers": [LEDGER, other]}).of_old_ids is None
    assert IndyConfig.model_validate({"ledgers": [LEDGER, {**other, "old_ids": True}]}).of_old_ids == "sovrin:staging"


@pytest.mark.parametrize(
    ("ledgers", "reason"),
    [
        ([{"namespace": "sovrin"}], "expected either genesis_file or genesis_url"),
        ([{**LEDGER, "genesis_url": "https://a.example/x"}], "expected either genesis_file or genesis_url"),
        ([{"namespace": "sovrin", "genesis_url": "http://a.example/x"}], "should match pattern"),
        ([{**LEDGER, "genesis_digest": "0" * 64}], "is for a genesis_url alone"),
        ([{"namespace": "sovrin", "genesis_url": "https://a.example/x"}], "expected the genesis_digest of what stands"),
        (
            [{**LEDGER, "endorser_invitation": "https://a.example/?oob=x"}],
            "is of the agent of endorser",
        ),
        ([{**LEDGER, "namespace": "Sovrin"}], "should match pattern"),
        ([LEDGER, LEDGER], "two ledgers have the same namespace"),
        ([{**LEDGER, "old_ids": True}, {**LEDGER, "namespace": "b", "old_ids": True}], "more than one ledger"),
        ([{**LEDGER, "endorser": "did:key:z6Mk"}], "expected did:indy"),
        ([{**LEDGER, "endorser": "did:indy:other:V4SGRU86Z58d6TV7PBUe6f"}], "is not a DID of sovrin"),
        ([{**LEDGER, "agreement": {**AGREEMENT, "digest": "text"}}], "should match pattern"),
        ([{**LEDGER, "agreement": {k: v for k, v in AGREEMENT.items() if k != "mechanism"}}], "Field required"),
    ],
)
def test_refuses_a_ledger_that_is_not_clear(ledgers: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        IndyConfig.model_validate({"ledgers": ledgers})


def test_takes_an_agreement_that_is_named_in_full() -> None:
    (ledger,) = IndyConfig.model_validate({"ledgers": [{**LEDGER, "agreement": AGREEMENT}]}).ledgers
    assert ledger.agreement is not None
    assert ledger.agreement.accepted_on.isoformat() == "2026-11-27"
