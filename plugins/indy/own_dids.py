"""DIDs on Indy ledgers whose key is in this wallet."""

from dataclasses import dataclass

import base58
from acapy_agent.core.profile import Profile
from acapy_agent.wallet.base import BaseWallet
from acapy_agent.wallet.did_method import SOV
from acapy_agent.wallet.error import WalletNotFoundError
from acapy_agent.wallet.key_type import ED25519
from aries_askar import Key, KeyAlg

from wanderbuch.governance.facts.indy import IndyDid


@dataclass(frozen=True, slots=True)
class OwnIndyDid:
    """A DID of this wallet.

    Args:
        nym: what ledgers call it.
        verkey: its public key in base58, which a ledger's operator writes with it.
    """

    nym: str
    verkey: str


async def keep_did(profile: Profile, seed: str | None = None) -> OwnIndyDid:
    """Keep a new DID in the wallet, or the one of a seed of 32 characters; nothing is written on a ledger.

    Raises:
        WalletError: the seed is none, or its DID is kept already.
    """
    async with profile.session() as session:
        info = await session.inject(BaseWallet).create_local_did(SOV, ED25519, seed=seed)
    return OwnIndyDid(info.did, info.verkey)


def nym_of(seed: bytes) -> str:
    """Return what ledgers call the DID of a seed of 32 bytes: the first half of its public key."""
    public = Key.from_secret_bytes(KeyAlg.ED25519, seed).get_public_bytes()
    return str(base58.b58encode(public[:16]).decode())


async def own_indy_did(profile: Profile, did: IndyDid) -> OwnIndyDid | None:
    """Return a DID of this wallet; None if its key is not here."""
    async with profile.session() as session:
        wallet = session.inject(BaseWallet)
        for text in dict.fromkeys((did.nym, did.text, f"did:sov:{did.nym}")):
            try:
                info = await wallet.get_local_did(text)
            except WalletNotFoundError:
                continue
            return OwnIndyDid(did.nym, info.verkey)
    return None


async def sign(profile: Profile, own: OwnIndyDid, message: bytes) -> bytes:
    """Sign as a DID of this wallet."""
    async with profile.session() as session:
        return bytes(await session.inject(BaseWallet).sign_message(message, own.verkey))
