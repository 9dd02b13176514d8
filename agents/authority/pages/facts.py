"""What the public pages rest on: the version that the authority published last, read once and kept until the next.

The pages read the very bytes that everybody gets, check their signatures against the keys that stand in the signers'
DID documents now, and say so; a key that cannot be looked up is "could not be checked", never "holds".
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, Protocol

from wanderbuch.agents.authority.pages.search import SearchTables
from wanderbuch.agents.authority.publication import Publication
from wanderbuch.errors import ResolutionError, WanderbuchError
from wanderbuch.governance.divided.bulk import load_divided
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import DidUrl
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.governance.signed.freshness import FreshnessStatement
from wanderbuch.governance.signed.history import HistoryEntry
from wanderbuch.governance.signed.jws import UnverifiedJws, read_jws, verify_signature
from wanderbuch.governance.signed.signing import FILE_TYP, MAX_JWS_BYTES, SignedGovernanceFile

MAX_HISTORY: Final = 50
_PATIENCE_S: Final = 2.0


class SignatureState(Enum):
    """What is known of one signature."""

    HOLDS = "holds"
    FAILS = "fails"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Signer:
    """One signature of the file."""

    kid: DidUrl
    state: SignatureState


@dataclass(frozen=True, slots=True)
class Facts:
    """One published version as the pages show it.

    Args:
        url: address of the folder of the files.
        published_at: when it became the current one.
        signers: the author first.
    """

    snapshot: GovernanceSnapshot
    tables: SearchTables
    signers: tuple[Signer, ...]
    url: str
    published_at: datetime | None

    @property
    def file(self) -> GovernanceFile:
        """The governance file."""
        return self.snapshot.file


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One published version in a list."""

    version: int
    digest: str
    published_at: datetime | None


class Register(Protocol):
    """Where the public pages get their facts."""

    @property
    def prove_url(self) -> str | None:
        """Where anybody asks a worker to prove a qualification; None: nowhere."""
        ...

    async def facts(self) -> Facts | None:
        """Return what is published now; None before the first version."""
        ...

    async def versions(self) -> Sequence[VersionLine]:
        """Return all published versions, the newest first."""
        ...

    async def history(self) -> Sequence[HistoryEntry]:
        """Return the newest entries of the history, the newest first."""
        ...


class RegisterOffice(Protocol):
    """What the public pages read of an authority's office."""

    @property
    def register(self) -> Register:
        """Where they get their facts."""
        ...

    @property
    def clock(self) -> Callable[[], datetime]:
        """Gives the instant now, aware UTC."""
        ...


class PublishedRegister:
    """The facts of an authority's own publication."""

    def __init__(self, publication: Publication, *, prove_url: str | None = None) -> None:
        self._publication = publication
        self.prove_url = prove_url
        self._reading: asyncio.Task[None] | None = None
        self._held: Facts | None = None
        self._versions: tuple[str, list[VersionLine]] | None = None

    async def facts(self) -> Facts | None:
        """Return what is published now; reads the wallet store only after a new version."""
        statement = self._publication.statement
        if statement is None:
            return None
        if self._held is None or self._held.snapshot.digest != statement.digest:
            await self._read_on(statement)
        facts = self._held
        if facts is None or facts.snapshot.fresh_until == statement.exp or facts.snapshot.digest != statement.digest:
            return facts
        snapshot = GovernanceSnapshot(facts.file, facts.snapshot.digest, statement.exp, (), statement.iat)
        self._held = Facts(snapshot, facts.tables, facts.signers, facts.url, facts.published_at)
        return self._held

    async def file(self) -> GovernanceFile | None:
        """Return our file as it is published now; None before the first version."""
        facts = await self.facts()
        return None if facts is None else facts.file

    async def _read_on(self, statement: FreshnessStatement) -> None:
        """Read the new version once for all who ask; a very large one is not waited for while there is one to show."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._refresh(statement))
        patience = _PATIENCE_S if self._held is not None else None
        await asyncio.wait([self._reading], timeout=patience)
        if self._reading.done():
            self._reading.result()

    async def _refresh(self, statement: FreshnessStatement) -> None:
        self._held = await self._read(statement)

    async def versions(self) -> Sequence[VersionLine]:
        """Return all published versions, the newest first; read anew after a new version only."""
        statement = self._publication.statement
        digest = statement.digest if statement else ""
        if self._versions is None or self._versions[0] != digest:
            version_lines = [
                VersionLine(version.version, version.digest, version.published_at)
                for version in await self._publication.versions()
                if version.published_at is not None
            ]
            self._versions = (digest, version_lines)
        return self._versions[1]

    async def history(self) -> Sequence[HistoryEntry]:
        """Return the newest entries of the history, the newest first."""
        return (await self._publication.history.entries())[-MAX_HISTORY:][::-1]

    async def _read(self, statement: FreshnessStatement) -> Facts | None:
        current = await self._publication.current()
        if current is None:
            return None
        jws = current.jws.encode("ascii")
        received = read_jws(jws, typ=FILE_TYP, max_bytes=MAX_JWS_BYTES)
        file = await asyncio.to_thread(parse_file, received.unverified_payload)
        if file.division is not None:
            # Our own bytes, out of the wallet store; whether their signatures hold is looked at below.
            root = SignedGovernanceFile(file, current.digest, jws, received.signatures[0].kid)
            bodies = await self._publication.parts.read_all(part.digest for part in file.division.parts)
            file = await asyncio.to_thread(load_divided, root, bodies.__getitem__)
        tables = await asyncio.to_thread(SearchTables, file)
        speaks_of_it = statement.ref == current.ref
        snapshot = GovernanceSnapshot(
            file,
            current.digest,
            statement.exp if speaks_of_it else None,
            (),
            statement.iat if speaks_of_it else None,
        )
        return Facts(snapshot, tables, await self._signers(received), self._publication.place.url, current.published_at)

    async def _signers(self, received: UnverifiedJws) -> tuple[Signer, ...]:
        signers: list[Signer] = []
        for signature in received.signatures:
            try:
                await verify_signature(received, signature, self._publication.resolve_key)
                state = SignatureState.HOLDS
            except ResolutionError:
                state = SignatureState.UNCHECKED
            except WanderbuchError:
                state = SignatureState.FAILS
            signers.append(Signer(signature.kid, state))
        return tuple(signers)
