"""Signing with the keys of the wallet's own DIDs."""

from acapy_agent.core.profile import Profile, ProfileSession
from aries_askar import Key

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import Did, DidUrl
from wanderbuch.plugins.webvh.own import OwnDid, multikey, read_own


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
            kid = key_id(own, name)
            if wanted is None or kid == wanted:
                key = await wallet_key(session, name)
                return kid, key.sign_message(message)
    raise ConfigurationError(f"{did} is not a key that {own.did} asserts with")


def key_id(own: OwnDid, name: str) -> DidUrl:
    """Return the verification method's id of the key that the wallet keeps as `name`."""
    return DidUrl.parse(f"{own.did}#{multikey(name)}")


async def wallet_key(session: ProfileSession, name: str) -> Key:
    """Return the key pair that the wallet keeps as `name`.

    Raises:
        ConfigurationError: it is not there.
    """
    entry = await session.handle.fetch_key(name)
    if entry is None:
        raise ConfigurationError("a key that the wallet should hold is missing", hint="restore the wallet")
    return entry.key
