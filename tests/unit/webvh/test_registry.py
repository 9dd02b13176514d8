import asyncio
import json
import time
from typing import Any

import pytest
from acapy_agent.anoncreds.base import (
    AnonCredsObjectNotFound,
    AnonCredsRegistrationError,
    AnonCredsResolutionError,
)
from acapy_agent.anoncreds.events import RevListFinishedEvent
from acapy_agent.anoncreds.models.revocation import RevList
from acapy_agent.anoncreds.models.schema import AnonCredsSchema, GetSchemaResult
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.core.event_bus import Event, EventBus
from acapy_agent.core.profile import Profile
from tests.unit.http.tls_host import TlsHost
from tests.unit.webvh.conftest import ENDPOINT, HOST, SIZE, Issuer

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import ResourceId, WebvhDid
from wanderbuch.plugins.webvh.dids import create_did, rotate_assertion_key
from wanderbuch.plugins.webvh.own_resources import own_resource
from wanderbuch.plugins.webvh.publisher import FolderPublisher, Publisher
from wanderbuch.plugins.webvh.registry import WebvhRegistry
from wanderbuch.plugins.webvh.resources import AttestedResource
from wanderbuch.store.tables import tables_of, tenant_of


def newest(issuer: Issuer) -> dict[str, Any]:
    """The newest status list as it is published."""
    definition = json.loads(issuer.file(issuer.registry_id).read_bytes())
    link = max(definition["links"], key=lambda dated_list: dated_list["timestamp"])
    status_list = json.loads(issuer.file(link["id"]).read_bytes())
    assert status_list["content"]["timestamp"] == link["timestamp"]
    content: dict[str, Any] = status_list["content"]
    return content


def told(profile: Profile) -> list[list[int]]:
    """Collect what is said to have been revoked."""
    revoked: list[list[int]] = []

    async def listen(profile: Profile, event: Event) -> None:
        revoked.append(event.payload.revoked)

    profile.inject(EventBus).subscribe(RevListFinishedEvent.event_topic, listen)
    return revoked


# Resolving by another wallet, over TLS


async def test_another_wallet_resolves_what_was_registered(
    issuer: Issuer, other_wallet: Profile, other_registry: WebvhRegistry
) -> None:
    registry = other_wallet.inject(AnonCredsRegistry)
    schema = await registry.get_schema(other_wallet, issuer.schema_id)
    assert (schema.schema.name, schema.schema.attr_names) == ("qualification", ["occupation", "level"])
    info = await registry.get_schema_info_by_id(other_wallet, issuer.schema_id)
    assert (info.issuer_id, info.name, info.version) == (issuer.did, "qualification", "1.0")
    cred_def = await registry.get_credential_definition(other_wallet, issuer.cred_def_id)
    assert cred_def.credential_definition.schema_id == issuer.schema_id
    assert cred_def.credential_definition.to_native() is not None
    definition = await registry.get_revocation_registry_definition(other_wallet, issuer.registry_id)
    assert definition.revocation_registry.cred_def_id == issuer.cred_def_id
    assert definition.revocation_registry.to_native() is not None
    status_list = await registry.get_revocation_list(other_wallet, issuer.registry_id, 0, int(time.time()))
    revocation_list = status_list.revocation_list
    assert (revocation_list.issuer_id, revocation_list.rev_reg_def_id) == (issuer.did, issuer.registry_id)
    assert revocation_list.revocation_list == [0] * SIZE
    assert revocation_list.to_native() is not None
    assert (
        revocation_list.serialize() == RevList.deserialize(revocation_list.serialize()).serialize()
    )  # as ACA-Py would have read it


async def test_a_wallet_is_asked_once_whether_a_did_is_its_own(
    issuer: Issuer, other_wallet: Profile, other_registry: WebvhRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def counted(profile: Profile, resource_id: ResourceId) -> AttestedResource | None:
        asked.append(resource_id)
        return await own_resource(profile, resource_id)

    monkeypatch.setattr("wanderbuch.plugins.webvh.registry.own_resource", counted)
    for _ in range(3):
        await other_registry.get_revocation_list(other_wallet, issuer.registry_id, 0, int(time.time()))
    assert asked == [issuer.registry_id]
    for _ in range(2):  # its own is asked each time: it may have changed
        await issuer.registry.get_schema(issuer.profile, issuer.schema_id)
    assert asked[1:] == [issuer.schema_id] * 2


async def test_a_did_that_becomes_the_wallets_own_later_is_published_and_resolved(
    wallet: Profile, registry: WebvhRegistry, publisher: Publisher
) -> None:
    did = await create_did(
        wallet, host=HOST, path="later", didcomm_endpoint=ENDPOINT, publisher=publisher, prerotation=False
    )
    registry._others[tenant_of(wallet), did] = None  # as if a stranger had named it before
    schema = AnonCredsSchema(did, ["a"], "later", "1.0")
    made = await registry.register_schema(wallet, schema)
    result = await registry.get_schema(wallet, made.schema_state.schema_id)
    assert result.schema.name == "later"
    assert not registry._others


async def test_the_own_wallet_resolves_without_its_host(issuer: Issuer, host: TlsHost) -> None:
    host.requests.clear()
    registry, wallet = issuer.registry, issuer.profile
    await registry.get_schema(wallet, issuer.schema_id)
    await registry.get_credential_definition(wallet, issuer.cred_def_id)
    await registry.get_revocation_registry_definition(wallet, issuer.registry_id)
    await registry.get_revocation_list(wallet, issuer.registry_id)
    assert host.requests == []


async def test_what_does_not_exist_is_not_found(
    issuer: Issuer, other_wallet: Profile, other_registry: WebvhRegistry
) -> None:
    absent = f"{issuer.did}/resources/zQm{'c' * 44}"
    with pytest.raises(AnonCredsObjectNotFound):
        await other_registry.get_schema(other_wallet, absent)
    with pytest.raises(AnonCredsObjectNotFound):
        await other_registry.get_schema(other_wallet, "did:webvh:nonsense")


async def test_a_credential_definition_is_no_schema(
    issuer: Issuer, other_wallet: Profile, other_registry: WebvhRegistry
) -> None:
    with pytest.raises(AnonCredsResolutionError, match="anonCredsSchema"):
        await other_registry.get_schema(other_wallet, issuer.cred_def_id)


async def test_an_altered_resource_is_not_resolved(
    issuer: Issuer, other_wallet: Profile, other_registry: WebvhRegistry
) -> None:
    file = issuer.file(issuer.schema_id)
    file.write_bytes(file.read_bytes().replace(b"occupation", b"occupatiom"))
    with pytest.raises(AnonCredsResolutionError):
        await other_registry.get_schema(other_wallet, issuer.schema_id)


async def test_an_own_schema_of_the_wrong_form_is_not_resolved(wallet: Profile, issuer: Issuer) -> None:
    with pytest.raises(AnonCredsResolutionError, match="attrNames"):
        await issuer.registry.get_schema(
            wallet,
            (
                await issuer.registry.register_schema(wallet, AnonCredsSchema(issuer.did, ["a", "a"], "x", "1"))
            ).schema_state.schema_id,
        )


# Registering


async def test_refuses_an_issuer_that_is_no_did_of_this_wallet(
    issuer: Issuer, other_wallet: Profile, other_registry: WebvhRegistry, tmp_path: object
) -> None:
    schema = AnonCredsSchema(issuer.did, ["a"], "theirs", "1.0")
    cred_def = (
        await issuer.registry.get_credential_definition(issuer.profile, issuer.cred_def_id)
    ).credential_definition
    status_list = await issuer.kept_list()
    result = GetSchemaResult(schema, issuer.schema_id, {}, {})
    for attempt in (
        other_registry.register_schema(other_wallet, schema),
        other_registry.register_credential_definition(other_wallet, result, cred_def),
        other_registry.register_revocation_registry_definition(other_wallet, issuer.definition),
        other_registry.register_revocation_list(other_wallet, issuer.definition, status_list),
        other_registry.update_revocation_list(other_wallet, issuer.definition, status_list, status_list, []),
    ):
        with pytest.raises(AnonCredsRegistrationError, match="not a DID of this wallet"):
            await attempt


async def test_the_same_schema_again_is_the_same_resource(wallet: Profile, issuer: Issuer) -> None:
    before = issuer.file(issuer.schema_id).read_bytes()
    schema = AnonCredsSchema(issuer.did, ["occupation", "level"], "qualification", "1.0")
    again = await issuer.registry.register_schema(wallet, schema)
    assert again.schema_state.schema_id == issuer.schema_id
    assert issuer.file(issuer.schema_id).read_bytes() == before


async def test_the_definition_names_our_tails_file_which_is_there(issuer: Issuer) -> None:
    value = issuer.definition.value
    assert value.tails_location == f"https://{HOST}/org/tails/{value.tails_hash}"
    assert (issuer.publisher.folder / "org" / "tails" / value.tails_hash).is_file()


class FullDisk(FolderPublisher):
    """A folder that takes nothing for a while."""

    full = True

    async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
        if self.full:
            raise ConfigurationError("no space left on the disk")
        await super().put(path, body, content_type, number=number)


async def test_what_could_not_be_published_is_published_later(
    wallet: Profile, did: WebvhDid, registry: WebvhRegistry, publisher: FolderPublisher
) -> None:
    full = FullDisk(publisher.folder)
    wallet.context.injector.bind_instance(Publisher, full)
    schema = AnonCredsSchema(did, ["a"], "late", "1.0")
    with pytest.raises(AnonCredsRegistrationError, match="no space left"):
        await registry.register_schema(wallet, schema)
    full.full = False
    schema_id = (await registry.register_schema(wallet, schema)).schema_state.schema_id
    assert (publisher.folder / "org" / "resources" / schema_id.rpartition("/")[2]).is_file()


async def test_the_next_start_puts_back_lost_resources(issuer: Issuer) -> None:
    lost = [issuer.file(resource_id) for resource_id in (issuer.schema_id, issuer.registry_id)]
    for file in lost:
        file.unlink()
    await create_did(
        issuer.profile, host=HOST, path="org", didcomm_endpoint=ENDPOINT, publisher=issuer.publisher, prerotation=True
    )
    assert all(file.is_file() for file in lost)


async def test_the_list_of_registries_has_every_registry_and_is_put_back(issuer: Issuer) -> None:
    listed = issuer.publisher.folder / "org" / "registries.json"
    assert json.loads(listed.read_bytes()) == {"registries": [issuer.registry_id]}
    listed.unlink()
    await create_did(
        issuer.profile, host=HOST, path="org", didcomm_endpoint=ENDPOINT, publisher=issuer.publisher, prerotation=True
    )
    assert json.loads(listed.read_bytes()) == {"registries": [issuer.registry_id]}


# Key rotation


async def test_after_a_rotation_everything_is_signed_with_the_new_key(
    issuer: Issuer, other_wallet: Profile, other_registry: WebvhRegistry
) -> None:
    files = sorted((issuer.publisher.folder / "org" / "resources").iterdir())
    stolen = [file.read_bytes() for file in files]
    await rotate_assertion_key(issuer.profile, issuer.did, publisher=issuer.publisher)
    await other_registry.get_schema(other_wallet, issuer.schema_id)
    await other_registry.get_revocation_list(other_wallet, issuer.registry_id)
    signers = {json.loads(file.read_bytes())["proof"]["verificationMethod"] for file in files}
    assert len(signers) == 1
    for file, old in zip(files, stolen, strict=True):
        file.write_bytes(old)
    with pytest.raises(AnonCredsResolutionError, match="another key"):
        await other_registry.get_credential_definition(other_wallet, issuer.cred_def_id)


# Status lists


async def test_revoking_publishes_a_further_list_and_tells(
    issuer: Issuer, other_wallet: Profile, other_registry: WebvhRegistry
) -> None:
    revoked = told(issuer.profile)
    first = newest(issuer)
    await issuer.revoke(3, 5)
    await issuer.profile.inject(EventBus).task_queue.flush()
    second = newest(issuer)
    assert second["timestamp"] > first["timestamp"]
    assert [index for index, bit in enumerate(second["revocationList"]) if bit] == [3, 5]
    assert [sorted(indices) for indices in revoked] == [[3, 5]]
    at = [
        await other_registry.get_revocation_list(other_wallet, issuer.registry_id, 0, instant)
        for instant in (first["timestamp"], second["timestamp"] - 1, second["timestamp"], None)
    ]
    timestamps = [result.revocation_list.timestamp for result in at]
    assert timestamps == [first["timestamp"], first["timestamp"], second["timestamp"], second["timestamp"]]


async def test_before_the_first_list_there_is_none_in_force(
    issuer: Issuer, other_wallet: Profile, other_registry: WebvhRegistry
) -> None:
    before = newest(issuer)["timestamp"] - 1
    for registry, wallet in ((issuer.registry, issuer.profile), (other_registry, other_wallet)):
        with pytest.raises(AnonCredsObjectNotFound, match="no status list"):
            await registry.get_revocation_list(wallet, issuer.registry_id, 0, before)


async def test_revocations_at_the_same_time_are_all_published(issuer: Issuer) -> None:
    await asyncio.gather(*(issuer.revoke(index) for index in (1, 2, 3, 4)), return_exceptions=True)
    kept = await issuer.kept_list()
    await issuer.registry.publish_kept_list(issuer.profile, issuer.registry_id)
    # ACA-Py may lose a bit of the list that it keeps, where two write at once; what was published stays revoked.
    published = newest(issuer)["revocationList"]
    assert published == [max(both) for both in zip(published, kept.revocation_list, strict=True)]
    assert any(published)
    definition = json.loads(issuer.file(issuer.registry_id).read_bytes())
    times = [link["timestamp"] for link in definition["links"]]
    assert times == sorted(set(times))


async def test_lists_that_arrive_out_of_order_revoke_nothing_less(issuer: Issuer) -> None:
    first = await issuer.revoke(1, publish=False)
    second = await issuer.revoke(2, publish=False)
    update = issuer.registry.update_revocation_list
    await update(issuer.profile, issuer.definition, second.prev, second.curr, [2])
    late = await update(issuer.profile, issuer.definition, first.prev, first.curr, [1])
    assert newest(issuer)["revocationList"][1:3] == [1, 1]
    assert late.revocation_list_state.revocation_list.revocation_list[1:3] == [1, 1]


async def test_refuses_a_list_that_takes_a_revocation_back(issuer: Issuer) -> None:
    before = await issuer.kept_list()
    await issuer.revoke(1)
    bits = [0, 0, 1, *before.revocation_list[3:]]
    other = RevList.deserialize({**before.serialize(), "revocationList": bits})
    with pytest.raises(AnonCredsRegistrationError, match="revokes credentials"):
        await issuer.registry.update_revocation_list(issuer.profile, issuer.definition, before, other, [2])
    assert newest(issuer)["revocationList"][1:3] == [1, 0]


async def test_refuses_a_list_of_a_registry_that_is_not_ours(issuer: Issuer) -> None:
    kept = await issuer.kept_list()
    other = RevList.deserialize({**kept.serialize(), "revRegDefId": f"{issuer.did}/resources/zQm{'c' * 44}"})
    with pytest.raises(AnonCredsRegistrationError, match="not a revocation registry"):
        await issuer.registry.register_revocation_list(issuer.profile, issuer.definition, other)


async def test_a_list_that_was_kept_but_not_published_is_published_later(issuer: Issuer) -> None:
    revoked = told(issuer.profile)
    await issuer.revoke(7, publish=False)
    assert newest(issuer)["revocationList"][7] == 0
    assert await issuer.registry.publish_kept_list(issuer.profile, issuer.registry_id) == [7]
    assert newest(issuer)["revocationList"][7] == 1
    assert await issuer.registry.publish_kept_list(issuer.profile, issuer.registry_id) == []
    await issuer.profile.inject(EventBus).task_queue.flush()
    assert revoked == [[7]]


async def test_a_registry_without_a_kept_list_has_nothing_to_publish(issuer: Issuer) -> None:
    with pytest.raises(AnonCredsRegistrationError, match="keeps no status list"):
        await issuer.registry.publish_kept_list(issuer.profile, issuer.cred_def_id)  # type: ignore[arg-type]


async def test_a_further_list_is_in_force_at_once_also_within_one_second(issuer: Issuer) -> None:
    issuer.registry._clock = time.time
    await issuer.revoke(1)
    await issuer.revoke(2)
    result = await issuer.registry.get_revocation_list(issuer.profile, issuer.registry_id, 0, int(time.time()))
    assert result.revocation_list.revocation_list[1:3] == [1, 1]


async def test_revoking_goes_on_after_the_clock_was_set_back(issuer: Issuer) -> None:
    before = newest(issuer)["timestamp"]
    issuer.registry._clock = lambda: before - 3600.0
    await issuer.revoke(1)
    assert newest(issuer)["timestamp"] == before + 1


async def test_lists_are_dated_by_the_clock_that_all_processes_share(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose own clock is ahead would else revoke from a minute later on, and the other processes after it too."""
    issuer.registry._clock = None
    at = newest(issuer)["timestamp"] + 100

    async def clock() -> float:
        return float(at)

    monkeypatch.setattr(tables_of(issuer.profile).engine, "clock", clock)
    await issuer.revoke(1)
    assert newest(issuer)["timestamp"] == at


async def test_a_first_list_registered_again_is_the_same_list(issuer: Issuer) -> None:
    kept = await issuer.kept_list()
    again = await issuer.registry.register_revocation_list(issuer.profile, issuer.definition, kept)
    assert again.revocation_list_state.revocation_list.timestamp == kept.timestamp
    registry = await own_resource(issuer.profile, issuer.registry_id)
    assert registry is not None
    assert len(registry.links) == 1


async def test_the_registry_answers_for_did_webvh_only(registry: WebvhRegistry) -> None:
    assert await registry.supports("did:webvh:x")
    assert not await registry.supports("did:web:x")
    assert not await registry.supports("WgWxqztrNooG92RXvxSTWv:2:schema:1.0")
