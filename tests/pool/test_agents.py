"""Our issuer, holder and verifier with a DID and objects on the ledger: issue, prove, revoke, lose nodes, move away."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.pool.nodes import IndyPool
from tests.pool.place import Place, reasons
from tests.pool.trustee import Trustee, new_identity
from tests.pool.wallets import NAMESPACE

from wanderbuch.agents.machine import AppError

pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["did:indy", "did:sov"])
async def place(
    request: pytest.FixtureRequest, running_pool: IndyPool, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Place]:
    """The same with ids of either form."""
    identity = new_identity()
    await Trustee(running_pool.genesis).register(identity)
    did = f"did:indy:{NAMESPACE}:{identity.did}" if request.param == "did:indy" else f"did:sov:{identity.did}"
    opened = Place(tmp_path_factory.mktemp("place"), running_pool, identity, did)
    try:
        await opened.open()
        yield opened
    finally:
        await opened.machine.stop()


async def test_what_is_revoked_on_the_ledger_counts_no_more(place: Place) -> None:
    issued, lost = await place.issue()
    _, kept = await place.issue()
    assert (await place.prove(lost))["verdict"] == "TRUSTED"
    revoked = await place.centre.post(f"/credentials/{issued['id']}/revoke")
    assert (revoked["published"], revoked["state"]) == (True, "PUBLISHED")
    question, request = await place.asked()
    shown = await place.worker.get(f"/requests/{request}")
    fits = {credential["credential_id"]: credential["fits"] for credential in shown["credentials"]}
    assert (fits[lost], fits[kept]) == (False, True)
    await place.worker.post(f"/requests/{request}/present", {"credential_id": kept})
    assert (await place.decided(question))["verdict"] == "TRUSTED"


async def test_one_node_of_four_is_not_missed(place: Place, pool: IndyPool) -> None:
    pool.nodes[3].freeze()
    _, credential = await place.issue()
    assert (await place.prove(credential))["verdict"] == "TRUSTED"


async def test_a_ledger_that_does_not_answer_is_unknown_and_never_no(place: Place, pool: IndyPool) -> None:
    _, credential = await place.issue()
    question, request = await place.asked()
    for node in pool.nodes[2:]:
        node.freeze()
    with pytest.raises(AppError) as unanswered:  # by the worker's own wallet
        await place.worker.post(f"/requests/{request}/present", {"credential_id": credential})
    problem = unanswered.value.problem
    assert (problem["status"], problem["code"], problem["detail"], problem["hint"]) == (
        502,
        "resolution",
        "whether the credential is revoked could not be checked",
        "try again later",
    )
    for node in pool.nodes:
        node.thaw()
    await place.worker.post(f"/requests/{request}/present", {"credential_id": credential})
    assert (await place.decided(question))["verdict"] == "TRUSTED"


async def test_a_verifier_whose_way_to_the_ledger_is_cut_decides_nothing(place: Place, pool: IndyPool) -> None:
    _, credential = await place.issue()
    cut = place.machine.folder / "cut.txn"
    cut.write_text(re.sub(r'"client_port": *[0-9]+', '"client_port":9', pool.genesis.read_text()))
    await place.employer.stop()
    place.employer.configure(indy={"ledgers": [{"namespace": NAMESPACE, "genesis_file": str(cut)}]})
    await place.employer.start()
    decision = await place.prove(credential)
    assert decision["verdict"] == "UNKNOWN", decision
    assert reasons(decision) == {"proof.unresolved"}
    await place.employer.stop()
    place.employer.configure(indy=place.ledgers)
    await place.employer.start()
    assert (await place.prove(credential))["verdict"] == "TRUSTED"


async def test_a_restarted_pool_is_found_again(place: Place, pool: IndyPool) -> None:
    _, credential = await place.issue()
    pool.restart()
    assert (await place.prove(credential))["verdict"] == "TRUSTED"


async def test_an_issuer_moves_to_the_web_and_what_workers_hold_stays_good(place: Place) -> None:
    """The rehearsal of docs/indy.md; the last test of the place, which stays on the web."""
    issued, old = await place.issue()
    on_ledger = await place.standing()
    await place.centre.stop()
    place.centre.configure(issuer={"registry_size": 8})  # [indy] stays: it revokes there what it issued there
    await place.centre.start()
    on_web = await place.accredit()
    assert on_web["did"].startswith("did:webvh:")
    assert place.accredited == {
        place.issuer_did: on_ledger["cred_def_id"],
        on_web["did"]: on_web["cred_def_id"],
    }
    _, new = await place.issue()
    assert (await place.prove(old))["verdict"] == "TRUSTED"
    assert (await place.prove(new))["verdict"] == "TRUSTED"
    revoked = await place.centre.post(f"/credentials/{issued['id']}/revoke")
    assert (revoked["published"], revoked["state"]) == (True, "PUBLISHED")
    assert (await place.prove(new))["verdict"] == "TRUSTED"
