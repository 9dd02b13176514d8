import copy
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did, DidUrl
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.model import PROGRAMMES, REFUSAL, REGULATION, VERIFICATION
from wanderbuch.governance.form.validation import parse_file

ROOT = Path(__file__).parents[3]
VECTORS = ROOT / "tests" / "vectors"
EXAMPLE = ROOT / "governance" / "files" / "sri-lanka.example.json"
ECOSYSTEM = VECTORS / "decision" / "ecosystem.json"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

type Json = dict[str, Any]


class KeyHolder:
    """Somebody with an Ed25519 key that stands in their DID document."""

    def __init__(self, did: str) -> None:
        self.did = Did.parse(did)
        self.key = Ed25519PrivateKey.generate()
        self.kid = DidUrl.parse(f"{did}#key-1")
        self.asked: list[DidUrl] = []

    async def sign(self, message: bytes) -> bytes:
        return self.key.sign(message)

    async def resolve_key(self, url: DidUrl) -> bytes:
        self.asked.append(url)
        return self.key.public_key().public_bytes_raw()


@pytest.fixture
def example() -> Json:
    """The example file as JSON, to be changed by a test: participants, accreditations and the crosswalk alone."""
    document: Json = json.loads(EXAMPLE.read_bytes())
    for uri in (PROGRAMMES, VERIFICATION, REGULATION, REFUSAL):
        del document["participants"]["entries"][uri]
    return document


@pytest.fixture(scope="session")
def ecosystem() -> GovernanceFile:
    """The file of the decision vectors."""
    return parse_file(ECOSYSTEM.read_bytes())


@pytest.fixture(scope="session")
def ecosystem_json() -> Json:
    document: Json = json.loads(ECOSYSTEM.read_bytes())
    return document


@pytest.fixture
def authority(example: Json) -> KeyHolder:
    return KeyHolder(example["author"])


@pytest.fixture
def stranger() -> KeyHolder:
    return KeyHolder("did:webvh:QmStranger111111111111111111111111111111111111:stranger.wanderbuch.test:org")


def payload_of(document: Json) -> bytes:
    return json.dumps(document).encode()


def fresh(file: GovernanceFile) -> GovernanceSnapshot:
    return GovernanceSnapshot(file, "sha256:" + "0" * 64, datetime(2026, 11, 22, 13, tzinfo=UTC))


def changed(document: Json, change: Callable[[Json], object]) -> Json:
    """Return a copy of a JSON document after `change` was done to it."""
    copied = copy.deepcopy(document)
    change(copied)
    return copied


type Signing = Callable[[bytes], Awaitable[bytes]]
