"""A stock ACA-Py with its own way to the ledger as the wallet, our issuer and our verifier."""

from pathlib import Path

import pytest
from tests.interop.stock_acapy import StockAcaPy, lay_out, stock_acapy
from tests.interop.test_stock_acapy import carried
from tests.pool.nodes import IndyPool
from tests.pool.place import REQUIREMENT, Place
from tests.pool.trustee import Identity
from tests.welders import CLAIM

pytestmark = pytest.mark.agents


async def kept(place: Place, stock: StockAcaPy) -> str:
    """Have the stock one take a credential of the centre; return what it calls it, and the offer's id."""
    offer = await place.centre.post("/offers", {"claim": CLAIM})
    taken = await stock.receive(carried(offer["invitation_url"]))
    exchange = await stock.credential_exchange("offer-received", connection_id=taken["connection_id"])
    at = f"/issue-credential-2.0/records/{exchange['cred_ex_id']}"
    await stock.post(f"{at}/send-request")
    await stock.reached(at, "credential-received")
    await stock.post(f"{at}/store")
    await place.centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT", timeout_s=60)
    return str(offer["id"])


async def verdict(place: Place, stock: StockAcaPy) -> str:
    """Have the employer ask the stock one, which answers with its only credential."""
    question = await place.employer.post("/requests", {"requirement": REQUIREMENT})
    invitation = carried(question["invitation_url"])
    await stock.receive(invitation)
    thread = invitation["requests~attach"][0]["data"]["json"]["@id"]
    exchange = await stock.proof_exchange("request-received", thread_id=thread)
    at = f"/present-proof-2.0/records/{exchange['pres_ex_id']}"
    asked = (await stock.get(at))["by_format"]["pres_request"]["anoncreds"]["requested_attributes"]
    (credential,) = (await stock.get("/credentials"))["results"]
    revealed = {referent: {"cred_id": credential["referent"], "revealed": True} for referent in asked}
    answer = {"requested_attributes": revealed, "requested_predicates": {}, "self_attested_attributes": {}}
    await stock.post(f"{at}/send-presentation", {"anoncreds": answer})
    return str((await place.decided(question))["verdict"])


async def test_acapys_own_wallet_reads_what_our_issuer_put_on_the_ledger(
    pool: IndyPool, identity: Identity, tmp_path: Path
) -> None:
    """With the old ids, which are the only ones that its own registry takes."""
    place, at = Place(tmp_path, pool, identity, f"did:sov:{identity.did}"), lay_out("wallet")
    place.machine.reach(at[0], f"127.0.0.1:{at[1]}")
    try:
        await place.open()
        async with stock_acapy(place.machine, "wallet", at, genesis=pool.genesis) as stock:
            offer = await kept(place, stock)
            assert await verdict(place, stock) == "TRUSTED"
            assert (await place.centre.post(f"/credentials/{offer}/revoke"))["published"]
            assert await verdict(place, stock) == "NOT_TRUSTED"
    finally:
        await place.machine.stop()
