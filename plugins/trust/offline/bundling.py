"""Make a bundle from what is served now, and decide on one without a network.

    made = await write_bundle("https://authority.example/governance/lk", author, edge=edge, registries=[…])
    facts = await open_bundle(path, author=author, now=now)
    decision = decide_offline(facts, requirement, evidence, now=now)

A bundle is a recording of public files (`governance.bundle`). It is opened by the very code that reads them over the
network, on an edge that knows the recording only: signatures, DID logs, digests, parties, histories and freshness are
checked in the same way, against the author whom the reader pins.

While the author's freshness statement in it lasts, decisions are as they would be online, and say how old the facts
are. After that they are STALE, and say what the answer was when the facts were taken.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from wanderbuch.errors import GovernanceError, ResolutionError
from wanderbuch.governance.deciding.decision import decide
from wanderbuch.governance.facts.anoncreds_ids import CredDefId, RevRegDefId, SchemaId
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did, IdentifierError
from wanderbuch.governance.facts.question import Evidence, Reason, Requirement, TrustDecision
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.sources import AnonCredsSource
from wanderbuch.governance.facts.statuses import AnonCredsStatus
from wanderbuch.governance.signed.bundle import (
    MAX_BUNDLE_BYTES,
    Bundle,
    BundleError,
    read_bundle_file,
    write_bundle_file,
)
from wanderbuch.governance.signed.jws import KeyResolver
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.replaying import RecordingEdge, ReplayingEdge
from wanderbuch.plugins.trust.age import with_age
from wanderbuch.plugins.trust.following.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory
from wanderbuch.plugins.webvh.objects import AttestedObjects
from wanderbuch.plugins.webvh.resources import AttestedResource

__all__ = [
    "MadeBundle",
    "OfflineFacts",
    "OfflineWorld",
    "decide_offline",
    "open_bundle",
    "read_bundle",
    "with_age",
    "write_bundle",
]

_AT_ONCE: Final = 8
_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class MadeBundle:
    """A bundle that was made.

    Args:
        body: the file.
        notes: what could not be put in; a decision about it will be UNKNOWN.
        made_at: when that was fetched.
        files: what is in it, by address.
    """

    body: bytes = field(repr=False)
    snapshot: GovernanceSnapshot
    notes: tuple[Reason, ...]
    made_at: datetime
    files: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class OfflineFacts:
    """What a bundle holds, after all checks.

    Args:
        snapshot: the pinned author's governance, with the authorities it recognises.
        resolve_key: gives keys from the DID logs in the bundle.
        schemas, cred_defs: what accreditations name.
        registries, status_lists: revocation registries and the newest list of each, as the bundle's maker found them.
        as_of: when the author vouched for the file: the facts are not older. Where nobody did, the maker's word.
        age: the time from then until now.
        notes: what is missing or was refused.
    """

    snapshot: GovernanceSnapshot
    resolve_key: KeyResolver
    schemas: Mapping[SchemaId, AttestedResource]
    cred_defs: Mapping[CredDefId, AttestedResource]
    registries: Mapping[RevRegDefId, AttestedResource]
    status_lists: Mapping[RevRegDefId, AttestedResource]
    as_of: datetime
    age: timedelta
    notes: tuple[Reason, ...]


async def write_bundle(
    url: str,
    author: Did,
    *,
    edge: HttpEdge,
    registries: Collection[RevRegDefId] = (),
    issuers: Collection[Did] | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> MadeBundle:
    """Fetch all that decisions need, check it, and return it as one file.

    Args:
        url: the folder of the governance file.
        author: who must have signed it.
        edge: the way out to the network.
        registries: revocation registries to put in with their newest lists; which ones an issuer has is told by its
            credentials alone, so whoever makes the bundle names those that will be needed. Those that governance files
            name come of themselves.
        issuers: put in the definitions of these only; None for every accredited one.
        clock: the instant now, aware UTC.

    Raises:
        BundleError: there is no governance file that its author vouches for now.
    """
    recording = RecordingEdge(edge)
    world = OfflineWorld.on(recording, url, author, clock)
    report = await world.source.refresh()
    snapshot, at = world.source.snapshot(), clock()
    if snapshot is None or not snapshot.is_fresh(at):
        why = "; ".join(reason.text for reason in report.reasons) or "its author does not vouch for it now"
        raise BundleError(f"expected a governance file that is fresh, to make a bundle of: {why}")
    files = [snapshot.file, *(governance_snapshot.file for governance_snapshot in snapshot.recognised.values())]
    wanted = {*registries, *_named_registries(files)}
    if issuers is not None:
        wanted &= {*registries, *(def_id for def_id in wanted if def_id.did in issuers)}
    objects = await world.objects_of(files, sorted(wanted), issuers)
    bundle = Bundle(author, url, at, tuple(sorted(objects.registries)), recording.recorded)
    body = await asyncio.to_thread(write_bundle_file, bundle)
    return MadeBundle(body, snapshot, (*report.reasons, *objects.notes), at, recording.recorded)


async def open_bundle(path: Path, *, author: Did, now: datetime) -> OfflineFacts:
    """Read a bundle and check all of it; no network.

    Args:
        path: of the file.
        author: the pinned author.
        now: the instant of the decisions, aware.

    Raises:
        BundleError: it cannot be read, or holds no governance file of that author.
    """
    bundle = await read_bundle(path)
    world = OfflineWorld.on(ReplayingEdge(bundle.files), bundle.url, author, lambda: now)
    report = await world.source.refresh()
    snapshot = world.source.snapshot()
    if snapshot is None:
        why = "; ".join(reason.text for reason in report.reasons)
        raise BundleError(f"expected a bundle with a governance file of {author}, found none: {why}")
    files = [snapshot.file, *(governance_snapshot.file for governance_snapshot in snapshot.recognised.values())]
    objects = await world.objects_of(files, bundle.registries, None)
    as_of = snapshot.fresh_from or bundle.made_at
    return OfflineFacts(
        snapshot=snapshot,
        resolve_key=world.documents.assertion_key,
        schemas=objects.schemas,
        cred_defs=objects.cred_defs,
        registries=objects.registries,
        status_lists=objects.status_lists,
        as_of=as_of,
        age=now - as_of,
        notes=(*report.reasons, *objects.notes),
    )


async def read_bundle(path: Path) -> Bundle:
    """Read a bundle's recording; what is in it is not checked yet.

    Raises:
        BundleError: it cannot be read.
    """

    def read() -> Bundle:
        try:
            with path.open("rb") as stream:
                received = stream.read(MAX_BUNDLE_BYTES + 1)
        except OSError as err:
            raise BundleError(f"the bundle {path} cannot be read: {err.strerror}") from err
        if len(received) > MAX_BUNDLE_BYTES:
            raise BundleError(f"expected a bundle of at most {MAX_BUNDLE_BYTES} bytes in {path}")
        return read_bundle_file(received)

    return await asyncio.to_thread(read)


def decide_offline(
    facts: OfflineFacts, requirement: Requirement, evidence: Evidence, *, now: datetime
) -> TrustDecision:
    """Decide on a bundle, and say how old its facts are."""
    decision = decide(requirement, evidence, facts.snapshot, at=now)
    then = decide(requirement, evidence, facts.snapshot, at=facts.as_of)
    return with_age(decision, then, as_of=facts.as_of, now=now)


@dataclass(slots=True)
class _Objects:
    schemas: dict[SchemaId, AttestedResource] = field(default_factory=dict)
    cred_defs: dict[CredDefId, AttestedResource] = field(default_factory=dict)
    registries: dict[RevRegDefId, AttestedResource] = field(default_factory=dict)
    status_lists: dict[RevRegDefId, AttestedResource] = field(default_factory=dict)
    notes: list[Reason] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OfflineWorld:
    """The readers of public files, all on one edge."""

    source: GovernanceSource
    documents: WebvhDocuments
    objects: AttestedObjects

    @classmethod
    def on(cls, edge: HttpEdge, url: str, author: Did, clock: Callable[[], datetime]) -> "OfflineWorld":
        """Return readers that have read nothing yet."""
        memory = InMemoryLogMemory()
        documents = WebvhDocuments(edge, memory)
        config = GovernanceSourceConfig(url=url, author=author, timeout_s=_TIMEOUT_S)
        source = GovernanceSource(config, edge=edge, resolve_key=documents.assertion_key, clock=clock)
        return cls(source, documents, AttestedObjects(edge, documents, memory, clock=clock))

    async def objects_of(
        self, files: Collection[GovernanceFile], registries: Collection[RevRegDefId], issuers: Collection[Did] | None
    ) -> _Objects:
        """Resolve definitions, their schemas, and registries with their newest lists."""
        objects = _Objects()
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(name: str, resolve: Callable[[], Awaitable[None]]) -> None:
            async with limit:
                try:
                    await resolve()
                except (ResolutionError, GovernanceError, IdentifierError) as err:
                    objects.notes.append(Reason("bundle.missing", f"{name}: {err.message}"))

        async def definition(cred_def_id: CredDefId) -> None:
            resource = await self.objects.credential_definition(cred_def_id.resource)
            schema_id = SchemaId.parse(resource.content.get("schemaId"))
            objects.schemas[schema_id] = await self.objects.schema(schema_id.resource)
            objects.cred_defs[cred_def_id] = resource

        async def registry(registry_id: RevRegDefId) -> None:
            objects.status_lists[registry_id] = await self.objects.status_list(registry_id.resource)
            objects.registries[registry_id] = await self.objects.registry(registry_id.resource)

        named = {
            source.definition
            for file in files
            for accreditation in file.accreditations
            for source in accreditation.sources
            if isinstance(source, AnonCredsSource)
        }
        wanted = sorted(def_id for def_id in named if issuers is None or def_id.did in issuers)
        await asyncio.gather(
            *(one(def_id, lambda one_id=def_id: definition(one_id)) for def_id in wanted),  # type: ignore[misc]
            *(one(def_id, lambda one_id=def_id: registry(one_id)) for def_id in registries),  # type: ignore[misc]
        )
        return objects


def _named_registries(files: Collection[GovernanceFile]) -> set[RevRegDefId]:
    """Return the registries that governance files name, where somebody was suspended or withdrawn."""
    lapses = [lapse for file in files for accreditation in file.accreditations for lapse in accreditation.lapses]
    named = {status for lapse in lapses for status in (*lapse.statuses_before, *lapse.statuses_at_end)}
    return {status_id.registry for status_id in named if isinstance(status_id, AnonCredsStatus)}
