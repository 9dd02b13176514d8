import base64
import contextlib
import hashlib
from typing import Any

import base58
import pytest
from acapy_agent.core.profile import Profile
from acapy_agent.resolver.base import BaseDIDResolver, DIDNotFound, ResolverError, ResolverType
from acapy_agent.resolver.default.key import KeyDIDResolver
from acapy_agent.resolver.default.peer2 import PeerDID2Resolver
from acapy_agent.resolver.default.peer4 import PeerDID4Resolver
from acapy_agent.resolver.did_resolver import DIDResolver
from acapy_agent.utils.testing import create_test_profile
from did_peer_2 import KeySpec, generate
from did_peer_4 import encode
from hypothesis import given
from hypothesis import strategies as st

from wanderbuch.plugins.webvh.base58_text import to_base58
from wanderbuch.plugins.webvh.foreign_dids import (
    ED25519_CODEC,
    MAX_DID_CHARS,
    ForeignDidError,
    StrictResolver,
    check_did,
    check_did_key,
    guard_resolvers,
)

KEY = "z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"
DID_KEY = f"did:key:{KEY}"
SERVICE = {"type": "did-communication", "serviceEndpoint": "https://x.example", "recipientKeys": ["#key-1"]}
DOCUMENT = {
    "@context": ["https://www.w3.org/ns/did/v1"],
    "verificationMethod": [{"id": "#key-1", "type": "Multikey", "publicKeyMultibase": KEY}],
    "authentication": ["#key-1"],
}
PEER_2_DID = generate([KeySpec.authentication(KEY)], [SERVICE])
PEER_4_DID = encode(DOCUMENT)


def multikey(codec: bytes, length: int) -> str:
    return "z" + base58.b58encode(codec + b"\x02" * length).decode()


def peer_4(document: bytes, codec: bytes = b"\x80\x04") -> str:
    encoded = "z" + to_base58(codec + document)
    digest = base58.b58encode(b"\x12\x20" + hashlib.sha256(encoded.encode()).digest()).decode()
    return f"did:peer:4z{digest}:{encoded}"


def peer_2(service: bytes) -> str:
    return f"did:peer:2.V{KEY}.S{base64.urlsafe_b64encode(service).decode().rstrip('=')}"


@pytest.mark.parametrize(
    "did",
    [
        DID_KEY,
        f"{DID_KEY}#{KEY}",
        f"did:key:{multikey(b'\xec\x01', 32)}",
        f"did:key:{multikey(b'\x80\x24', 33)}",
        PEER_2_DID,
        f"{PEER_2_DID}#key-1",
        peer_2(b'{"t":"dm","s":{"uri":"https://x.example","weight":0.5}}'),
        PEER_4_DID,
        PEER_4_DID.rpartition(":")[0],  # the short form
        "did:webvh:QmVUnVhQc1CSmZqDy8uLMuQjudboeZxxQETmfzv7JXSVP4:centre.example:org",
        "did:sov:WgWxqztrNooG92RXvxSTWv",
        "did:peer:1zQm" + "a" * 44,
    ],
)
def test_accepts_what_is_well_formed(did: str) -> None:
    assert check_did(did) == did


@pytest.mark.parametrize(
    "did",
    [
        None,
        7,
        [],
        "",
        "centre",
        "did:key:",
        "did:key:z",
        "did:key:z6Mk",
        "did:key:z0OIl",
        f"did:key:{KEY[1:]}",
        f"did:key:{multikey(ED25519_CODEC, 31)}",
        f"did:key:{multikey(ED25519_CODEC, 33)}",
        f"did:key:{multikey(b'\x12\x20', 32)}",
        "did:key:z" + "1" * 10_000,
        "did:web:" + "x" * MAX_DID_CHARS,
        "did:peer:2",
        "did:peer:2.",
        f"did:peer:2.X{KEY}",
        f"did:peer:2.V{multikey(ED25519_CODEC, 5)}",
        f"did:peer:2.V{KEY}.S",
        f"did:peer:2.V{KEY}.S!",
        f"did:peer:2.V{KEY}.Sx",
        f"did:peer:2.V{KEY}" * 2,
        "did:peer:2" + f".V{KEY}" * 65,
        peer_2(b"\xff"),
        peer_2(b"[]"),
        peer_2(b'"x"'),
        peer_2(b"[" * 5000 + b"]" * 5000),
        peer_2(b'{"t":"dm","t":"x"}'),
        peer_2(b'{"t":NaN}'),
        peer_2(b'{"t":9007199254740993}'),
        peer_4(b"[]"),
        peer_4(b"{"),
        peer_4(b"\xff"),
        peer_4(b"{}", b"\x55"),
        peer_4(b'{"id":1,"id":2}'),
        peer_4(b'{"a":' * 2000 + b"1" + b"}" * 2000),
        peer_4(b'{"a":"' + b"x" * 14_000 + b'"}'),
        "did:peer:4zQm" + "a" * 44 + ":" + peer_4(b"{}").rpartition(":")[2],
    ],
)
def test_refuses_what_is_not(did: object) -> None:
    with pytest.raises(ForeignDidError):
        check_did(did)


def test_a_reference_to_a_did_key_names_its_own_key() -> None:
    assert check_did_key(f"{DID_KEY}#{KEY}", codec=ED25519_CODEC)
    for other in (f"{DID_KEY}#", f"{DID_KEY}#key-1", KEY, f"did:peer:2.V{KEY}", None):
        with pytest.raises(ForeignDidError):
            check_did_key(other)


def test_a_did_key_of_another_type_is_refused_where_one_type_is_wanted() -> None:
    x25519 = f"did:key:{multikey(b'\xec\x01', 32)}"
    assert check_did_key(x25519) == x25519
    with pytest.raises(ForeignDidError, match="another"):
        check_did_key(x25519, codec=ED25519_CODEC)


TAILS = st.text(alphabet="z123456789ABCabcXYZ.:#SVE-_", max_size=80) | st.text(max_size=30)


@given(
    did=st.builds(str.__add__, st.sampled_from(["did:key:", "did:key:z6Mk", "did:peer:2.V", "did:peer:2", ""]), TAILS)
    | st.builds(str.__add__, st.sampled_from([PEER_2_DID, PEER_4_DID, DID_KEY]), TAILS)
    | st.binary(max_size=60).map(peer_4)
    | st.binary(max_size=60).map(peer_2)
)
def test_whatever_a_stranger_names_is_taken_or_refused_in_our_own_words(did: str) -> None:
    with contextlib.suppress(ForeignDidError):
        check_did(did)


class Failing(BaseDIDResolver):  # type: ignore[misc]
    """A resolver that fails as ACA-Py's do on hostile DIDs."""

    def __init__(self, error: Exception) -> None:
        super().__init__(ResolverType.NATIVE)
        self.error = error

    async def setup(self, context: Any) -> None: ...

    async def supports(self, profile: Profile, did: str) -> bool:
        return True

    async def _resolve(self, profile: Profile, did: str, service_accept: Any = None) -> dict[str, Any]:
        raise self.error


@pytest.fixture
async def profile() -> Profile:
    return await create_test_profile({"wallet.type": "askar-anoncreds"})


@pytest.fixture
def resolver() -> DIDResolver:
    made = DIDResolver([KeyDIDResolver(), PeerDID2Resolver(), PeerDID4Resolver()])
    guard_resolvers(made)
    guard_resolvers(made)
    assert [type(resolver) for resolver in made.resolvers] == [StrictResolver] * 3
    return made


@pytest.mark.parametrize("did", [DID_KEY, PEER_2_DID, PEER_4_DID])
async def test_honest_dids_are_resolved_as_before(resolver: DIDResolver, profile: Profile, did: str) -> None:
    assert (await resolver.resolve(profile, did))["id"] == did


@pytest.mark.parametrize(
    "did", ["did:key:z6Mk", f"did:peer:2.V{KEY}.Sx", peer_2(b"[]"), peer_4(b"[]"), peer_4(b'{"id":1,"id":2}')]
)
async def test_hostile_dids_are_not_resolved(resolver: DIDResolver, profile: Profile, did: str) -> None:
    with pytest.raises(ResolverError):
        await resolver.resolve(profile, did)


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), AssertionError(), RecursionError(), Exception("x"), UnicodeError(), TypeError()],
)
async def test_however_a_resolver_fails_it_is_one_error(profile: Profile, error: Exception) -> None:
    made = DIDResolver([Failing(error)])
    guard_resolvers(made)
    with pytest.raises(ResolverError):
        await made.resolve(profile, "did:any:one")


async def test_what_was_not_found_stays_not_found(profile: Profile) -> None:
    made = DIDResolver([Failing(DIDNotFound("x"))])
    guard_resolvers(made)
    with pytest.raises(DIDNotFound):
        await made.resolve(profile, "did:any:one")
