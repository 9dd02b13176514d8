"""Check a receipt that somebody shows, against the log of the DID that it names.

In this order; the first that fails refuses it:

1. its form: a compact JWS of the type, with EdDSA and nothing else (`governance.signed.jws`);
2. what it says has the form of a receipt, and the key that is named is one of the verifier it names;
3. the DID's log keeps all rules of did:webvh (`webvh.log`);
4. the key stood in `assertionMethod` when the receipt was signed, by its own date;
5. the signature holds;
6. its dates fit: asked, then decided, then signed, and none of it in the future. Several processes of one verifier may
   have written them, whose clocks differ by minutes at most.

A key that was withdrawn since still counts for what it signed before; but that the receipt is that old, only its own
date says, and whoever has got hold of the key may write any date. So it is told.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.facts.identifiers import DidUrl, IdentifierError, WebvhDid
from wanderbuch.governance.signed.jws import UnverifiedSignature, read_jws
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.receipts.receipt import (
    MAX_RECEIPT_BYTES,
    RECEIPT_TYPE,
    DecisionReceipt,
    ReceiptError,
    read_receipt,
)
from wanderbuch.plugins.webvh.entries import MAX_LOG_BYTES
from wanderbuch.plugins.webvh.key_history import KeyHistory, KeyTime, key_history
from wanderbuch.plugins.webvh.log import names_witnesses
from wanderbuch.plugins.webvh.witnesses import MAX_WITNESS_BYTES

_SKEW: Final = timedelta(minutes=5)
_TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class DidLog:
    """The log of a DID as it was fetched, or as it lies in a file; nothing of it is checked yet."""

    received: bytes
    witness: bytes | None = None


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """A receipt that passed every check; only `verify_receipt` makes one.

    Args:
        kid: the key that signed it.
        key_time: when that key counted.
        log_version: the newest entry of the log that was looked at.
        is_deactivated: whether the verifier has given up its DID since.
    """

    receipt: DecisionReceipt
    kid: DidUrl
    key_time: KeyTime
    log_version: str
    is_deactivated: bool


async def fetch_log(edge: HttpEdge, did: WebvhDid) -> DidLog:
    """Fetch the log of a DID.

    Raises:
        HttpError: it could not be fetched.
    """
    log = (await edge.get(did.log_url, max_bytes=MAX_LOG_BYTES, timeout_s=_TIMEOUT_S)).body
    if not await asyncio.to_thread(names_witnesses, log):
        return DidLog(log)
    proofs = await edge.get(did.witness_url, max_bytes=MAX_WITNESS_BYTES, timeout_s=_TIMEOUT_S)
    return DidLog(log, proofs.body)


def unverified_verifier(jws: bytes) -> WebvhDid:
    """Return whose receipt it says to be, after checks 1 and 2.

    Raises:
        ReceiptError: a check failed.
    """
    return _read(jws)[2]


def verify_receipt(jws: bytes, log: DidLog, *, at: datetime) -> VerifiedReceipt:
    """Return a receipt after all checks of this module.

    Args:
        jws: as it was shown.
        log: of the DID that it names.
        at: now, aware.

    Raises:
        ReceiptError: a check failed.
        LogError: the log is not valid.
    """
    receipt, signature, did, encoded = _read(jws)  # 1, 2
    history = key_history(did, log.received, log.witness, at=at)  # 3
    key_time = _key_time(history, signature.kid, receipt.issued_at)  # 4
    try:  # 5
        Ed25519PublicKey.from_public_bytes(key_time.key).verify(
            signature.signature, signature.protected + b"." + encoded
        )
    except (InvalidSignature, ValueError) as err:
        raise ReceiptError("the receipt was altered, or signed by somebody else: its signature does not hold") from err
    dates = (receipt.asked.asked_at, receipt.decided.decided_at, receipt.issued_at, at)
    if any(later < earlier - _SKEW for earlier, later in pairwise(dates)):  # 6
        raise ReceiptError("expected a receipt that was signed after its decision and before now, found other dates")
    return VerifiedReceipt(receipt, signature.kid, key_time, history.log.version_id, history.log.deactivated)


def _read(jws: bytes) -> tuple[DecisionReceipt, UnverifiedSignature, WebvhDid, bytes]:
    text = jws.strip()
    if text[:1] == b"{":  # 1: the other form of a JWS may have several signatures
        raise ReceiptError("this is no receipt: expected a compact JWS, found JSON")
    try:
        received = read_jws(text, typ=RECEIPT_TYPE, max_bytes=MAX_RECEIPT_BYTES)
    except GovernanceError as err:
        raise ReceiptError(f"this is no receipt: {err.message}") from err
    receipt, signature = read_receipt(received.unverified_payload), received.signatures[0]  # 2
    try:
        did = WebvhDid.parse(receipt.verifier.did)
    except IdentifierError as err:
        raise ReceiptError(f"expected a verifier with a did:webvh, found {receipt.verifier.did[:200]!r}") from err
    if signature.kid.did != did:
        raise ReceiptError(f"expected a key of the verifier {did}, found a key of {signature.kid.did}")
    return receipt, signature, did, received.encoded


def _key_time(history: KeyHistory, kid: DidUrl, issued_at: datetime) -> KeyTime:
    times = history.times.get(kid, ())
    for slack in (timedelta(0), _SKEW):  # two honest clocks may differ at a rotation
        for time in reversed(times):
            if time.since - slack <= issued_at and (time.until is None or issued_at < time.until + slack):
                return time
    when = "; ".join(
        f"from {time.since:%Y-%m-%d %H:%M}" + ("" if time.until is None else f" to {time.until:%Y-%m-%d %H:%M}")
        for time in times
    )
    raise ReceiptError(
        f"the receipt says to have been signed at {issued_at:%Y-%m-%d %H:%M} UTC, and {kid} counted "
        + (f"{when} only" if when else "at no time")
    )
