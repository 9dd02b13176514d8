"""Which nodes a ledger has: asked again from time to time, and known nodes go on where nobody says."""

import asyncio
import json
from pathlib import Path

import pytest
from acapy_agent.anoncreds.base import AnonCredsObjectNotFound, AnonCredsResolutionError
from indy_vdr import ledger as requests
from tests.pool.nodes import IndyPool
from tests.pool.trustee import Trustee, new_identity
from tests.pool.wallets import NAMESPACE, Wallet, ledger

from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.indy import ledger as module


async def read(wallet: Wallet) -> None:
    schema_id = f"did:indy:{NAMESPACE}:{new_identity().did}/anoncreds/v0/SCHEMA/qualification/1.0"
    with pytest.raises(AnonCredsObjectNotFound):
        await wallet.registry.get_schema(wallet.profile, schema_id)


async def test_a_node_that_leaves_is_not_waited_for_and_one_that_comes_back_counts(
    edge: HttpEdge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = IndyPool(tmp_path / "five", size=5)
    reader = await Wallet.open(ledger(pool.genesis), edge, tmp_path / "public")
    try:
        pool.start()
        asked = reader.ledgers.of(NAMESPACE)
        await read(reader)
        assert len(asked._nodes) == 5
        left = json.loads(pool.genesis.read_text().splitlines()[4])["txn"]["data"]
        trustee = Trustee(pool.genesis)

        async def serve(services: list[str]) -> None:
            operation = {
                "type": "0",
                "dest": left["dest"],
                "data": {"alias": left["data"]["alias"], "services": services},
            }
            body = {
                "operation": operation,
                "identifier": trustee.identity.did,
                "protocolVersion": 2,
                "reqId": int.from_bytes(new_identity().seed[:6]),
            }
            await trustee.submit(requests.build_custom_request(json.dumps(body)), trustee.identity)

        await serve([])
        await read(reader)
        assert len(asked._nodes) == 5  # not asked again yet
        monkeypatch.setattr(module, "_NODES_FOR_S", 0.0)
        async with asyncio.timeout(60):
            while len(asked._nodes) != 4:
                await read(reader)
        await serve(["VALIDATOR"])
        async with asyncio.timeout(60):
            while len(asked._nodes) != 5:
                await read(reader)
    finally:
        await reader.close()
        pool.stop()


async def test_known_nodes_go_on_where_nobody_says_which_there_are_now(
    pool: IndyPool, edge: HttpEdge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    genesis = tmp_path / "pool.txn"
    genesis.write_bytes(pool.genesis.read_bytes())
    reader = await Wallet.open(ledger(genesis), edge, tmp_path / "public")
    try:
        await read(reader)
        genesis.write_text("gone")
        monkeypatch.setattr(module, "_NODES_FOR_S", 0.0)
        await read(reader)
        genesis.write_bytes(pool.genesis.read_bytes())
        for node in pool.nodes[1:]:
            node.freeze()
        with pytest.raises(AnonCredsResolutionError, match="did not answer"):
            await read(reader)
        pool.start()
        await read(reader)
    finally:
        await reader.close()
