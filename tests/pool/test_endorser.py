"""An issuer that may not write on the ledger, and a stock ACA-Py elsewhere that endorses what it writes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.interop.stock_acapy import StockAcaPy, lay_out, stock_acapy
from tests.pool.nodes import IndyPool
from tests.pool.place import Place
from tests.pool.trustee import Identity, Trustee, new_identity
from tests.pool.wallets import NAMESPACE

pytestmark = pytest.mark.agents
WAIT_S = 60.0


class Operator:
    """Who sits at the endorser's Admin API."""

    def __init__(self, stock: StockAcaPy) -> None:
        self._stock = stock
        self._appointed: set[str] = set()

    async def invitation(self) -> str:
        """Make the invitation that goes into the issuer's configuration."""
        told = {"handshake_protocols": ["https://didcomm.org/didexchange/1.1"], "my_label": "Endorser"}
        made = await self._stock.post("/out-of-band/create-invitation", told, auto_accept="true", multi_use="true")
        return str(made["invitation_url"])

    async def states(self) -> list[str]:
        """Return how far everything is that it was asked."""
        return [str(result["state"]) for result in (await self._stock.get("/transactions"))["results"]]

    async def waiting(self) -> list[dict[str, Any]]:
        """Return what waits to be endorsed."""
        listed = (await self._stock.get("/transactions"))["results"]
        return [transaction for transaction in listed if transaction["state"] == "request_received"]

    async def next(self) -> dict[str, Any]:
        """Wait for something to be endorsed."""
        async with asyncio.timeout(WAIT_S):
            while not (waiting := await self.waiting()):  # noqa: ASYNC110 (an Admin API can only be asked)
                await asyncio.sleep(0.2)
        return waiting[0]

    async def answer(self, transaction: dict[str, Any], word: str) -> None:
        """Endorse or refuse something."""
        connection = transaction["connection_id"]
        if connection not in self._appointed:
            job = {"transaction_my_job": "TRANSACTION_ENDORSER"}
            await self._stock.post(f"/transactions/{connection}/set-endorser-role", **job)
            self._appointed.add(connection)
        await self._stock.post(f"/transactions/{transaction['transaction_id']}/{word}")

    @asynccontextmanager
    async def endorsing(self) -> AsyncIterator[None]:
        """Endorse whatever comes."""

        async def work() -> None:
            while True:
                for transaction in await self.waiting():
                    await self.answer(transaction, "endorse")
                await asyncio.sleep(0.2)

        working = asyncio.create_task(work())
        try:
            yield
        finally:
            working.cancel()


async def waits_for(place: Place, operator: Operator, text: str) -> None:
    """Wait until the centre's desk says that it waits, and why."""
    waiting_for = ""
    try:
        async with asyncio.timeout(WAIT_S):
            while text not in waiting_for:
                await asyncio.sleep(0.2)
                waiting_for = str((await place.centre.get("/standing"))["waiting_for"])
    except TimeoutError as err:
        raise AssertionError(
            f"expected {text!r}, found {waiting_for!r}; the endorser has {await operator.states()}"
        ) from err


async def test_what_another_agent_endorses_is_written_and_nothing_is_lost_while_it_is_silent(
    pool: IndyPool, identity: Identity, tmp_path: Path
) -> None:
    author, at = new_identity(), lay_out("endorser")
    await Trustee(pool.genesis).register(author, None)  # it may not write by itself
    place = Place(tmp_path, pool, author, f"did:indy:{NAMESPACE}:{author.did}")
    place.machine.reach(at[0], f"127.0.0.1:{at[1]}")
    more = ("--endorser-protocol-role", "endorser", "--endorser-endorse-with-did", identity.did)
    more = (*more, "--wallet-allow-insecure-seed")
    try:
        async with stock_acapy(place.machine, "endorser", at, genesis=pool.genesis, more=more) as stock:
            await stock.post("/wallet/did/create", {"method": "sov", "seed": identity.seed.decode()})
            operator = Operator(stock)
            place.ledgers["ledgers"][0] |= {
                "endorser": identity.did,
                "endorser_invitation": await operator.invitation(),
            }
            await place.begin()
            schema = await operator.next()
            await waits_for(
                place, operator, f"the endorser {identity.did} of the Indy ledger {NAMESPACE} has not signed yet"
            )
            await operator.answer(schema, "refuse")
            await waits_for(
                place, operator, f"the endorser {identity.did} of the Indy ledger {NAMESPACE} refuses to sign this"
            )
            await place.centre.stop()
            await place.centre.start()
            await waits_for(place, operator, "refuses to sign this")  # nobody is asked twice for the same at once
            assert not await operator.waiting()
            await place.centre.post("/governance/refresh")  # the operators have spoken with each other
            await operator.answer(await operator.next(), "endorse")
            definition = await operator.next()
            await waits_for(place, operator, "its credential definition: ")
            await place.centre.stop()
            await operator.answer(definition, "endorse")  # nobody hears that; it is asked again
            await place.centre.start()
            async with operator.endorsing():
                await place.accredit()
                issued, credential = await place.issue()
                second, other = await place.issue()
                assert (await place.prove(credential))["verdict"] == "TRUSTED"
            first = await place.centre.post(f"/credentials/{issued['id']}/revoke")
            assert first["state"] == "REQUESTED"
            await operator.next()
            assert (await place.prove(credential))["verdict"] == "TRUSTED"  # nothing stands on the ledger yet
            await place.centre.post(f"/credentials/{second['id']}/revoke")
            async with operator.endorsing():
                for offer in (issued, second):
                    await place.centre.wait_for(f"/offers/{offer['id']}", "state", "REVOKED", timeout_s=WAIT_S)
            _, request = await place.asked()
            shown = await place.worker.get(f"/requests/{request}")
            fits = {fitting["credential_id"]: fitting["fits"] for fitting in shown["credentials"]}
            assert (fits[credential], fits[other]) == (False, False)
    finally:
        await place.machine.stop()
