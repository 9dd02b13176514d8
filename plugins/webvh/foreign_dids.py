"""DIDs that a stranger names, read strictly before ACA-Py decodes them.

A did:key or did:peer is its own document: resolving it means decoding what a stranger wrote. ACA-Py's decoders fail on
hostile ones in ways that no caller expects (KeyError, AssertionError, RecursionError, a bare Exception), and take time
that grows with the square of the length. So:

1. A DID is text of at most `MAX_DID_CHARS` characters.
2. did:key, and each key of a did:peer:2, is a multibase base58btc key of a known type, with the length of that type.
3. Each service of a did:peer:2, and the document of a did:peer:4, is strict JSON; the hash of a did:peer:4 holds.
4. Whatever else resolving it raises is a `ResolverError`.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from acapy_agent.resolver.base import BaseDIDResolver, ResolverError
from acapy_agent.resolver.did_resolver import DIDResolver

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.identifiers import IdentifierError
from wanderbuch.plugins.webvh.base58_text import from_base58, to_base58
from wanderbuch.plugins.webvh.did_resolver import CheckedWebvhResolver
from wanderbuch.plugins.webvh.keys import from_multibase
from wanderbuch.strict_json import StrictJsonError, read_strict_json

MAX_DID_CHARS: Final = 16 * 1024
_MAX_KEY_CHARS: Final = 256
_MAX_DEPTH: Final = 16
_MAX_ELEMENTS: Final = 64
_JSON_CODEC: Final = b"\x80\x04"
ED25519_CODEC: Final = b"\xed\x01"
# multicodec prefix -> length of a public key of the type, in bytes.
_KEY_LENGTHS: Final = {
    ED25519_CODEC: 32,
    b"\xec\x01": 32,  # X25519
    b"\x80\x24": 33,  # P-256
    b"\x81\x24": 49,  # P-384
    b"\xe7\x01": 33,  # secp256k1
    b"\xeb\x01": 96,  # BLS12-381 G2
    b"\xea\x01": 48,  # BLS12-381 G1
    b"\xee\x01": 144,  # BLS12-381 G1 and G2
}
_BASE58: Final = "[1-9A-HJ-NP-Za-km-z]"
_PEER_2: Final = re.compile(rf"did:peer:2((?:\.[AEVID]z{_BASE58}+|\.S[A-Za-z0-9_-]+)+)")
# Peer DID Method Specification, Method 4: the hash of the encoded document, and in the long form the document.
_PEER_4: Final = re.compile(rf"did:peer:4(zQm{_BASE58}{{44}})(?::(z{_BASE58}{{6,}}))?")
_SHA2_256: Final = b"\x12\x20"  # multihash


class ForeignDidError(IdentifierError):
    """A DID that somebody else wrote is malformed."""

    code: ClassVar[str] = "identifier.foreign_did"


def check_did(did: object) -> str:
    """Return `did` if nothing in it is malformed (rules 1 to 3); DIDs of other methods are left to their resolver.

    Raises:
        ForeignDidError: something is.
    """
    if not isinstance(did, str) or not did.startswith("did:"):
        raise ForeignDidError("expected a DID, found something else")
    if len(did) > MAX_DID_CHARS:
        raise ForeignDidError(f"expected a DID of at most {MAX_DID_CHARS} characters, found {len(did)}")
    bare = did.partition("#")[0]
    if bare.startswith("did:key:"):
        check_key(bare.removeprefix("did:key:"))
    elif bare.startswith("did:peer:2"):
        _check_peer_2(bare)
    elif bare.startswith("did:peer:4"):
        peer_4_document(bare)
    return did


def peer_4_document(did: str) -> dict[str, Any] | None:
    """Return the document that a did:peer:4 carries, strictly read; None: it is the short form, which carries none.

    Raises:
        ForeignDidError: it is malformed, or carries another document than its name was made from.
    """
    match = _PEER_4.fullmatch(did)
    if len(did) > MAX_DID_CHARS or match is None:
        raise ForeignDidError("expected a hash and perhaps a document in the did:peer:4, found something else")
    digest, encoded = match.groups()
    if encoded is None:  # ACA-Py knows the long form, or does not resolve it
        return None
    if digest != f"z{to_base58(_SHA2_256 + hashlib.sha256(encoded.encode()).digest())}":
        raise ForeignDidError("expected the did:peer:4 to carry the hash of its document, found another")
    document = from_base58(encoded[1:])
    if not document.startswith(_JSON_CODEC):
        raise ForeignDidError("expected JSON in the did:peer:4, found something else")
    members = _read(document.removeprefix(_JSON_CODEC))
    if not isinstance(members, dict):
        raise ForeignDidError("expected a DID document in the did:peer:4, found other JSON")
    return members


def check_did_key(did: object, *, codec: bytes | None = None) -> str:
    """Return `did` if it is a did:key, or a reference to its key (did:key:<key>#<key>).

    Args:
        did: what a stranger wrote.
        codec: the only type of key to accept, as multicodec prefix; None = each known one.

    Raises:
        ForeignDidError: it is not one.
    """
    if not isinstance(did, str) or not did.startswith("did:key:"):
        raise ForeignDidError("expected a did:key, found something else")
    key, mark, fragment = did.removeprefix("did:key:").partition("#")
    if mark and fragment != key:
        raise ForeignDidError("expected a did:key that refers to its own key, found another")
    check_key(key, codec=codec)
    return did


def check_key(multikey: str, *, codec: bytes | None = None) -> None:
    """Check a multibase public key (rule 2); `codec` as with `check_did_key`.

    Raises:
        ForeignDidError: it is none of a known type.
    """
    try:
        decoded = from_multibase(multikey, max_length=_MAX_KEY_CHARS)
    except ValueError as err:
        raise ForeignDidError("expected a key in multibase base58btc (z…), found something else") from err
    length = _KEY_LENGTHS.get(decoded[:2])
    if length is None or (codec is not None and decoded[:2] != codec):
        raise ForeignDidError("expected a key of a type that we know, found another")
    if len(decoded) != 2 + length:
        raise ForeignDidError(f"expected a key of {length} bytes, found {len(decoded) - 2}")


def _check_peer_2(did: str) -> None:
    match = _PEER_2.fullmatch(did)
    if match is None:
        raise ForeignDidError("expected keys and services in the did:peer:2, found something else")
    elements = match[1].split(".")[1:]
    if len(elements) > _MAX_ELEMENTS:
        raise ForeignDidError(f"expected at most {_MAX_ELEMENTS} keys and services, found {len(elements)}")
    for element in elements:
        if element[0] != "S":
            check_key(element[1:])
            continue
        encoded = element[1:]
        try:
            service = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        except binascii.Error as err:
            raise ForeignDidError("expected a service in base64url in the did:peer:2, found something else") from err
        if not isinstance(_read(service), dict):
            raise ForeignDidError("expected a service as JSON object in the did:peer:2, found other JSON")


def _read(document: bytes) -> Any:
    try:
        return read_strict_json(document, max_bytes=MAX_DID_CHARS, max_depth=_MAX_DEPTH, fractions=True)
    except StrictJsonError as err:
        raise ForeignDidError(f"what the DID carries is not usable JSON: {err.message}") from err


class StrictResolver(BaseDIDResolver):  # type: ignore[misc]  # acapy_agent has no types
    """Another resolver, behind `check_did`, that fails in one way only (rule 4)."""

    def __init__(self, inner: BaseDIDResolver) -> None:
        super().__init__(inner.type)
        self.inner = inner

    async def setup(self, context: InjectionContext) -> None:
        """Set the inner one up."""
        await self.inner.setup(context)

    @property
    def supported_did_regex(self) -> re.Pattern[str]:
        """What the inner one supports."""
        return self.inner.supported_did_regex  # type: ignore[no-any-return]

    async def supports(self, profile: Profile, did: str) -> bool:
        """Ask the inner one."""
        return bool(await self.inner.supports(profile, did))

    async def resolve(self, profile: Profile, did: str, service_accept: Sequence[str] | None = None) -> dict[str, Any]:
        """Resolve a DID by the inner one.

        Raises:
            ResolverError: it is malformed, or the inner one failed.
        """
        try:
            document: dict[str, Any] = await self.inner.resolve(profile, check_did(str(did)), service_accept)
        except BaseError:
            raise
        except WanderbuchError as err:
            raise ResolverError(err.message) from err
        except Exception as err:  # hostile DIDs make it fail in many ways; all of them refuse
            raise ResolverError(f"the DID cannot be resolved: {type(err).__name__}") from err
        return document

    async def _resolve(self, profile: Profile, did: str, service_accept: Sequence[str] | None = None) -> dict[str, Any]:
        return await self.resolve(profile, did, service_accept)


def guard_resolvers(resolver: DIDResolver) -> None:
    """Put each of ACA-Py's resolvers behind `StrictResolver`; may be called again when others were added."""
    ready = StrictResolver | CheckedWebvhResolver  # ours for did:webvh parses strictly itself
    resolver.resolvers = [known if isinstance(known, ready) else StrictResolver(known) for known in resolver.resolvers]
