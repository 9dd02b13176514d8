"""The transaction author agreement of a ledger: accepted as the configuration says, or nothing is written.

1. Where a ledger has an agreement in force, the configuration must name its version and its digest: those of the text
   that somebody has read. A newer text is another one.
2. The mechanism must be one of the ledger's list.
3. The day of acceptance stands in each transaction, never the hour: that would tell apart who wrote what.
"""

import json
from datetime import UTC, datetime, time
from typing import Any

from indy_vdr import ledger as requests

from wanderbuch.plugins.indy.errors import AgreementError, LedgerAnswerError
from wanderbuch.plugins.indy.ledger import IndyLedger


async def acceptance(ledger: IndyLedger) -> str | None:
    """Return what a transaction on this ledger has to carry; None: the ledger has no agreement in force.

    Raises:
        AgreementError: the configuration does not accept the one in force.
        LedgerError: it could not be read.
    """
    answer = await ledger.read(requests.build_get_txn_author_agreement_request)
    agreement: Any = answer.get("data")
    if not agreement or not agreement.get("text"):
        return None
    version, digest = agreement.get("version"), agreement.get("digest")
    accepted = ledger.config.agreement
    place = f"[indy.ledgers.agreement] of {ledger.name}"
    if accepted is None or (accepted.version, accepted.digest) != (version, digest):
        what = "nothing" if accepted is None else f"version {accepted.version} with the digest {accepted.digest}"
        raise AgreementError(
            f"the Indy ledger {ledger.name} asks for its author agreement version {version} with the digest {digest}; "
            f"{place} accepts {what}",
            hint=f"read its text (wanderbuch does not accept it for you), then name version, digest, mechanism "
            f"and accepted_on in {place}",
        )
    listed = (await ledger.read(requests.build_get_acceptance_mechanisms_request)).get("data") or {}
    if not isinstance(listed, dict) or not isinstance(listed.get("aml"), dict):
        raise LedgerAnswerError(f"the Indy ledger {ledger.name} has an author agreement and no way to accept it")
    if accepted.mechanism not in listed["aml"]:
        known = ", ".join(sorted(listed["aml"])[:20])
        raise AgreementError(
            f"the Indy ledger {ledger.name} does not know the mechanism {accepted.mechanism!r}; it knows {known}",
            hint=f"name one of them in {place}",
        )
    midnight = int(datetime.combine(accepted.accepted_on, time(), UTC).timestamp())
    return json.dumps({"taaDigest": digest, "mechanism": accepted.mechanism, "time": midnight})
