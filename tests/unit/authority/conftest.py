"""An authority's world in one process: a wallet in memory, a key, a public folder, a clock that tests set."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from acapy_agent.core.profile import Profile
from acapy_agent.utils.testing import create_test_profile
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wanderbuch.agents.authority.publication import Publication, PublicationPlace, PublishedVersion
from wanderbuch.agents.runtime.records import RecordStore
from wanderbuch.governance.identifiers import Did, DidUrl
from wanderbuch.plugins.webvh.publisher import FolderPublisher

SCID = "QmXk3Zx9bFBqDGUNqLyXSWEUC3xgjUN1JwPj9pyAGGxVcT"
AUTHORITY = Did.parse(f"did:webvh:{SCID}:authority.example.test:org")
CENTRE = Did.parse(f"did:webvh:{SCID}:centre.example.test:org")


class Key:
    """A signing key of the authority."""

    def __init__(self) -> None:
        self._private = Ed25519PrivateKey.generate()

    async def kid(self) -> DidUrl:
        return DidUrl.parse(f"{AUTHORITY}#key-1")

    async def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)

    async def resolve(self, did_url: DidUrl) -> bytes:
        assert did_url == await self.kid()
        return self._private.public_key().public_bytes_raw()


@dataclass
class Clock:
    """A clock that stands until a test moves it."""

    now: datetime = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@dataclass
class World:
    profile: Profile
    folder: Path
    key: Key = field(default_factory=Key)
    clock: Clock = field(default_factory=Clock)

    def publication(self, publisher: Any = None) -> Publication:
        """Return the publication as a freshly started process has it."""
        return Publication(
            PublicationPlace(author=AUTHORITY, folder="governance/sri-lanka"),
            versions=RecordStore(self.profile, PublishedVersion),
            publisher=publisher or FolderPublisher(self.folder),
            key=self.key,
            freshness_lifetime=timedelta(hours=1),
            clock=self.clock,
        )

    def file(self, name: str) -> bytes:
        return (self.folder / "governance/sri-lanka" / name).read_bytes()

    def has(self, name: str) -> bool:
        return (self.folder / "governance/sri-lanka" / name).exists()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    profile = await create_test_profile({"wallet.type": "askar-anoncreds"})
    yield World(profile, tmp_path / "public")
    await profile.close()


def payload(version: int, *, author: str = AUTHORITY, **changes: Any) -> dict[str, Any]:
    """Return a small valid governance file of the authority."""
    return {
        "@context": "https://identity.foundation/credential-trust-establishment/context.jsonld",
        "id": "https://authority.example.test/governance/sri-lanka",
        "name": "Skills of Sri Lanka (example)",
        "version": version,
        "format": "1.0",
        "last_updated": "2026-11-20T10:00:00Z",
        "author": str(author),
        "schemas": [],
        "roles": {},
        "participants": {
            "id": "https://authority.example.test/governance/sri-lanka/participants",
            "author": str(author),
            "created": "2026-11-20T10:00:00Z",
            "version": version,
            "entries": {
                "https://identity.foundation/credential-trust-establishment/schemas/description.json": {
                    str(CENTRE): {"name": "Colombo Welding Centre"}
                }
            },
        },
        **changes,
    }
