"""What an agent remembers of each governance file that it follows, in the wallet store.

A large file lies in a folder by its digest (`content_folder`), where there is one; the wallet keeps the digest. What
must never go back (the highest version, who must sign the next one, the history's head, the newest statement) is always
in the wallet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from acapy_agent.core.profile import Profile
from pydantic import BaseModel, ConfigDict, ValidationError

from wanderbuch.errors import ConfigurationError, ResolutionError
from wanderbuch.governance.facts.identifiers import Did, DidUrl
from wanderbuch.governance.facts.statements import Party, PartyKind, Signatories
from wanderbuch.governance.signed.history import Head
from wanderbuch.governance.signed.memory import SeenVersion
from wanderbuch.plugins.trust.following.content_folder import ContentFolder, digest_of_content

_CATEGORY: Final = "wanderbuch.governance"
_MAX_IN_WALLET_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """Who must sign what follows a version (a `VersionBefore`), remembered also where its file is lost."""

    id: str
    version: int
    signatories: Signatories | None


@dataclass(frozen=True, slots=True)
class KeptGovernance:
    """The last good file, the last good statement about it, and what must never go back.

    Args:
        seen: never goes back, also when the file itself cannot be used any more; ahead of the file while the author's
            word about a newer one is all that came.
        file_jws: the signed file as it came.
        freshness_jws: the signed statement about it as it came.
        keys: raw Ed25519 public keys the two were checked with, by DID URL.
        head: the longest history that the author signed and that was checked.
        issued_at: when the newest statement seen was made.
        before: who must sign what follows the file; None where it names nobody.
    """

    seen: SeenVersion
    file_jws: bytes | None
    keys: Mapping[DidUrl, bytes]
    freshness_jws: bytes | None = None
    head: Head | None = None
    issued_at: datetime | None = None
    before: KeptVersion | None = None

    async def resolve_key(self, did_url: DidUrl) -> bytes:
        """Return the key that stood in the author's DID document when the text was checked."""
        if did_url not in self.keys:
            raise ResolutionError(f"the key {did_url} was not kept with the governance file")
        return self.keys[did_url]


class WalletGovernanceStore:
    """Keeps one `KeptGovernance` for each pinned author in the wallet store."""

    def __init__(self, profile: Profile, author: Did, folder: ContentFolder | None = None) -> None:
        self._profile = profile
        self._name = str(author)
        self._folder = folder

    async def load(self) -> KeptGovernance | None:
        """Return what was kept, or None.

        Raises:
            ConfigurationError: the record is not one of ours.
        """
        async with self._profile.session() as session:
            entry = await session.handle.fetch(_CATEGORY, self._name)
        if entry is None:
            return None
        try:
            record = _Record.model_validate_json(entry.value)
        except ValidationError as err:
            raise ConfigurationError(
                "the governance record in the wallet store is damaged", hint="restore the wallet from a backup"
            ) from err
        body = None
        if record.file_digest is not None and self._folder is not None:
            body = await self._folder.get(record.file_digest)
        return record.to_kept(body)

    async def save(self, kept: KeptGovernance) -> None:
        """Keep `kept` in place of what was there, unless another process has seen more: nothing goes back."""
        record = _Record.of(kept)
        if self._folder is not None and kept.file_jws is not None and len(kept.file_jws) > _MAX_IN_WALLET_BYTES:
            digest = digest_of_content(kept.file_jws)
            await self._folder.put(kept.file_jws, digest)
            record = record.model_copy(update={"file_jws": None, "file_digest": digest})
        async with self._profile.transaction() as session:
            entry = await session.handle.fetch(_CATEGORY, self._name, for_update=True)
            if entry is None:
                await session.handle.insert(_CATEGORY, self._name, record.model_dump_json())
            else:
                further = _further(entry.value, record)
                await session.handle.replace(_CATEGORY, self._name, further.model_dump_json())
            await session.commit()


class _Signatories(BaseModel):
    """The JSON form of `KeptVersion`; its id is that of the record."""

    model_config = ConfigDict(extra="forbid")

    version: int
    threshold: int
    parties: tuple[str, ...]


class _Record(BaseModel):
    """The JSON form of `KeptGovernance`."""

    model_config = ConfigDict(extra="forbid")

    seen_id: str
    seen_version: int
    seen_digest: str
    file_jws: str | None
    freshness_jws: str | None
    keys: dict[str, str]
    file_digest: str | None = None
    head: tuple[int, str] | None = None
    issued_at: int | None = None
    signatories: _Signatories | None = None

    @classmethod
    def of(cls, kept: KeptGovernance) -> "_Record":
        return cls(
            seen_id=kept.seen.id,
            seen_version=kept.seen.version,
            seen_digest=kept.seen.digest,
            file_jws=kept.file_jws.decode("ascii") if kept.file_jws is not None else None,
            freshness_jws=kept.freshness_jws.decode("ascii") if kept.freshness_jws is not None else None,
            keys={did_url: key.hex() for did_url, key in kept.keys.items()},
            head=(kept.head.size, kept.head.root) if kept.head is not None else None,
            issued_at=int(kept.issued_at.timestamp()) if kept.issued_at is not None else None,
            signatories=_signatories_of(kept.before),
        )

    def to_kept(self, body: bytes | None) -> KeptGovernance:
        return KeptGovernance(
            seen=SeenVersion(id=self.seen_id, version=self.seen_version, digest=self.seen_digest),
            file_jws=self.file_jws.encode("ascii") if self.file_jws is not None else body,
            keys={DidUrl(did_url): bytes.fromhex(key) for did_url, key in self.keys.items()},
            freshness_jws=self.freshness_jws.encode("ascii") if self.freshness_jws is not None else None,
            head=Head(*self.head) if self.head is not None else None,
            issued_at=datetime.fromtimestamp(self.issued_at, UTC) if self.issued_at is not None else None,
            before=self._before(),
        )

    def _before(self) -> KeptVersion | None:
        signatories = self.signatories
        if signatories is None:
            return None
        parties = tuple(
            Party(Did(did), did, PartyKind.OTHER) for did in signatories.parties
        )  # who they are, not what for
        return KeptVersion(self.seen_id, signatories.version, Signatories(signatories.threshold, parties))


def _further(value: bytes, record: _Record) -> _Record:
    """Return what is to be kept where `value` is kept and `record` comes: of each member that which was seen later.

    What is damaged is replaced: the agent that saves has read it, or has refused to start.
    """
    try:
        stored = _Record.model_validate_json(value)
    except ValidationError:
        return record
    newer, older = (stored, record) if _progress(stored) > _progress(record) else (record, stored)
    heads = [head for head in (newer.head, older.head) if head is not None]
    instants = [at for at in (newer.issued_at, older.issued_at) if at is not None]
    return newer.model_copy(update={"head": max(heads, default=None), "issued_at": max(instants, default=None)})


def _progress(record: _Record) -> tuple[int, int]:
    return record.seen_version, record.issued_at or 0


def _signatories_of(before: KeptVersion | None) -> _Signatories | None:
    if before is None or before.signatories is None:
        return None
    parties = tuple(party.did for party in before.signatories.parties)
    return _Signatories(version=before.version, threshold=before.signatories.threshold, parties=parties)
