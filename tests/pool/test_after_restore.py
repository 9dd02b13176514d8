"""An issuer on the ledger whose store is lost: restored from a backup, it goes on from what the ledger says."""

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.pool.nodes import IndyPool
from tests.pool.place import Place
from tests.pool.trustee import Identity
from tests.pool.wallets import NAMESPACE

pytestmark = pytest.mark.agents


async def wanderbuch(*arguments: object) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wanderbuch.agents.cli", *map(str, arguments), "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()[-2000:]
    return dict(json.loads(out))


async def test_what_the_ledger_revokes_stays_revoked_and_more_can_be(
    pool: IndyPool, identity: Identity, tmp_path: Path
) -> None:
    place = Place(tmp_path, pool, identity, f"did:indy:{NAMESPACE}:{identity.did}")
    try:
        await place.open()
        centre = place.centre
        revoked, lost = await place.issue()
        later, kept = await place.issue()
        backup = tmp_path / "centre.backup"
        await wanderbuch("backup", "--config", centre.config_path, "--to", backup)
        after, forgotten = await place.issue()
        for offer in (revoked, after):
            assert (await centre.post(f"/credentials/{offer['id']}/revoke"))["published"]
        given = {(offer["registry"], offer["index"]) for offer in (revoked, later, after)}
        await centre.kill()
        for folder in ("wallet", "index"):
            shutil.rmtree(centre.data / folder)
        await wanderbuch("restore", backup, "--config", centre.config_path)
        for node in pool.nodes[2:]:
            node.freeze()  # nobody knows what is revoked, and the agent starts all the same
        await centre.start()
        assert (await centre.get(f"/offers/{revoked['id']}"))["state"] == "ISSUED"
        pool.start()
        assert (await centre.post(f"/credentials/{later['id']}/revoke"))["id"] == later["id"]
        for offer in (revoked, later):  # the first by what the ledger says, the second anew
            await centre.wait_for(f"/offers/{offer['id']}", "state", "REVOKED", timeout_s=120)
        fresh, good = await place.issue()
        assert (fresh["registry"], fresh["index"]) not in given
        _, request = await place.asked()
        shown = await place.worker.get(f"/requests/{request}")
        fits = {credential["credential_id"]: credential["fits"] for credential in shown["credentials"]}
        assert {name: fits[name] for name in (lost, kept, forgotten, good)} == {
            lost: False,
            kept: False,
            forgotten: False,
            good: True,
        }
    finally:
        await place.machine.stop()
