import json
from collections.abc import Callable
from typing import Any

import pytest
from acapy_agent.core.profile import Profile
from tests.unit.webvh.conftest import ENDPOINT, HOST, Issuer
from tests.unit.webvh.test_witnesses import STRANGER, A, B, C, Witness

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.dids import (
    begin_rotation,
    create_did,
    drop_old_key,
    rotate_assertion_key,
    set_witnesses,
    sign_as,
    update_did,
)
from wanderbuch.plugins.webvh.document import Service
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.errors import HeldBackError, LogError
from wanderbuch.plugins.webvh.publisher import FolderPublisher
from wanderbuch.plugins.webvh.witnesses import WitnessError, WitnessRule
from wanderbuch.plugins.webvh.witnessing import (
    WitnessRequest,
    add_witness_proof,
    pending_witness_request,
    withdraw_entry,
)

LOG, PROOFS = "org/did.jsonl", "org/did-witness.json"
RULE = WitnessRule.of(2, [A.did, B.did, C.did])


async def start(wallet: Profile, publisher: FolderPublisher, **changes: Any) -> WebvhDid:
    """Do what an agent does at every start."""
    how: dict[str, Any] = {"didcomm_endpoint": ENDPOINT, "prerotation": True, "witnesses": RULE} | changes
    return await create_did(wallet, host=HOST, path="org", publisher=publisher, **how)


async def waiting(wallet: Profile, did: WebvhDid) -> WitnessRequest:
    witness_request = await pending_witness_request(wallet, did)
    assert witness_request is not None
    return witness_request


async def approve(wallet: Profile, did: WebvhDid, publisher: FolderPublisher, *by: Witness) -> WitnessRequest | None:
    """Have some witnesses approve what waits; return what waits then."""
    request: WitnessRequest | None = await waiting(wallet, did)
    version_id = request.version_id if request else ""
    for witness in by:
        request = await add_witness_proof(wallet, did, witness.proof(version_id), publisher=publisher)
    return request


@pytest.fixture
async def witnessed(wallet: Profile, publisher: FolderPublisher) -> WebvhDid:
    """A DID whose witnesses are in force."""
    did = await start(wallet, publisher)
    assert await approve(wallet, did, publisher, A, B) is None
    return did


async def entries(publisher: FolderPublisher) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (await publisher.get(LOG) or b"").splitlines()]


async def test_a_did_works_at_once_and_names_its_witnesses_when_they_have_approved(
    wallet: Profile, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    did = await start(wallet, publisher)
    assert (await documents.resolve(did)).version_id.startswith("1-")
    request = await waiting(wallet, did)
    assert (request.threshold, request.witnesses, request.approved) == (2, RULE.witnesses, ())
    assert request.log.encode().startswith(await publisher.get(LOG) or b"-")
    assert await publisher.get(PROOFS) is None

    still = await approve(wallet, did, publisher, B)
    assert still is not None
    assert still.approved == (B.did,)
    assert len(await entries(publisher)) == 1

    assert await approve(wallet, did, publisher, A) is None
    assert (await documents.resolve(did)).version_id == request.version_id
    assert (await entries(publisher))[1]["parameters"]["witness"] == RULE.as_json()


async def test_a_change_is_held_back_until_enough_have_approved(
    wallet: Profile, witnessed: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    await update_did(wallet, witnessed, publisher=publisher, didcomm_endpoint=f"{ENDPOINT}/new")
    for witness, endpoint in ((A, ENDPOINT), (C, f"{ENDPOINT}/new")):
        await approve(wallet, witnessed, publisher, witness)
        document = await documents.resolve(witnessed)
        assert document.content["service"][0]["serviceEndpoint"] == endpoint


async def test_approvals_are_published_before_what_they_approve(
    wallet: Profile, witnessed: WebvhDid, publisher: FolderPublisher
) -> None:
    put: list[str] = []

    class Watched(FolderPublisher):
        async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
            put.append(path)
            await super().put(path, body, content_type, number=number)

    await update_did(wallet, witnessed, publisher=publisher, didcomm_endpoint=None)
    await approve(wallet, witnessed, Watched(publisher.folder), A, B)
    assert put == [PROOFS, LOG]


@pytest.mark.parametrize(
    "proof",
    [
        lambda version_id: STRANGER.proof(version_id),
        lambda version_id: A.proof("3-QmOther"),
        lambda version_id: {**A.proof(version_id), "proofValue": B.proof(version_id)["proofValue"]},
        lambda version_id: {},
    ],
)
async def test_refuses_what_is_no_approval_of_what_waits(
    wallet: Profile, witnessed: WebvhDid, publisher: FolderPublisher, proof: Callable[[str], dict[str, Any]]
) -> None:
    await update_did(wallet, witnessed, publisher=publisher, didcomm_endpoint=None)
    version_id = (await waiting(wallet, witnessed)).version_id
    with pytest.raises(WitnessError):
        await add_witness_proof(wallet, witnessed, proof(version_id), publisher=publisher)
    assert (await waiting(wallet, witnessed)).approved == ()


async def test_one_witness_does_not_count_twice(
    wallet: Profile, witnessed: WebvhDid, publisher: FolderPublisher
) -> None:
    await update_did(wallet, witnessed, publisher=publisher, didcomm_endpoint=None)
    await approve(wallet, witnessed, publisher, A, A)
    assert (await waiting(wallet, witnessed)).approved == (A.did,)


async def test_where_nothing_waits_nothing_is_approved(
    wallet: Profile, other_wallet: Profile, witnessed: WebvhDid, publisher: FolderPublisher
) -> None:
    assert await pending_witness_request(wallet, witnessed) is None
    with pytest.raises(WitnessError, match="no entry"):
        await add_witness_proof(wallet, witnessed, A.proof("2-Qm"), publisher=publisher)
    with pytest.raises(ConfigurationError, match="not a DID of this wallet"):
        await pending_witness_request(other_wallet, witnessed)
    with pytest.raises(ConfigurationError, match="not a DID of this wallet"):
        await add_witness_proof(other_wallet, witnessed, A.proof("2-Qm"), publisher=publisher)


async def test_one_entry_waits_at_a_time(wallet: Profile, witnessed: WebvhDid, publisher: FolderPublisher) -> None:
    await update_did(wallet, witnessed, publisher=publisher, didcomm_endpoint=None)
    for change in (
        update_did(wallet, witnessed, publisher=publisher, didcomm_endpoint=ENDPOINT),
        rotate_assertion_key(wallet, witnessed, publisher=publisher),
        set_witnesses(wallet, witnessed, None, publisher=publisher),
    ):
        with pytest.raises(HeldBackError):
            await change
    await start(wallet, publisher, didcomm_endpoint=None)
    assert (await waiting(wallet, witnessed)).version_id.startswith("3-")


async def test_an_entry_that_witnesses_refuse_is_withdrawn(
    wallet: Profile, witnessed: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    await update_did(wallet, witnessed, publisher=publisher, didcomm_endpoint=f"{ENDPOINT}/wrong")
    refused = (await waiting(wallet, witnessed)).version_id
    await withdraw_entry(wallet, witnessed)
    assert await pending_witness_request(wallet, witnessed) is None
    await update_did(wallet, witnessed, publisher=publisher, didcomm_endpoint=f"{ENDPOINT}/right")
    assert (await waiting(wallet, witnessed)).version_id != refused
    await approve(wallet, witnessed, publisher, A, B)
    document = await documents.resolve(witnessed)
    assert document.content["service"][0]["serviceEndpoint"] == f"{ENDPOINT}/right"


async def test_what_waits_survives_a_restart(
    wallet: Profile, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    did = await start(wallet, publisher)
    await approve(wallet, did, publisher, A)
    assert await start(wallet, publisher) == did
    assert (await waiting(wallet, did)).approved == (A.did,)
    await approve(wallet, did, publisher, C)
    assert (await documents.resolve(did)).version_id.startswith("2-")


class Failing(FolderPublisher):
    """A folder on a disk that fills up after some files."""

    left = 1

    async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
        if self.left == 0:
            raise ConfigurationError("could not write", hint="free some space")
        self.left -= 1
        await super().put(path, body, content_type, number=number)


@pytest.mark.parametrize("left", [0, 1])
async def test_an_approved_entry_that_could_not_be_published_is_published_at_the_next_start(
    wallet: Profile, witnessed: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments, left: int
) -> None:
    await update_did(wallet, witnessed, publisher=publisher, didcomm_endpoint=None)
    failing = Failing(publisher.folder)
    failing.left = left
    with pytest.raises(ConfigurationError):
        await approve(wallet, witnessed, failing, A, B)
    assert (await documents.resolve(witnessed)).version_id.startswith("2-")  # whatever of it was published, it holds
    await start(wallet, publisher, didcomm_endpoint=None)
    assert (await documents.resolve(witnessed)).version_id.startswith("3-")


# Rotation with pre-rotation and witnesses


async def test_a_rotation_waits_for_its_witnesses_twice(
    wallet: Profile, witnessed: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    old, _ = await sign_as(wallet, witnessed, b"x")
    await rotate_assertion_key(wallet, witnessed, publisher=publisher)
    assert (await sign_as(wallet, witnessed, b"x"))[0] == old  # nobody would believe the new one yet

    second = await approve(wallet, witnessed, publisher, A, B)
    new, _ = await sign_as(wallet, witnessed, b"x")
    assert new != old
    assert set((await documents.resolve(witnessed)).assertion_keys) == {old, new}
    assert second is not None
    assert second.version_id.startswith("4-")

    assert await approve(wallet, witnessed, publisher, B, C) is None
    assert set((await documents.resolve(witnessed)).assertion_keys) == {new}
    lines = await entries(publisher)
    assert len({line["parameters"]["updateKeys"][0] for line in lines}) == len(lines) == 4
    assert all(line["parameters"]["nextKeyHashes"] for line in lines)


async def test_resources_are_signed_anew_before_the_old_key_goes(
    issuer: Issuer, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    await set_witnesses(issuer.profile, issuer.did, WitnessRule.of(1, [A.did]), publisher=publisher)
    await approve(issuer.profile, issuer.did, publisher, A)
    old, _ = await sign_as(issuer.profile, issuer.did, b"x")
    resource = issuer.file(issuer.schema_id)
    await rotate_assertion_key(issuer.profile, issuer.did, publisher=publisher)
    assert old in resource.read_text()
    await approve(issuer.profile, issuer.did, publisher, A)
    new, _ = await sign_as(issuer.profile, issuer.did, b"x")
    assert new in resource.read_text()
    assert {old, new} == set((await documents.resolve(issuer.did)).assertion_keys)
    assert await approve(issuer.profile, issuer.did, publisher, A) is None


async def test_a_rotation_whose_last_entry_was_withdrawn_is_finished_at_the_next_start(
    wallet: Profile, witnessed: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    await rotate_assertion_key(wallet, witnessed, publisher=publisher)
    await approve(wallet, witnessed, publisher, A, B)
    await withdraw_entry(wallet, witnessed)
    await start(wallet, publisher)
    assert await approve(wallet, witnessed, publisher, A, B) is None
    assert len((await documents.resolve(witnessed)).assertion_keys) == 1


# Other witnesses


async def test_witnesses_are_replaced_with_the_approval_of_those_before(
    wallet: Profile, witnessed: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    other = WitnessRule.of(1, [STRANGER.did])
    await set_witnesses(wallet, witnessed, other, publisher=publisher)
    with pytest.raises(WitnessError):
        await approve(wallet, witnessed, publisher, STRANGER)
    assert await approve(wallet, witnessed, publisher, A, B) is None
    await update_did(wallet, witnessed, publisher=publisher, didcomm_endpoint=None)
    with pytest.raises(WitnessError):
        await approve(wallet, witnessed, publisher, A)
    assert await approve(wallet, witnessed, publisher, STRANGER) is None
    assert (await documents.resolve(witnessed)).version_id.startswith("4-")


async def test_a_changed_configuration_cannot_end_witnessing_by_itself(
    wallet: Profile, witnessed: WebvhDid, publisher: FolderPublisher
) -> None:
    await start(wallet, publisher, witnesses=None)
    assert len(await entries(publisher)) == 2
    assert await approve(wallet, witnessed, publisher, B, C) is None
    await update_did(wallet, witnessed, publisher=publisher, didcomm_endpoint=None)
    assert len(await entries(publisher)) == 4
    assert await pending_witness_request(wallet, witnessed) is None


async def test_setting_the_same_witnesses_again_changes_nothing(
    wallet: Profile, witnessed: WebvhDid, publisher: FolderPublisher
) -> None:
    await set_witnesses(wallet, witnessed, RULE, publisher=publisher)
    await start(wallet, publisher)
    assert await pending_witness_request(wallet, witnessed) is None
    assert len(await entries(publisher)) == 2


# What others see


async def test_a_log_published_without_its_approvals_is_refused(
    wallet: Profile, witnessed: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    await update_did(wallet, witnessed, publisher=publisher, didcomm_endpoint=None)
    stolen = (await waiting(wallet, witnessed)).log  # by somebody who holds all keys and the web server
    await publisher.put(LOG, stolen.encode(), "text/jsonl")
    with pytest.raises(LogError, match="insufficient approval of entry 3"):
        await documents.resolve(witnessed)
    (publisher.folder / PROOFS).unlink()
    with pytest.raises(Exception, match=r"404|approval"):
        await documents.resolve(witnessed)


async def test_old_approvals_are_left_out_when_newer_ones_say_the_same(
    wallet: Profile, witnessed: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    for number in range(4):
        await update_did(wallet, witnessed, publisher=publisher, didcomm_endpoint=f"{ENDPOINT}/{number}")
        await approve(wallet, witnessed, publisher, A, (B, C)[number % 2])
        await documents.resolve(witnessed)
    listed = json.loads(await publisher.get(PROOFS) or b"")
    by = [proof["verificationMethod"] for approval in listed for proof in approval["proof"]]
    assert max(by.count(method) for method in by) == 2
    assert listed[-1]["versionId"].startswith("6-")


async def test_services_are_written_into_the_document(
    wallet: Profile, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    service = Service("governance", "GovernanceFile", f"https://{HOST}/governance/example/current.jws")
    did = await start(wallet, publisher, witnesses=None)
    assert len((await documents.resolve(did)).content["service"]) == 1
    await start(wallet, publisher, witnesses=None, services=(service,))
    document = await documents.resolve(did)
    assert document.content["service"][1] == {
        "id": f"{did}#governance",
        "type": "GovernanceFile",
        "serviceEndpoint": service.endpoint,
    }
    await start(wallet, publisher, witnesses=None, services=(service,))
    assert len(await entries(publisher)) == 2


# A rotation that leaves the old key until other things are signed with the new one


@pytest.mark.parametrize("rule", [None, WitnessRule.of(1, [A.did])])
async def test_a_rotation_leaves_the_old_key_until_it_is_dropped(
    wallet: Profile, publisher: FolderPublisher, documents: WebvhDocuments, rule: WitnessRule | None
) -> None:
    async def approved() -> None:
        if rule is not None:
            assert await approve(wallet, did, publisher, A) is None

    did = await start(wallet, publisher, witnesses=rule)
    await approved()
    old, _ = await sign_as(wallet, did, b"x")
    for _ in range(2):  # asked again while witnesses have not approved, and after a crash
        await begin_rotation(wallet, did, publisher=publisher)
    await approved()
    await start(wallet, publisher, witnesses=rule)
    new, _ = await sign_as(wallet, did, b"x")
    assert set((await documents.resolve(did)).assertion_keys) == {old, new}
    await begin_rotation(wallet, did, publisher=publisher)
    assert (await sign_as(wallet, did, b"x"))[0] == new

    for _ in range(2):
        await drop_old_key(wallet, did, publisher=publisher)
    await approved()
    assert set((await documents.resolve(did)).assertion_keys) == {new}
    await drop_old_key(wallet, did, publisher=publisher)
    assert await pending_witness_request(wallet, did) is None
