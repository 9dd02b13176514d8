"""The messages of "endorse transaction" 1.0, as ACA-Py speaks them; no RFC of Aries has them.

Both: `transaction_my_job` (their part); author: `request`; endorser: `endorse` or `refuse`; author: `ack`. What
counts of an answer is one signature: the transaction is the one that was asked for, never the one that comes back.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.packing import PREFIX
from wanderbuch.store.records import new_id

FAMILY: Final = "transactions/1.0"
ENDORSE: Final = f"{FAMILY}/endorse"
REFUSE: Final = f"{FAMILY}/refuse"
JOB: Final = f"{FAMILY}/transaction_my_job"
_CONTEXT: Final = "did:sov"
_TRANSACTION_ID: Final = re.compile(r"[0-9a-f]{64}-[0-9a-f]{32}")  # as `kept.Endorsement` makes them
_MAX_SIGNATURE_CHARS: Final = 100  # 64 bytes in base58


class EndorsementMessageError(ExchangeError):
    """What an endorser sent is no answer."""

    code = "exchange.endorsement"


def job_message() -> dict[str, Any]:
    """Return the message that says which part we play."""
    return {"@type": f"{PREFIX}{JOB}", "@id": new_id(), "job": "TRANSACTION_AUTHOR"}


def request_message(transaction_id: str, body: str) -> dict[str, Any]:
    """Return the request to endorse a transaction.

    Args:
        transaction_id: ours.
        body: the transaction with the author's signature, as JSON text.
    """
    return {
        "@type": f"{PREFIX}{FAMILY}/request",
        "@id": transaction_id,
        "transaction_id": transaction_id,
        "signature_request": {
            "context": _CONTEXT,
            "method": "add-signature",
            "signature_type": "default",
            "signer_goal_code": "aries.transaction.endorse",
            "author_goal_code": "aries.transaction.ledger.write",
        },
        "timing": {"expires_time": None},
        "messages_attach": {"@id": new_id(), "mime-type": "application/json", "data": {"json": body}},
        "endorser_write_txn": False,
    }


def ack_message(transaction_id: str) -> dict[str, Any]:
    """Return the message that says that the transaction is written."""
    return {"@type": f"{PREFIX}{FAMILY}/ack", "@id": new_id(), "thread_id": transaction_id, "status": "OK"}


def read_transaction_id(members: Mapping[str, Any]) -> str:
    """Return which of our requests is answered."""
    transaction_id = members.get("transaction_id")
    if not isinstance(transaction_id, str) or not _TRANSACTION_ID.fullmatch(transaction_id):
        raise EndorsementMessageError("expected the id of a transaction")
    return transaction_id


def read_signature(members: Mapping[str, Any], nym: str) -> str:
    """Return the signature of `nym`, base58, in an `endorse` message.

    Raises:
        EndorsementMessageError: it has none.
    """
    try:
        (text,) = members["signature_response"]["signature"].values()
        signature = json.loads(text)["signatures"][nym]  # not strictly: requests have numbers beyond 2^53
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as err:
        raise EndorsementMessageError(f"expected a transaction that {nym} has signed") from err
    if not isinstance(signature, str) or not 0 < len(signature) <= _MAX_SIGNATURE_CHARS:
        raise EndorsementMessageError(f"expected the signature of {nym} in base58")
    return signature
