"""Ending a did:webvh (did:webvh 1.0, "Deactivate"): no agent of ours does that to its own, but others may."""

from datetime import timedelta

from acapy_agent.core.profile import Profile
from did_webvh.askar import AskarSigningKey
from did_webvh.core.state import DocumentState

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.log_writing import utc_now
from wanderbuch.plugins.webvh.own import own_did
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.plugins.webvh.signing import wallet_key


async def end_did(profile: Profile, did: WebvhDid, *, publisher: Publisher) -> None:
    """Publish the entry that ends a DID; the wallet itself goes on as if nothing had happened."""
    own = await own_did(profile, did)
    if own is None:
        raise LookupError(f"{did} is not a DID of this wallet")
    last: DocumentState | None = None
    for line in own.log.splitlines():
        last = DocumentState.load_history_json(line, last)
    assert last is not None  # noqa: S101  (a log has an entry)
    async with profile.session() as session:
        signer = AskarSigningKey(await wallet_key(session, own.update_key))
    state = last.create_next(
        last.document_copy(),
        {"deactivated": True, "updateKeys": []},
        max(utc_now(), last.timestamp + timedelta(seconds=1)),
    )
    state.sign(signer, timestamp=state.timestamp)
    log = f"{own.log}{state.history_json()}\n"
    await publisher.put(f"{'/'.join(did.path)}/did.jsonl", log.encode(), "text/jsonl", number=own.number + 1)
