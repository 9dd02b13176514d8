"""A crowd of strangers on one port, in a process of its own: `python -m tests.soak.crowd KIND PORT NUMBER SECONDS`.

Each holds a connection in one bad way, and comes again when it is turned away. Prints how many connections were made.
"""

import asyncio
import contextlib
import os
import random
import resource
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable

from wanderbuch.agents.runtime.parent import end_with_stdin

HOST = "127.0.0.1"
_HEAD = b"POST /didcomm HTTP/1.1\r\nHost: x\r\nContent-Type: application/didcomm-envelope-enc\r\n"
_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # the beginning of a ClientHello
_UPGRADE = (
    b"GET /didcomm HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
_NETWORKS = 30
_PING = bytes([0x89, 0x80 + 125]) + bytes(4) + b"x" * 125
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # who it talks to is all the same to a stranger
_TLS.check_hostname, _TLS.verify_mode = False, ssl.CERT_NONE

made = 0


async def _open(port: int, *, tls: bool, at: str = HOST) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    global made
    opened = await asyncio.open_connection(
        HOST, port, ssl=_TLS if tls else None, server_hostname="x" if tls else None, local_addr=(at, 0)
    )
    made += 1
    return opened


async def idle(port: int) -> None:
    """Say nothing."""
    reader, writer = await _open(port, tls=False)
    with contextlib.closing(writer):
        await reader.read(1)


async def half_handshake(port: int) -> None:
    """Begin TLS and stop."""
    reader, writer = await _open(port, tls=False)
    with contextlib.closing(writer):
        writer.write(_HELLO)
        await reader.read(1)


async def slow_headers(port: int) -> None:
    """Send one header after the other, for ever."""
    reader, writer = await _open(port, tls=True)
    with contextlib.closing(writer):
        writer.write(_HEAD)
        while not reader.at_eof():
            writer.write(b"X: 1\r\n")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await reader.read(1)


async def slow_body(port: int) -> None:
    """Send nearly the whole of a large body, and stop."""
    reader, writer = await _open(port, tls=True)
    with contextlib.closing(writer):
        writer.write(_HEAD + b"Content-Length: 2000000\r\n\r\n")
        for _ in range(19):
            writer.write(b"x" * 100_000)
            await writer.drain()
        await reader.read(1)


async def slow_reader(port: int) -> None:
    """Ask for much, and read nothing."""
    _, writer = await _open(port, tls=True)
    with contextlib.closing(writer):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        while not writer.is_closing():
            writer.write(b"GET /org/did.jsonl HTTP/1.1\r\nHost: x\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(1)


async def _upgraded(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a web socket (RFC 6455), from one of some networks, and return once that was answered."""
    at = f"127.1.{random.randrange(_NETWORKS)}.1"  # noqa: S311 (any of them)
    reader, writer = await _open(port, tls=True, at=at)
    try:
        writer.write(_UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
    except BaseException:
        writer.close()
        raise
    return reader, writer


def _frame(content: bytes, *, kind: int = 0x82) -> bytes:
    """A frame as a client sends it, of at most 64 KiB: masked, by zeros."""
    return bytes([kind, 0xFE]) + len(content).to_bytes(2) + bytes(4) + content


async def web_socket(port: int) -> None:
    """Open a web socket, and say nothing."""
    reader, writer = await _upgraded(port)
    with contextlib.closing(writer):
        await reader.read(-1)


async def half_web_socket(port: int) -> None:
    """Open a web socket, and stop in the middle of a frame."""
    reader, writer = await _upgraded(port)
    with contextlib.closing(writer):
        writer.write(_frame(b"x" * 60_000)[:50_000])
        await reader.read(-1)


async def garbage_web_socket(port: int) -> None:
    """Send what is no envelope, for ever."""
    reader, writer = await _upgraded(port)
    with contextlib.closing(writer):
        while not reader.at_eof():
            writer.write(_frame(b"{" * 4_000))
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await reader.read(1)


async def slow_web_socket(port: int) -> None:
    """Have pings answered, and read no answer."""
    _, writer = await _upgraded(port)
    with contextlib.closing(writer):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        while not writer.is_closing():
            writer.write(_PING * 10)
            await writer.drain()
            await asyncio.sleep(1)


KINDS: dict[str, Callable[[int], Awaitable[None]]] = {
    guest.__name__: guest for guest in (idle, half_handshake, slow_headers, slow_body, slow_reader)
}
AT_A_MEDIATOR: dict[str, Callable[[int], Awaitable[None]]] = {
    guest.__name__: guest for guest in (web_socket, half_web_socket, garbage_web_socket, slow_web_socket)
}


async def _stranger(kind: str, port: int) -> None:
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await (KINDS | AT_A_MEDIATOR)[kind](port)
        await asyncio.sleep(random.uniform(2, 10))  # noqa: S311 (a pause)


async def _crowd(kind: str, port: int, number: int, seconds: float) -> None:
    strangers = [asyncio.create_task(_stranger(kind, port)) for _ in range(number)]
    print("begun", flush=True)
    await asyncio.sleep(seconds)
    for stranger in strangers:
        stranger.cancel()
    await asyncio.gather(*strangers, return_exceptions=True)
    print(made, flush=True)


if __name__ == "__main__":
    end_with_stdin()
    os.nice(19)  # strangers have machines of their own: theirs must not be what slows the agent down
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(_crowd(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
