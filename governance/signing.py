"""Sign and verify governance files: the payload is the file itself, the signature is the author's.

CTE 1.0 leaves signing to a profile. Ours: a compact JWS as `jws` describes, `typ` = "governance-file+jws", `kid` a key
in `assertionMethod` of the did:webvh that the file names as `author`.

`verify_file` in order: the seven checks of `jws`, then 8. the payload is a governance file without errors; 9. its
`author` is the DID whose key signed.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from wanderbuch.governance.file import GovernanceFile
from wanderbuch.governance.identifiers import Did, DidUrl
from wanderbuch.governance.jws import KeyResolver, SignatureError, Signer, sign_jws, verify_jws
from wanderbuch.governance.question import GovernanceRef
from wanderbuch.governance.validation import MAX_FILE_BYTES, parse_file

FILE_TYP: Final = "governance-file+jws"
MAX_JWS_BYTES: Final = MAX_FILE_BYTES * 4 // 3 + 4096  # base64url, header and signature

__all__ = ["FILE_TYP", "MAX_JWS_BYTES", "KeyResolver", "SignatureError", "SignedGovernanceFile", "Signer"]
__all__ += ["digest_of", "sign_file", "verify_file"]


@dataclass(frozen=True, slots=True)
class SignedGovernanceFile:
    """A governance file that its author signed. Only `verify_file` makes one.

    Args:
        digest: "sha256:" + hex of `jws`.
        jws: the bytes as received; keep and serve exactly these.
        kid: the key that signed.
    """

    file: GovernanceFile
    digest: str
    jws: bytes
    kid: DidUrl

    @property
    def ref(self) -> GovernanceRef:
        """Id, version and digest."""
        return GovernanceRef(self.file.id, self.file.version, self.digest)


def digest_of(jws: bytes) -> str:
    """Return "sha256:" + hex of the signed file's bytes."""
    return "sha256:" + hashlib.sha256(jws).hexdigest()


async def sign_file(payload: bytes, kid: DidUrl, sign: Signer) -> bytes:
    """Return the signed form of a governance file.

    Args:
        payload: the file's JSON; signed as it is, byte by byte.
        kid: a key in the author's `assertionMethod`.
        sign: makes the signature with that key.

    Raises:
        GovernanceFileError: the payload has errors (all of them are in `findings`).
        SignatureError: `kid` is not a key of the file's author.
    """
    file = parse_file(payload)
    if kid.did != file.author:
        raise SignatureError(f"expected a key of the author {file.author}, found a key of {kid.did}")
    return await sign_jws(payload, kid=kid, typ=FILE_TYP, sign=sign)


async def verify_file(jws: bytes, *, author: Did | None, resolve_key: KeyResolver) -> SignedGovernanceFile:
    """Return the governance file in `jws` after all checks.

    Args:
        jws: the bytes as received.
        author: the pinned author; None to learn who signed without trusting them for anything.
        resolve_key: gives the author's key as it stands now.

    Raises:
        SignatureError: not signed as it must be, or by somebody else.
        GovernanceFileError: signed, but not a governance file without errors.
        ResolutionError: the author's key could not be checked.
    """
    verified = await verify_jws(jws, typ=FILE_TYP, author=author, resolve_key=resolve_key, max_bytes=MAX_JWS_BYTES)
    file = parse_file(verified.payload)  # 8
    if file.author != verified.kid.did:  # 9
        raise SignatureError(f"expected a file by {verified.kid.did}, who signed it, found author {file.author}")
    return SignedGovernanceFile(file, digest_of(jws), jws, verified.kid)
