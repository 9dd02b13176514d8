"""An authority's world in one process: a wallet in memory, a key, a public folder, a clock that tests set."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from acapy_agent.core.profile import Profile
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.memory_wallet import memory_wallet

from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.history import HistoryLog
from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.authority.publication import Publication
from wanderbuch.agents.authority.versions import PublicationPlace
from wanderbuch.errors import GovernanceError, ResolutionError
from wanderbuch.governance.facts.identifiers import Did, DidUrl
from wanderbuch.plugins.webvh.publisher import FolderPublisher
from wanderbuch.store.tables import hold_lease

SCID = "QmXk3Zx9bFBqDGUNqLyXSWEUC3xgjUN1JwPj9pyAGGxVcT"
AUTHORITY = Did.parse(f"did:webvh:{SCID}:authority.example.test:org")
FOLDER = "governance/sri-lanka"
URL = f"https://authority.example.test/{FOLDER}"
REDRESS = "mailto:appeals@authority.example.test"
CENTRE = Did.parse(f"did:webvh:{SCID}:centre.example.test:org")


class Key:
    """The signing key of a DID, which can be replaced by the next one."""

    def __init__(self, did: Did = AUTHORITY) -> None:
        self.did = did
        self._keys: dict[int, Ed25519PrivateKey] = {}
        self.rotate()

    def begin_rotation(self) -> None:
        """Put a new key beside the old one; the new one signs from now on."""
        self._keys[max(self._keys, default=0) + 1] = Ed25519PrivateKey.generate()

    def drop_old(self) -> None:
        self._keys = {max(self._keys): self._keys[max(self._keys)]}

    def rotate(self) -> None:
        self.begin_rotation()
        self.drop_old()

    async def kid(self) -> DidUrl:
        return self._id(max(self._keys))

    async def sign(self, message: bytes) -> bytes:
        return self._keys[max(self._keys)].sign(message)

    async def resolve(self, did_url: DidUrl) -> bytes:
        for number, key in self._keys.items():
            if did_url == self._id(number):
                return key.public_key().public_bytes_raw()
        raise GovernanceError(f"{did_url} does not stand in the DID document")

    def _id(self, number: int) -> DidUrl:
        return DidUrl.parse(f"{self.did}#key-{number}")


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
    parties: dict[Did, Key] = field(default_factory=dict)
    divide_above_bytes: int = 1024 * 1024

    def publication(self, publisher: Any = None) -> Publication:
        """Return the publication as a freshly started process has it."""
        files = publisher or FolderPublisher(self.folder)
        return Publication(
            PublicationPlace(author=AUTHORITY, folder=FOLDER, url=URL),
            profile=self.profile,
            publisher=files,
            key=self.key,
            history=HistoryLog(self.profile, publisher=files, folder=FOLDER, clock=self.clock),
            resolve_key=self.resolve,
            freshness_lifetime=timedelta(hours=1),
            reissue_every=timedelta(minutes=10),
            divide_above_bytes=self.divide_above_bytes,
            clock=self.clock,
            lease=partial(hold_lease, self.profile),
        )

    def desk(
        self,
        publisher: Any = None,
        *,
        four_eyes: bool = True,
        redress: str | None = REDRESS,
        find_statuses: Any = None,
    ) -> Desk:
        """Return the desk as a freshly started process has it."""

        async def rotate() -> None:
            self.key.begin_rotation()

        async def drop_old_key() -> None:
            self.key.drop_old()

        return Desk(
            self.profile,
            self.publication(publisher),
            four_eyes=four_eyes,
            redress=redress,
            rotate_key=rotate,
            drop_old_key=drop_old_key,
            find_statuses=find_statuses,
        )

    async def resolve(self, did_url: DidUrl) -> bytes:
        """Return a key as the DID documents of this world have it now."""
        key = self.key if did_url.did == AUTHORITY else self.parties.get(did_url.did)
        if key is None:
            raise ResolutionError(f"{did_url.did} cannot be reached")
        return await key.resolve(did_url)

    def file(self, name: str) -> bytes:
        return (self.folder / FOLDER / name).read_bytes()

    def has(self, name: str) -> bool:
        return (self.folder / FOLDER / name).exists()


@dataclass(frozen=True)
class People:
    """Officials: two who edit, two who approve, one who may do both."""

    editor: Official
    second_editor: Official
    approver: Official
    second_approver: Official
    both: Official


async def hire(desk: Desk) -> People:
    """Add the officials."""
    editor, approver = {OfficialRole.EDITOR}, {OfficialRole.APPROVER}
    wanted = {
        "ed": editor,
        "eve": editor,
        "ann": approver,
        "abe": approver,
        "bo": editor | approver,
    }
    added = [(await desk.officials.add(name, name=name, roles=roles))[0] for name, roles in wanted.items()]
    return People(*added)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    profile = await memory_wallet()
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


SCHEMA_ID = f"{AUTHORITY}/resources/zQm{'S' * 44}"
HEADER = {"name": "Skills of Sri Lanka (example)", "schemas": [{"id": SCHEMA_ID, "name": "qualification/1.0"}]}


def accreditation(number: int = 1, *, issuer: Did = CENTRE, **changes: Any) -> dict[str, Any]:
    """Return a valid accreditation."""
    return {
        "id": f"TVEC-{number}",
        "credential_types": ["qualification/1.0"],
        "sources": [f"anoncreds:{issuer}/resources/zQm{'C' * 44}"],
        "occupations": ["C7212"],
        "level_range": {"framework": "EQF", "min": "2", "max": "4"},
        "jurisdictions": ["LKA", "MLT"],
        "intervals": [{"start": "2024-01-01"}],
        "accreditingAgent": {"name": "Training authority (example)"},
        "decision": "https://authority.example.test/decisions/1",
        "redress": REDRESS,
        **changes,
    }


def centre_record(*numbers: int, name: str = "Colombo Welding Centre", issuer: Did = CENTRE) -> dict[str, Any]:
    """Return the record of a centre with these accreditations."""
    return {
        "did": str(issuer),
        "description": {"name": name},
        "accreditations": [accreditation(number, issuer=issuer) for number in numbers or (1,)],
    }


def registry(number: str = "R", issuer: Did = CENTRE) -> str:
    """Return the status that is a revocation registry."""
    return f"anoncreds:{issuer}/resources/zQm{number * 44}"
