"""What a proof costs the wallet in the page: CPU in Node.js, from the choice of a certificate until the proof went out.

The wallet's own code chooses among what fits, reads the newest status list, checks the witness, proves a predicate and
non-revocation, and packs the message. The mediator and who asks are simulated, and nothing is fetched. A book of one
certificate and a book of many answer in turns.
"""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.unit.wallet.centre import Centre, issue_to_wallet
from tests.unit.wallet.wallet_process import wallet_process

from wanderbuch.schemas.credential_type import load_credential_type

_SLOWER: Final = 6
_MANY: Final = 500
_PROOFS: Final = 15
_REQUEST: Final = {
    "name": "q",
    "version": "1.0",
    "nonce": "1234567890",
    "requested_attributes": {"a": {"names": ["occupation_isco08"]}},
    "requested_predicates": {"p": {"name": "eqf_level", "p_type": ">=", "p_value": 3}},
    "non_revoked": {"to": 2_000_000_000},
}


@dataclass(frozen=True, slots=True)
class WalletProofFigures:
    """The figures by key, and what was measured, in ms of CPU."""

    values: Mapping[str, float]
    details: Mapping[str, object]


def measure_wallet_proofs(folder: Path) -> WalletProofFigures:
    """Prove from a book of one certificate and from a book of 500.

    Args:
        folder: for the registry's tails file; made here.
    """
    folder.mkdir(parents=True)
    names = list(load_credential_type("qualification/1.0").attr_names)
    centre = Centre.make("did:example:a", names, folder)
    with wallet_process() as wallet:
        secret = wallet.call("new_link_secret")
        entry = issue_to_wallet(wallet, centre, secret, dict.fromkeys(names, "4"))
        one, many = wallet.call(
            "cost_of_proofs",
            counts=[1, _MANY],
            proofs=_PROOFS,
            request=_REQUEST,
            credential=entry.credential,
            link_secret=secret,
            lists=[published.to_dict() for published in centre.lists],
            **centre.told(),
        )
    alone = statistics.median(one["proofs"])
    values = {
        "wallet_prove_ms_6x": round(alone * _SLOWER, 1),
        "wallet_present_500_over_1": round(statistics.median(many["proofs"]) / alone, 3),
    }
    return WalletProofFigures(values, {"one": one, "many": many})
