"""A mediator whose wallets, and who writes to them, are behind a bad line, while its power fails."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
from aries_askar import Key
from tests.soak.bad_line import BadLine
from tests.soak.power import cuts
from tests.unit.mediator.phones import Phone, Site, attached, forward, inner, key_name, read

from wanderbuch.agents.machine import LocalMachine

WALLETS = int(os.environ.get("WANDERBUCH_SOAK_WALLETS") or 100)
MESSAGES = 5
CUTS = 5
LOSS, DELAY_S = 0.2, 2.0
STEP_S = 60.0
IN_ALL_S = 1_500.0
BROKEN = (aiohttp.ClientError, OSError, TimeoutError, AssertionError)
"""What a line that breaks looks like; an answer other than 200 among it: whoever gets one comes again."""


@dataclass
class Wallet:
    """A wallet, and what it got."""

    phone: Phone
    key: Key
    got: Counter[str] = field(default_factory=Counter)


async def again[T](step: Callable[[], Awaitable[T]], rng: random.Random) -> T:
    """Do it until it is done."""
    while True:
        try:
            async with asyncio.timeout(STEP_S):
                return await step()
        except BROKEN:
            await asyncio.sleep(rng.uniform(0.1, 2.0))


async def wallet_at(site: Site, rng: random.Random) -> Wallet:
    phone = await again(lambda: Phone.mediated(site), rng)
    key = await again(phone.new_key, rng)
    return Wallet(phone, key)


async def write(wallet: Wallet, text: str, rng: random.Random) -> None:
    """Write until the mediator says that it has it; it may have it more than once then."""
    packed = pack_for(wallet, text)

    async def post() -> None:
        status, _ = await wallet.phone.site.post(packed)
        assert status == 200

    await again(post, rng)


def pack_for(wallet: Wallet, text: str) -> bytes:
    return forward(wallet.phone.routing_key, key_name(wallet.key), inner(wallet.key, text).decode())


async def receive(wallet: Wallet, wanted: set[str], rng: random.Random) -> None:
    """Take what comes, over one web socket after another, until all is there."""
    while wanted - wallet.got.keys():
        try:
            async with asyncio.timeout(STEP_S), wallet.phone.live() as live:
                while wanted - wallet.got.keys():
                    for ident, envelope in attached(await live.next("delivery")):
                        wallet.got[read(wallet.key, envelope)] += 1  # fails where it is for another wallet
                        await live.acknowledge(ident)
        except (aiohttp.ClientError, OSError, TimeoutError):
            await asyncio.sleep(rng.uniform(0.1, 2.0))


async def empty(wallet: Wallet, rng: random.Random) -> None:
    """Acknowledge what an answer that was lost left in the queue."""

    async def step() -> None:
        while waiting := await wallet.phone.deliver():
            wallet.got.update(read(wallet.key, envelope) for _, envelope in waiting)
            await wallet.phone.received(*(ident for ident, _ in waiting))

    await again(step, rng)


async def test_nothing_is_lost_or_delivered_to_another(
    tmp_path: Path, rng: random.Random, tell: Callable[[str], None]
) -> None:
    machine = LocalMachine(tmp_path / "machine")
    handle = machine.add("mediator", "Mediator", "mediator.wanderbuch.test")
    handle.configure(
        public={
            "tls_certificate": None,
            "tls_key": None,
            "tls_at_proxy": True,
            "trusted_proxies": ["127.0.0.1"],
            "sockets": {"connections": 8 * WALLETS + 64},
        }
    )
    line = BadLine(handle.public_port, rng, loss=LOSS, delay_s=DELAY_S)
    try:
        await handle.start()
        async with asyncio.timeout(IN_ALL_S), aiohttp.ClientSession(connector=connector()) as session:
            site = Site(handle.host, await line.open(), machine.ca_file, session, is_plain=True)
            sites = [replace(site, network=f"100.{64 + n // 256}.{n % 256}.1") for n in range(WALLETS)]
            wallets = await asyncio.gather(*(wallet_at(one, rng) for one in sites))
            texts = [{f"{n}/{m}" for m in range(MESSAGES)} for n in range(WALLETS)]
            async with asyncio.TaskGroup() as group:
                for wallet, wanted in zip(wallets, texts, strict=True):
                    group.create_task(receive(wallet, wanted, rng))
                    for text in sorted(wanted):
                        group.create_task(write(wallet, text, rng))
                group.create_task(cuts(handle, rng, times=CUTS, within_s=(1.0, 8.0)))
            await asyncio.gather(*(empty(wallet, rng) for wallet in wallets))
            status = await handle.get("/status")
    finally:
        await line.close()
        await machine.stop()
    more = sum(wallet.got.total() - MESSAGES for wallet in wallets)
    tell(f"{WALLETS} wallets, {line.carried} connections, {line.broken} broke; {more} messages came more than once")
    assert [set(wallet.got) for wallet in wallets] == texts
    assert status["messages"] == 0
    assert line.broken > 0


def connector() -> aiohttp.TCPConnector:
    """Each request has a connection of its own, which may break."""
    return aiohttp.TCPConnector(limit=0, force_close=True)
