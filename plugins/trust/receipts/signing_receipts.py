"""Sign a receipt: anew each time it is asked for, with the key that the verifier asserts with then.

Nothing more is kept for it: what it says follows from the verification, `issued_at` alone is new.
"""

from datetime import datetime

from acapy_agent.core.profile import Profile

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.governance.signed.jws import sign_jws
from wanderbuch.plugins.trust.receipts.receipt import RECEIPT_TYPE, DecisionReceipt, receipt_of
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.plugins.webvh.own import own_did
from wanderbuch.plugins.webvh.signing import key_id, sign_as


async def sign_receipt(
    profile: Profile, verification: Verification, *, did: WebvhDid, name: str, at: datetime
) -> tuple[DecisionReceipt, str]:
    """Return the receipt of a verification, and the same as a compact JWS.

    Args:
        profile: the verifier's wallet.
        verification: a verification that was decided.
        did: of the verifier.
        name: the verifier's own.
        at: now.

    Raises:
        ReceiptError: nothing was decided.
        ConfigurationError: the DID is none of the wallet's.
    """
    receipt = receipt_of(verification, did=did, name=name, at=at)
    own = await own_did(profile, did)
    if own is None:
        raise ConfigurationError(f"{did} is not a DID of this wallet")
    kid = key_id(own, own.assertion_keys[0])

    async def sign(message: bytes) -> bytes:
        return (await sign_as(profile, kid, message))[1]

    jws = await sign_jws(receipt.payload(), kid=kid, typ=RECEIPT_TYPE, sign=sign)
    return receipt, jws.decode("ascii")
