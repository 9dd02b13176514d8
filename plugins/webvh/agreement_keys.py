"""Our keys for key agreement, with which a DID takes DIDComm v2: one on each curve that others may have.

A wallet keeps such a key under its id in the DID document, so the recipient that an envelope names is the key's name.
"""

from collections.abc import Mapping
from typing import Final

from acapy_agent.core.profile import Profile
from aries_askar import Key, KeyAlg

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.base58_text import to_base58

CODECS: Final[Mapping[KeyAlg, bytes]] = {KeyAlg.X25519: b"\xec\x01", KeyAlg.P256: b"\x80\x24"}
"""The curves of ours, each with its multicodec prefix."""


def agreement_multikey(key: Key) -> str:
    """Return the Multikey of a key on one of our curves."""
    return "z" + to_base58(CODECS[key.algorithm] + key.get_public_bytes())


async def new_agreement_keys(profile: Profile, did: WebvhDid) -> tuple[str, ...]:
    """Make a key on each curve, keep them in the wallet, and return their names: ids for the document of `did`.

    A crash before the document names them leaves two keys that nobody knows.
    """
    names: list[str] = []
    async with profile.session() as session:
        for algorithm in CODECS:
            key = Key.generate(algorithm)
            names.append(f"{did}#{agreement_multikey(key)}")
            await session.handle.insert_key(names[-1], key, metadata="{}")
    return tuple(names)
