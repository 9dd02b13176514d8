"""What a phone's network is: every byte of it counted, and as slow as it is told. Between a browser and an agent.

Bytes are counted as they go over TCP, TLS with its handshakes and web sockets with them: what a worker pays for.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

_CHUNK: Final = 2_048
_WINDOW_S: Final = 2.0
"""How much may be on its way: whoever sends more waits, as with TCP."""


@dataclass
class PhoneLine:
    """One line for all connections of a phone.

    Args:
        kbit_s: what it carries each way, 1,000 bits a second; None: it is not slowed.
        round_trip_s: there and back.
        bytes: by way (`up` of the phone, `down` to it) and name of the other end.
    """

    kbit_s: float | None = None
    round_trip_s: float = 0.0
    bytes: dict[str, int] = field(default_factory=dict)
    _free_at: dict[str, float] = field(default_factory=dict)

    @property
    def carried(self) -> int:
        """Bytes both ways."""
        return sum(self.bytes.values())

    @asynccontextmanager
    async def to(self, name: str, target: str) -> AsyncIterator[str]:
        """Listen for what is meant for a host and port; give where.

        Args:
            name: of who is there, for counting.
        """
        host, _, port = target.rpartition(":")
        running: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            running.add(task)
            try:
                await asyncio.sleep(self.round_trip_s)  # of TCP, whose handshake nobody counts
                theirs, to_them = await asyncio.open_connection(host, int(port))
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._carry(reader, to_them, "up", name))
                    both.create_task(self._carry(theirs, writer, "down", name))
            except* OSError:
                writer.close()
            finally:
                running.discard(task)

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        try:
            yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for task in tuple(running):
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str, name: str) -> None:
        due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivering = asyncio.create_task(_deliver(due, writer))
        try:
            while data := await reader.read(_CHUNK):
                counted = f"{way} {name}"
                self.bytes[counted] = self.bytes.get(counted, 0) + len(data)
                due.put_nowait((self._arrival(way, len(data)), data))
                await self._room(way)
        except ConnectionError:
            pass
        finally:
            due.put_nowait((0.0, b""))
            await delivering

    def _arrival(self, way: str, size: int) -> float:
        now = asyncio.get_running_loop().time()
        if self.kbit_s is None:
            return now
        free = max(now, self._free_at.get(way, 0.0)) + size * 8 / (self.kbit_s * 1_000)
        self._free_at[way] = free
        return free + self.round_trip_s / 2

    async def _room(self, way: str) -> None:
        ahead = self._free_at.get(way, 0.0) - asyncio.get_running_loop().time()
        if ahead > _WINDOW_S:
            await asyncio.sleep(ahead - _WINDOW_S)


async def _deliver(due: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    try:
        while True:
            at, data = await due.get()
            if not data:
                break
            if at > loop.time():
                await asyncio.sleep(at - loop.time())
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
