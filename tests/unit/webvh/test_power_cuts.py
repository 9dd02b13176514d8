"""The power fails behind every step that makes or changes a DID: its log is never forked, the next start ends it."""

from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

import pytest
from acapy_agent.core.profile import Profile
from tests.unit.power import Power, power
from tests.unit.webvh.conftest import ENDPOINT, HOST, new_wallet
from tests.unit.webvh.test_witnesses import A

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.dids import create_did, rotate_assertion_key, update_did
from wanderbuch.plugins.webvh.log import verify_log
from wanderbuch.plugins.webvh.own import own_did
from wanderbuch.plugins.webvh.publisher import FolderPublisher
from wanderbuch.plugins.webvh.witnesses import WitnessRule
from wanderbuch.plugins.webvh.witnessing import add_witness_proof, pending_witness_request

__all__ = ["power"]

type Change = Callable[[Profile, WebvhDid, FolderPublisher], Awaitable[object]]


async def start(profile: Profile, publisher: FolderPublisher, *, prerotation: bool) -> WebvhDid:
    return await create_did(
        profile, host=HOST, path="org", didcomm_endpoint=ENDPOINT, publisher=publisher, prerotation=prerotation
    )


async def published(publisher: FolderPublisher) -> str:
    return (await publisher.get("org/did.jsonl") or b"").decode()


@pytest.mark.parametrize("prerotation", [False, True])
async def test_a_did_is_made_once_wherever_the_power_fails(power: Power, tmp_path: Path, prerotation: bool) -> None:
    for steps in count():
        profile, publisher = await new_wallet(), FolderPublisher(tmp_path / f"public-{steps}")
        cut = await power.lasts(steps, lambda p=profile, f=publisher: start(p, f, prerotation=prerotation))
        before = await published(publisher)
        did = await start(profile, publisher, prerotation=prerotation)
        after = await published(publisher)
        assert after.startswith(before)
        assert after.count("\n") == 1
        assert str(did) in after
        await verify_log(did, after.encode(), b"")
        await profile.close()
        if not cut:
            break
    assert steps > 0


async def rotate(profile: Profile, did: WebvhDid, publisher: FolderPublisher) -> None:
    await rotate_assertion_key(profile, did, publisher=publisher)


async def move(profile: Profile, did: WebvhDid, publisher: FolderPublisher) -> None:
    await update_did(profile, did, publisher=publisher, didcomm_endpoint=f"{ENDPOINT}/new")


@pytest.mark.parametrize("change", [rotate, move])
@pytest.mark.parametrize("prerotation", [False, True])
async def test_a_change_is_whole_or_completed_wherever_the_power_fails(
    power: Power, tmp_path: Path, change: Change, prerotation: bool
) -> None:
    for steps in count():
        profile, publisher = await new_wallet(), FolderPublisher(tmp_path / f"public-{steps}")
        did = await start(profile, publisher, prerotation=prerotation)
        first = await published(publisher)
        cut = await power.lasts(steps, lambda p=profile, d=did, f=publisher: change(p, d, f))
        before = await published(publisher)
        assert before.startswith(first)
        assert await start(profile, publisher, prerotation=prerotation) == did
        after = await published(publisher)
        assert after.startswith(before)
        await verify_log(did, after.encode(), b"")
        own = await own_did(profile, did)
        assert own is not None
        assert (own.log, len(own.assertion_keys)) == (after, 1)
        await profile.close()
        if not cut:
            break
    assert steps > 1


async def test_an_approved_entry_is_published_once_wherever_the_power_fails(power: Power, tmp_path: Path) -> None:
    """A witness whose approval got no answer hands it in again."""
    rule = WitnessRule.of(1, [A.did])
    for steps in count():
        profile, publisher = await new_wallet(), FolderPublisher(tmp_path / f"public-{steps}")

        async def begin(profile: Profile = profile, publisher: FolderPublisher = publisher) -> WebvhDid:
            return await create_did(
                profile,
                host=HOST,
                path="org",
                didcomm_endpoint=ENDPOINT,
                publisher=publisher,
                prerotation=True,
                witnesses=rule,
            )

        did = await begin()
        request = await pending_witness_request(profile, did)
        assert request is not None
        proof = A.proof(request.version_id)
        cut = await power.lasts(
            steps, lambda p=profile, d=did, a=proof, f=publisher: add_witness_proof(p, d, a, publisher=f)
        )
        before = await published(publisher)
        await begin()
        if await pending_witness_request(profile, did) is not None:
            await add_witness_proof(profile, did, proof, publisher=publisher)
        after = await published(publisher)
        assert after.startswith(before)
        assert after.count("\n") == 2
        await verify_log(did, after.encode(), await publisher.get("org/did-witness.json"))
        await profile.close()
        if not cut:
            break
    assert steps > 1
