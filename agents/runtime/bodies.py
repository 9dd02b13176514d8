"""Reading the body of a request: the one way, so that what is not complete is counted and has a deadline."""

import asyncio

from aiohttp import ClientError, HttpVersion11, web
from aiohttp.http import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

from wanderbuch.agents.runtime.connections import SocketConnection, Stage


async def read_body(request: web.Request, *, deadline_s: float, max_bytes: int | None = None) -> bytes:
    """Return the body of a request.

    Args:
        request: whose.
        deadline_s: how long it may take.
        max_bytes: the largest to take; by default what the site takes.

    Raises:
        HTTPRequestEntityTooLarge: it is larger, or says so of itself before it comes.
        HTTPRequestTimeout: it did not come in time, or too much of others waits to be complete.
        HTTPBadRequest: it broke off, or is not what its headers say.
    """
    limit = request.client_max_size if max_bytes is None else max_bytes
    if (whole := body_at_hand(request, max_bytes=limit)) is not None:
        return whole
    _refuse_larger(request.content_length or 0, limit)
    content, connection = request.content, SocketConnection.of(request)
    received = bytearray()
    try:
        async with asyncio.timeout(deadline_s) as clock:
            if connection is not None:
                connection.enter(Stage.BODY)
                connection.clock = clock
            while not content.at_eof():
                part = await content.readany()
                received += part
                _refuse_larger(len(received), limit)
                if connection is not None and connection.clock is not None:
                    connection.count(len(part))
            return bytes(received)
    except TimeoutError as err:
        raise web.HTTPRequestTimeout from err
    except (RequestPayloadError, ClientError, HttpProcessingError, OSError) as err:
        raise web.HTTPBadRequest from err
    finally:
        received.clear()  # an error keeps its frames, and with them what came, until Python looks for cycles
        if connection is not None and connection.stage is Stage.BODY:
            connection.clock = None
            connection.enter(Stage.WORKING)


def body_at_hand(request: web.Request, *, max_bytes: int) -> bytes | None:
    """Return a body that came together with its headers; None if it did not.

    Raises:
        HTTPRequestEntityTooLarge: it is larger.
        HTTPBadRequest: it is not what its headers say.
    """
    content = request.content
    if not content.is_eof():
        return None
    try:
        whole = content.read_nowait()
    except (RequestPayloadError, ClientError, HttpProcessingError) as err:
        raise web.HTTPBadRequest from err
    _refuse_larger(len(whole), max_bytes)
    return whole


async def expect_body(request: web.Request) -> None:
    """Answer `Expect: 100-continue`, unless the body would be refused anyway.

    Raises:
        HTTPRequestEntityTooLarge: it is larger than the site takes.
        HTTPExpectationFailed: something else is expected.
    """
    if request.version != HttpVersion11:
        return
    if request.headers.get("Expect", "").lower() != "100-continue":
        raise web.HTTPExpectationFailed
    _refuse_larger(request.content_length or 0, request.client_max_size)
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # the answer itself has not begun


def _refuse_larger(size: int, limit: int) -> None:
    if size > limit:
        raise web.HTTPRequestEntityTooLarge(limit, size)
