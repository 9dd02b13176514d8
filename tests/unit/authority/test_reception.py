"""What strangers send to the intake: forged, replayed, huge, too much of it; nothing of that is kept or fetched for."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from tests.unit.authority.conftest import AUTHORITY, World, hire, payload
from tests.unit.authority.test_applications import application
from tests.unit.governance.conftest import KeyHolder

from wanderbuch.agents.authority.intake.applications import Applications
from wanderbuch.agents.authority.intake.config import IntakeConfig
from wanderbuch.agents.authority.intake.reception import INTAKE_ROUTES, PLACE, Reception
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.errors import ResolutionError
from wanderbuch.governance.facts.identifiers import DidUrl, WebvhDid
from wanderbuch.governance.signed.application import MAX_APPLICATION_BYTES, sign_application

PROXIES = Networks([ipaddress.ip_network("127.0.0.1")])


@dataclass
class Office:
    reception: Reception


class Door:
    """The intake on a socket; `networks` of senders are said by a trusted proxy."""

    def __init__(self, world: World, applications: Applications, url: str, session: ClientSession) -> None:
        self.world, self.applications, self.url, self.session = world, applications, url, session
        self.yard = KeyHolder("did:webvh:QmYard1111111111111111111111111111111111111111:yard.test:org")

    async def send(self, body: bytes, *, network: str = "203.0.113.1") -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": "application/jose", "X-Forwarded-For": network}
        async with self.session.post(f"{self.url}{PLACE}", data=body, headers=headers) as response:
            return response.status, await response.json(content_type=None)

    async def signed(self, **changes: Any) -> bytes:
        return await sign_application(application(**changes), kid=self.yard.kid, sign=self.yard.sign)

    async def kept(self) -> int:
        return len(await self.applications.all())


@pytest.fixture
async def door(world: World) -> AsyncIterator[Door]:
    desk = world.desk()
    await hire(desk)
    await desk.publication.publish(payload(1))
    config = IntakeConfig(enabled=True, network_a_minute=5, all_a_minute=8)
    applications = Applications(world.profile, desk, config, clock=world.clock)
    made: list[Door] = []

    async def resolve(kid: DidUrl) -> bytes:
        if kid.did != made[0].yard.did:
            raise ResolutionError("there is no such DID document")
        return await made[0].yard.resolve_key(kid)

    reception = Reception(
        applications, config, did=WebvhDid.parse(AUTHORITY), resolve_key=resolve, networks=PROXIES, clock=world.clock
    )
    app = web.Application(client_max_size=2 * 1024 * 1024)
    for route in INTAKE_ROUTES:
        app.router.add_route(route.method, route.path, partial(route.handler, Office(reception)))
    async with TestServer(app) as server, ClientSession() as session:
        made.append(Door(world, applications, str(server.make_url("")).rstrip("/"), session))
        yield made[0]


async def test_an_application_is_taken_and_told_how_it_stands(door: Door) -> None:
    status, standing = await door.send(await door.signed())
    assert (status, standing["state"], standing["waited_s"]) == (200, "RECEIVED", {"authority": 0, "applicant": 0})
    async with door.session.get(f"{door.url}{PLACE}/{standing['id']}") as response:
        assert await response.json() == standing
    async with door.session.get(f"{door.url}{PLACE}/{'0' * 36}") as response:
        assert response.status == 404


async def test_a_replayed_one_is_the_same_case_and_an_old_one_begins_none(door: Door) -> None:
    sent = await door.signed()
    first, second = await asyncio.gather(door.send(sent), door.send(sent, network="198.51.100.1"))
    assert (first[0], first[1]["id"]) == (200, second[1]["id"])
    old = await door.signed(number=1)
    door.world.clock.advance(days=2)
    status, problem = await door.send(old, network="192.0.2.1")
    assert (status, problem["code"]) == (422, "governance.application")
    assert await door.kept() == 1


async def test_forged_and_malformed_ones_are_refused_and_nothing_is_kept(door: Door) -> None:
    forger = KeyHolder("did:webvh:QmForger111111111111111111111111111111111111:forger.test:org")
    forged = await sign_application(application(), kid=door.yard.kid, sign=forger.sign)
    unknown = await sign_application(application(), kid=forger.kid, sign=forger.sign)
    for body, refused in ((forged, 422), (unknown, 502), (b"", 422), (b"\xff" * 100, 422)):
        status, _ = await door.send(body)
        assert status == refused, body[:20]
    assert await door.kept() == 0


async def test_a_huge_one_is_refused_and_nobody_is_asked_for_a_key(door: Door) -> None:
    for size in (MAX_APPLICATION_BYTES + 1, 3 * 1024 * 1024):
        status, problem = await door.send(b"A" * size)
        assert (status, problem["code"]) == (413, "too-large")
    assert door.yard.asked == []


async def test_a_flood_is_refused_by_network_and_in_all_before_a_key_is_asked_for(door: Door) -> None:
    sent = [await door.signed(number=number) for number in range(12)]
    statuses = [(await door.send(body))[0] for body in sent[:7]]
    assert statuses[:3] == [200] * 3
    assert statuses[5:] == [429] * 2  # one network has its share
    asked = len(door.yard.asked)
    others = [(await door.send(body, network=f"198.51.{number}.1"))[0] for number, body in enumerate(sent[7:])]
    assert others[-1] == 429  # and all together have theirs
    assert len(door.yard.asked) <= asked + 3
    assert await door.kept() == 3  # as many as one applicant may have open
