"""A plain TCP proxy before the processes of one agent: each connection goes to the next one that takes it.

It looks into nothing and remembers nobody: TLS passes through, and two connections of the same client go to different
processes. One that takes no connection (killed, or not started yet) is passed over. Where none takes it, the client's
is closed. A connection whose process dies ends with it: it is the client's to come again.
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

_CONNECT_S: Final = 5.0
_PIECE: Final = 1 << 16
_BACKLOG: Final = 512


class TcpProxy:
    """Listens on one port of 127.0.0.1 and passes connections on to several others in turn.

    Args:
        port: where it listens.
        targets: the ports that it passes on to.
    """

    def __init__(self, port: int, targets: Sequence[int]) -> None:
        self.port = port
        self.carried = dict.fromkeys(targets, 0)
        """How many connections each target has taken."""
        self._targets = tuple(targets)
        self._turn = 0
        self._server: asyncio.Server | None = None
        self._carrying: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen; does nothing if it does already."""
        if self._server is None:
            self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port, backlog=_BACKLOG)

    async def close(self) -> None:
        """Stop listening and end every connection."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        carrying = tuple(self._carrying)
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)

    async def _carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._carrying.add(task)
            task.add_done_callback(self._carrying.discard)
        ends = [writer]
        try:
            reached = await self._reach()
            if reached is not None:
                ends.append(reached[1])
                async with asyncio.TaskGroup() as both:
                    both.create_task(_pass_on(reader, reached[1]))
                    both.create_task(_pass_on(reached[0], writer))
                for end in ends:
                    end.close()  # what is written still goes out
        except* OSError:
            pass  # one side is gone: so is the other
        finally:
            for end in ends:
                if not end.is_closing():
                    end.transport.abort()

    async def _reach(self) -> tuple[StreamReader, StreamWriter] | None:
        """Connect to the next process that takes a connection."""
        for _ in self._targets:
            port = self._targets[self._turn % len(self._targets)]
            self._turn += 1
            with suppress(OSError):  # also the deadline's
                async with asyncio.timeout(_CONNECT_S):
                    reached = await asyncio.open_connection("127.0.0.1", port)
                self.carried[port] += 1
                return reached
        return None


async def _pass_on(reader: StreamReader, writer: StreamWriter) -> None:
    while piece := await reader.read(_PIECE):
        writer.write(piece)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
