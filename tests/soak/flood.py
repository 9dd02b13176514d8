"""Floods against an agent's public site, from a process of its own, so that making them does not slow what is measured.

    python -m tests.soak.flood FILE        # what to send, as `Flood.write` wrote it

Each of so many connections sends one envelope after the other and waits for each answer, until the process is ended;
then it prints how often it got which status.
"""

import asyncio
import base64
import contextlib
import json
import signal
import ssl
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import base58
from acapy_agent.askar.didcomm.v1 import pack_message
from aries_askar import Key, KeyAlg

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.machine.children import start_child
from wanderbuch.agents.runtime.parent import end_with_stdin


async def public_key_of(agent: AgentHandle) -> str:
    """The key to which anybody can encrypt: the one in the agent's public DID document."""
    tls = ssl.create_default_context(cafile=str(agent.folder.parent / "ca.crt"))
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"https://{agent.target}/org/did.jsonl", ssl=tls, server_hostname=agent.host) as response,
    ):
        document = json.loads((await response.text()).splitlines()[-1])["state"]
    (service,) = (
        offered_service for offered_service in document["service"] if offered_service["type"] == "did-communication"
    )
    methods = {method["id"]: method for method in document["verificationMethod"]}
    multikey = methods[service["recipientKeys"][0]]["publicKeyMultibase"]
    return str(base58.b58encode(base58.b58decode(multikey[1:])[2:]).decode())


def envelope(recipient: str, message: dict[str, Any] | bytes, *, anonymous: bool = False) -> bytes:
    """A message from a key that was just made."""
    content = message if isinstance(message, bytes) else json.dumps(message).encode()
    return bytes(pack_message([recipient], None if anonymous else Key.generate(KeyAlg.ED25519), content))


@dataclass(frozen=True, slots=True)
class Flood:
    """A flood.

    Args:
        name: what the report calls it.
        bodies: what is sent, again and again.
        connections: how many send at once.
    """

    name: str
    bodies: tuple[bytes, ...]
    connections: int

    def write(self, agent: AgentHandle, file: Path) -> None:
        """Write the flood down for its process."""
        told = {
            "url": f"https://{agent.target}/didcomm",
            "host": agent.host,
            "ca": str(agent.folder.parent / "ca.crt"),
            "connections": self.connections,
            "bodies": [base64.b64encode(body).decode() for body in self.bodies],
        }
        file.write_text(json.dumps(told))


@contextlib.asynccontextmanager
async def flooded(agent: AgentHandle, flood: Flood, folder: Path) -> Any:
    """Flood an agent for as long as the block lasts; gives a counter, which holds the statuses afterwards."""
    file = folder / "flood.json"
    await asyncio.to_thread(flood.write, agent, file)
    process = await start_child((sys.executable, "-m", "tests.soak.flood", str(file)), stdout=asyncio.subprocess.PIPE)
    statuses: Counter[str] = Counter()
    try:
        assert process.stdout is not None
        await process.stdout.readline()  # it has begun
        yield statuses
    finally:
        process.send_signal(signal.SIGTERM)
        told = await process.stdout.read() if process.stdout else b""
        await process.wait()
        statuses.update(json.loads(told or b"{}"))


async def _run(file: Path) -> None:
    told = json.loads(await asyncio.to_thread(file.read_text))
    bodies = [base64.b64decode(body) for body in told["bodies"]]
    tls = ssl.create_default_context(cafile=told["ca"])
    statuses: Counter[str] = Counter()

    async def send(session: aiohttp.ClientSession, number: int) -> None:
        while True:
            body = bodies[number % len(bodies)]
            number += told["connections"]
            try:
                async with session.post(told["url"], data=body, ssl=tls, server_hostname=told["host"]) as response:
                    statuses[str(response.status)] += 1
            except aiohttp.ClientError as err:
                statuses[type(err).__name__] += 1
                await asyncio.sleep(0.1)

    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session:
        senders = [asyncio.create_task(send(session, number)) for number in range(told["connections"])]
        print(flush=True)
        await ended.wait()
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
    print(json.dumps(statuses), flush=True)


if __name__ == "__main__":
    end_with_stdin()
    asyncio.run(_run(Path(sys.argv[1])))
