"""A wallet that went back to what it was, beside a public folder that did not."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from acapy_agent.core.profile import Profile
from tests.unit.webvh.conftest import ENDPOINT, HOST

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import ResourceId, WebvhDid
from wanderbuch.plugins.webvh.dids import create_did, rotate_assertion_key, update_did
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.log import verify_log
from wanderbuch.plugins.webvh.own import own_did, write_own
from wanderbuch.plugins.webvh.own_resources import keep_resource, own_registries, own_resource, publish_resources
from wanderbuch.plugins.webvh.publisher import FolderPublisher
from wanderbuch.plugins.webvh.registry_index import publish_registry_index
from wanderbuch.plugins.webvh.resources import AttestedResource, ResourceType, StatusLink
from wanderbuch.plugins.webvh.taking_up import TakenUp, take_up_published
from wanderbuch.store.entries import fetch_keys

LOG = "org/did.jsonl"
NEW_ENDPOINT = f"{ENDPOINT}/new"


@asynccontextmanager
async def undone(wallet: Profile) -> AsyncIterator[None]:
    """Put the wallet back, at the end, to what it is now: its DIDs and its keys."""
    async with wallet.session() as session:
        keys = {key.name for key in await fetch_keys(session.handle)}
        entries = list(await session.handle.fetch_all("wanderbuch.webvh.did"))
        resources = list(await session.handle.fetch_all("wanderbuch.webvh.resource"))
    kept = [(entry.category, entry.name, entry.value, entry.tags) for entry in (*entries, *resources)]
    yield
    async with wallet.session() as session:
        for category in ("wanderbuch.webvh.did", "wanderbuch.webvh.resource"):
            await session.handle.remove_all(category)
        for category, name, value, tags in kept:
            await session.handle.insert(category, name, value, tags)
        for key in await fetch_keys(session.handle):
            if key.name not in keys:
                await session.handle.remove_key(key.name)


async def made(wallet: Profile, publisher: FolderPublisher, *, prerotation: bool) -> WebvhDid:
    return await create_did(
        wallet, host=HOST, path="org", didcomm_endpoint=ENDPOINT, publisher=publisher, prerotation=prerotation
    )


async def taken_up(wallet: Profile, publisher: FolderPublisher) -> TakenUp:
    (one,) = await take_up_published(wallet, lambda _: publisher)
    return one


async def test_nothing_is_taken_up_where_nothing_is_newer(wallet: Profile, publisher: FolderPublisher) -> None:
    did = await made(wallet, publisher, prerotation=True)
    assert await taken_up(wallet, publisher) == TakenUp(did, 0, False, {})
    (publisher.folder / LOG).unlink()  # the folder is older, or lost: what the wallet says is published at the start
    assert await taken_up(wallet, publisher) == TakenUp(did, 0, False, {})


async def test_a_log_that_went_on_is_taken_up_and_goes_on(
    wallet: Profile, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    did = await made(wallet, publisher, prerotation=False)
    async with undone(wallet):
        await update_did(wallet, did, publisher=publisher, didcomm_endpoint=NEW_ENDPOINT)
    assert await taken_up(wallet, publisher) == TakenUp(did, 1, False, {})
    own = await own_did(wallet, did)
    assert own is not None
    assert (own.didcomm_endpoint, own.log.encode()) == (NEW_ENDPOINT, await publisher.get(LOG))
    await update_did(wallet, did, publisher=publisher, didcomm_endpoint=None)
    document = await documents.resolve(did)
    assert document.version_id.startswith("3-")


async def test_a_log_whose_next_key_is_lost_can_be_used_and_not_changed(
    wallet: Profile, publisher: FolderPublisher
) -> None:
    did = await made(wallet, publisher, prerotation=True)
    async with undone(wallet):
        await update_did(wallet, did, publisher=publisher, didcomm_endpoint=NEW_ENDPOINT)
    assert await taken_up(wallet, publisher) == TakenUp(did, 1, True, {})
    log = await publisher.get(LOG)
    with pytest.raises(ConfigurationError, match=r"a change of .* was not made"):
        await update_did(wallet, did, publisher=publisher, didcomm_endpoint=None)
    assert await publisher.get(LOG) == log
    assert log is not None
    await verify_log(did, log)
    assert (await taken_up(wallet, publisher)).entries == 0


async def test_a_key_that_is_younger_than_the_backup_is_refused(wallet: Profile, publisher: FolderPublisher) -> None:
    did = await made(wallet, publisher, prerotation=False)
    async with undone(wallet):
        await rotate_assertion_key(wallet, did, publisher=publisher)
    before = await own_did(wallet, did)
    with pytest.raises(ConfigurationError, match="has got keys after the backup was made") as err:
        await taken_up(wallet, publisher)
    assert "after the keys were changed" in str(err.value.hint)
    assert await own_did(wallet, did) == before


async def test_another_log_is_refused(wallet: Profile, publisher: FolderPublisher) -> None:
    did = await made(wallet, publisher, prerotation=False)
    async with undone(wallet):
        await update_did(wallet, did, publisher=publisher, didcomm_endpoint=NEW_ENDPOINT)
        ahead = await publisher.get(LOG)
    assert ahead is not None
    await write_changed(wallet, did, lambda log: log.replace("did-communication", "did-communicatio"))
    with pytest.raises(ConfigurationError, match="is another one than the wallet's"):
        await taken_up(wallet, publisher)


async def test_a_log_that_was_changed_by_hand_is_refused(wallet: Profile, publisher: FolderPublisher) -> None:
    did = await made(wallet, publisher, prerotation=False)
    async with undone(wallet):
        await update_did(wallet, did, publisher=publisher, didcomm_endpoint=NEW_ENDPOINT)
    (publisher.folder / LOG).write_bytes((publisher.folder / LOG).read_bytes().replace(b"/new", b"/now"))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        await taken_up(wallet, publisher)


async def write_changed(wallet: Profile, did: WebvhDid, change: Callable[[str], str]) -> None:
    from dataclasses import replace

    own = await own_did(wallet, did)
    assert own is not None
    async with wallet.transaction() as session:
        await write_own(session, replace(own, log=change(own.log)))
        await session.commit()


# Status lists


def registry_of(did: WebvhDid) -> AttestedResource:
    content: dict[str, Any] = {"issuerId": did, "tag": "one", "value": {"maxCredNum": 4}}
    return AttestedResource.of(did, ResourceType.REV_REG_DEF, "one", content)


async def publish_another_list(wallet: Profile, did: WebvhDid, publisher: FolderPublisher, at: int) -> ResourceId:
    (registry,) = await own_registries(wallet, did)
    content = {"issuerId": did, "revRegDefId": registry.id, "timestamp": at, "revocationList": [0, 1, 0, 0]}
    status_list = AttestedResource.of(did, ResourceType.STATUS_LIST, "status list", content)
    links = (*registry.links, StatusLink(status_list.id, at))
    async with wallet.transaction() as session:
        await keep_resource(session, status_list)
        await keep_resource(
            session, AttestedResource(registry.id, registry.type, registry.name, registry.content, links)
        )
        await session.commit()
    await publish_resources(wallet, did, publisher)
    return status_list.id


@pytest.fixture
def with_registry(wallet: Profile, publisher: FolderPublisher) -> Callable[[], Awaitable[WebvhDid]]:
    async def make() -> WebvhDid:
        did = await made(wallet, publisher, prerotation=False)
        async with wallet.transaction() as session:
            await keep_resource(session, registry_of(did))
            await session.commit()
        await publish_another_list(wallet, did, publisher, 1_700_000_000)
        return did

    return make


async def test_status_lists_that_were_published_since_are_taken_up(
    wallet: Profile, publisher: FolderPublisher, with_registry: Callable[[], Awaitable[WebvhDid]]
) -> None:
    did = await with_registry()
    async with undone(wallet):
        newest = [await publish_another_list(wallet, did, publisher, at) for at in (1_700_000_010, 1_700_000_020)][-1]
    registry = registry_of(did)
    assert await taken_up(wallet, publisher) == TakenUp(did, 0, False, {str(registry.id): 2})
    (resource,) = await own_registries(wallet, did)
    assert (len(resource.links), resource.links[-1].id) == (3, newest)
    assert await own_resource(wallet, newest) is not None
    await publish_resources(wallet, did, publisher)  # as the agent does at its start: nothing is older
    await publish_another_list(wallet, did, publisher, 1_700_000_030)
    assert await taken_up(wallet, publisher) == TakenUp(did, 0, False, {})


async def test_a_published_registry_without_its_lists_is_refused(
    wallet: Profile, publisher: FolderPublisher, with_registry: Callable[[], Awaitable[WebvhDid]]
) -> None:
    did = await with_registry()
    async with undone(wallet):
        newest = await publish_another_list(wallet, did, publisher, 1_700_000_010)
    (publisher.folder / "org" / "resources" / newest.digest).unlink()
    with pytest.raises(ConfigurationError, match="has lost a status list"):
        await taken_up(wallet, publisher)


@pytest.mark.parametrize("ours", [1, 2], ids=["as many", "fewer than ours"])
async def test_other_status_lists_are_refused_however_many_there_are(
    wallet: Profile, publisher: FolderPublisher, with_registry: Callable[[], Awaitable[WebvhDid]], ours: int
) -> None:
    did = await with_registry()
    (registry,) = await own_registries(wallet, did)
    path = publisher.folder / "org" / "resources" / registry.id.digest
    async with undone(wallet):
        await publish_another_list(wallet, did, publisher, 1_700_000_010)
        theirs = path.read_bytes()
    for number in range(ours):  # another history, of a store that was restored elsewhere
        await publish_another_list(wallet, did, publisher, 1_700_000_020 + number)
    mine = path.read_bytes()
    assert await taken_up(wallet, publisher) == TakenUp(did, 0, False, {})
    path.write_bytes(theirs)
    before = await own_registries(wallet, did)
    with pytest.raises(ConfigurationError, match=r"other status lists of .* are published than we made"):
        await taken_up(wallet, publisher)
    assert await own_registries(wallet, did) == before
    path.write_bytes(mine)
    await taken_up(wallet, publisher)


async def test_fewer_of_our_own_status_lists_are_no_other_history(
    wallet: Profile, publisher: FolderPublisher, with_registry: Callable[[], Awaitable[WebvhDid]]
) -> None:
    did = await with_registry()
    (registry,) = await own_registries(wallet, did)
    path = publisher.folder / "org" / "resources" / registry.id.digest
    older = path.read_bytes()
    await publish_another_list(wallet, did, publisher, 1_700_000_010)
    path.write_bytes(older)
    assert await taken_up(wallet, publisher) == TakenUp(did, 0, False, {})


async def test_a_registry_that_is_listed_stays_listed(
    wallet: Profile, publisher: FolderPublisher, with_registry: Callable[[], Awaitable[WebvhDid]]
) -> None:
    did = await with_registry()
    other = AttestedResource.of(did, ResourceType.REV_REG_DEF, "two", {"issuerId": did, "tag": "two"})
    await publish_registry_index(did, [str(registry_of(did).id), str(other.id)], publisher)
    await publish_registry_index(did, [str(registry_of(did).id)], publisher)  # of a wallet that does not know the other
    listed = await publisher.get("org/registries.json")
    assert listed is not None
    assert str(other.id).encode() in listed
