"""The right to publish, and what is done with it: a file is checked, signed, put (steps 2 and 3 of `publication`)."""

import asyncio
import hashlib
from collections.abc import Sequence

from wanderbuch.agents.authority.findings import finding_json
from wanderbuch.agents.authority.published import LaidOut
from wanderbuch.agents.authority.serving import Serving
from wanderbuch.agents.authority.stages import Stage, TellStage, tell_nobody
from wanderbuch.agents.authority.versions import Cause, PublishedVersion
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.form.findings import Finding, GovernanceFileError, Severity, error
from wanderbuch.governance.form.model import SIGNATORIES
from wanderbuch.governance.form.parsed import ParsedFile
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.governance.signed.jws import KeyResolver, UnverifiedSignature, read_jws, unverified_payload
from wanderbuch.governance.signed.signing import (
    FILE_TYP,
    MAX_JWS_BYTES,
    combine,
    digest_of,
    missing_parties,
    sign_file,
    verify_file,
)
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.leases import Lease


class PublicationRefusedError(GovernanceFileError):
    """A governance file was not published. `findings` and, for the caller of the REST API, `members` say why."""

    code = "governance.not-published"

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(findings)
        self.members = {"findings": [finding_json(finding) for finding in findings]}


class Turn:
    """The right to publish, for as long as `Publication.turn` lasts.

    Args:
        serving: what is published.
        resolve_key: gives the key of a party, or of the author, as it stands now.
        lease: what nobody else holds meanwhile; a process that slept for long may have lost it.
        tell: told how far it is.
    """

    def __init__(self, serving: Serving, resolve_key: KeyResolver, lease: Lease, tell: TellStage = tell_nobody) -> None:
        self._serving = serving
        self._resolve_key = resolve_key
        self.lease = lease
        self.tell = tell
        self._parsed: ParsedFile | None = None  # the file that was read last
        self._before: tuple[str, GovernanceFile | None] | None = None  # digest of a version, and `_previous` of it

    async def check(self) -> None:
        """Go on only if the turn is still ours.

        Raises:
            LeaseLostError: this process slept, and another one publishes by now.
        """
        await self.lease.check()

    async def missing(
        self, body: bytes, signers: Sequence[bytes] = (), parsed: ParsedFile | None = None
    ) -> tuple[str, ...]:
        """Return the DIDs of the parties who could still sign, where author and `signers` are too few.

        Args:
            body: what will be signed.
            signers: signatures of parties, each a compact JWS over `body`. They are not checked here.
            parsed: `body`, where it was read already.
        """
        previous = await self._previous()
        if previous is None and SIGNATORIES.encode() not in body:
            return ()
        file = (await self._read(body, parsed)).file
        dids = [signature.kid.did for part in signers for signature in _signatures(part)]
        return missing_parties([file.author, *dids], file, previous)

    async def publish(
        self,
        laid_out: LaidOut,
        cause: Cause,
        *,
        signatures: Sequence[bytes] = (),
        payload_digest: str | None = None,
    ) -> PublishedVersion:
        """Publish a file as the next version (steps 2 to 7).

        Args:
            laid_out: the file.
            cause: who and why, for the history.
            signatures: of parties, each a compact JWS over the same bytes.
            payload_digest: of what was sent, where that is not what is signed.

        Raises:
            PublicationRefusedError: the file has mistakes, or does not follow the current one.
            SignatureError: a party's signature does not hold, or too few signed.
            ResolutionError: a party's key could not be checked.
            ConfigurationError: the files cannot be written.
            LeaseLostError: this process slept, and another one publishes by now.
        """
        serving = self._serving
        current = await serving.current()
        self.tell(Stage.CHECKING, 0, 0)
        parsed = await self._check(laid_out, current)  # 2
        file = parsed.file
        self.tell(Stage.SIGNING, 0, 0)
        kid = await serving.key.kid()  # 3
        own = await sign_file(parsed, kid, serving.key.sign)
        jws = combine([own, *signatures], author=file.author) if signatures else own
        signed = await verify_file(
            jws,
            author=serving.place.author,
            resolve_key=self._resolve_key,
            previous=await self._previous(),
            parsed=parsed,
        )
        version = PublishedVersion(
            id=str(file.version),
            version=file.version,
            governance_id=file.id,
            digest=digest_of(signed.jws),
            payload_digest=payload_digest or sha256_of(laid_out.body),
            kid=str(kid),
            cause=cause,
            parts=tuple(laid_out.parts),
            jws=jws.decode("ascii"),
        )
        await serving.parts.keep(laid_out.parts)
        await self.check()
        try:
            await serving.store.insert(version)
        except DuplicateError as err:
            raise RefusedError("another version was published meanwhile", hint="look at it, then try again") from err
        try:
            await serving.put_version(version, tell=self.tell)  # 4
        except Exception:
            # Another file could not follow under this number once it is out, even if the disk failed right after.
            if not await serving.is_out(version):
                await serving.store.remove(version)
            raise
        self.tell(Stage.SERVING, 0, 0)
        return await serving.make_current(version, self.lease)  # 5 to 7

    async def _previous(self) -> GovernanceFile | None:
        """Return the version before, where its signatories have a say."""
        current = await self._serving.current()
        if current is None:
            return None
        if self._before is None or self._before[0] != current.digest:
            payload = unverified_payload(current.jws.encode("ascii"))
            has_say = SIGNATORIES.encode() in payload
            self._before = current.digest, await asyncio.to_thread(parse_file, payload) if has_say else None
        return self._before[1]

    async def _read(self, body: bytes, parsed: ParsedFile | None) -> ParsedFile:
        """Return the file in `body`, read once for all that is done in this turn, and aside, as it may be large."""
        for known in (parsed, self._parsed):
            if known is not None and known.payload == body:
                return known
        read = self._parsed = await asyncio.to_thread(ParsedFile.read, body)
        return read

    async def _check(self, laid_out: LaidOut, current: PublishedVersion | None) -> ParsedFile:
        """Return the file if it may follow `current` (step 2)."""
        findings = list(laid_out.findings)
        if any(finding.severity is Severity.ERROR for finding in findings):
            raise PublicationRefusedError(findings)
        parsed = await self._read(laid_out.body, laid_out.parsed)
        file = parsed.file
        author = self._serving.place.author
        if file.author != author:
            fix = f"write {author}"
            findings.append(error("/author", "own-author", "expected this authority's DID, found another", fix))
        if current is not None and file.id != current.governance_id:
            fix = f"write {current.governance_id!r}; the id is the same in every version"
            findings.append(error("/id", "same-id", "expected the id of the versions before, found another", fix))
        if current is not None and file.version <= current.version:
            message = f"expected a version greater than {current.version}, found {file.version}"
            findings.append(error("/version", "next-version", message, f"write {current.version + 1}"))
        if any(finding.severity is Severity.ERROR for finding in findings):
            raise PublicationRefusedError(sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR))
        return parsed


def _signatures(jws: bytes) -> Sequence[UnverifiedSignature]:
    return read_jws(jws, typ=FILE_TYP, max_bytes=MAX_JWS_BYTES).signatures


def sha256_of(body: bytes) -> str:
    """Return the digest of what was sent."""
    return "sha256:" + hashlib.sha256(body).hexdigest()
