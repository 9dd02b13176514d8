"""The bundle stays young by itself: it is fetched anew over the network alone, and nothing takes it back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from tests.unit.trust.ecosystem import FileHost
from tests.unit.trust.publishers import PublishedAuthority, PublishedCentre

from wanderbuch.agents.runtime.bundle_keeping import BundleKeeper
from wanderbuch.agents.runtime.config_tables import GovernanceConfig, NetworkConfig
from wanderbuch.agents.runtime.network import make_edge, make_keeper
from wanderbuch.governance.signed.bundle import read_bundle_file
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.http.replaying import FallbackEdge
from wanderbuch.plugins.trust.offline.bundling import write_bundle

_AWAY = HttpEdgeConfig(connect=ConnectionMap.parse(["authority.wanderbuch.test:443=127.0.0.1:1"]))


@dataclass
class Place:
    """An authority, a centre, an agent's bundle, and how many times somebody went out to the network."""

    authority: PublishedAuthority
    centre: PublishedCentre
    host: FileHost
    path: Path
    now: datetime
    edge: FallbackEdge = field(init=False)
    keeper: BundleKeeper = field(init=False)
    visits: int = 0

    async def open(self) -> None:
        made = await self._made()
        self.path.write_bytes(made)
        bundle = read_bundle_file(made)
        self.edge = FallbackEdge(_AWAY, bundle.files, recorded_at=bundle.made_at, clock=lambda: self.now)
        self.keeper = BundleKeeper(
            self.edge,
            self.path,
            url=self.authority.url,
            author=self.authority.did,
            every=timedelta(hours=6),
            open_edge=self.out,
            clock=lambda: self.now,
        )

    async def _made(self) -> bytes:
        made = await write_bundle(
            self.authority.url,
            self.authority.did,
            edge=cast(HttpEdge, self.host),
            registries=[self.centre.registry_id],
            clock=lambda: self.now,
        )
        return made.body

    @asynccontextmanager
    async def out(self) -> AsyncIterator[HttpEdge]:
        self.visits += 1
        yield cast(HttpEdge, self.host)

    @property
    def made_at(self) -> datetime:
        return read_bundle_file(self.path.read_bytes()).made_at


@pytest.fixture
async def place(tmp_path: Path) -> Place:
    now, host = datetime.now(UTC).replace(microsecond=0), FileHost()
    authority = PublishedAuthority("authority", host.files, at=now)
    centre = PublishedCentre("centre", host.files, at=now)
    await centre.open(at=now)
    await authority.open(centre, at=now)
    made = Place(authority, centre, host, tmp_path / "facts.zip", now)
    await made.open()
    return made


async def test_a_bundle_is_fetched_anew_with_the_same_registries(place: Place) -> None:
    first = place.made_at
    place.now += timedelta(minutes=20)
    assert await place.keeper.fetch()
    kept = read_bundle_file(place.path.read_bytes())
    assert (kept.made_at, kept.registries) == (place.now, (place.centre.registry_id,))
    assert place.now > first
    assert place.edge.recorded_at == place.now
    # What it serves without a network is the new one.
    url = f"{place.authority.url}/current.jws"
    assert (await place.edge.get(url, max_bytes=2**20, timeout_s=5)).body == kept.files[url]
    assert list(place.path.parent.iterdir()) == [place.path]


async def test_without_a_network_the_bundle_stays_as_old_as_it_is(place: Place) -> None:
    before, content = place.edge.recorded_at, place.path.read_bytes()
    place.host.down = True
    place.now += timedelta(minutes=20)
    assert not await place.keeper.fetch()
    assert (place.edge.recorded_at, place.path.read_bytes()) == (before, content)
    place.host.down = False
    assert await place.keeper.fetch()


async def test_what_readers_may_hold_keeps_its_age(place: Place) -> None:
    before = place.edge.recorded_at
    place.now += timedelta(minutes=20)
    await place.edge.get(f"{place.authority.url}/current.jws", max_bytes=2**20, timeout_s=5)
    assert not await place.keeper.fetch()
    assert (place.edge.recorded_at, place.visits) == (before, 0)
    place.now += timedelta(minutes=11)
    assert await place.keeper.fetch()


async def test_an_older_file_does_not_take_the_place_of_a_newer_one(place: Place) -> None:
    older = dict(place.host.files)
    place.now += timedelta(minutes=20)
    await place.authority.open(place.centre, at=place.now, version=2)
    assert await place.keeper.fetch()
    content = place.path.read_bytes()
    place.host.files.clear()
    place.host.files.update(older)
    place.now += timedelta(minutes=20)
    assert not await place.keeper.fetch()
    assert place.path.read_bytes() == content
    # Nor after a start, when the file alone tells.
    place.keeper._before = None
    assert not await place.keeper.fetch()


async def test_a_file_that_cannot_be_written_is_used_all_the_same(place: Place, tmp_path: Path) -> None:
    place.now += timedelta(minutes=20)
    await place.keeper._known()
    place.keeper._path = tmp_path / "gone" / "facts.zip"
    assert await place.keeper.fetch()
    assert place.edge.recorded_at == place.now


def test_only_who_has_a_bundle_and_wants_it_has_it_fetched(place: Place) -> None:
    url, author = place.authority.url, place.authority.did
    for every, is_kept in ((6, True), (0, False)):
        governance = GovernanceConfig(url=url, author=author, bundle=place.path, bundle_every_h=every)
        edge = make_edge(NetworkConfig(), governance)
        assert (make_keeper(edge, NetworkConfig(), governance) is not None) is is_kept
    assert make_keeper(HttpEdge(None), NetworkConfig(), None) is None
