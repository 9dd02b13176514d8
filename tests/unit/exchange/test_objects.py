"""Objects are resolved once, lists each time; what is no such object, or cannot be had, is an error of its own."""

import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.core.profile import Profile
from anoncreds import CredentialDefinition, RevocationStatusList
from tests.memory_wallet import memory_wallet
from tests.unit.trust.ecosystem import WELDER_VALUES, Issuer, Registry, Worker, webvh

from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.exchange.anoncreds.objects import (
    LoadedStatusList,
    ObjectError,
    ObjectMissingError,
    Objects,
)


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer(webvh("centre"))


@pytest.fixture
def registry(issuer: Issuer) -> Registry:
    return Registry(issuer)


@pytest.fixture
async def profile(registry: Registry) -> AsyncIterator[Profile]:
    opened = await memory_wallet()
    opened.context.injector.bind_instance(AnonCredsRegistry, AnonCredsRegistry([registry]))
    yield opened
    await opened.close()


@pytest.fixture
def objects() -> Objects:
    return Objects()


async def test_objects_say_what_they_are(profile: Profile, objects: Objects, issuer: Issuer) -> None:
    schema = await objects.schema(profile, issuer.schema_id)
    definition = await objects.definition(profile, issuer.cred_def_id)
    registry = await objects.registry(profile, issuer.registry_id)
    assert (schema.id, schema.attr_names) == (issuer.schema_id, tuple(schema.handle.to_dict()["attrNames"]))
    assert (definition.schema_id, definition.issuer, definition.is_revocable) == (issuer.schema_id, issuer.did, True)
    assert definition.handle.to_dict() == issuer.cred_def.to_dict()
    assert (registry.cred_def_id, registry.size) == (issuer.cred_def_id, 32)
    assert (registry.tails_hash, registry.tails_location) == (
        issuer.registry.tails_hash,
        issuer.registry.tails_location,
    )
    assert registry.handle.to_dict() == issuer.registry.to_dict()


async def test_what_never_changes_is_resolved_and_read_once(
    profile: Profile, objects: Objects, issuer: Issuer, registry: Registry
) -> None:
    first = [
        await objects.schema(profile, issuer.schema_id),
        await objects.definition(profile, issuer.cred_def_id),
        await objects.registry(profile, issuer.registry_id),
    ]
    registry.down = True
    assert await objects.schema(profile, issuer.schema_id) is first[0]
    assert await objects.definition(profile, issuer.cred_def_id) is first[1]
    assert await objects.registry(profile, issuer.registry_id) is first[2]


async def test_the_newest_list_is_asked_for_each_time_and_read_once(
    profile: Profile, objects: Objects, issuer: Issuer, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoked = issuer.issue(Worker().link_secret, WELDER_VALUES)
    before = await objects.status_list(profile, issuer.registry_id)
    assert await objects.status_list(profile, issuer.registry_id) is before
    assert not before.is_revoked(revoked.index)
    issuer.publish_list(revoke=[revoked])
    after = await objects.status_list(profile, issuer.registry_id)
    assert after.is_revoked(revoked.index)
    assert not after.is_revoked(revoked.index + 1)
    assert after.is_revoked(len(after.bits))
    assert after.is_revoked(-1)
    assert after.handle.to_dict() == issuer.list_in_force.to_dict()
    assert await objects.status_list(profile, issuer.registry_id, at=before.timestamp) is before
    registry.lists_down = True
    with pytest.raises(ObjectError):
        await objects.status_list(profile, issuer.registry_id)


async def test_another_list_of_the_same_instant_is_read_again(
    profile: Profile, objects: Objects, issuer: Issuer, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await objects.status_list(profile, issuer.registry_id)
    resolve = registry.get_revocation_list

    async def another(*asked: Any, **how: Any) -> Any:
        result = await resolve(*asked, **how)
        result.revocation_list.current_accumulator = (
            issuer.lists[0].to_dict()["currentAccumulator"].replace("1", "2", 1)
        )
        return result

    monkeypatch.setattr(registry, "get_revocation_list", another)
    assert await objects.status_list(profile, issuer.registry_id) is not first


@pytest.mark.parametrize(
    ("member", "value"), [("rev_reg_def_id", "another"), ("timestamp", None), ("timestamp", 2**40)]
)
async def test_refuses_a_list_that_was_not_asked_for(
    profile: Profile,
    objects: Objects,
    issuer: Issuer,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    member: str,
    value: Any,
) -> None:
    resolve = registry.get_revocation_list

    async def another(*asked: Any, **how: Any) -> Any:
        result = await resolve(*asked, **how)
        setattr(result.revocation_list, member, value)
        return result

    monkeypatch.setattr(registry, "get_revocation_list", another)
    with pytest.raises(ObjectError, match="status list"):
        await objects.status_list(profile, issuer.registry_id)


async def test_what_is_not_there_is_told_from_what_cannot_be_had(
    profile: Profile, objects: Objects, issuer: Issuer, registry: Registry
) -> None:
    with pytest.raises(ObjectMissingError):
        await objects.schema(profile, "did:webvh:nothing")
    with pytest.raises(ObjectMissingError):
        await objects.status_list(profile, issuer.registry_id, at=1)
    registry.down = True
    with pytest.raises(ObjectError) as raised:
        await objects.schema(profile, issuer.schema_id)
    assert not isinstance(raised.value, ObjectMissingError)
    with pytest.raises(ResolutionError):
        await objects.schema(profile, "no registry knows this id")
    registry.down = False
    assert (await objects.schema(profile, issuer.schema_id)).id == issuer.schema_id


async def test_refuses_what_the_library_cannot_read(
    profile: Profile, objects: Objects, issuer: Issuer, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = registry.get_credential_definition

    async def broken(*asked: Any) -> Any:
        result = await resolve(*asked)
        result.credential_definition.value.primary.n = "no number"
        return result

    monkeypatch.setattr(registry, "get_credential_definition", broken)
    with pytest.raises(ObjectError, match="proper"):
        await objects.definition(profile, issuer.cred_def_id)


async def test_the_library_never_reads_on_the_event_loop(
    profile: Profile, objects: Objects, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    for kind in (CredentialDefinition, RevocationStatusList):

        def load(value: Any, read: Any = kind.load) -> Any:
            threads.append(threading.current_thread())
            return read(value)

        monkeypatch.setattr(kind, "load", load)
    await objects.definition(profile, issuer.cred_def_id)
    await objects.status_list(profile, issuer.registry_id)
    assert len(threads) == 2
    assert threading.main_thread() not in threads


async def test_no_more_lists_are_kept_than_there_is_room_for(
    profile: Profile, objects: Objects, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wanderbuch.plugins.exchange.anoncreds.objects._MAX_PLACES_KEPT", 70)
    loaded_status_lists: list[LoadedStatusList] = []
    for _ in range(3):
        issuer.publish_list()
        loaded_status_lists.append(await objects.status_list(profile, issuer.registry_id))
    kept = [
        await objects.status_list(profile, issuer.registry_id, at=loaded_status_list.timestamp)
        for loaded_status_list in reversed(loaded_status_lists)
    ]
    assert [one is other for one, other in zip(reversed(loaded_status_lists), kept, strict=True)] == [True, True, False]
