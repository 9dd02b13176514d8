"""Writing entries of our own did:webvh logs. No I/O.

The library `did_webvh` makes them, so that its readers hash what we hash: members in its order, times in whole seconds.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from aries_askar import Key
from did_webvh.askar import AskarSigningKey
from did_webvh.core.state import DocumentState

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.errors import LogError
from wanderbuch.plugins.webvh.parameters import commitment
from wanderbuch.plugins.webvh.witnesses import WitnessRule


def first_entry(
    document: Mapping[str, Any],
    *,
    update_key: Key,
    next_keys: tuple[str, ...],
    at: datetime,
    witnesses: WitnessRule | None = None,
) -> tuple[WebvhDid, str]:
    """Make the first entry of a log.

    Args:
        document: the DID document with `{SCID}` wherever the SCID belongs.
        update_key: Ed25519 key pair that may sign entries.
        next_keys: Multikeys of the update keys of the second entry; empty for no pre-rotation.
        at: the instant, in UTC.
        witnesses: who must approve this entry and the next ones, or None.

    Returns:
        The DID, and the entry as one line of JSON without the line end.
    """
    signer = AskarSigningKey(update_key)
    parameters: dict[str, Any] = {"updateKeys": [str(signer.multikey)], **_commitment(next_keys)}
    if witnesses is not None:
        parameters["witness"] = witnesses.as_json()
    state = DocumentState.initial(parameters, dict(document), timestamp=at)
    state.sign(signer, timestamp=state.timestamp)
    return WebvhDid.parse(state.document_id), state.history_json()


def next_entry(
    log: str,
    document: Mapping[str, Any],
    *,
    update_key: Key,
    next_keys: tuple[str, ...],
    at: datetime,
    witness: Mapping[str, Any] | None = None,
) -> str:
    """Make the entry that follows the last one of `log`, which is our own.

    Args:
        log: all entries so far, one a line.
        document: the new DID document.
        update_key: Ed25519 key pair: the one committed to before, or without pre-rotation the current one.
        next_keys: Multikeys of the update keys of the entry after this one; empty for no pre-rotation.
        at: the instant, in UTC; moved behind the last entry's time if need be.
        witness: new value of the parameter `witness` (`{}` = no witnesses any more), or None to leave it as it is.

    Returns:
        The entry as one line of JSON without the line end.
    """
    last: DocumentState | None = None
    for line in log.splitlines():
        last = DocumentState.load_history_json(line, last)
    if last is None:
        raise LogError("expected a log with at least one entry, found an empty one")
    signer = AskarSigningKey(update_key)
    parameters: dict[str, Any] = {}
    if last.next_key_hashes:
        # Both stand in every entry that keys were committed to for, also where the commitments end with it.
        parameters = {"updateKeys": [str(signer.multikey)], "nextKeyHashes": commitment(next_keys)}
    if witness is not None:
        parameters["witness"] = dict(witness)
    state = last.create_next(dict(document), parameters, max(at, last.timestamp + timedelta(seconds=1)))
    state.sign(signer, timestamp=state.timestamp)
    return str(state.history_json())


def utc_now() -> datetime:
    """Return the present instant in whole seconds, as logs have it."""
    return datetime.now(UTC).replace(microsecond=0)


def _commitment(next_keys: tuple[str, ...]) -> dict[str, Any]:
    return {"nextKeyHashes": commitment(next_keys)} if next_keys else {}
