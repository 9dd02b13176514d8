"""Strangers who hold web sockets to a mediator by the thousand, from many networks: wallets are reached all the same.

A wallet that is turned away comes again, as wallets do; its network is not that of the strangers.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from aries_askar import Key
from tests.soak.test_sockets import FILES, LIMITED, MAX_MORE_MIB, memory_mib, open_files
from tests.unit.mediator.phones import Phone, Site, attached, read, write

from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.machine.children import start_child

SECONDS = 40.0
ROUNDS = 8
CROWDS = {"web_socket": 3_000, "half_web_socket": 3_000, "garbage_web_socket": 600, "slow_web_socket": 300}
DELIVERED_S = 30.0
"""So late a message may be, at most, on a machine that does much else."""
AWAY = (aiohttp.ClientError, OSError, TimeoutError, AssertionError)

MEDIATOR = ("-m", "wanderbuch.agents.cli", "mediator", "run")


async def delivered_s(phone: Phone, key: Key) -> float:
    """How long it takes until a wallet that opens a socket anew has what was written to it meanwhile."""
    began = time.perf_counter()
    text = str(began)
    await again(lambda: _write(phone, key, text))
    await again(lambda: _read(phone, key, text))
    return time.perf_counter() - began


async def again(step: Callable[[], Awaitable[None]]) -> None:
    """Do it until it is done."""
    async with asyncio.timeout(DELIVERED_S):
        while True:
            try:
                return await step()
            except AWAY:
                await asyncio.sleep(0.2)


async def _write(phone: Phone, key: Key, text: str) -> None:
    assert await write(phone, key, text) == 200


async def _read(phone: Phone, key: Key, text: str) -> None:
    async with phone.live() as live:
        came = dict(attached(await live.next("delivery")))
        assert text in [read(key, envelope) for envelope in came.values()]
        await live.acknowledge(*came)
        while (await live.next("status"))["message_count"]:
            pass


@pytest.mark.parametrize("kind", sorted(CROWDS))
async def test_a_crowd_at_a_mediator_keeps_no_wallet_out(
    machine: LocalMachine, kind: str, tell: Callable[[str], None]
) -> None:
    command = (sys.executable, "-c", LIMITED, *MEDIATOR)
    mediator = machine.add("mediator", "Mediator", "mediator.wanderbuch.test", command=command)
    await mediator.start()
    connector = aiohttp.TCPConnector(local_addr=("127.2.0.1", 0), force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        site = Site(mediator.host, mediator.public_port, machine.ca_file, session)
        phone = await Phone.mediated(site)
        key = await phone.new_key()
        quiet = statistics.median([await delivered_s(phone, key) for _ in range(ROUNDS)])
        quiet_memory, number = memory_mib(mediator), CROWDS[kind]
        crowd = await start_child(
            (sys.executable, "-m", "tests.soak.crowd", kind, str(mediator.public_port), str(number), str(SECONDS)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert crowd.stdout is not None
        try:
            assert await crowd.stdout.readline() == b"begun\n"
            await asyncio.sleep(4)
            crowded = [await delivered_s(phone, key) for _ in range(ROUNDS)]
            files, memory = open_files(mediator), memory_mib(mediator)
            made = int(await crowd.stdout.readline())
        finally:
            if crowd.returncode is None:
                crowd.kill()
            await crowd.wait()
        left = await mediator.get("/status")
    tell(
        f"{number} strangers made {made} connections; a message took {quiet * 1000:.0f} ms, then "
        f"{statistics.median(crowded) * 1000:.0f}, at most {max(crowded) * 1000:.0f}; {files} files, {memory} MiB"
    )
    assert made > FILES // 4
    assert files < FILES - 100
    assert memory - quiet_memory < MAX_MORE_MIB
    assert left["messages"] == 0
    assert mediator.process is not None
    assert mediator.process.returncode is None
