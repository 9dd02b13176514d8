"""A stock Credo wallet with its own way to the ledger, our issuer and our verifier."""

from pathlib import Path

import pytest
from tests.interop.credo_wallet import Endpoint, credo_wallet
from tests.pool.nodes import IndyPool
from tests.pool.place import REQUIREMENT, Place
from tests.pool.trustee import Identity
from tests.pool.wallets import NAMESPACE
from tests.welders import CLAIM

from wanderbuch.agents.machine.ports import free_port

pytestmark = [pytest.mark.agents, pytest.mark.needs("node", "compiler")]
HOST = "phone.wanderbuch.test"


async def test_a_wallet_that_we_did_not_write_reads_the_same_ledger(
    pool: IndyPool, identity: Identity, tmp_path: Path
) -> None:
    place, port = Place(tmp_path, pool, identity, f"did:indy:{NAMESPACE}:{identity.did}"), free_port()
    place.machine.reach(HOST, f"127.0.0.1:{port}")
    try:
        await place.open()
        certificate, key = tmp_path / "phone.crt", tmp_path / "phone.key"
        place.machine.authority.write_server(HOST, certificate, key)
        async with credo_wallet(
            tmp_path / "phone",
            ca_file=place.machine.ca_file,
            connect=dict(line.split("=") for line in place.machine.connections()),
            endpoint=Endpoint(f"https://{HOST}/", port, certificate, key),
            ledger={"namespace": NAMESPACE, "genesis": pool.genesis.read_text()},
        ) as wallet:
            offer = await place.centre.post("/offers", {"claim": CLAIM})
            await wallet.accept(await wallet.offer_of(await wallet.receive(offer["short_url"])))
            await place.centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT", timeout_s=60)
            for revoked, verdict in ((False, "TRUSTED"), (True, "NOT_TRUSTED")):
                if revoked:
                    assert (await place.centre.post(f"/credentials/{offer['id']}/revoke"))["published"]
                question = await place.employer.post("/requests", {"requirement": REQUIREMENT})
                request = await wallet.request_of(await wallet.receive(question["short_url"]))
                await wallet.answer(request, with_revoked=revoked)
                assert (await place.decided(question))["verdict"] == verdict
    finally:
        await place.machine.stop()
