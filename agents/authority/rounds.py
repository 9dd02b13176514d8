"""Signing by several parties: one round collects their signatures over the very bytes of the next version.

Where the file, or the one before, has a `signatories` statement, the authority alone cannot publish. A round holds
the bytes to sign. Each party signs with a key in `assertionMethod` of its DID document, wherever it keeps that key, and
hands in a compact JWS, or the bare signature over the JWS signing input (RFC 7515 §5.1) that the round gives for its
key. Who carries it here does not matter: the signature speaks for itself, and is checked against the party's DID
document when it comes in and once more when the version is published.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import ClassVar, Final

from pydantic import Field

from wanderbuch.agents.authority.published import LaidOut, PartStore
from wanderbuch.errors import GovernanceError, ResolutionError
from wanderbuch.governance.facts.identifiers import Did, DidUrl
from wanderbuch.governance.signed.jws import KeyResolver, SignatureError, read_jws, sign_jws, verify_signature
from wanderbuch.governance.signed.signing import FILE_TYP, MAX_JWS_BYTES
from wanderbuch.store.records import Record

_NO_SIGNATURE: Final = bytes(64)


class SigningRound(Record):
    """The signatures of one draft's version. Its id is the draft's.

    `version` is the version that is signed; `revision` the draft's that was approved, so that bytes which somebody
    rejected are never signed or published later; `payload` the exact bytes as text; `parts` the digests of the parts
    that are new; `parts_are_public` whether these were put on the public site, where parties look at them (a round that
    an older version of this program began did not); `signatures` the compact JWS of each party, by DID.
    """

    category: ClassVar[str] = "wanderbuch.authority-signing-round"

    version: int
    revision: int = -1
    payload: str
    parts: tuple[str, ...]
    parts_are_public: bool = False
    signatures: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def of(cls, draft_id: str, revision: int, version: int, laid_out: LaidOut) -> "SigningRound":
        """Return a round in which nobody has signed yet, and whose parts are public."""
        return cls(
            id=draft_id,
            version=version,
            revision=revision,
            payload=laid_out.body.decode(),
            parts=tuple(laid_out.parts),
            parts_are_public=True,
        )

    @property
    def body(self) -> bytes:
        """The bytes to sign."""
        return self.payload.encode()

    @property
    def received(self) -> tuple[bytes, ...]:
        """The signatures, each a compact JWS."""
        return tuple(jws.encode("ascii") for _, jws in sorted(self.signatures.items()))

    async def laid_out(self, parts: PartStore) -> LaidOut:
        """Return the file, ready to be published."""
        return LaidOut(self.body, await parts.read_all(self.parts), ())


async def signing_input(body: bytes, kid: DidUrl) -> bytes:
    """Return the exact bytes that the holder of the key `kid` signs (RFC 7515 §5.1): ASCII."""
    seen: list[bytes] = []

    async def keep(message: bytes) -> bytes:
        seen.append(message)
        return _NO_SIGNATURE

    await sign_jws(body, kid=kid, typ=FILE_TYP, sign=keep)
    return seen[0]


async def with_bare_signature(body: bytes, kid: DidUrl, signature: str) -> bytes:
    """Return the compact JWS of a bare signature in base64url without padding.

    Raises:
        SignatureError: it is none.
    """
    try:
        raw = base64.b64decode(signature + "=" * (-len(signature) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as err:
        raise SignatureError("expected the signature in base64url") from err

    async def given(_: bytes) -> bytes:
        return raw

    return await sign_jws(body, kid=kid, typ=FILE_TYP, sign=given)


async def checked_signature(
    body: bytes, received: bytes, parties: Sequence[Did], resolve_key: KeyResolver
) -> tuple[Did, str]:
    """Return the party who signed, and its compact JWS, after all checks.

    Raises:
        SignatureError: it is not over these bytes, not by a party, or does not hold.
        GovernanceError: the key does not stand in the party's DID document now.
        ResolutionError: the key could not be checked.
    """
    jws = read_jws(received, typ=FILE_TYP, max_bytes=MAX_JWS_BYTES)
    if jws.unverified_payload != body:
        raise SignatureError("expected a signature over the bytes of this round, found one over others")
    if len(jws.signatures) != 1:
        raise SignatureError(f"expected one signature, found {len(jws.signatures)}")
    kid = jws.signatures[0].kid
    if kid.did not in parties:
        raise SignatureError(f"expected a key of a party that the file names, found a key of {kid.did}")
    await verify_signature(jws, jws.signatures[0], resolve_key)
    return kid.did, received.decode("ascii")


async def still_holding(round_: SigningRound, parties: Sequence[Did], resolve_key: KeyResolver) -> dict[str, str]:
    """Return the signatures that still hold: a party may have changed its key since it signed.

    Raises:
        ResolutionError: a key could not be checked.
    """
    holding: dict[str, str] = {}
    for did, jws in round_.signatures.items():
        try:
            await checked_signature(round_.body, jws.encode("ascii"), parties, resolve_key)
        except ResolutionError:
            raise
        except GovernanceError:
            continue
        holding[did] = jws
    return holding
