"""Phones that open what a verifier put, and then say nothing: real keys and envelopes on real sockets.

    async with crowd(employer, ca_file) as phones:
        await phones.look(short_url)             # the invitation is fetched
        await phones.begin(link, stage=Stage.ANSWERED)

They come from many networks of this machine, as strangers do.
"""

import asyncio
import itertools
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import aiohttp
from tests.soak.flood import public_key_of
from tests.unit.mediator.phones import Phone, Site, key_of, message, opened

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.plugins.exchange.connecting.peer_dids import fresh_peer

NETWORKS: Final = 25


class Stage(Enum):
    """How far a phone goes before it falls silent."""

    ANSWERED = "has the response to its request to connect, and does not end the handshake"
    ASKED = "has ended the handshake, and has the question"


class Network(Site):
    """Where a verifier listens, asked from one network over connections that are kept."""

    @cached_property
    def tls(self) -> ssl.SSLContext:  # type: ignore[override]
        return super().tls


@dataclass
class SilentPhones:
    """The crowd.

    Args:
        sites: where the verifier listens, asked from each network.
        key: of the verifier, which its DID document names.
        answers: how often which status was answered to a request to connect.
        questions: how many were asked something.
    """

    sites: list[Site]
    key: str
    answers: Counter[int] = field(default_factory=Counter)
    questions: int = 0
    _next: "itertools.cycle[Site] | None" = None

    def site(self) -> Site:
        """Return the next network's."""
        if self._next is None:
            self._next = itertools.cycle(self.sites)
        return next(self._next)

    async def look(self, short_url: str) -> dict[str, Any]:
        """Fetch an invitation, as a wallet does that was shown its code; nothing else."""
        site = self.site()
        path = "/" + short_url.removeprefix("https://").partition("/")[2]
        headers = {"Accept": "application/json"}
        async with site.session.get(f"{site.base_url}{path}", headers=headers, **site.asked_by) as answer:
            assert answer.status == 200
            told: dict[str, Any] = await answer.json()
            return told

    async def begin(self, link: dict[str, Any], stage: Stage) -> int:
        """Connect by a link for many, and fall silent; return the status of the first answer."""
        invitation = await self.look(link["short_url"])
        peer, site = fresh_peer("didcomm:transport/queue"), self.site()
        phone = Phone(site, peer.key, peer.did, self.key)
        request = message("didexchange/1.1/request", label="phone", did=peer.did)
        request["~thread"] = {"thid": request["@id"], "pthid": invitation["@id"]}
        status, body = await site.post(phone.packed(request))
        self.answers[status] += 1
        if status != 200:
            return status
        response = opened(peer.key, body)
        assert response["@type"].endswith("/response"), response
        if stage is Stage.ASKED:
            phone.mediator_key = key_of(response["did"])
            complete = message("didexchange/1.1/complete")
            complete["~thread"] = request["~thread"]
            question = await phone.ask(complete)
            assert question is not None
            assert question["@type"].endswith("/request-presentation"), question
            assert json.dumps(question)
            self.questions += 1
        return status


@asynccontextmanager
async def crowd(verifier: AgentHandle, ca_file: Path) -> AsyncIterator[SilentPhones]:
    """Let phones come, from networks of their own."""
    async with AsyncExitStack() as sessions:
        sites = []
        for number in range(NETWORKS):
            connector = aiohttp.TCPConnector(local_addr=(f"127.3.{number}.1", 0), limit=4)
            session = await sessions.enter_async_context(aiohttp.ClientSession(connector=connector))
            sites.append(Network(verifier.host, verifier.public_port, ca_file, session))
        yield SilentPhones(sites, await public_key_of(verifier))


async def in_turns(count: int, at_once: int, one: Any) -> list[Any]:
    """Do something so often, a few at once; return what came of each."""
    room = asyncio.Semaphore(at_once)

    async def turn(number: int) -> Any:
        async with room:
            return await one(number)

    return await asyncio.gather(*(turn(number) for number in range(count)))
