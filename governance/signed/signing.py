"""Sign and verify governance files: the payload is the file itself, the signatures are its author's and its parties'.

CTE 1.0 leaves signing to a profile. Ours: a JWS as `jws` describes, `typ` = "governance-file+jws", each `kid` a key in
`assertionMethod` of the signer's did:webvh. The author always signs, first. A file with a `signatories` statement is
signed by at least `threshold` of the parties it names, so that neither side of a social dialogue can speak alone.

`verify_file` in order: the seven checks of `jws` on the author's signature, then

8. the payload is a governance file without errors; 9. its `author` is the DID whose key signed first;
10. every further signature is by a party that this file or the version before names, so that nobody else can change the
bytes, and holds. One by a key that its party no longer has does not count; one that cannot be checked now does not
count either, but the answer is then "could not be checked";
11. enough parties signed, by this file's own `signatories` and by those of the version before (as in TUF, root
rotation): a party counts once, however many of its keys signed. So a new version cannot lower the bar by itself.

Without a version before, rule 11 rests on the file's own word: who meets an authority for the first time trusts the
pinned author to have named its parties.
"""

import asyncio
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from wanderbuch.errors import GovernanceError, ResolutionError
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did, DidUrl
from wanderbuch.governance.facts.question import GovernanceRef
from wanderbuch.governance.facts.statements import Signatories
from wanderbuch.governance.form.parsed import ParsedFile
from wanderbuch.governance.form.validation import MAX_FILE_BYTES, parse_file
from wanderbuch.governance.signed.jws import (
    MAX_SIGNATURES,
    KeyResolver,
    SignatureError,
    Signer,
    UnverifiedJws,
    first_by,
    join_signatures,
    read_jws,
    sign_jws,
    verify_signature,
)

FILE_TYP: Final = "governance-file+jws"
_READ_AT_ONCE: Final = 64 * 1024
MAX_JWS_BYTES: Final = MAX_FILE_BYTES * 4 // 3 + MAX_SIGNATURES * 4096  # base64url, headers and signatures

__all__ = ["FILE_TYP", "MAX_JWS_BYTES", "KeyResolver", "SignatureError", "SignedGovernanceFile", "Signer"]
__all__ += ["ThresholdError", "co_sign", "combine", "digest_of", "missing_parties", "sign_as_party", "sign_file"]
__all__ += ["VersionBefore", "verify_file"]


class VersionBefore(Protocol):
    """What rule 11 needs of the version before: a `GovernanceFile`, or what was remembered of one."""

    @property
    def id(self) -> str:
        """Of the governance file."""
        ...

    @property
    def version(self) -> int:
        """Its number."""
        ...

    @property
    def signatories(self) -> Signatories | None:
        """Who must sign the version after it."""
        ...


class ThresholdError(SignatureError):
    """Too few of the parties to a file have signed it."""

    code: ClassVar[str] = "governance.threshold"


@dataclass(frozen=True, slots=True)
class SignedGovernanceFile:
    """A governance file that its author, and enough of its parties, signed. Only `verify_file` makes one.

    Args:
        digest: "sha256:" + hex of `jws`.
        jws: the bytes as received; keep and serve exactly these.
        kid: the author's key that signed.
        signers: everybody whose signature holds, the author first.
    """

    file: GovernanceFile
    digest: str
    jws: bytes
    kid: DidUrl
    signers: tuple[Did, ...] = ()

    @property
    def ref(self) -> GovernanceRef:
        """Id, version and digest."""
        return GovernanceRef(self.file.id, self.file.version, self.digest)


def digest_of(jws: bytes) -> str:
    """Return "sha256:" + hex of the signed file's bytes."""
    return "sha256:" + hashlib.sha256(jws).hexdigest()


async def _parse(payload: bytes) -> GovernanceFile:
    """Return the file in `payload`; a large one is read aside, so that it stops nothing else meanwhile."""
    return parse_file(payload) if len(payload) <= _READ_AT_ONCE else await asyncio.to_thread(parse_file, payload)


async def sign_file(payload: bytes | ParsedFile, kid: DidUrl, sign: Signer) -> bytes:
    """Return the signed form of a governance file, by its author alone.

    Args:
        payload: the file's JSON; signed as it is, byte by byte. Who has read it already hands over what was read.
        kid: a key in the author's `assertionMethod`.
        sign: makes the signature with that key.

    Raises:
        GovernanceFileError: the payload has errors (all of them are in `findings`).
        SignatureError: `kid` is not a key of the file's author.
    """
    parsed = payload if isinstance(payload, ParsedFile) else ParsedFile.read(payload)
    if kid.did != parsed.file.author:
        raise SignatureError(f"expected a key of the author {parsed.file.author}, found a key of {kid.did}")
    return await sign_jws(parsed.payload, kid=kid, typ=FILE_TYP, sign=sign)


async def sign_as_party(payload: bytes, kid: DidUrl, sign: Signer, *, previous: VersionBefore | None = None) -> bytes:
    """Return a party's signature of a file as a compact JWS of its own, for `combine`; the author need not be first.

    Args:
        payload: the very bytes that the others sign.
        kid: a key of the author, or of a party that the file or `previous` names.
        sign: makes the signature with that key.
        previous: the version before.

    Raises:
        GovernanceFileError: the payload has errors.
        SignatureError: `kid` is nobody's who may sign.
    """
    file = parse_file(payload)
    if kid.did not in _parties(file, previous):
        raise SignatureError(f"expected a key of a party that the file names, found a key of {kid.did}")
    return await sign_jws(payload, kid=kid, typ=FILE_TYP, sign=sign)


async def co_sign(jws: bytes, kid: DidUrl, sign: Signer, *, previous: VersionBefore | None = None) -> bytes:
    """Return the signed file `jws` with one more signature; arguments and errors as with `sign_as_party`."""
    payload = read_jws(jws, typ=FILE_TYP, max_bytes=MAX_JWS_BYTES).unverified_payload
    return combine([jws, await sign_as_party(payload, kid, sign, previous=previous)])


def combine(parts: Sequence[bytes], *, author: Did | None = None) -> bytes:
    """Return one signed file with the signatures of all `parts`, which nobody has checked yet.

    Args:
        parts: signed forms of one file, each by one or more.
        author: the author that the file names; None to read it from the file.

    Raises:
        GovernanceFileError: the payload has errors.
        SignatureError: the parts are over different bytes, or the author's signature is missing.
    """
    received = [read_jws(part, typ=FILE_TYP, max_bytes=MAX_JWS_BYTES) for part in parts]
    if not received:
        raise SignatureError("expected at least one signature, found none")
    return join_signatures(received, author or parse_file(received[0].unverified_payload).author)


def missing_parties(
    signers: Collection[Did], file: GovernanceFile, previous: VersionBefore | None = None
) -> tuple[Did, ...]:
    """Return who could still sign, where `signers` are too few (rule 11); empty if they are enough.

    Args:
        signers: whose signatures hold.
        file: what they signed.
        previous: the version before, None if there was none.
    """
    missing = [] if file.author in signers else [file.author]
    for signatories in _rules(file, previous):
        parties = {party.did for party in signatories.parties}
        if len(parties & set(signers)) < signatories.threshold:
            missing += sorted(parties - set(signers))
    return tuple(dict.fromkeys(missing))


async def verify_file(
    jws: bytes,
    *,
    author: Did | None,
    resolve_key: KeyResolver,
    previous: VersionBefore | None = None,
    parsed: ParsedFile | None = None,
) -> SignedGovernanceFile:
    """Return the governance file in `jws` after all checks.

    Args:
        jws: the bytes as received.
        author: the pinned author; None to learn who signed without trusting them for anything.
        resolve_key: gives a signer's key as it stands now.
        previous: the version held before this one, None if there was none.
        parsed: a file read before; it stands for the payload only if that has the very same bytes.

    Raises:
        ThresholdError: too few of the parties signed.
        SignatureError: not signed as it must be, or by somebody else.
        GovernanceFileError: signed, but not a governance file without errors.
        ResolutionError: the author's key, or keys that the threshold needs, could not be checked.
    """
    received = read_jws(jws, typ=FILE_TYP, max_bytes=MAX_JWS_BYTES)  # 1-3
    first = first_by(author, received)  # 4
    await verify_signature(received, first, resolve_key)  # 5, 6
    if parsed is not None and parsed.payload == received.unverified_payload:  # 7, 8
        file = parsed.file
    else:
        file = await _parse(received.unverified_payload)
    if file.author != first.kid.did:  # 9
        raise SignatureError(f"expected a file by {first.kid.did}, who signed it, found author {file.author}")
    signers, unchecked = await _further_signers(received, file, previous, resolve_key)
    signers.insert(0, file.author)
    missing = missing_parties(signers, file, previous)  # 11
    if missing and not missing_parties([*signers, *unchecked], file, previous):
        raise ResolutionError(
            f"the keys of {', '.join(unchecked)} could not be checked, and their signatures are needed"
        )
    if missing:
        raise ThresholdError(
            f"expected more of the parties to sign version {file.version}, found {len(set(signers))}",
            hint=f"still to sign, enough of: {', '.join(missing)}",
        )
    return SignedGovernanceFile(file, digest_of(jws), jws, first.kid, tuple(dict.fromkeys(signers)))


async def _further_signers(
    received: UnverifiedJws, file: GovernanceFile, previous: VersionBefore | None, resolve_key: KeyResolver
) -> tuple[list[Did], list[Did]]:
    """Return whose further signatures hold, and whose could not be checked (rule 10)."""
    parties = _parties(file, previous)
    signers: list[Did] = []
    unchecked: list[Did] = []
    for signature in received.signatures[1:]:
        if signature.kid.did not in parties:
            raise SignatureError(f"expected signatures by parties to the file, found one by {signature.kid.did}")
    for signature in received.signatures[1:]:
        try:
            await verify_signature(received, signature, resolve_key)
        except SignatureError:
            raise
        except ResolutionError:
            unchecked.append(signature.kid.did)
        except GovernanceError:
            continue  # a key that its party no longer has
        else:
            signers.append(signature.kid.did)
    return signers, unchecked


def _rules(file: GovernanceFile, previous: VersionBefore | None) -> list[Signatories]:
    named = (file.signatories, None if previous is None else previous.signatories)
    return [signatories for signatories in named if signatories is not None]


def _parties(file: GovernanceFile, previous: VersionBefore | None) -> set[Did]:
    """Return who may sign: the author, and whom this version or the one before names."""
    return {file.author} | {party.did for rule in _rules(file, previous) for party in rule.parties}
