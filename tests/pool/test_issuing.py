"""Issue, prove, revoke and prove again with objects on the ledger, by ACA-Py's own parts and our registry."""

from collections.abc import Awaitable, Callable

import pytest
from tests.pool.nodes import IndyPool
from tests.pool.trustee import Identity
from tests.pool.wallets import NAMESPACE, Issuer, Wallet


@pytest.mark.parametrize("form", ["did:indy:" + NAMESPACE + ":{}", "{}"], ids=["did:indy", "old ids"])
async def test_what_is_revoked_proves_no_more(
    form: str, wallets: Callable[..., Awaitable[Wallet]], identity: Identity, pool: IndyPool
) -> None:
    centre, worker, employer = await wallets(), await wallets(), await wallets()
    await centre.keep(identity)
    issuer = await Issuer.publish(centre, form.format(identity.did))
    kept, lost = await issuer.issue(worker), await issuer.issue(worker)
    assert await kept.proven(employer)
    assert await lost.proven(employer)
    await issuer.revoke(lost.index)
    assert not await lost.proven(employer)
    assert await kept.proven(employer)
    pool.nodes[3].freeze()  # one of four, and not the one that leads: nothing changes
    again = await issuer.issue(worker)
    await issuer.revoke(kept.index)
    assert await again.proven(employer)
    assert not await kept.proven(employer)
