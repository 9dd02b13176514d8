"""The pool itself: it is real, and its nodes come and go."""

import indy_vdr
import pytest
from indy_vdr import ledger
from tests.pool.nodes import IndyPool
from tests.pool.trustee import Trustee, new_identity


async def test_what_was_written_with_one_node_killed_is_there_after_a_restart(pool: IndyPool, trustee: Trustee) -> None:
    pool.nodes[3].kill()
    identity = new_identity()
    await trustee.register(identity)
    pool.restart()
    assert all(node.runs for node in pool.nodes)
    answer = await trustee.submit(ledger.build_get_nym_request(None, identity.did))
    assert identity.verkey in answer["data"]


async def test_nobody_else_writes(trustee: Trustee) -> None:
    nobody, other = (new_identity() for _ in range(2))
    request = ledger.build_nym_request(nobody.did, other.did, other.verkey, None, "ENDORSER")
    with pytest.raises(indy_vdr.VdrError, match=r"(?i)could not (authenticate|verify)|not found"):
        await trustee.submit(request, nobody)
