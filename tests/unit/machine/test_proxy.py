"""The proxy before several processes: every byte both ways, each connection to the next that takes it."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress

import pytest

from wanderbuch.agents.machine.ports import free_port
from wanderbuch.agents.machine.proxy import TcpProxy

type Served = Callable[[StreamReader, StreamWriter], Awaitable[None]]
LARGE = bytes(range(256)) * 40_000  # more than any buffer on the way


@pytest.fixture
async def ending() -> AsyncIterator[AsyncExitStack]:
    """What closes servers and proxies at the end."""
    async with AsyncExitStack() as stack:
        yield stack


async def serve(ending: AsyncExitStack, served: Served) -> int:
    port = free_port()
    server = await asyncio.start_server(served, "127.0.0.1", port)
    ending.push_async_callback(stop, server)
    return port


async def stop(server: asyncio.Server) -> None:
    server.close()
    server.abort_clients()


async def proxy_before(ending: AsyncExitStack, *ports: int) -> TcpProxy:
    proxy = TcpProxy(free_port(), ports)
    await proxy.open()
    ending.push_async_callback(proxy.close)
    return proxy


def names_itself(name: bytes) -> Served:
    async def served(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(name)
        writer.close()

    return served


async def echo(reader: StreamReader, writer: StreamWriter) -> None:
    while piece := await reader.read(1000):
        writer.write(piece)
        await writer.drain()
    writer.close()


async def ask(port: int, text: bytes = b"") -> bytes:
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def tell() -> None:
            with suppress(OSError):  # the other side may be gone already
                writer.write(text)
                await writer.drain()
                writer.write_eof()

        answer, _ = await asyncio.gather(reader.read(), tell())
        writer.close()
        return answer


async def test_each_connection_goes_to_the_next_process(ending: AsyncExitStack) -> None:
    ports = [await serve(ending, names_itself(name)) for name in (b"one", b"two")]
    proxy = await proxy_before(ending, *ports)

    assert [await ask(proxy.port) for _ in range(4)] == [b"one", b"two", b"one", b"two"]
    assert proxy.carried == dict.fromkeys(ports, 2)


async def test_what_is_large_comes_whole_both_ways(ending: AsyncExitStack) -> None:
    proxy = await proxy_before(ending, await serve(ending, echo))

    assert await ask(proxy.port, LARGE) == LARGE


async def test_what_a_process_says_before_it_hangs_up_comes_whole(ending: AsyncExitStack) -> None:
    proxy = await proxy_before(ending, await serve(ending, names_itself(LARGE)))

    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await asyncio.sleep(0.2)  # somebody slow to read
        assert await reader.read() == LARGE
        writer.close()


async def test_a_process_that_does_not_listen_is_passed_over(ending: AsyncExitStack) -> None:
    there = await serve(ending, names_itself(b"there"))
    proxy = await proxy_before(ending, free_port(), there)

    assert [await ask(proxy.port) for _ in range(3)] == [b"there"] * 3


async def test_a_process_that_comes_back_has_its_turn_again(ending: AsyncExitStack) -> None:
    port = free_port()
    proxy = await proxy_before(ending, port, await serve(ending, names_itself(b"other")))
    assert {await ask(proxy.port) for _ in range(4)} == {b"other"}

    back = await asyncio.start_server(names_itself(b"back"), "127.0.0.1", port)
    ending.push_async_callback(stop, back)

    assert {await ask(proxy.port) for _ in range(4)} == {b"other", b"back"}


async def test_where_no_process_listens_the_connection_ends(ending: AsyncExitStack) -> None:
    proxy = await proxy_before(ending, free_port(), free_port())

    assert await ask(proxy.port) == b""


async def test_a_connection_ends_when_its_process_breaks_it(ending: AsyncExitStack) -> None:
    async def dies(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    proxy = await proxy_before(ending, await serve(ending, dies))
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"x")
        with suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()


async def test_a_closed_proxy_ends_what_it_carries_and_listens_no_more(ending: AsyncExitStack) -> None:
    proxy = await proxy_before(ending, await serve(ending, echo))
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"x")
    assert await reader.readexactly(1) == b"x"

    await proxy.close()

    async with asyncio.timeout(60):
        assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", proxy.port)
