"""The parts of our issuer and verifier on the ledger: key, schema, definition, registries, places."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anoncreds
import pytest
from acapy_agent.anoncreds.constants import CATEGORY_CRED_DEF
from acapy_agent.anoncreds.models.credential_definition import CredDef
from acapy_agent.wallet.base import BaseWallet
from tests.pool.nodes import IndyPool
from tests.pool.trustee import Identity, new_identity
from tests.pool.wallets import NAMESPACE, Wallet
from tests.unit.trust.ecosystem import values

from wanderbuch.agents.issuer.credential_definition import ensure_definition
from wanderbuch.agents.issuer.on_ledger import ensure_key, ensure_schema
from wanderbuch.agents.issuer.places import Places
from wanderbuch.agents.issuer.registries import Registries, RegistryState
from wanderbuch.agents.issuer.signing import Signer
from wanderbuch.errors import ConfigurationError, ResolutionError
from wanderbuch.governance.facts.anoncreds_ids import CredDefId, RevRegDefId, SchemaId
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.plugins.exchange.anoncreds.objects import ObjectError, ObjectMissingError, Objects
from wanderbuch.plugins.indy.keeping import KEEP_FIRST
from wanderbuch.plugins.indy.registry import IndyRegistry
from wanderbuch.plugins.indy.revocation import PublishedRevocation
from wanderbuch.schemas.credential_type import load_credential_type

TYPE = load_credential_type("qualification/1.0")


@pytest.mark.parametrize("form", [f"did:indy:{NAMESPACE}:{{}}", "did:sov:{}"], ids=["did:indy", "did:sov"])
async def test_our_issuer_comes_to_stand_and_signs_with_places_of_a_registry_on_the_ledger(
    form: str, wallets: Callable[..., Awaitable[Wallet]], identity: Identity, pool: IndyPool, tmp_path: Path
) -> None:
    centre, employer = await wallets(), await wallets()
    did, seed_file = Did.parse(form.format(identity.did)), tmp_path / "seed"
    seed_file.touch(mode=0o600)
    seed_file.write_bytes(identity.seed)
    for _ in range(2):  # at a start, and at the next one
        await ensure_key(centre.profile, did, seed_file)
    schema_id = await ensure_schema(centre.profile, did, TYPE)
    assert await ensure_schema(centre.profile, did, TYPE) == schema_id
    cred_def_id = await ensure_definition(centre.profile, did, schema_id)
    assert await ensure_definition(centre.profile, did, schema_id) == cred_def_id
    assert (cred_def_id.did, schema_id.did) == (did, did)
    registries = Registries(centre.profile, size=8)
    active = await registries.ensure_active(cred_def_id)
    await registries.ensure_spare(cred_def_id)
    states = {registry.id: registry.state for registry in await registries.all(cred_def_id)}
    assert (states[active], len(states)) == (RegistryState.ACTIVE, 2)
    assert active.did == did
    places = Places(centre.profile, registries)
    first, second = await places.take(cred_def_id), await places.take(cred_def_id)
    assert {first.registry_id, second.registry_id} == {active}
    assert first.index != second.index
    await _signs(centre, schema_id, cred_def_id, places)
    # What everybody else resolves by our way.
    objects = Objects()
    definition = await objects.definition(employer.profile, cred_def_id)
    assert (definition.schema_id, definition.is_revocable) == (schema_id, True)
    assert (await objects.schema(employer.profile, schema_id)).name == TYPE.name
    assert (await objects.registry(employer.profile, active)).cred_def_id == cred_def_id
    before = await objects.status_list(employer.profile, active)
    assert not before.is_revoked(first.index)
    await _revoked(centre, active, first.index)
    after = await objects.status_list(employer.profile, active)
    assert after.is_revoked(first.index)
    assert not after.is_revoked(second.index)
    assert after.timestamp > before.timestamp  # however soon: the ledger counts seconds
    then = await objects.status_list(employer.profile, active, at=before.timestamp)
    assert (then.timestamp, then.accumulator) == (before.timestamp, before.accumulator)
    for node in pool.nodes[2:]:
        node.freeze()
    with pytest.raises(ObjectError) as silent:
        await objects.status_list(employer.profile, active)
    assert not isinstance(silent.value, ObjectMissingError)  # not "no": nobody knows
    for node in pool.nodes:
        node.thaw()
    assert (await objects.status_list(employer.profile, active)).accumulator == after.accumulator


async def test_a_definition_whose_keys_are_lost_stands_in_nobodys_way(
    wallets: Callable[..., Awaitable[Wallet]], identity: Identity, tmp_path: Path
) -> None:
    did, seed_file = Did.parse(f"did:indy:{NAMESPACE}:{identity.did}"), tmp_path / "seed"
    seed_file.touch(mode=0o600)
    seed_file.write_bytes(identity.seed)
    made = []
    for _ in range(2):  # the second wallet knows nothing of the first
        centre = await wallets()
        await ensure_key(centre.profile, did, seed_file)
        schema_id = await ensure_schema(centre.profile, did, TYPE)
        made.append(await ensure_definition(centre.profile, did, schema_id))
        assert await ensure_definition(centre.profile, did, schema_id) == made[-1]
    assert [definition_id.rpartition("/")[2] for definition_id in made] == ["wanderbuch", "wanderbuch-2"]


async def test_what_could_not_be_written_is_written_later_with_the_same_keys(
    wallets: Callable[..., Awaitable[Wallet]], identity: Identity, pool: IndyPool, tmp_path: Path
) -> None:
    centre = await wallets()
    await centre.keep(identity)
    did = Did.parse(f"did:indy:{NAMESPACE}:{identity.did}")
    schema_id = await ensure_schema(centre.profile, did, TYPE)
    writing = IndyRegistry.register_credential_definition

    async def silent(self: IndyRegistry, *given: Any, **named: Any) -> Any:
        options = (given[3] if len(given) > 3 else named.get("options")) or {}
        if not options.get(KEEP_FIRST):
            for node in pool.nodes[2:]:
                node.freeze()
        return await writing(self, *given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(IndyRegistry, "register_credential_definition", silent)
        with pytest.raises(ResolutionError, match=r"did not answer|did not confirm"):
            await ensure_definition(centre.profile, did, schema_id)
    pool.start()
    async with centre.profile.session() as session:
        (kept,) = list(await session.handle.fetch_all(CATEGORY_CRED_DEF))
    cred_def_id = await ensure_definition(centre.profile, did, schema_id)
    definition = (await centre.registry.get_credential_definition(centre.profile, cred_def_id)).credential_definition
    assert definition.value.serialize()["primary"] == kept.value_json["value"]["primary"]


async def test_says_which_key_is_missing_or_wrong(wallets: Callable[..., Awaitable[Wallet]], tmp_path: Path) -> None:
    centre, other, seed_file = await wallets(), new_identity(), tmp_path / "seed"
    did = Did.parse(f"did:indy:{NAMESPACE}:{new_identity().did}")
    with pytest.raises(ConfigurationError, match="is not in this wallet"):
        await ensure_key(centre.profile, did, None)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        await ensure_key(centre.profile, did, seed_file)
    seed_file.touch(mode=0o600)
    seed_file.write_text("short")
    with pytest.raises(ConfigurationError, match="32 characters"):
        await ensure_key(centre.profile, did, seed_file)
    seed_file.write_bytes(other.seed)
    with pytest.raises(ConfigurationError, match="another DID"):
        await ensure_key(centre.profile, did, seed_file)
    async with centre.profile.session() as session:
        assert not await session.inject(BaseWallet).get_local_dids()  # the wrong key was not kept


async def _revoked(centre: Wallet, registry_id: RevRegDefId, index: int) -> None:
    steps = PublishedRevocation(centre.profile)
    await steps.mark_pending_revocations(registry_id, index)
    await steps.revoke_pending_credentials(registry_id)
    assert await centre.registry.publish_kept_list(centre.profile, registry_id) in ([index], [])


async def _signs(centre: Wallet, schema_id: SchemaId, cred_def_id: CredDefId, places: Places) -> None:
    """Sign one credential, and let a wallet complete it."""
    signer = Signer(centre.profile)
    nonce = anoncreds.generate_nonce()
    offer_json = await signer.offer_json(schema_id=schema_id, cred_def_id=cred_def_id, nonce=nonce)
    resolved = (await centre.registry.get_credential_definition(centre.profile, cred_def_id)).credential_definition
    definition: CredDef = resolved
    handle = anoncreds.CredentialDefinition.load(json.dumps(definition.serialize()))
    secret = anoncreds.create_link_secret()
    request, metadata = anoncreds.CredentialRequest.create(
        "entropy", None, handle, secret, "default", anoncreds.CredentialOffer.load(offer_json)
    )
    place = await places.take(cred_def_id)
    signed = await signer.sign(
        schema_id=schema_id,
        cred_def_id=cred_def_id,
        nonce=nonce,
        request_json=request.to_json(),
        values=values(),
        place=place,
    )
    registry = (
        await centre.registry.get_revocation_registry_definition(centre.profile, place.registry_id)
    ).revocation_registry
    completed = anoncreds.Credential.load(signed).process(
        metadata, secret, handle, anoncreds.RevocationRegistryDefinition.load(json.dumps(registry.serialize()))
    )
    assert completed.rev_reg_id == place.registry_id
