"""How many TRQP questions a second are answered, beside an aiohttp handler that does nothing, in one run.

A forked process serves both, each as an application of its own: the empty handler on a bare one, TRQP with its real
routes and the middleware of the public site, over the governance file that is given. This process asks over several
connections that stay open. What counts is the CPU time of the serving process for each request, so the one who asks
does not slow down what is measured.

Rounds are short and many, and each asks all kinds, in an order that changes; the figure is the median of the rounds'
ratios. Fifteen long rounds gave 0.62 with an interval from 0.42: a busy moment, or a minute's end at which kept answers
are made anew, fell into a whole round of one kind.

`over_empty` is for questions that somebody has asked within the last minute, of `_POPULAR` different ones: their
answers are kept (`trqp_cache`), as every reader may keep them. `first_over_empty` is for questions that nobody has
asked before.
"""

import asyncio
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final

from aiohttp import web
from tests.bench.errors import BenchError
from tests.bench.ratios import Ratio, median_of_ratios

from wanderbuch.agents.authority.trqp import TrqpEndpoint
from wanderbuch.agents.authority.trqp_config import VERSION, TrqpConfig
from wanderbuch.agents.authority.trqp_role import TRQP_ROUTES
from wanderbuch.agents.runtime.public import without_details
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot

_ROUNDS: Final = 54
_REQUESTS: Final = 240  # of each kind, a round
_CONNECTIONS: Final = 8
_POPULAR: Final = 960
_WARMING: Final = 4  # rounds, until each of these was asked
_PATH: Final = "/trqp/2.0/authorization"


@dataclass(frozen=True, slots=True)
class _Office:
    """What the routes read of an authority's office."""

    trqp: TrqpEndpoint


@dataclass(frozen=True, slots=True)
class TrqpFigures:
    """What was found.

    Args:
        over_empty: requests a second of TRQP divided by those of the empty handler; at least 0.6 is wanted.
        first_over_empty: the same for questions that nobody has asked before.
        trqp_per_s, empty_per_s: requests a CPU second of the serving process.
        authorized: share of the questions that were answered yes.
    """

    over_empty: Ratio
    first_over_empty: Ratio
    trqp_per_s: float
    empty_per_s: float
    authorized: float


async def measure_trqp(file: GovernanceFile, issuers: Sequence[Did]) -> TrqpFigures:
    """Serve `file` and ask about `issuers` in turn; call it while no other thread of this process works.

    Raises:
        BenchError: a question was not answered.
    """
    here, there = multiprocessing.Pipe()
    serving = multiprocessing.get_context("fork").Process(target=_serve, args=(file, there), daemon=True)
    serving.start()
    try:
        ports: dict[str, int] = await asyncio.to_thread(here.recv)
        spent: dict[str, list[float]] = {"empty": [], "trqp": [], "first": []}
        yes = 0
        for number in range(_WARMING + _ROUNDS):
            start = number * _REQUESTS
            popular = [_body(file, issuers[(start + number) % _POPULAR % len(issuers)]) for number in range(_REQUESTS)]
            new = [_body(file, issuer, f"2025-06-30T12:{number:02}:00Z") for issuer in issuers[:_REQUESTS]]
            kinds = list(spent.items())
            for name, samples in (*kinds[number % 3 :], *kinds[: number % 3]):
                bodies = new if name == "first" else popular
                before = await _cpu_s(here)
                positive = await _ask(ports["empty" if name == "empty" else "trqp"], bodies)
                used = await _cpu_s(here) - before
                if number >= _WARMING:
                    samples.append(1e3 * used / len(bodies))
                    yes += positive
        ratio = median_of_ratios(spent["empty"], spent["trqp"])
        first = median_of_ratios(spent["empty"], spent["first"])
        return TrqpFigures(ratio, first, 1e3 / ratio.below, 1e3 / ratio.above, yes / (2 * _ROUNDS * _REQUESTS))
    finally:
        serving.kill()
        serving.join(5)


def _body(file: GovernanceFile, issuer: Did, time: str = "2025-06-30T12:00:00Z") -> bytes:
    occupation = file.index.by_issuer[issuer][0].occupations[0]
    place = file.index.by_issuer[issuer][0].jurisdictions[0]
    return json.dumps(
        {
            "entity_id": issuer,
            "authority_id": file.author,
            "action": "issue",
            "resource": f"occupation={occupation};place={place}",
            "context": {"time": time},
        }
    ).encode()


async def _cpu_s(serving: Connection) -> float:
    serving.send("cpu")
    return float(await asyncio.to_thread(serving.recv))


async def _ask(port: int, bodies: Sequence[bytes]) -> int:
    """Send every body once over a few connections; return how many were answered with "authorized": true."""
    waiting = iter(bodies)
    positives = await asyncio.gather(*(_connection(port, waiting) for _ in range(_CONNECTIONS)))
    return sum(positives)


async def _connection(port: int, bodies: Iterator[bytes]) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yes = 0
    try:
        for body in bodies:  # all connections share one iterator
            head = (
                f"POST {_PATH} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
                f"X-Request-ID: 0a1b2c3d\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200"):
                raise BenchError(f"expected 200, found {answer[:40]!r}")
            length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            yes += b'"authorized":true' in await reader.readexactly(length)
    finally:
        writer.close()
    return yes


def _serve(file: GovernanceFile, parent: Connection) -> None:
    """Serve until the parent ends this process, or is gone."""
    if (starter := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_end_with, args=(starter,), daemon=True).start()
    asyncio.run(_serve_both(file, parent))


def _end_with(starter: BaseProcess) -> None:
    starter.join()
    os._exit(1)


async def _serve_both(file: GovernanceFile, parent: Connection) -> None:
    now = datetime.now(UTC)
    snapshot = GovernanceSnapshot(file, "sha256:" + "0" * 64, now + timedelta(hours=1), fresh_from=now)
    endpoint = TrqpEndpoint(
        authority=file.author,
        base=f"/trqp/{VERSION}",
        snapshot=lambda: snapshot,
        config=TrqpConfig(enabled=True, requests_per_second=1_000_000, burst=1_000_000),
    )

    async def nothing(_: web.Request) -> web.Response:
        return web.Response()

    office = _Office(endpoint)

    bare, full = web.Application(), web.Application(middlewares=[without_details(None)])
    bare.router.add_post(_PATH, nothing)
    for route in TRQP_ROUTES:
        full.router.add_route(route.method, route.path, partial(route.handler, office))
    ports: dict[str, int] = {}
    for name, app in (("empty", bare), ("trqp", full)):
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ports[name] = runner.addresses[0][1]
    parent.send(ports)
    while True:
        await asyncio.to_thread(parent.recv)
        parent.send(time.process_time())
