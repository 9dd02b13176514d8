"""Creating, updating and using the did:webvh DIDs of a wallet.

Keys are made in the wallet and stay there. A change is written to the wallet first, in one transaction with its keys,
and published afterwards; publishing is repeated at the next start if it was cut off, so nothing is lost or half done.
"""

import asyncio
from dataclasses import replace
from typing import Final

import base58
from acapy_agent.core.profile import Profile, ProfileSession
from acapy_agent.wallet.base import BaseWallet
from acapy_agent.wallet.did_info import DIDInfo
from acapy_agent.wallet.did_method import WEBVH
from acapy_agent.wallet.key_type import ED25519
from aries_askar import Key

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.identifiers import Did, DidUrl, WebvhDid
from wanderbuch.plugins.webvh.document import make_document
from wanderbuch.plugins.webvh.keys import to_multikey
from wanderbuch.plugins.webvh.log import SCID_PLACEHOLDER, first_entry, next_entry, utc_now
from wanderbuch.plugins.webvh.own import OwnDid, own_did, own_did_at, read_own, write_own
from wanderbuch.plugins.webvh.publisher import Publisher

_LOG_TYPE: Final = "text/jsonl"
# One writer a DID in this process: entries are published in the order in which they were made.
_LOCKS: dict[str, asyncio.Lock] = {}


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
    async with _lock(f"{host}/{path}"):
        own = await own_did_at(profile, host, path)
        if own is None:
            if await publisher.get(f"{path}/did.jsonl") is not None:
                raise ConfigurationError(
                    f"another DID is already published at https://{host}/{path}",
                    hint="use the wallet that made it, or another path",
                )
            own = await _make(profile, host, path, didcomm_endpoint, prerotation)
    async with _lock(own.did):
        await _publish_log(profile, own.did, publisher)
    if own.didcomm_endpoint != didcomm_endpoint:
        await update_did(profile, own.did, publisher=publisher, didcomm_endpoint=didcomm_endpoint)
    return own.did


async def update_did(
    profile: Profile,
    did: WebvhDid,
    *,
    publisher: Publisher,
    didcomm_endpoint: str | None = None,
) -> None:
    """Append an entry with another DIDComm endpoint (None: without one) and publish it."""
    async with _lock(did):
        own = await _own(profile, did)
        await _append(profile, replace(own, didcomm_endpoint=didcomm_endpoint))
        await _publish_log(profile, did, publisher)


async def sign_as(profile: Profile, did: Did | DidUrl, message: bytes) -> tuple[DidUrl, bytes]:
    """Sign `message` with the key that `did` asserts with.

    Args:
        profile: whose wallet.
        did: a DID of this wallet, or the DID URL of one of its assertion keys.
        message: what to sign.

    Returns:
        The verification method's id and the 64-byte Ed25519 signature.

    Raises:
        ConfigurationError: it is not a DID or key of this wallet.
    """
    wanted = DidUrl.parse(did) if "#" in did else None
    async with profile.session() as session:
        own = await read_own(session, wanted.did if wanted else did)
        if own is None:
            raise ConfigurationError(f"{did} is not a DID of this wallet")
        for name in own.assertion_keys:
            kid = DidUrl.parse(f"{own.did}#{_multikey(name)}")
            if wanted is None or kid == wanted:
                key = await _key(session, name)
                return kid, key.sign_message(message)
    raise ConfigurationError(f"{did} is not a key that {own.did} asserts with")


async def _make(profile: Profile, host: str, path: str, didcomm_endpoint: str | None, prerotation: bool) -> OwnDid:
    async with profile.transaction() as session:
        update, assertion, didcomm = [await _new_key(session) for _ in range(3)]
        following = await _new_key(session) if prerotation else None
        document = make_document(
            ":".join(("did:webvh", SCID_PLACEHOLDER, host, *path.split("/"))),
            assertion_keys=(_raw(assertion),),
            didcomm_key=_raw(didcomm),
            didcomm_endpoint=didcomm_endpoint,
        )
        did, line = first_entry(
            document,
            update_key=await _key(session, update),
            next_keys=(_multikey(following),) if following else (),
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
                assertion_keys=tuple(_raw(name) for name in changed.assertion_keys),
                didcomm_key=_raw(changed.didcomm_key),
                didcomm_endpoint=changed.didcomm_endpoint,
            ),
            update_key=await _key(session, signer),
            next_keys=(_multikey(following),) if following else (),
            at=utc_now(),
        )
        own = replace(changed, log=f"{current.log}{line}\n", update_key=signer, next_update_key=following)
        await write_own(session, own)
        await session.commit()
    return own


async def _publish_log(profile: Profile, did: WebvhDid, publisher: Publisher) -> None:
    own = await _own(profile, did)
    path = f"{'/'.join(did.path)}/did.jsonl"
    if await publisher.get(path) != own.log.encode():
        await publisher.put(path, own.log.encode(), _LOG_TYPE)


async def _own(profile: Profile, did: WebvhDid) -> OwnDid:
    own = await own_did(profile, did)
    if own is None:
        raise ConfigurationError(f"{did} is not a DID of this wallet")
    return own


async def _new_key(session: ProfileSession) -> str:
    made = await session.inject(BaseWallet).create_key(ED25519)
    return str(made.verkey)


async def _key(session: ProfileSession, name: str) -> Key:
    entry = await session.handle.fetch_key(name)
    if entry is None:
        raise ConfigurationError("a key that the wallet should hold is missing", hint="restore the wallet")
    return entry.key


def _raw(name: str) -> bytes:
    return bytes(base58.b58decode(name))


def _multikey(name: str) -> str:
    return to_multikey(_raw(name))


def _lock(name: str) -> asyncio.Lock:
    return _LOCKS.setdefault(name, asyncio.Lock())
