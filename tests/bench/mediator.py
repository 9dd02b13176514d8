"""What a mediator costs: a message taken, kept, delivered and acknowledged; an idle wallet; how long a delivery takes.

The mediator is a process of its own on SQLite; wallets and senders are this process's, and so is the proxy that ends
TLS for them, as far as the mediator can tell (`tls_at_proxy`). Wallets are put into its store before it starts, since a
handshake costs ten times what is measured.

- `mediator_cpu_over_raw_unpack` (at most 4): CPU of the mediator for a message (in, kept, delivered over a web socket,
  acknowledged), over unpacking and packing the same envelope here by Askar: medians of blocks that take turns;
- `mediator_idle_rss_kb_each` (at most 40): what its process grows by for each wallet with an idle web socket, in KiB,
  behind a proxy that ends TLS;
- `details` has the 50th and 99th percentile of the time from a sender's request to the wallet, at 100 messages a
  second, and what an idle wallet takes where the mediator ends TLS itself.
"""

import asyncio
import base64
import json
import resource
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import aiohttp
from aries_askar import Key, KeyAlg
from tests.bench.askar_envelopes import askar_open, askar_pack
from tests.bench.memory import resident_kib
from tests.bench.process_clock import ProcessClocks
from tests.bench.ratios import Ratio, median_of_ratios
from tests.unit.mediator.phones import LivePhone, Phone, Site, attached, key_name, message
from tests.unit.runtime.correspondents import connect

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.mediator.office import MediatorOffice
from wanderbuch.agents.mediator.role import ROLE
from wanderbuch.agents.runtime.agent import start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.gate.received import Received
from wanderbuch.plugins.exchange.connecting.connections import keep_connection
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.packing import PREFIX, pack

_BLOCKS: Final = 9
_IN_A_BLOCK: Final = 60
_WRITERS: Final = 8
_TEXT: Final = "x" * 15_000  # an offer of a credential, about
_RATE_S: Final = 100
_SECONDS: Final = 10
_AT_ONCE: Final = 50
_WITH_OWN_TLS: Final = 300
_BEHIND_PROXY: Final[dict[str, object]] = {
    "tls_certificate": None,
    "tls_key": None,
    "tls_at_proxy": True,
    "trusted_proxies": ["127.0.0.1"],
}
_MAX: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class MediatorFigures:
    """What was found.

    Args:
        ratio: CPU of a message at the mediator over unpacking and packing its envelope.
        idle_kib: memory of an idle wallet.
        details: the rest.
    """

    ratio: Ratio
    idle_kib: float
    details: dict[str, Any]


async def measure_mediator(folder: Path, sockets: int, progress: Callable[[str], None]) -> MediatorFigures:
    """Measure a mediator with so many wallets."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    machine = LocalMachine(folder)
    handle = machine.add("mediator", "Mediator", "mediator.wanderbuch.test")
    room = 2 * sockets + 200
    public: dict[str, object] = {"sockets": {"connections": room, "per_network": room}}
    handle.configure(public=public | _BEHIND_PROXY, mediator={"max_wallets": sockets + 100})
    handle.write_config()
    progress(f"{sockets} wallets are put into a mediator's store")
    wallets = await _wallets(handle, sockets)
    await handle.start()
    try:
        async with _opened(handle, machine, is_plain=True) as (site, opened):
            figures = await _measure(handle, site, wallets, opened, progress)
        await handle.stop()
        handle.configure(public=public)
        await handle.start()
        async with _opened(handle, machine, is_plain=False) as (site, opened):
            for wallet in wallets[:_WRITERS]:
                await _live(site, wallet, opened)
            idle = await _idle(handle, site, wallets[_WRITERS:][:_WITH_OWN_TLS], opened, progress)
        figures.details["idle_kib_with_own_tls"] = round(idle, 1)
        return figures
    finally:
        await machine.stop()


@asynccontextmanager
async def _opened(
    handle: AgentHandle, machine: LocalMachine, *, is_plain: bool
) -> AsyncIterator[tuple[Site, AsyncExitStack]]:
    """Give the mediator's site, and what closes the sockets that are opened to it."""
    async with AsyncExitStack() as opened:
        connector = aiohttp.TCPConnector(limit=0)
        session = await opened.enter_async_context(aiohttp.ClientSession(connector=connector))
        yield _OneContext(handle.host, handle.public_port, machine.ca_file, session, is_plain), opened


class _OneContext(Site):
    """A site whose TLS context is made once."""

    _made: ssl.SSLContext | None = None

    @property
    def tls(self) -> ssl.SSLContext:
        if _OneContext._made is None:
            _OneContext._made = ssl.create_default_context(cafile=self.ca_file)
        return _OneContext._made


@dataclass(frozen=True, slots=True)
class _Wallet:
    """A wallet's key, our key of its connection, and a key that it receives with."""

    key: Key
    mediator_key: str
    receiving: Key
    routing_key: str


async def _wallets(handle: AgentHandle, count: int) -> list[_Wallet]:
    agent = await start(load_config(handle.config_path, {}, role=ROLE), ROLE)
    await agent.wait_ready()
    office = agent.tenant.offices["mediator"]
    assert isinstance(office, MediatorOffice)
    made: list[_Wallet] = []
    for _ in range(count):
        key, receiving = Key.generate(KeyAlg.ED25519), Key.generate(KeyAlg.ED25519)
        own_key, connection_id = await connect(agent.profile, key)
        connection = Connection(
            id=own_key,
            connection_id=connection_id,
            own_did="did:example:mediator",
            their_did="did:example:wallet",
            their_key=key_name(key),
            endpoint="didcomm:transport/queue",
            invitation_id=office.keys.invitation_id,
            request_id="bench",
            protocol="didexchange/1.1",
            inviter_role="mediator",
        )
        async with agent.profile.session() as opened:
            await keep_connection(opened, connection)
        wallet = office.wallets.id_of(own_key)
        await office.wallets.enter(own_key, most=count)
        await office.wallets.grant(wallet)
        await office.wallets.add_key(wallet, key_name(receiving), most=10)
        made.append(_Wallet(key, own_key, receiving, office.keys.routing_key))
    await agent.stop()
    return made


async def _measure(
    handle: AgentHandle,
    site: Site,
    wallets: Sequence[_Wallet],
    opened: AsyncExitStack,
    progress: Callable[[str], None],
) -> MediatorFigures:
    process = handle.process
    assert process is not None
    warm, others = wallets[:_WRITERS], wallets[_WRITERS:]
    live = [await _live(site, wallet, opened) for wallet in warm]
    await _block(site, warm, live)  # what a process takes once, it has taken then
    progress("A message in, kept, delivered, acknowledged")
    clocks = ProcessClocks({"mediator": process.pid})
    ours: list[float] = []
    raw: list[float] = []
    for _ in range(_BLOCKS):
        before = clocks.read().cpu_s["mediator"]
        await _block(site, warm, live)
        ours.append(1e3 * (clocks.read().cpu_s["mediator"] - before) / _IN_A_BLOCK)
        raw.append(_raw())
    progress(f"{_RATE_S} messages a second")
    waits = await _at_rate(site, warm, live)
    idle = await _idle(handle, site, others, opened, progress)
    cuts = quantiles(waits, n=100)
    details = {
        "message_ms": round(median(ours), 3),
        "raw_ms": round(median(raw), 3),
        "delivery_p50_ms": round(1e3 * cuts[49], 1),
        "delivery_p99_ms": round(1e3 * cuts[98], 1),
        "idle_wallets": len(others),
        "idle_kib_behind_proxy": round(idle, 1),
    }
    return MediatorFigures(median_of_ratios(ours, raw), idle, details)


async def _idle(
    handle: AgentHandle,
    site: Site,
    wallets: Sequence[_Wallet],
    opened: AsyncExitStack,
    progress: Callable[[str], None],
) -> float:
    """Open web sockets, and return what each takes of the mediator's memory, in KiB."""
    process = handle.process
    assert process is not None
    progress(f"{len(wallets)} idle web sockets")
    before_kib = resident_kib(process.pid)
    for at in range(0, len(wallets), _AT_ONCE):
        await asyncio.gather(*(_live(site, wallet, opened) for wallet in wallets[at : at + _AT_ONCE]))
    return (resident_kib(process.pid) - before_kib) / max(1, len(wallets))


async def _live(site: Site, wallet: _Wallet, opened: AsyncExitStack) -> LivePhone:
    phone = Phone(site, wallet.key, "did:example:wallet", wallet.mediator_key, wallet.routing_key)
    live = await opened.enter_async_context(phone.live())
    await live.next("status")
    return live


async def _block(site: Site, wallets: Sequence[_Wallet], live: Sequence[LivePhone]) -> None:
    """Have so many messages written, delivered and acknowledged, by all writers at once."""
    per_wallet = _IN_A_BLOCK // len(wallets)

    async def one(wallet: _Wallet, phone: LivePhone) -> None:
        for _ in range(per_wallet):
            await _write(site, wallet)
            await _take(phone)
            await phone.next("status")  # the answer to what was acknowledged

    await asyncio.gather(*(one(wallet, phone) for wallet, phone in zip(wallets, live, strict=True)))


async def _write(site: Site, wallet: _Wallet) -> None:
    basic_message = message("basicmessage/1.0/message", content=_TEXT)
    packed = pack(
        basic_message,
        to=key_name(wallet.receiving),
        own=Key.generate(KeyAlg.ED25519),
        routing_keys=[wallet.routing_key],
    )
    status, _ = await site.post(packed)
    if status != 200:
        raise RuntimeError(f"a message was answered with {status}")


async def _take(phone: LivePhone) -> None:
    ids = [ident for ident, _ in attached(await phone.next("delivery"))]
    await phone.acknowledge(*ids)


async def _at_rate(site: Site, wallets: Sequence[_Wallet], live: Sequence[LivePhone]) -> list[float]:
    """Write at a rate and return how long each message took to its wallet."""
    waits: list[float] = []
    turns = [asyncio.Lock() for _ in wallets]

    async def one(index: int) -> None:
        which = index % len(wallets)
        await asyncio.sleep(index / _RATE_S)
        async with turns[which]:  # a message of each wallet at a time: else they come together
            began = time.perf_counter()
            written = asyncio.create_task(_write(site, wallets[which]))
            ids = [ident for ident, _ in attached(await live[which].next("delivery"))]
            waits.append(time.perf_counter() - began)
            await live[which].acknowledge(*ids)
            await live[which].next("status")
            await written

    await asyncio.gather(*(one(index) for index in range(_RATE_S * _SECONDS)))
    return waits


def _raw() -> float:
    """Return the CPU milliseconds of unpacking and packing such a message, once each."""
    alice, bob = Key.generate(KeyAlg.ED25519), Key.generate(KeyAlg.ED25519)
    forwarded = json.loads(pack(message("basicmessage/1.0/message", content=_TEXT), to=key_name(bob), own=alice))
    forward = {"@type": f"{PREFIX}routing/1.0/forward", "@id": "1", "to": key_name(bob), "msg": forwarded}
    delivered = {
        "@type": f"{PREFIX}messagepickup/2.0/delivery",
        "@id": "1",
        "~attach": [{"@id": "1", "data": {"base64": base64.b64encode(json.dumps(forwarded).encode()).decode()}}],
    }
    packed = pack(forward, to=key_name(bob), own=alice)
    began = time.process_time()
    for _ in range(_IN_A_BLOCK):
        Received.read(askar_open(packed, own=bob, max_bytes=_MAX), max_bytes=_MAX)
        askar_pack(delivered, to=key_name(alice), own=bob)
    return 1e3 * (time.process_time() - began) / _IN_A_BLOCK
