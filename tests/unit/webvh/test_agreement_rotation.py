"""Replacing the keys for key agreement of a DID: with witnesses, wherever the power fails, and when old keys go."""

from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from acapy_agent.core.profile import Profile
from tests.unit.power import Power, power
from tests.unit.webvh.conftest import ENDPOINT, HOST, new_wallet
from tests.unit.webvh.test_witnesses import A, B, C

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.agreement_rotation import drop_old_agreement_keys, rotate_agreement_keys
from wanderbuch.plugins.webvh.dids import create_did
from wanderbuch.plugins.webvh.errors import HeldBackError
from wanderbuch.plugins.webvh.log import verify_log
from wanderbuch.plugins.webvh.own import OwnDid, own_did
from wanderbuch.plugins.webvh.publisher import FolderPublisher
from wanderbuch.plugins.webvh.witnesses import WitnessRule
from wanderbuch.plugins.webvh.witnessing import add_witness_proof, pending_witness_request

__all__ = ["power"]

RULE = WitnessRule.of(2, [A.did, B.did, C.did])
HOUR = timedelta(hours=1)


async def start(wallet: Profile, publisher: FolderPublisher, witnesses: WitnessRule | None = None) -> WebvhDid:
    return await create_did(
        wallet,
        host=HOST,
        path="org",
        didcomm_endpoint=ENDPOINT,
        publisher=publisher,
        prerotation=True,
        witnesses=witnesses,
        takes_v2=True,
    )


async def own_of(wallet: Profile, did: WebvhDid) -> OwnDid:
    own = await own_did(wallet, did)
    assert own is not None
    return own


async def approve(wallet: Profile, did: WebvhDid, publisher: FolderPublisher) -> None:
    request = await pending_witness_request(wallet, did)
    assert request is not None
    for witness in (A, B):
        await add_witness_proof(wallet, did, witness.proof(request.version_id), publisher=publisher)


async def test_the_next_entry_names_new_keys_and_the_old_ones_are_kept_for_their_time(
    wallet: Profile, publisher: FolderPublisher
) -> None:
    did = await start(wallet, publisher)
    first = (await own_of(wallet, did)).agreement_keys
    own = await rotate_agreement_keys(wallet, did, publisher=publisher, keep_old=HOUR)
    assert own.document["keyAgreement"] == list(own.agreement_keys)
    assert set(own.agreement_keys).isdisjoint(first)
    assert [key.name for key in own.old_agreement_keys] == list(first)
    assert await publisher.get("org/did.jsonl") == own.log.encode()
    assert await drop_old_agreement_keys(wallet, did) == ()
    assert await start(wallet, publisher) == did  # a start changes nothing
    assert await own_of(wallet, did) == own


async def test_old_keys_go_when_their_time_is_over_and_new_ones_stay(
    wallet: Profile, publisher: FolderPublisher
) -> None:
    did = await start(wallet, publisher)
    first = (await own_of(wallet, did)).agreement_keys
    own = await rotate_agreement_keys(wallet, did, publisher=publisher, keep_old=timedelta(0))
    assert await drop_old_agreement_keys(wallet, did) == first
    assert await drop_old_agreement_keys(wallet, did) == ()
    async with wallet.session() as session:
        assert [await session.handle.fetch_key(name) is None for name in (*first, *own.agreement_keys)] == [
            True,
            True,
            False,
            False,
        ]


async def test_where_witnesses_must_approve_the_old_keys_go_on_until_then(
    wallet: Profile, publisher: FolderPublisher
) -> None:
    did = await start(wallet, publisher, RULE)
    await approve(wallet, did, publisher)
    before = await own_of(wallet, did)
    own = await rotate_agreement_keys(wallet, did, publisher=publisher, keep_old=HOUR)
    assert (own.agreement_keys, own.old_agreement_keys) == (before.agreement_keys, ())
    assert own.held is not None
    with pytest.raises(HeldBackError):
        await rotate_agreement_keys(wallet, did, publisher=publisher, keep_old=HOUR)
    await approve(wallet, did, publisher)
    after = await own_of(wallet, did)
    assert after.agreement_keys == own.held.agreement_keys
    assert [key.name for key in after.old_agreement_keys] == list(before.agreement_keys)


async def test_a_did_that_takes_no_v2_has_no_keys_to_replace(
    wallet: Profile, did: WebvhDid, publisher: FolderPublisher
) -> None:
    with pytest.raises(ConfigurationError, match="no keys for DIDComm v2"):
        await rotate_agreement_keys(wallet, did, publisher=publisher, keep_old=HOUR)


async def test_a_rotation_is_whole_or_not_there_wherever_the_power_fails(power: Power, tmp_path: Path) -> None:
    for steps in count():
        profile, publisher = await new_wallet(), FolderPublisher(tmp_path / f"public-{steps}")
        did = await start(profile, publisher)
        first = (await own_of(profile, did)).agreement_keys

        async def change(p: Profile = profile, d: WebvhDid = did, f: FolderPublisher = publisher) -> None:
            await rotate_agreement_keys(p, d, publisher=f, keep_old=timedelta(0))
            await drop_old_agreement_keys(p, d)

        cut = await power.lasts(steps, change)
        assert await start(profile, publisher) == did
        own = await own_of(profile, did)
        assert await publisher.get("org/did.jsonl") == own.log.encode()
        await verify_log(did, own.log.encode(), b"")
        assert (own.agreement_keys == first) is (own.number == 2)
        async with profile.session() as session:  # what the document names is there
            assert all([await session.handle.fetch_key(name) for name in own.agreement_keys])
        await drop_old_agreement_keys(profile, did)
        assert (await own_of(profile, did)).old_agreement_keys == ()
        await profile.close()
        if not cut:
            break
    assert steps > 3
