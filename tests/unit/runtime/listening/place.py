"""A real site on a real socket, with small limits, and a stranger who connects."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from wanderbuch.agents.runtime.connections import SocketLimits
from wanderbuch.agents.runtime.listening import Site

MAX_BODY = 100_000
LARGE = b"x" * 8_000_000
LIMITS = SocketLimits(
    connections=16,
    per_network=16,
    unfinished_bytes=400_000,
    handshake_s=0.3,
    headers_s=0.3,
    idle_s=0.6,
    stalled_s=0.5,
    lasting_s=30.0,
)
GET = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
WAIT = b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"
SLOW_BODY = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n"

type Start = Callable[..., Awaitable["Place"]]


class Place:
    """A site that runs, and how to reach it."""

    def __init__(self, site: Site, port: int, go_on: asyncio.Event) -> None:
        self.site = site
        self.port = port
        self.go_on = go_on
        """Ends what waits at /wait."""
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(
        self, sent: bytes = b"", *, source: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1",
            self.port,
            local_addr=(source, 0),
            ssl=tls,
            server_hostname="x.wanderbuch.test" if tls else None,
        )
        self._writers.append(writer)
        writer.write(sent)
        return reader, writer

    async def crowd(self, number: int, sent: bytes = b"", **options: str) -> list[asyncio.StreamReader]:
        """Open so many connections, and wait until the site has taken them."""
        readers = [(await self.connect(sent, **options))[0] for _ in range(number)]
        await asyncio.sleep(0.05)
        return readers

    async def ask(self, sent: bytes = GET, **options: str) -> bytes:
        """Return the status line of the answer; empty if the connection ended without one."""
        reader, _ = await self.connect(sent, **options)
        return await status(reader)

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


async def status(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(60):
            return (await reader.readline()).partition(b" ")[2][:3]
    except ConnectionError:
        return b""


async def ended(reader: asyncio.StreamReader, within_s: float = 60) -> bool:
    """Whether the site ends a connection, whatever it says before."""
    try:
        async with asyncio.timeout(within_s):
            while await reader.read(65536):
                pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


async def reached(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 (others change it)
            await asyncio.sleep(0.01)
