"""What may be written on a ledger, and why something is refused: one clear line each."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from acapy_agent.anoncreds.base import AnonCredsRegistrationError
from acapy_agent.anoncreds.models.revocation import RevList
from acapy_agent.anoncreds.models.schema import AnonCredsSchema
from tests.pool.nodes import IndyPool
from tests.pool.trustee import MECHANISM, Identity, Trustee, new_identity
from tests.pool.wallets import NAMESPACE, Issuer, Wallet

type Wallets = Callable[..., Awaitable[Wallet]]


def a_schema(identity: Identity, *attributes: str, version: str = "1.0") -> AnonCredsSchema:
    return AnonCredsSchema(f"did:indy:{NAMESPACE}:{identity.did}", list(attributes or ("a", "b")), "one", version)


async def test_the_same_schema_again_is_the_one_that_is_there(wallets: Wallets, identity: Identity) -> None:
    centre = await wallets()
    await centre.keep(identity)
    first = await centre.registry.register_schema(centre.profile, a_schema(identity))
    again = await centre.registry.register_schema(centre.profile, a_schema(identity))
    assert first.schema_state.schema_id == again.schema_state.schema_id
    assert first.schema_metadata == again.schema_metadata


async def test_refuses_another_schema_under_the_same_id(wallets: Wallets, identity: Identity) -> None:
    centre = await wallets()
    await centre.keep(identity)
    await centre.registry.register_schema(centre.profile, a_schema(identity, "a"))
    with pytest.raises(AnonCredsRegistrationError, match="stands on the ledger already, with other attributes"):
        await centre.registry.register_schema(centre.profile, a_schema(identity, "a", "b"))


async def test_refuses_a_did_of_somebody_else(wallets: Wallets, identity: Identity) -> None:
    centre = await wallets()
    with pytest.raises(AnonCredsRegistrationError, match="is not a DID of this wallet"):
        await centre.registry.register_schema(centre.profile, a_schema(identity))


async def test_refuses_a_did_that_the_ledger_does_not_know(wallets: Wallets) -> None:
    centre, stranger = await wallets(), new_identity()
    await centre.keep(stranger)
    with pytest.raises(AnonCredsRegistrationError, match="does not know the author's DID"):
        await centre.registry.register_schema(centre.profile, a_schema(stranger))


async def test_a_did_that_may_not_write_writes_through_an_endorser(
    wallets: Wallets, trustee: Trustee, identity: Identity
) -> None:
    author = new_identity()
    await trustee.register(author, None)
    alone = await wallets()
    await alone.keep(author)
    with pytest.raises(AnonCredsRegistrationError, match=r"may not write this .*role ENDORSER"):
        await alone.registry.register_schema(alone.profile, a_schema(author))
    without_key = await wallets(endorser=identity.did)
    await without_key.keep(author)
    with pytest.raises(AnonCredsRegistrationError, match=r"the key of the endorser .* is not in this wallet"):
        await without_key.registry.register_schema(without_key.profile, a_schema(author))
    endorsed = await wallets(endorser=identity.did)
    await endorsed.keep(author)
    await endorsed.keep(identity)
    issuer = await Issuer.publish(endorsed, f"did:indy:{NAMESPACE}:{author.did}")
    credential = await issuer.issue(endorsed)
    await issuer.revoke(credential.index)
    reader = await wallets()
    status_list = await reader.registry.get_revocation_list(reader.profile, issuer.registry_id)
    assert status_list.revocation_list.revocation_list[credential.index] == 1


async def test_an_author_agreement_is_accepted_by_name_or_nothing_is_written(
    wallets: Wallets, trustee: Trustee, identity: Identity
) -> None:
    digest = await trustee.agreement("Be honest.", "1.0")
    try:
        today = datetime.now(UTC).date().isoformat()
        accepted = {"version": "1.0", "digest": digest, "mechanism": MECHANISM, "accepted_on": today}
        refused = {
            "asks for its author agreement version 1.0 .*accepts nothing": None,
            "accepts version 0.9": {**accepted, "version": "0.9"},
            "asks for its author agreement .* with the digest": {**accepted, "digest": "0" * 64},
            "does not know the mechanism 'by_carrier'; it knows at_submission": {**accepted, "mechanism": "by_carrier"},
        }
        for reason, agreement in refused.items():
            centre = await wallets(agreement=agreement)
            await centre.keep(identity)
            with pytest.raises(AnonCredsRegistrationError, match=reason):
                await centre.registry.register_schema(centre.profile, a_schema(identity))
        centre = await wallets(agreement=accepted)
        await centre.keep(identity)
        made = await centre.registry.register_schema(centre.profile, a_schema(identity))
        assert made.schema_metadata["seqNo"]
    finally:
        await trustee.end_agreements()


async def test_what_two_nodes_down_left_unwritten_is_written_later_and_once(
    wallets: Wallets, pool: IndyPool, identity: Identity
) -> None:
    centre = await wallets()
    await centre.keep(identity)
    issuer = await Issuer.publish(centre, f"did:indy:{NAMESPACE}:{identity.did}")
    credential = await issuer.issue(centre)
    for node in pool.nodes[2:]:
        node.freeze()
    with pytest.raises(AnonCredsRegistrationError, match=r"did not answer|did not confirm"):
        await issuer.revoke(credential.index)
    pool.start()
    assert await centre.registry.publish_kept_list(centre.profile, issuer.registry_id) == [credential.index]
    assert await centre.registry.publish_kept_list(centre.profile, issuer.registry_id) == []


async def test_an_old_copy_of_the_wallet_takes_no_revocation_back(wallets: Wallets, identity: Identity) -> None:
    centre = await wallets()
    await centre.keep(identity)
    issuer = await Issuer.publish(centre, f"did:indy:{NAMESPACE}:{identity.did}")
    credential = await issuer.issue(centre)
    old = (await centre.registry.get_revocation_list(centre.profile, issuer.registry_id)).revocation_list
    await issuer.revoke(credential.index)
    definition = (
        await centre.registry.get_revocation_registry_definition(centre.profile, issuer.registry_id)
    ).revocation_registry
    with pytest.raises(AnonCredsRegistrationError, match="revokes credentials that the wallet's does not"):
        await centre.registry.register_revocation_list(centre.profile, definition, RevList.deserialize(old.serialize()))
