"""What a witness does before it approves an entry of somebody else's log (did:webvh 1.0, Witnesses).

1. The whole log holds by every rule of `log`, but that its last entry still waits for witnesses.
2. It goes on from what this witness has seen of it: nothing was removed or replaced. So nobody can have two different
   entries of one number approved by the same witness.
3. The witness is one of those whose approval the entry needs.
4. What the entry changes is for a person (or a program) to judge: `EntryToApprove` shows it.

Only then does `approve` make the proof. The caller keeps `seen` before it gives the proof away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.entries import read_entries, unverified_name
from wanderbuch.plugins.webvh.keys import to_multikey
from wanderbuch.plugins.webvh.log import verify_log
from wanderbuch.plugins.webvh.memory import Seen, newest
from wanderbuch.plugins.webvh.witnesses import WitnessError, WitnessRule, witness_proof


@dataclass(frozen=True, slots=True)
class EntryToApprove:
    """An entry that holds by every rule; only `examine` makes one.

    Args:
        did: whose log.
        version_id: of the entry.
        document, document_before: the DID document as the entry states it, and as the entry before did (None: none).
        parameters: what the entry sets anew, such as update keys and witnesses.
        rule: whose approval it needs.
        seen: what the witness has seen of the log once it has approved.
    """

    did: WebvhDid
    version_id: str
    document: Mapping[str, Any]
    document_before: Mapping[str, Any] | None
    parameters: Mapping[str, Any]
    rule: WitnessRule
    seen: Seen


async def examine(received_log: bytes, received_witness: bytes | None, *, seen: Seen | None) -> EntryToApprove:
    """Check a log whose last entry waits for approval (steps 1 and 2).

    Args:
        received_log: the log with the entry at its end.
        received_witness: the `did-witness.json` of the entries before, None if there is none.
        seen: the newest entry that this witness has seen or approved before, None at the first time.

    Raises:
        LogError: the log breaks a rule.
        HistoryError: it does not go on from what was seen.
        WitnessError: its last entry needs nobody's approval.
    """
    entries = read_entries(received_log)
    did = unverified_name(entries[-1])
    log = await verify_log(did, received_log, received_witness, last_waits=True)
    if log.approval is None:
        raise WitnessError(f"the last entry of the log of {did} needs no approval")
    return EntryToApprove(
        did=did,
        version_id=log.version_id,
        document=log.document,
        document_before=entries[-2]["state"] if len(entries) > 1 else None,
        parameters=entries[-1]["parameters"],
        rule=log.approval,
        seen=newest(did, log.version_ids, seen),
    )


def approve(entry: EntryToApprove, key: Ed25519PrivateKey, *, at: datetime) -> dict[str, str]:
    """Return the proof that the holder of `key` approves the entry (step 3).

    Args:
        entry: what `examine` returned, and somebody found right.
        key: the witness's own.
        at: the instant, aware.

    Raises:
        WitnessError: the entry does not need this witness's approval.
    """
    witness = f"did:key:{to_multikey(key.public_key().public_bytes_raw())}"
    if witness not in entry.rule.witnesses:
        raise WitnessError(
            f"the entry needs approval by other witnesses than {witness}", hint="the witnesses stand in the log"
        )
    return witness_proof(entry.version_id, key, at=at)
