"""Creating, updating and using the did:webvh DIDs of a wallet.

Keys are made in the wallet and stay there. A change is written to the wallet first, in one transaction with its keys,
and published afterwards; publishing is repeated at the next start if it was cut off, so nothing is lost or half done.
"""

from dataclasses import replace
from typing import Final

from acapy_agent.core.profile import Profile, ProfileSession
from acapy_agent.wallet.base import BaseWallet
from acapy_agent.wallet.did_info import DIDInfo
from acapy_agent.wallet.did_method import WEBVH
from acapy_agent.wallet.key_type import ED25519

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.identifiers import WebvhDid
from wanderbuch.plugins.webvh.document import make_document
from wanderbuch.plugins.webvh.log import SCID_PLACEHOLDER, first_entry, next_entry, utc_now
from wanderbuch.plugins.webvh.own import (
    OwnDid,
    multikey,
    own_did,
    own_did_at,
    public_key,
    read_own,
    write_own,
    writing,
)
from wanderbuch.plugins.webvh.own_resources import publish_resources
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.plugins.webvh.signing import sign_as as sign_as
from wanderbuch.plugins.webvh.signing import wallet_key

_LOG_TYPE: Final = "text/jsonl"


async def create_did(
    profile: Profile, *, host: str, path: str, didcomm_endpoint: str | None, publisher: Publisher, prerotation: bool
) -> WebvhDid:
    """Make sure that this wallet has a DID at `https://<host>/<path>` and that it is published; return it.

    May be called at every start: an existing DID is kept, what is missing in the public folder is put back, and a
    changed `didcomm_endpoint` is written into the document.

    Args:
        profile: whose wallet.
        host: dotted host name without a port.
        path: one or more segments with `/` between them.
        didcomm_endpoint: where DIDComm messages go, or None.
        publisher: where the host's public files lie.
        prerotation: whether each log entry commits to the keys of the next one.

    Raises:
        ConfigurationError: somebody else's DID is published there, or the folder can not be written to.
    """
    async with writing(f"{host}/{path}"):
        own = await own_did_at(profile, host, path)
        if own is None:
            if await publisher.get(f"{path}/did.jsonl") is not None:
                raise ConfigurationError(
                    f"another DID is already published at https://{host}/{path}",
                    hint="use the wallet that made it, or another path",
                )
            own = await _make(profile, host, path, didcomm_endpoint, prerotation)
    async with writing(own.did):
        await _publish(profile, own.did, publisher, check=True)
        if len(own.assertion_keys) > 1:
            await _finish_rotation(profile, own.did, publisher)
    if own.didcomm_endpoint != didcomm_endpoint:
        await update_did(profile, own.did, publisher=publisher, didcomm_endpoint=didcomm_endpoint)
    return own.did


async def update_did(profile: Profile, did: WebvhDid, *, publisher: Publisher, didcomm_endpoint: str | None) -> None:
    """Append a log entry with another DIDComm endpoint (None: without one) and publish it.

    Raises:
        ConfigurationError: it is not a DID of this wallet, or the folder can not be written to.
    """
    async with writing(did):
        own = await _own(profile, did)
        await _append(profile, replace(own, didcomm_endpoint=didcomm_endpoint))
        await _publish(profile, did, publisher)


async def rotate_assertion_key(profile: Profile, did: WebvhDid, *, publisher: Publisher) -> None:
    """Replace the key that signs resources and governance files, and sign every resource anew.

    1. A log entry names the new key beside the old one.
    2. All resources are signed with the new key and published.
    3. A log entry drops the old key; from here on it signs nothing that counts.

    A crash in between is made good by `create_did` at the next start. Who signed something else with the old key
    (a governance file) signs it again.

    Raises:
        ConfigurationError: it is not a DID of this wallet, or the folder can not be written to.
    """
    async with writing(did):
        own = await _own(profile, did)
        async with profile.session() as session:
            fresh = await _new_key(session)
        await _append(profile, replace(own, assertion_keys=(fresh, *own.assertion_keys)))  # step 1
        await _publish(profile, did, publisher)  # step 2
        await _finish_rotation(profile, did, publisher)  # step 3


async def _finish_rotation(profile: Profile, did: WebvhDid, publisher: Publisher) -> None:
    own = await _own(profile, did)
    await _append(profile, replace(own, assertion_keys=own.assertion_keys[:1]))
    await _publish(profile, did, publisher)


async def _make(profile: Profile, host: str, path: str, didcomm_endpoint: str | None, prerotation: bool) -> OwnDid:
    async with profile.transaction() as session:
        update, assertion, didcomm = [await _new_key(session) for _ in range(3)]
        following = await _new_key(session) if prerotation else None
        document = make_document(
            ":".join(("did:webvh", SCID_PLACEHOLDER, host, *path.split("/"))),
            assertion_keys=(public_key(assertion),),
            didcomm_key=public_key(didcomm),
            didcomm_endpoint=didcomm_endpoint,
        )
        did, line = first_entry(
            document,
            update_key=await wallet_key(session, update),
            next_keys=(multikey(following),) if following else (),
            at=utc_now(),
        )
        own = OwnDid(did, line + "\n", update, following, (assertion,), didcomm, didcomm_endpoint)
        await write_own(session, own, new=True)
        wallet = session.inject(BaseWallet)
        # ACA-Py finds the DID by this record when an invitation names it, and by the key when a message comes in.
        await wallet.store_did(DIDInfo(did, didcomm, {"posted": True}, WEBVH, ED25519))
        await session.commit()
    return own


async def _append(profile: Profile, changed: OwnDid) -> OwnDid:
    """Write the next log entry, with the document that `changed` describes, to the wallet."""
    async with profile.transaction() as session:
        current = await read_own(session, changed.did, for_update=True)
        if current is None or current.log != changed.log:
            raise ConfigurationError(f"the log of {changed.did} was changed by another process", hint="try again")
        signer = current.next_update_key or current.update_key
        following = await _new_key(session) if current.next_update_key else None
        line = next_entry(
            current.log,
            make_document(
                changed.did,
                assertion_keys=tuple(public_key(name) for name in changed.assertion_keys),
                didcomm_key=public_key(changed.didcomm_key),
                didcomm_endpoint=changed.didcomm_endpoint,
            ),
            update_key=await wallet_key(session, signer),
            next_keys=(multikey(following),) if following else (),
            at=utc_now(),
        )
        own = replace(changed, log=f"{current.log}{line}\n", update_key=signer, next_update_key=following)
        await write_own(session, own)
        await session.commit()
    return own


async def _publish(profile: Profile, did: WebvhDid, publisher: Publisher, *, check: bool = False) -> None:
    """Publish the log, then what it lets us sign."""
    own = await _own(profile, did)
    path = f"{'/'.join(did.path)}/did.jsonl"
    if await publisher.get(path) != own.log.encode():
        await publisher.put(path, own.log.encode(), _LOG_TYPE)
    await publish_resources(profile, did, publisher, check=check)


async def _own(profile: Profile, did: WebvhDid) -> OwnDid:
    own = await own_did(profile, did)
    if own is None:
        raise ConfigurationError(f"{did} is not a DID of this wallet")
    return own


async def _new_key(session: ProfileSession) -> str:
    made = await session.inject(BaseWallet).create_key(ED25519)
    return str(made.verkey)
