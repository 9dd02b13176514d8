"""Publishing signed governance files: one version after the other, none ever changed, never half a step.

A new version is published in these steps:

1. Finish what an interrupted publication left.
2. Check the payload: valid, by this author, the same id as before, a version greater than the current one.
3. Sign it, and keep the signed bytes in the wallet store as PENDING.
4. Put `versions/<n>.jws`, which is never overwritten. If this fails, the record is removed: nothing has happened.
5. Put `current.jws`, then `freshness.jws` about it. If this fails, the version stays PENDING.
6. Mark it PUBLISHED.

A crash before 5 leaves the old version served and fresh. What is PENDING is completed at the next publication, reissue,
start or sweep, whichever comes first. The wallet store is the record of what was published: `repair` also puts back a
file that the folder has lost.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar, Protocol

import rfc8785

from wanderbuch.agents.runtime.records import Record, RecordStore
from wanderbuch.errors import ConfigurationError, GovernanceError
from wanderbuch.governance.file import GovernanceFile
from wanderbuch.governance.findings import Finding, GovernanceFileError, Severity, error
from wanderbuch.governance.freshness import FreshnessStatement, sign_freshness
from wanderbuch.governance.identifiers import Did, DidUrl
from wanderbuch.governance.question import GovernanceRef
from wanderbuch.governance.signing import digest_of, sign_file
from wanderbuch.governance.validation import validate_file
from wanderbuch.plugins.webvh.publisher import Publisher

LOGGER = logging.getLogger(__name__)

JWS_CONTENT_TYPE = "application/jose"  # RFC 7515 §9.2.1


class PublicationRefusedError(GovernanceFileError):
    """A governance file was not published. `findings` and, for the caller of the REST API, `members` say why."""

    code = "governance.not-published"

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(findings)
        self.members = {"findings": [finding_json(each) for each in findings]}


class VersionState(Enum):
    """How far a version has come."""

    PENDING = "PENDING"  # signed and kept, not yet served as current
    PUBLISHED = "PUBLISHED"


class PublishedVersion(Record):
    """One signed version of the governance file. Its id in the store is its version number."""

    category: ClassVar[str] = "wanderbuch.authority-version"
    tag_names: ClassVar[tuple[str, ...]] = ("state",)

    version: int
    governance_id: str
    digest: str
    payload_digest: str
    jws: str
    state: VersionState = VersionState.PENDING
    published_at: datetime | None = None

    @property
    def ref(self) -> GovernanceRef:
        """Return what decisions call this file."""
        return GovernanceRef(id=self.governance_id, version=self.version, digest=self.digest)


class SigningKey(Protocol):
    """A key of the authority that stands in its DID document now; the secret part stays where it is."""

    async def kid(self) -> DidUrl:
        """Return the id of the verification method."""
        ...

    async def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature of `message`."""
        ...


@dataclass(frozen=True, slots=True)
class PublicationPlace:
    """Where an ecosystem's files lie.

    Args:
        author: the DID that signs.
        folder: path of the files below the public site, such as "governance/sri-lanka".
    """

    author: Did
    folder: str

    def version_path(self, version: int) -> str:
        """Return the path of the immutable file of `version`."""
        return f"{self.folder}/versions/{version}.jws"

    @property
    def current_path(self) -> str:
        """Return the path of the current file."""
        return f"{self.folder}/current.jws"

    @property
    def freshness_path(self) -> str:
        """Return the path of the newest freshness statement."""
        return f"{self.folder}/freshness.jws"


class Publication:
    """The governance file of one ecosystem, as its authority publishes it."""

    def __init__(
        self,
        place: PublicationPlace,
        *,
        versions: RecordStore[PublishedVersion],
        publisher: Publisher,
        key: SigningKey,
        freshness_lifetime: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        """Prepare; nothing is read or written yet.

        Args:
            place: where the files lie and whose they are.
            versions: what was signed, in the wallet store.
            publisher: puts files on the public site.
            key: signs.
            freshness_lifetime: how long a freshness statement is good.
            clock: the instant now, aware UTC.
        """
        self.place = place
        self._versions = versions
        self._publisher = publisher
        self._key = key
        self._lifetime = freshness_lifetime
        self._clock = clock
        self._lock = asyncio.Lock()
        self._statement: FreshnessStatement | None = None

    @property
    def statement(self) -> FreshnessStatement | None:
        """The newest freshness statement of this process; None before the first."""
        return self._statement

    async def versions(self) -> list[PublishedVersion]:
        """Return all versions, the newest first."""
        return sorted(await self._versions.find(), key=lambda held: held.version, reverse=True)

    async def current(self) -> PublishedVersion | None:
        """Return the version that is served as current."""
        published = await self._versions.find(state=VersionState.PUBLISHED)
        return max(published, key=lambda held: held.version, default=None)

    async def publish(self, payload: Mapping[str, object]) -> tuple[PublishedVersion, bool]:
        """Publish a new version.

        Sending the current version once more, unchanged, changes nothing: an answer may have been lost.

        Args:
            payload: the governance file as JSON, unsigned.

        Returns:
            The version, and whether it is new.

        Raises:
            PublicationRefusedError: the file has mistakes, or does not follow the current one.
            ConfigurationError: the files can not be written.
        """
        async with self._lock:
            await self._finish_pending()  # 1
            current = await self.current()
            body = _canonical(payload)
            if current is not None and current.payload_digest == _sha256(body):
                return current, False
            file = self._check(body, current)  # 2
            jws = await sign_file(body, await self._key.kid(), self._key.sign)  # 3
            version = await self._versions.insert(
                PublishedVersion(
                    id=str(file.version),
                    version=file.version,
                    governance_id=file.id,
                    digest=digest_of(jws),
                    payload_digest=_sha256(body),
                    jws=jws.decode("ascii"),
                )
            )
            try:
                await self._put_version(version)  # 4
            except Exception:
                await self._versions.remove(version.id)
                raise
            return await self._make_current(version), True  # 5, 6

    async def reissue(self, *, lifetime: timedelta | None = None) -> FreshnessStatement | None:
        """Issue a new freshness statement about the current version; None if there is no version yet."""
        async with self._lock:
            await self._finish_pending()
            current = await self.current()
            return None if current is None else await self._put_freshness(current, lifetime)

    async def repair(self) -> None:
        """Complete what was interrupted, and put back files that the public site has lost."""
        async with self._lock:
            await self._finish_pending()
            versions = await self.versions()
            for version in versions:
                await self._put_version(version)
            if versions and await self._publisher.get(self.place.current_path) != versions[0].jws.encode("ascii"):
                LOGGER.warning("version %d is not served as current any more; putting it back", versions[0].version)
                await self._make_current(versions[0])

    async def _finish_pending(self) -> None:
        pending = await self._versions.find(state=VersionState.PENDING)
        for version in sorted(pending, key=lambda held: held.version):
            LOGGER.warning("finishing the interrupted publication of version %d", version.version)
            await self._put_version(version)
            await self._make_current(version)

    def _check(self, payload: bytes, current: PublishedVersion | None) -> GovernanceFile:
        """Return the file in `payload` if it may follow `current` (step 2)."""
        report = validate_file(payload)
        findings = list(report.findings)
        file = report.file
        if file is None:
            raise PublicationRefusedError(findings)
        if file.author != self.place.author:
            fix = f"write {self.place.author}"
            findings.append(error("/author", "own-author", "expected this authority's DID, found another", fix))
        if current is not None and file.id != current.governance_id:
            fix = f"write {current.governance_id!r}; the id is the same in every version"
            findings.append(error("/id", "same-id", "expected the id of the versions before, found another", fix))
        if current is not None and file.version <= current.version:
            message = f"expected a version greater than {current.version}, found {file.version}"
            findings.append(error("/version", "next-version", message, f"write {current.version + 1}"))
        if any(each.severity is Severity.ERROR for each in findings):
            raise PublicationRefusedError(sorted(findings, key=lambda each: each.severity is not Severity.ERROR))
        return file

    async def _put_version(self, version: PublishedVersion) -> None:
        """Put the immutable file; the same bytes may be there already, other bytes never."""
        path, body = self.place.version_path(version.version), version.jws.encode("ascii")
        held = await self._publisher.get(path)
        if held is None:
            await self._publisher.put(path, body, JWS_CONTENT_TYPE)
        elif held != body:
            raise ConfigurationError(
                f"another file is already published as {path}, and versions never change",
                hint="the public folder belongs to another wallet or was changed by hand: restore it",
            )

    async def _make_current(self, version: PublishedVersion) -> PublishedVersion:
        await self._publisher.put(self.place.current_path, version.jws.encode("ascii"), JWS_CONTENT_TYPE)
        await self._put_freshness(version, None)
        at = self._clock()
        return await self._versions.change(
            version.id,
            lambda held: held.model_copy(
                update={"state": VersionState.PUBLISHED, "published_at": held.published_at or at}
            ),
        )

    async def _put_freshness(self, version: PublishedVersion, lifetime: timedelta | None) -> FreshnessStatement:
        statement = FreshnessStatement.for_file(version.ref, at=self._clock(), lifetime=lifetime or self._lifetime)
        jws = await sign_freshness(statement, await self._key.kid(), self._key.sign)
        await self._publisher.put(self.place.freshness_path, jws, JWS_CONTENT_TYPE)
        self._statement = statement
        return statement


def finding_json(finding: Finding) -> dict[str, str]:
    """Return a finding for a JSON answer."""
    return {
        "severity": finding.severity.value,
        "path": finding.path,
        "rule": finding.rule,
        "message": finding.message,
        "fix": finding.fix,
    }


def _canonical(payload: Mapping[str, object]) -> bytes:
    """Return the bytes to sign: the JSON Canonicalization Scheme (RFC 8785), so one content has one signed form."""
    try:
        return rfc8785.dumps(dict(payload))  # type: ignore[arg-type]  # checked by the library
    except rfc8785.CanonicalizationError as err:
        raise GovernanceError(f"the governance file can not be written canonically: {err}") from err


def _sha256(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()
