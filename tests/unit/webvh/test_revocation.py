from pathlib import Path

import pytest
from acapy_agent.anoncreds.models.revocation import RevRegDef
from acapy_agent.anoncreds.revocation.revocation import AnonCredsRevocationError
from acapy_agent.anoncreds.revocation.revocation_setup import DefaultRevocationSetup
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.profile import Profile
from tests.unit.webvh.conftest import SIZE, Issuer

from wanderbuch.plugins.webvh.revocation import WebvhRevocation, take_over


async def test_aca_py_sets_a_registry_up_with_its_tails_among_our_public_files(issuer: Issuer) -> None:
    bus = issuer.profile.inject(EventBus)
    DefaultRevocationSetup().register_events(bus)
    take_over(bus)
    before = await issuer.revocation.get_created_revocation_registry_definitions(issuer.cred_def_id)
    await issuer.revocation.emit_create_revocation_registry_definition_event(
        issuer_id=issuer.did,
        cred_def_id=issuer.cred_def_id,
        registry_type="CL_ACCUM",
        tag="1",
        max_cred_num=SIZE,
    )
    await bus.task_queue.flush()
    after = await issuer.revocation.get_created_revocation_registry_definitions(issuer.cred_def_id)
    (made,) = set(after) - set(before)
    definition = await issuer.revocation.get_created_revocation_registry_definition(made)
    assert definition is not None
    assert await issuer.revocation.get_created_revocation_list(made) is not None
    tails = issuer.publisher.folder / "org" / "tails" / definition.value.tails_hash
    assert tails.stat().st_size == 2 + 128 * (2 * SIZE + 1)


def of_indy(issuer: Issuer) -> RevRegDef:
    """A registry of an issuer on an Indy ledger."""
    return RevRegDef.deserialize({**issuer.definition.serialize(), "issuerId": "WgWxqztrNooG92RXvxSTWv"})


async def test_issuers_of_other_methods_keep_aca_py_s_tails_server(issuer: Issuer, wallet: Profile) -> None:
    definition = of_indy(issuer)
    wallet.settings["tails_server_base_url"] = "https://tails.example.test"
    uri = WebvhRevocation(wallet).generate_public_tails_uri(definition)
    assert uri == f"https://tails.example.test/hash/{definition.value.tails_hash}"
    (Path.home() / ".indy_client" / "tails" / definition.value.tails_hash).unlink()
    with pytest.raises(AnonCredsRevocationError, match="Local tails file not found"):
        await WebvhRevocation(wallet).upload_tails_file(definition)
