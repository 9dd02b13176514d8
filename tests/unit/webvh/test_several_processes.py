"""DIDs and resources of one wallet in two processes on one PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from acapy_agent.core.profile import Profile
from tests.postgresql import Database
from tests.two_processes import Two, two_processes
from tests.unit.webvh.conftest import ENDPOINT, HOST

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.dids import create_did, rotate_assertion_key, update_did
from wanderbuch.plugins.webvh.log import verify_log
from wanderbuch.plugins.webvh.own import own_did, publishing
from wanderbuch.plugins.webvh.own_resources import keep_resource, publish_resources
from wanderbuch.plugins.webvh.publisher import FolderPublisher
from wanderbuch.plugins.webvh.resources import AttestedResource, ResourceType, StatusLink
from wanderbuch.plugins.webvh.signing import key_id
from wanderbuch.store.errors import LeaseBusyError
from wanderbuch.store.tables import tables_of

pytestmark = pytest.mark.needs("postgresql")

LOG = "org/did.jsonl"


@dataclass(frozen=True)
class Centre:
    """A training centre as each of two processes has it open: one wallet, one public folder."""

    two: Two
    publisher: FolderPublisher

    async def start(self, profile: Profile) -> WebvhDid:
        return await create_did(
            profile, host=HOST, path="org", didcomm_endpoint=ENDPOINT, publisher=self.publisher, prerotation=True
        )

    async def publish(self, profile: Profile, *resources: AttestedResource, publisher: Any = None) -> None:
        """Keep and publish resources, as the registry does."""
        did = resources[0].id.did
        async with publishing(profile, did):
            async with profile.transaction() as session:
                for resource in resources:
                    await keep_resource(session, resource)
                await session.commit()
            await publish_resources(profile, did, publisher or self.publisher)

    def published(self, resource: AttestedResource) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(
            (self.publisher.folder / "org/resources" / resource.id.digest).read_bytes()
        )
        return document


@pytest.fixture
async def centre(agent_config: AgentConfig, database_with_store: Database, tmp_path: Path) -> AsyncIterator[Centre]:
    async with two_processes(agent_config, database_with_store) as two:
        yield Centre(two, FolderPublisher(tmp_path / "public"))


async def test_two_processes_that_start_at_once_make_one_did(centre: Centre) -> None:
    first, second = await asyncio.gather(centre.start(centre.two.first), centre.start(centre.two.second))
    assert first == second
    log = await centre.publisher.get(LOG)
    assert log is not None
    await verify_log(first, log, b"")
    assert log.count(b"\n") == 1


async def test_what_both_change_at_once_makes_one_log(centre: Centre) -> None:
    first, second = centre.two.first, centre.two.second
    did = await centre.start(first)
    await asyncio.gather(
        rotate_assertion_key(first, did, publisher=centre.publisher),
        update_did(second, did, publisher=centre.publisher, didcomm_endpoint=None),
        update_did(first, did, publisher=centre.publisher, didcomm_endpoint=f"{ENDPOINT}/new"),
    )
    kept = [await own_did(profile, did) for profile in (first, second)]
    assert kept[0] == kept[1]
    assert kept[0] is not None
    assert await centre.publisher.get(LOG) == kept[0].log.encode()
    assert kept[0].number == 5
    await verify_log(did, kept[0].log.encode(), b"")


async def test_what_both_publish_during_a_rotation_is_signed_with_the_new_key(centre: Centre) -> None:
    first, second = centre.two.first, centre.two.second
    did = await centre.start(first)
    schemas = [AttestedResource.of(did, ResourceType.SCHEMA, f"s{n}", {"name": f"s{n}"}) for n in range(8)]
    await centre.publish(first, *schemas[:2])
    await asyncio.gather(
        *(centre.publish((first, second)[number % 2], resource) for number, resource in enumerate(schemas)),
        rotate_assertion_key(second, did, publisher=centre.publisher),
    )
    own = await own_did(first, did)
    assert own is not None
    signers = {centre.published(schema)["proof"]["verificationMethod"] for schema in schemas}
    assert signers == {str(key_id(own, own.assertion_keys[0]))}


class Sleeper(FolderPublisher):
    """A process that falls asleep before it writes a resource; another one publishes meanwhile."""

    def __init__(self, folder: Path, path: str, meanwhile: Callable[[], Awaitable[None]]) -> None:
        super().__init__(folder)
        self._path = path
        self._meanwhile: Callable[[], Awaitable[None]] | None = meanwhile

    async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
        if path == self._path and (meanwhile := self._meanwhile) is not None:
            self._meanwhile = None
            await meanwhile()
        await super().put(path, body, content_type, number=number)


@pytest.mark.parametrize("rotated", [False, True])
async def test_who_slept_does_not_overwrite_a_newer_status_list(centre: Centre, rotated: bool) -> None:
    first, second = centre.two.first, centre.two.second
    did = await centre.start(first)
    lists = [AttestedResource.of(did, ResourceType.STATUS_LIST, "list", {"bits": n}) for n in range(2)]
    links = tuple(StatusLink(resource.id, number) for number, resource in enumerate(lists, 1))
    old, new = (
        AttestedResource.of(did, ResourceType.REV_REG_DEF, "registry", {"tag": "one"}, links[:number])
        for number in (1, 2)
    )

    async def another_process() -> None:
        await centre.two.end_leases()
        if rotated:
            await rotate_assertion_key(second, did, publisher=centre.publisher)
        else:
            await centre.publish(second, lists[1], new)

    path = f"org/resources/{old.id.digest}"
    await centre.publish(first, lists[0], old, publisher=Sleeper(centre.publisher.folder, path, another_process))
    own = await own_did(first, did)
    assert own is not None
    published = centre.published(old)
    assert published["proof"]["verificationMethod"] == str(key_id(own, own.assertion_keys[0]))
    assert len(published["links"]) == (1 if rotated else 2)


async def test_each_did_has_a_lease_of_its_own(centre: Centre) -> None:
    leases = tables_of(centre.two.second).leases
    async with publishing(centre.two.first, "did:a"):
        async with publishing(centre.two.second, "did:b"):
            pass
        with pytest.raises(LeaseBusyError):
            async with leases.hold("default/webvh/did:a", wait_s=0.2):
                pytest.fail("another process has it")


async def test_entries_of_the_log_are_dated_by_the_clock_that_all_processes_share(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose own clock is ahead would else date entries in the future, which others refuse."""
    for number, profile in enumerate((centre.two.first, centre.two.second)):

        async def clock(seconds: float = 1_800_000_000.0 - 60 * 60 * 24 * 365 + 100 * number) -> float:
            return seconds

        monkeypatch.setattr(tables_of(profile).engine, "clock", clock)
    did = await centre.start(centre.two.first)
    await update_did(centre.two.second, did, publisher=centre.publisher, didcomm_endpoint=None)
    own = await own_did(centre.two.first, did)
    assert own is not None
    assert [entry["versionTime"] for entry in own.entries] == ["2026-01-15T08:00:00Z", "2026-01-15T08:01:40Z"]
