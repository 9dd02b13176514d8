"""The published versions of a governance file, as the wallet store keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar

from acapy_agent.core.profile import Profile
from pydantic import BaseModel, ConfigDict

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import GovernanceRef
from wanderbuch.governance.signed.history import Action
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.records import NotFoundError, Record, RecordStore
from wanderbuch.store.telling import Teller
from wanderbuch.store.writing import writing


@dataclass(frozen=True, slots=True)
class PublicationPlace:
    """Where an ecosystem's files lie.

    Args:
        author: the DID that signs.
        folder: path of the files below the public site, such as "governance/sri-lanka".
        url: web address of that folder.
    """

    author: Did
    folder: str
    url: str

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


class VersionState(Enum):
    """How far a version has come."""

    PENDING = "PENDING"  # signed and kept, not yet served as current
    PUBLISHED = "PUBLISHED"


class RefusalNote(BaseModel):
    """A refusal that a version states for the first time: its id in the file and the reason."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    reason: str


class Cause(BaseModel):
    """Why a version was published: it goes into the history with it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    who: str
    action: Action
    why: str
    draft_id: str | None = None
    refusals: tuple[RefusalNote, ...] = ()


class PublishedVersion(Record):
    """One signed version of the governance file. Its id in the store is its version number.

    `jws` is the signed file; it is kept apart and empty in lists. `parts` are the digests of the parts that are new in
    this version, if the file is divided. `kid` is the author's key that signed. `taken_up` counts how often somebody
    set about to finish its interrupted publication.
    """

    category: ClassVar[str] = "wanderbuch.authority-version"
    tag_names: ClassVar[tuple[str, ...]] = ("draft_id",)

    version: int
    governance_id: str
    digest: str
    payload_digest: str
    kid: str
    cause: Cause
    parts: tuple[str, ...] = ()
    jws: str = ""
    state: VersionState = VersionState.PENDING
    taken_up: int = 0
    published_at: datetime | None = None

    def index_state(self) -> str:
        """Return its state."""
        return self.state.value

    def due_at(self) -> datetime | None:
        """Return when its interrupted publication is to be finished: at once."""
        return self.created_at if self.state is VersionState.PENDING else None

    @property
    def draft_id(self) -> str | None:
        """The draft that it comes from."""
        return self.cause.draft_id

    @property
    def ref(self) -> GovernanceRef:
        """Return what decisions call this file."""
        return GovernanceRef(id=self.governance_id, version=self.version, digest=self.digest)


class _SignedBody(Record):
    """The signed bytes of one version."""

    category: ClassVar[str] = "wanderbuch.authority-signed-file"

    jws: str


class _DraftVersion(Record):
    """Which version a draft became: its id is the draft's, so that no draft becomes two."""

    category: ClassVar[str] = "wanderbuch.authority-draft-version"

    version: int


def version_events(version: PublishedVersion) -> Sequence[Event]:
    """Return that a version is served as current, once it is: what it tells the event log."""
    if version.state is not VersionState.PUBLISHED:
        return ()
    return (Event(EventKind.VERSION_PUBLISHED, version.id, {"version": version.version}),)


class Versions:
    """All versions, in the wallet store; the signed files beside, so that a list stays small.

    A version is there once, whichever process signs it, and a draft becomes one version: both are unique names.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._versions = RecordStore(profile, PublishedVersion)
        self._teller = Teller(profile, PublishedVersion, version_events)
        self._bodies = RecordStore(profile, _SignedBody)

    async def insert(self, version: PublishedVersion) -> None:
        """Keep a new version with its signed file, both or neither.

        Raises:
            DuplicateError: this version is there, or its draft became another.
        """
        without_file = version.model_copy(update={"jws": ""})
        async with writing(self._profile, new=[without_file]) as records:
            await records.insert(without_file)
            await records.insert(_SignedBody(id=version.id, jws=version.jws))
            if version.draft_id is not None:
                await records.insert(_DraftVersion(id=version.draft_id, version=version.version))

    async def take_up(self, version: PublishedVersion) -> PublishedVersion | None:
        """Return an interrupted version for somebody to finish; None if it was finished or removed meanwhile."""

        def step(version: PublishedVersion) -> PublishedVersion | None:
            if version.state is not VersionState.PENDING:
                return None
            return version.model_copy(update={"taken_up": version.taken_up + 1})

        try:
            published_version = await self._versions.change(version.id, step)
        except NotFoundError:
            return None
        return await self.with_file(published_version) if published_version.state is VersionState.PENDING else None

    async def remove(self, version: PublishedVersion) -> None:
        """Forget a version that was never put anywhere, unless another process has taken it up meanwhile."""
        async with writing(self._profile) as records:
            published_version = await records.get_or_none(PublishedVersion, version.id)
            if (
                published_version is None
                or published_version.taken_up != version.taken_up
                or published_version.state is not VersionState.PENDING
            ):
                return
            await records.remove(PublishedVersion, version.id)
            await records.remove(_SignedBody, version.id)
            if version.draft_id is not None:
                await records.remove(_DraftVersion, version.draft_id)

    async def published(self, version: PublishedVersion, at: datetime) -> PublishedVersion:
        """Mark a version as published and return it, with its signed file."""
        changed = await self._teller.change(
            version,
            lambda published_version: published_version.model_copy(
                update={"state": VersionState.PUBLISHED, "published_at": published_version.published_at or at}
            ),
        )
        return changed.model_copy(update={"jws": version.jws})

    async def all(self) -> Sequence[PublishedVersion]:
        """Return all versions without their files, the newest first."""
        published_versions = [published_version async for published_version in self._versions.every()]
        return sorted(published_versions, key=lambda published_version: published_version.version, reverse=True)

    async def current(self) -> PublishedVersion | None:
        """Return the newest version that is published, with its file, or None."""
        page = await self._versions.page(state=VersionState.PUBLISHED.value, limit=1)
        return await self.with_file(page.items[0]) if page.items else None

    async def pending(self) -> Sequence[PublishedVersion]:
        """Return the versions whose publication was interrupted, without their files, the oldest first."""
        return [published_version async for published_version in self._versions.every(state=VersionState.PENDING.value)]

    async def of_draft(self, draft_id: str) -> PublishedVersion | None:
        """Return the version that a draft became, without its file, or None."""
        return next(iter(await self._versions.find(draft_id=draft_id)), None)

    async def with_file(self, version: PublishedVersion) -> PublishedVersion:
        """Return a version with its signed file.

        Raises:
            ConfigurationError: the wallet has lost it.
        """
        try:
            body = await self._bodies.get(version.id)
        except NotFoundError as err:
            raise ConfigurationError(
                f"the wallet has lost the signed file of version {version.version}", hint="restore the wallet"
            ) from err
        return version.model_copy(update={"jws": body.jws})
