"""A process that slept and woke never overwrites what another one published meanwhile."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from acapy_agent.core.profile import Profile
from tests.unit.webvh.conftest import ENDPOINT, HOST

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.dids import append_entry, create_did, publish_did, update_did
from wanderbuch.plugins.webvh.own import own_did
from wanderbuch.plugins.webvh.publisher import FolderPublisher, NewerFileError

LOG = "org/did.jsonl"


class Sleeper(FolderPublisher):
    """A process that falls asleep before it writes its first log; another one publishes the next entry meanwhile."""

    def __init__(self, folder: Path, meanwhile: Callable[[], Awaitable[None]]) -> None:
        super().__init__(folder)
        self.meanwhile: Callable[[], Awaitable[None]] | None = meanwhile

    async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
        if path == LOG and (meanwhile := self.meanwhile) is not None:
            self.meanwhile = None
            await meanwhile()
        await super().put(path, body, content_type, number=number)


async def test_a_process_that_slept_does_not_overwrite_a_longer_log(
    wallet: Profile, did: WebvhDid, publisher: FolderPublisher
) -> None:
    async def another_process() -> None:
        own = await own_did(wallet, did)
        assert own is not None
        await append_entry(wallet, replace(own, didcomm_endpoint=f"{ENDPOINT}/new"))
        await publish_did(wallet, did, publisher)

    await update_did(wallet, did, publisher=Sleeper(publisher.folder, another_process), didcomm_endpoint=None)
    own = await own_did(wallet, did)
    assert own is not None
    assert await publisher.get(LOG) == own.log.encode()
    assert own.number == 3


async def test_a_wallet_that_is_behind_its_published_log_is_told_apart(
    wallet: Profile, did: WebvhDid, publisher: FolderPublisher
) -> None:
    published = await publisher.get(LOG)
    assert published is not None
    await publisher.put(LOG, published + b"{}\n", "text/jsonl", number=2)  # as after a store was restored from a copy
    with pytest.raises(NewerFileError) as error:
        await create_did(
            wallet, host=HOST, path="org", didcomm_endpoint=ENDPOINT, publisher=publisher, prerotation=True
        )
    assert "restore a newer one" in str(error.value.hint)
    assert await publisher.get(LOG) == published + b"{}\n"
