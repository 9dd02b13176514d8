"""What an agent remembers of its governance, in the wallet store."""

from collections.abc import Mapping
from dataclasses import dataclass

from acapy_agent.core.profile import Profile
from pydantic import BaseModel, ConfigDict, ValidationError

from wanderbuch.errors import ConfigurationError, ResolutionError
from wanderbuch.governance.identifiers import Did, DidUrl
from wanderbuch.governance.memory import Seen

_CATEGORY = "wanderbuch.governance"


@dataclass(frozen=True, slots=True)
class KeptGovernance:
    """The last good file, the last good statement about it, and the highest version ever seen.

    Args:
        seen: never goes back, also when the file itself can not be used any more; ahead of the file while the author's
            word about a newer one is all that came.
        file_jws: the signed file as it came.
        freshness_jws: the signed statement about it as it came.
        keys: raw Ed25519 public keys the two were checked with, by DID URL.
    """

    seen: Seen
    file_jws: bytes | None
    keys: Mapping[DidUrl, bytes]
    freshness_jws: bytes | None = None

    async def resolve_key(self, did_url: DidUrl) -> bytes:
        """Return the key that stood in the author's DID document when the text was checked."""
        if did_url not in self.keys:
            raise ResolutionError(f"the key {did_url} was not kept with the governance file")
        return self.keys[did_url]


class WalletGovernanceStore:
    """Keeps one `KeptGovernance` for each pinned author in the wallet store."""

    def __init__(self, profile: Profile, author: Did) -> None:
        self._profile = profile
        self._name = str(author)

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
            return _Record.model_validate_json(entry.value).to_kept()
        except ValidationError as err:
            raise ConfigurationError(
                "the governance record in the wallet store is damaged", hint="restore the wallet from a backup"
            ) from err

    async def save(self, kept: KeptGovernance) -> None:
        """Keep `kept` in place of what was there."""
        value = _Record.of(kept).model_dump_json().encode()
        async with self._profile.session() as session:
            if await session.handle.fetch(_CATEGORY, self._name) is None:
                await session.handle.insert(_CATEGORY, self._name, value)
            else:
                await session.handle.replace(_CATEGORY, self._name, value)


class _Record(BaseModel):
    """The JSON form of `KeptGovernance`."""

    model_config = ConfigDict(extra="forbid")

    seen_id: str
    seen_version: int
    seen_digest: str
    file_jws: str | None
    freshness_jws: str | None
    keys: dict[str, str]

    @classmethod
    def of(cls, kept: KeptGovernance) -> "_Record":
        return cls(
            seen_id=kept.seen.id,
            seen_version=kept.seen.version,
            seen_digest=kept.seen.digest,
            file_jws=kept.file_jws.decode("ascii") if kept.file_jws is not None else None,
            freshness_jws=kept.freshness_jws.decode("ascii") if kept.freshness_jws is not None else None,
            keys={did_url: key.hex() for did_url, key in kept.keys.items()},
        )

    def to_kept(self) -> KeptGovernance:
        return KeptGovernance(
            seen=Seen(id=self.seen_id, version=self.seen_version, digest=self.seen_digest),
            file_jws=self.file_jws.encode("ascii") if self.file_jws is not None else None,
            keys={DidUrl(did_url): bytes.fromhex(key) for did_url, key in self.keys.items()},
            freshness_jws=self.freshness_jws.encode("ascii") if self.freshness_jws is not None else None,
        )
