import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.wallet.did_method import DIDMethods
from acapy_agent.wallet.key_type import KeyTypes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.memory_wallet import memory_wallet

from wanderbuch.agents.authority.witnesses import WITNESS_ROUTES, NewProof, WitnessDesk, WitnessOut
from wanderbuch.agents.runtime.app import OPERATOR, Call
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.approval import approve, examine
from wanderbuch.plugins.webvh.dids import begin_rotation, create_did, drop_old_key
from wanderbuch.plugins.webvh.keys import to_multikey
from wanderbuch.plugins.webvh.log_writing import utc_now
from wanderbuch.plugins.webvh.publisher import FolderPublisher
from wanderbuch.plugins.webvh.witnesses import WitnessRule

KEYS = [Ed25519PrivateKey.generate() for _ in range(3)]
RULE = WitnessRule.of(2, [f"did:key:{to_multikey(key.public_key().public_bytes_raw())}" for key in KEYS])


@dataclass
class Office:
    """The operator of an authority whose DID has witnesses."""

    profile: Profile
    publisher: FolderPublisher
    did: WebvhDid
    went_on: list[str] = field(default_factory=list)

    async def call(self, method: str, path: str, body: Any = None) -> WitnessOut:
        async def approved() -> None:
            self.went_on.append("on")

        self.witnesses = WitnessDesk(self.profile, self.did, self.publisher, approved)
        route = next(route for route in WITNESS_ROUTES if (route.method, route.path) == (method, path))
        answer = await route.handler(self, Call({}, {}, body))
        assert isinstance(answer, WitnessOut)
        return answer

    async def show(self) -> WitnessOut:
        return await self.call("GET", "/did/witness-proofs")

    async def approve(self, *keys: Ed25519PrivateKey) -> WitnessOut:
        """Have witnesses look at what the operator gives them."""
        view = await self.show()
        assert view.waiting is not None
        entry = await examine(view.waiting.log.encode(), view.waiting.proofs.encode(), seen=None)
        for key in keys:
            view = await self.call(
                "POST", "/did/witness-proofs", NewProof(proof=dict(approve(entry, key, at=utc_now())))
            )
        return view


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    profile = await memory_wallet()
    for kind in (DIDMethods, KeyTypes, EventBus):
        profile.context.injector.bind_instance(kind, kind())
    publisher = FolderPublisher(tmp_path)
    did = await create_did(
        profile,
        host="authority.example.test",
        path="org",
        didcomm_endpoint=None,
        publisher=publisher,
        prerotation=True,
        witnesses=RULE,
    )
    yield Office(profile, publisher, did)
    await profile.close()


async def test_the_operator_collects_approvals_until_there_are_enough(office: Office) -> None:
    waiting = (await office.show()).waiting
    assert waiting is not None
    assert (waiting.threshold, waiting.witnesses, waiting.approved) == (2, list(RULE.witnesses), [])
    view = await office.approve(KEYS[2])
    assert view.waiting is not None
    assert (view.waiting.approved, office.went_on) == ([RULE.witnesses[2]], [])
    assert (await office.approve(KEYS[0])).waiting is None
    assert office.went_on == ["on"]
    assert json.loads((await office.publisher.get("org/did-witness.json")) or b"")[0]["versionId"].startswith("2-")


async def test_what_is_no_approval_is_refused(office: Office) -> None:
    with pytest.raises(RefusedError, match="expected an approval"):
        await office.call("POST", "/did/witness-proofs", NewProof(proof={"type": "DataIntegrityProof"}))
    await office.approve(*KEYS[:2])
    with pytest.raises(RefusedError, match="no entry"):
        await office.call("POST", "/did/witness-proofs", NewProof(proof={}))


async def test_the_operator_gives_up_on_an_entry(office: Office) -> None:
    assert (await office.call("POST", "/did/witness-proofs/withdraw")).waiting is None


async def test_a_rotation_goes_on_entry_by_entry(office: Office) -> None:
    await office.approve(*KEYS[:2])
    await begin_rotation(office.profile, office.did, publisher=office.publisher)
    assert (await office.approve(*KEYS[1:])).waiting is None
    await drop_old_key(office.profile, office.did, publisher=office.publisher)
    assert (await office.approve(*KEYS[:2])).waiting is None
    assert office.went_on == ["on"] * 3
    assert len((await office.publisher.get("org/did.jsonl") or b"").splitlines()) == 4


def test_only_the_operator_has_these_routes() -> None:
    assert [route.needs for route in WITNESS_ROUTES] == [OPERATOR.roles] * 3
