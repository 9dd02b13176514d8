"""The public files of a did:webvh issuer, as somebody else goes on serving them: read from a source, each one checked.

A credential is judged by files of its issuer's host alone: when nobody serves them, it is UNKNOWN. None of them needs
the issuer to be served: each is signed by the DID, or named by its digest. What is read counts only if:

1. The log is the DID's, by its present name, keeps all rules of did:webvh, with its witnesses, and does not end it.
2. There is a list of registries, with one at least. It is not signed: what its source leaves out of it is not copied.
   Each registry keeps all rules of attested resources, signed with a key of the log's newest document, and has a status
   list; each status list that it links to is there, of this registry and of that second.
3. Its tails file, where it lies with the DID, is there and has its hash. One that lies elsewhere is not copied.
4. Its credential definition is there and keeps the same rules; its schema too, if it is the DID's own.

Nothing else is copied. Files come in an order in which each may be published at once: what is linked to before what
links, the log last.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import ResourceId, WebvhDid
from wanderbuch.plugins.webvh.anoncreds_content import (
    checked_cred_def,
    checked_registry,
    checked_schema,
    checked_status_list,
)
from wanderbuch.plugins.webvh.copy_sources import CopySource
from wanderbuch.plugins.webvh.document import DidDocument
from wanderbuch.plugins.webvh.entries import MAX_LOG_BYTES
from wanderbuch.plugins.webvh.errors import DeactivatedError, LogError, ResourceError, ShortenedHistoryError, TailsError
from wanderbuch.plugins.webvh.log import VerifiedLog, check_log, names_witnesses
from wanderbuch.plugins.webvh.objects import MAX_RESOURCE_BYTES
from wanderbuch.plugins.webvh.own_resources import path_of, resource_number
from wanderbuch.plugins.webvh.publisher import Publisher, content_type_of
from wanderbuch.plugins.webvh.registry_index import MAX_INDEX_BYTES, index_path, read_index
from wanderbuch.plugins.webvh.resources import AttestedResource, ResourceType, verify_resource
from wanderbuch.plugins.webvh.tails import tails_hash_of, tails_max_bytes, tails_url
from wanderbuch.plugins.webvh.witnesses import MAX_WITNESS_BYTES
from wanderbuch.strict_json import StrictJsonError, read_strict_json

MOST_FILES: Final = 200_000
MOST_BYTES: Final = 16 * 1024**3
_MAX_DEPTH: Final = 32  # as `resources` reads it


@dataclass(frozen=True, slots=True)
class PublicFile:
    """A file that was checked.

    Args:
        path: below the host.
        number: as its own issuer publishes it; None: it never changes.
    """

    path: str
    body: bytes
    number: int | None = None


@dataclass(slots=True)
class CopyReport:
    """What a copy has, for people who compare it with what they know.

    Args:
        size: of all files, in bytes.
        version_id: of the newest entry of the DID's log.
        newest_list: since when the newest status list is in force, in seconds since 1970.
        definitions: credential definitions of the registries, by id.
        elsewhere: what credentials of the DID need and other hosts serve: schemas, tails files.
    """

    files: int = 0
    size: int = 0
    registries: int = 0
    status_lists: int = 0
    version_id: str = ""
    newest_list: int = 0
    definitions: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


class PublicCopy:
    """The public files of one DID, read and checked once or again.

    Args:
        did: whose, by its present name.
        source: where they are read.
        clock: the instant now, aware UTC.
    """

    def __init__(self, did: WebvhDid, source: CopySource, *, clock: Callable[[], datetime] | None = None) -> None:
        self._did = did
        self._source = source
        self._clock = clock or (lambda: datetime.now(UTC))
        self._report = CopyReport()

    @property
    def report(self) -> CopyReport:
        """Return what was read last."""
        return self._report

    async def check(self) -> CopyReport:
        """Read and check every file, and keep none.

        Raises:
            WanderbuchError: one is missing, breaks a rule, or they are too many.
        """
        async for _ in self.files():
            pass
        return self._report

    async def files(self) -> AsyncIterator[PublicFile]:
        """Yield every file, each once it was checked; errors as with `check`."""
        self._report = report = CopyReport()
        log, paths = await self._log()  # 1
        report.version_id = log.version_id
        document = DidDocument.of(self._did, log.version_id, log.document, log.names)
        index = await self._needed(index_path(self._did), MAX_INDEX_BYTES)  # 2
        registries = dict.fromkeys(read_index(self._did, index))
        if not registries:
            raise ResourceError(f"{index_path(self._did)} lists no registry: then no certificate rests on these files")
        seen: set[ResourceId] = set()
        entries = len(log.version_ids)
        for registry_id in registries:
            async for file in self._registry(ResourceId(registry_id), document, entries, seen):
                yield self._counted(file)
            report.registries += 1
        yield self._counted(PublicFile(index_path(self._did), index, report.registries))
        for file in paths:
            yield self._counted(file)

    def _counted(self, file: PublicFile) -> PublicFile:
        self._report.files += 1
        self._report.size += len(file.body)
        if self._report.files > MOST_FILES or self._report.size > MOST_BYTES:
            raise ConfigurationError(f"expected at most {MOST_FILES} public files of {MOST_BYTES} bytes, found more")
        return file

    async def _log(self) -> tuple[VerifiedLog, list[PublicFile]]:
        folder = "/".join(self._did.path)
        body = await self._needed(f"{folder}/did.jsonl", MAX_LOG_BYTES)
        witness = None
        if await asyncio.to_thread(names_witnesses, body):
            witness = await self._needed(f"{folder}/did-witness.json", MAX_WITNESS_BYTES)
        log = await asyncio.to_thread(check_log, self._did, body, witness, at=self._clock())
        if log.names[0] != self._did:
            raise LogError(f"expected the present name of the DID, {log.names[0]}, found {self._did}")
        if log.deactivated:
            raise DeactivatedError(
                f"{self._did} was ended by its controller: its credentials are UNKNOWN whoever serves its files",
                hint="a DID whose credentials are to stay good must not be deactivated",
            )
        number = len(log.version_ids)
        files = [] if witness is None else [PublicFile(f"{folder}/did-witness.json", witness, number)]
        return log, [*files, PublicFile(f"{folder}/did.jsonl", body, number)]

    async def _registry(
        self, registry_id: ResourceId, document: DidDocument, entries: int, seen: set[ResourceId]
    ) -> AsyncIterator[PublicFile]:
        registry, registry_body = await self._resource(registry_id, ResourceType.REV_REG_DEF, document)  # 2
        content = await asyncio.to_thread(checked_registry, registry)
        if not registry.links:
            raise ResourceError(f"{registry_id} has no status list: what was issued from it is UNKNOWN everywhere")
        async for file in self._definition(ResourceId.parse(content["credDefId"]), document, entries, seen):  # 4
            yield file
        value = content["value"]
        if value["tailsLocation"] == tails_url(self._did, value["tailsHash"]):  # 3
            yield await self._tails(value["tailsHash"], value["maxCredNum"])
        else:
            self._report.elsewhere += (str(value["tailsLocation"])[:300],)
        for link in registry.links:
            listed, body = await self._resource(link.id, ResourceType.STATUS_LIST, document)
            told = await asyncio.to_thread(checked_status_list, listed)
            if (told["revRegDefId"], told["timestamp"]) != (registry_id, link.timestamp):
                raise ResourceError(f"expected the status list of {link.timestamp} of {registry_id}, found another one")
            self._report.status_lists += 1
            self._report.newest_list = max(self._report.newest_list, link.timestamp)
            yield PublicFile(path_of(link.id), body, resource_number(entries, listed))
        yield PublicFile(path_of(registry_id), registry_body, resource_number(entries, registry))

    async def _definition(
        self, cred_def_id: ResourceId, document: DidDocument, entries: int, seen: set[ResourceId]
    ) -> AsyncIterator[PublicFile]:
        if cred_def_id in seen:
            return
        seen.add(cred_def_id)
        self._report.definitions += (str(cred_def_id),)
        definition, body = await self._resource(cred_def_id, ResourceType.CRED_DEF, document)
        schema_id = ResourceId.parse((await asyncio.to_thread(checked_cred_def, definition))["schemaId"])
        if schema_id.did != self._did:
            self._report.elsewhere += (str(schema_id),)
        elif schema_id not in seen:
            seen.add(schema_id)
            schema, schema_body = await self._resource(schema_id, ResourceType.SCHEMA, document)
            checked_schema(schema)
            yield PublicFile(path_of(schema_id), schema_body, resource_number(entries, schema))
        yield PublicFile(path_of(cred_def_id), body, resource_number(entries, definition))

    async def _resource(
        self, resource_id: ResourceId, kind: ResourceType, document: DidDocument
    ) -> tuple[AttestedResource, bytes]:
        body = await self._needed(path_of(resource_id), MAX_RESOURCE_BYTES)
        resource = await asyncio.to_thread(
            verify_resource, body, resource_id=resource_id, kind=kind, document=document, at=self._clock()
        )
        return resource, body

    async def _tails(self, tails_hash: str, size: int) -> PublicFile:
        path = f"{'/'.join(self._did.path)}/tails/{tails_hash}"
        body = await self._needed(path, tails_max_bytes(size))
        if await asyncio.to_thread(tails_hash_of, body) != tails_hash:
            raise TailsError(f"{path} is not the tails file of its name")
        return PublicFile(path, body)

    async def _needed(self, path: str, max_bytes: int) -> bytes:
        body = await self._source.get(path, max_bytes=max_bytes)
        if body is None:
            raise ResourceError(f"{path} is missing: what was issued would be UNKNOWN", hint="bring the whole folder")
        return body


async def take_over(copy: PublicCopy, did: WebvhDid, publisher: Publisher) -> CopyReport:
    """Publish the public files of a DID at our place: all of them, or none if any is wrong.

    What lies there already is never replaced by less: a log is only made longer, a registry only gets further lists.
    A crash in the middle leaves files that count; the same call again goes on.

    Args:
        copy: where they are read; read twice, and checked each time.
        did: whose.
        publisher: of the host, which is the DID's.

    Raises:
        WanderbuchError: a file is missing or breaks a rule; or what lies there is newer, or another DID's.
    """
    async for file in copy.files():
        await _keeps(did, file, await publisher.get(file.path))
    async for file in copy.files():
        present = await publisher.get(file.path)
        await _keeps(did, file, present)
        if present != file.body:
            await publisher.put(file.path, file.body, content_type_of(file.path), number=file.number)
    return copy.report


async def _keeps(did: WebvhDid, file: PublicFile, present: bytes | None) -> None:
    """Refuse a file that says less than what lies in its place.

    Raises:
        ShortenedHistoryError: what lies there is newer, or another one.
    """
    if present is None or present == file.body:
        return
    if file.path.endswith("/did.jsonl"):
        lines, before = file.body.split(b"\n"), [line for line in present.split(b"\n") if line.strip()]
        if lines[: len(before)] != before:
            raise ShortenedHistoryError(f"the log of {did} that lies at our place is newer, or another one: it stays")
    elif file.number is None:
        raise ShortenedHistoryError(f"another {file.path} lies at our place, and such a file never changes")
    elif file.path == index_path(did):
        if not set(read_index(did, present)) <= set(read_index(did, file.body)):
            raise ShortenedHistoryError(f"the list of registries of {did} that lies at our place has more: it stays")
    elif "/resources/" in file.path and _links_in(file.body)[: len(before_links := _links_in(present))] != before_links:
        raise ShortenedHistoryError(f"{file.path} at our place has other, or newer, status lists: it stays")


def _links_in(body: bytes) -> list[object]:
    """Return the links of a resource as they stand; ResourceError: it is no JSON."""
    try:
        document = read_strict_json(body, max_bytes=MAX_RESOURCE_BYTES, max_depth=_MAX_DEPTH)
    except StrictJsonError as err:
        raise ResourceError("a resource that lies at our place cannot be read", hint="remove it there") from err
    links = document.get("links", []) if isinstance(document, dict) else []
    return links if isinstance(links, list) else []
