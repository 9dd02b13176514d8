"""Collecting the approvals of witnesses for an entry of our own log; see `dids` for how an entry comes to be held back.

1. `pending_witness_request` gives what witnesses must see: the log with the entry that waits, and who must approve it.
2. Each witness looks at it (`approval.approve_entry`) and returns a proof.
3. `add_witness_proof` keeps each one; with enough of them the entry is in force in the wallet, then `did-witness.json`
   is published, then `did.jsonl`. A rotation that waited goes on.
4. `withdraw_entry` gives up on an entry that witnesses refuse. Nobody else has seen it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from acapy_agent.core.profile import Profile

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.dids import continue_rotation, publish_did
from wanderbuch.plugins.webvh.own import OwnDid, own_did, publishing, read_own, write_own
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.plugins.webvh.witnesses import Proof, WitnessError, witness_of

# The newest proof of each witness, and the one before: a reader may have the log of before the newest entry.
_KEPT_OF_EACH: Final = 2


@dataclass(frozen=True, slots=True)
class WitnessRequest:
    """An entry that waits for approval.

    Args:
        version_id: of the entry.
        log: the whole log, the entry last; one entry a line.
        proofs: versionId -> approvals of the entries before.
        threshold: how many witnesses must approve.
        witnesses: whose approval counts (did:key).
        approved: who has approved so far.
    """

    did: WebvhDid
    version_id: str
    log: str
    proofs: Mapping[str, Sequence[Proof]]
    threshold: int
    witnesses: tuple[str, ...]
    approved: tuple[str, ...]


async def pending_witness_request(profile: Profile, did: WebvhDid) -> WitnessRequest | None:
    """Return the entry of `did` that waits for its witnesses, or None.

    Raises:
        ConfigurationError: it is not a DID of this wallet.
    """
    own = await own_did(profile, did)
    if own is None:
        raise ConfigurationError(f"{did} is not a DID of this wallet")
    return None if own.held is None else _request(own, own.held)


async def add_witness_proof(
    profile: Profile, did: WebvhDid, proof: Mapping[str, Any], *, publisher: Publisher
) -> WitnessRequest | None:
    """Keep one approval of the entry that waits, and publish the entry if it was the last one needed.

    Args:
        profile: whose wallet.
        did: a DID of it.
        proof: as `witnesses.witness_proof` makes it; sending it twice changes nothing.
        publisher: where the DID's files lie.

    Returns:
        What waits now: the same entry, the next one of a rotation, or None.

    Raises:
        WitnessError: nothing waits, or the proof is not an approval of what waits by one of its witnesses.
        ConfigurationError: it is not a DID of this wallet, or the folder cannot be written to.
    """
    async with publishing(profile, did):
        if await _keep(profile, did, proof):
            await publish_did(profile, did, publisher)
            await continue_rotation(profile, did, publisher)
    return await pending_witness_request(profile, did)


async def withdraw_entry(profile: Profile, did: WebvhDid) -> None:
    """Forget the entry of `did` that waits for its witnesses; does nothing if none waits.

    A rotation that waited with its last step is finished by a later one or at the next start.

    Raises:
        ConfigurationError: it is not a DID of this wallet.
    """
    async with publishing(profile, did), profile.transaction() as session:
        own = await read_own(session, did, for_update=True)
        if own is None:
            raise ConfigurationError(f"{did} is not a DID of this wallet")
        if own.held is not None:
            await write_own(session, replace(own, held=None))
            await session.commit()


async def _keep(profile: Profile, did: WebvhDid, proof: Mapping[str, Any]) -> bool:
    """Write the proof to the wallet; return whether the entry is in force now."""
    async with profile.transaction() as session:
        own = await read_own(session, did, for_update=True)
        if own is None:
            raise ConfigurationError(f"{did} is not a DID of this wallet")
        own_did, rule = own.held, own.held.approval if own.held else None
        if own_did is None or rule is None:
            raise WitnessError(f"no entry of the log of {did} waits for witnesses")
        witness = witness_of(own_did.version_id, proof)
        if witness is None or witness not in rule.witnesses:
            raise WitnessError("expected an approval of the entry that waits by one of its witnesses, found another")
        collected = [*own_did.proofs.get(own_did.version_id, ())]
        if witness not in _approved(own_did):
            collected.append(dict(proof))
        own_did = replace(own_did, proofs={**own_did.proofs, own_did.version_id: collected})
        complete = len(_approved(own_did)) >= rule.threshold
        await write_own(session, replace(own_did, proofs=_pruned(own_did)) if complete else replace(own, held=own_did))
        await session.commit()
        return complete


def _request(own: OwnDid, before: OwnDid) -> WitnessRequest:
    rule = before.approval
    if rule is None:
        raise ConfigurationError(f"the wallet's record of the DID {own.did} is damaged")
    return WitnessRequest(
        own.did,
        before.version_id,
        before.log,
        own.proofs,
        rule.threshold,
        rule.witnesses,
        _approved(before),
    )


def _approved(did: OwnDid) -> tuple[str, ...]:
    witnesses = (witness_of(did.version_id, proof) for proof in did.proofs.get(did.version_id, ()))
    return tuple(dict.fromkeys(witness for witness in witnesses if witness is not None))


def _pruned(own: OwnDid) -> dict[str, list[Proof]]:
    """Return the newest proofs of each witness; one of a later entry says all that the ones before say."""
    left: dict[str, int] = {}
    kept: dict[str, list[Proof]] = {}
    for entry in reversed(own.entries):
        version_id = str(entry["versionId"])
        for proof in own.proofs.get(version_id, ()):
            witness = str(proof.get("verificationMethod"))
            left[witness] = left.get(witness, 0) + 1
            if left[witness] <= _KEPT_OF_EACH:
                kept.setdefault(version_id, []).append(proof)
    return dict(reversed(kept.items()))
