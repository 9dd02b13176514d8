"""What is read from a ledger when its nodes answer, when too few do, and when none can."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from acapy_agent.anoncreds.base import AnonCredsObjectNotFound, AnonCredsResolutionError
from tests.pool.nodes import IndyPool
from tests.pool.trustee import Identity, new_identity
from tests.pool.wallets import NAMESPACE, Issuer, Wallet, ledger

from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.lanes import work_for_strangers

type Wallets = Callable[..., Awaitable[Wallet]]


async def test_both_forms_of_an_id_name_one_object(wallets: Wallets, identity: Identity) -> None:
    centre, reader = await wallets(), await wallets()
    await centre.keep(identity)
    issuer = await Issuer.publish(centre, identity.did)
    old = (await reader.registry.get_credential_definition(reader.profile, issuer.cred_def_id)).credential_definition
    number = issuer.cred_def_id.split(":")[3]
    new_id = f"did:indy:{NAMESPACE}:{identity.did}/anoncreds/v0/CLAIM_DEF/{number}/default"
    new = (await reader.registry.get_credential_definition(reader.profile, new_id)).credential_definition
    assert new.value.serialize() == old.value.serialize()
    assert (old.issuer_id, old.schema_id) == (identity.did, issuer.schema_id)
    assert new.issuer_id == f"did:indy:{NAMESPACE}:{identity.did}"
    assert new.schema_id == f"{new.issuer_id}/anoncreds/v0/SCHEMA/qualification/1.0"


async def test_what_is_not_there_is_told_apart_from_what_is_not_known(wallets: Wallets, pool: IndyPool) -> None:
    reader, nobody = await wallets(), new_identity()
    schema_id = f"did:indy:{NAMESPACE}:{nobody.did}/anoncreds/v0/SCHEMA/qualification/1.0"
    with pytest.raises(AnonCredsObjectNotFound, match="there is no schema"):
        await reader.registry.get_schema(reader.profile, schema_id)
    pool.nodes[3].freeze()
    with pytest.raises(AnonCredsObjectNotFound, match="there is no schema"):
        await reader.registry.get_schema(reader.profile, schema_id)
    pool.nodes[2].freeze()
    with pytest.raises(AnonCredsResolutionError, match="2 of its 4 nodes said the same, and 3 have to"):
        await reader.registry.get_schema(reader.profile, schema_id)
    with work_for_strangers(), pytest.raises(AnonCredsResolutionError, match="is not asked again for strangers now"):
        await reader.registry.get_schema(reader.profile, schema_id)
    pool.start()
    with pytest.raises(AnonCredsObjectNotFound, match="there is no schema"):  # our own question, at once
        await reader.registry.get_schema(reader.profile, schema_id)
    with work_for_strangers(), pytest.raises(AnonCredsObjectNotFound, match="there is no schema"):
        await reader.registry.get_schema(reader.profile, schema_id)


async def test_with_two_nodes_down_nobody_knows_what_is_revoked_and_later_everybody(
    wallets: Wallets, pool: IndyPool, identity: Identity
) -> None:
    centre, reader = await wallets(), await wallets()
    await centre.keep(identity)
    issuer = await Issuer.publish(centre, f"did:indy:{NAMESPACE}:{identity.did}")
    for node in pool.nodes[2:]:
        node.freeze()
    with pytest.raises(AnonCredsResolutionError, match=r"did not answer|no node"):
        await reader.registry.get_revocation_list(reader.profile, issuer.registry_id)
    pool.start()
    status_list = await reader.registry.get_revocation_list(reader.profile, issuer.registry_id)
    assert not any(status_list.revocation_list.revocation_list)


async def test_a_genesis_file_of_other_nodes_is_said_to_be_one_perhaps(
    pool: IndyPool, edge: HttpEdge, tmp_path: Path
) -> None:
    other = tmp_path / "other.txn"
    keys = [line.split('"dest": "')[1].split('"')[0] for line in pool.genesis.read_text().splitlines()]
    swapped = pool.genesis.read_text()
    for key, wrong in zip(keys, keys[1:] + keys[:1], strict=True):
        swapped = swapped.replace(f'"dest": "{key}"', f'"dest":"{wrong}"')
    other.write_text(swapped)
    reader = await Wallet.open(ledger(other), edge, tmp_path / "public")
    schema_id = f"{new_identity().did}:2:qualification:1.0"
    asked = [reader.registry.get_schema(reader.profile, schema_id.replace("1.0", f"1.{n}")) for n in range(8)]
    for answer in await asyncio.gather(*asked, return_exceptions=True):  # one attempt is enough for all
        assert isinstance(answer, AnonCredsResolutionError)
        assert "answered as its genesis file says" in str(answer)
    await reader.close()


async def test_an_unknown_ledger_is_named(wallets: Wallets, identity: Identity) -> None:
    reader = await wallets()
    schema_id = f"did:indy:elsewhere:{identity.did}/anoncreds/v0/SCHEMA/qualification/1.0"
    with pytest.raises(AnonCredsResolutionError, match="the Indy ledger elsewhere is not configured"):
        await reader.registry.get_schema(reader.profile, schema_id)
