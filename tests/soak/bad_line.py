"""A line that is slow and breaks: a TCP proxy that passes pieces on late, and ends some connections in the middle."""

import asyncio
import random
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from typing import Final

_PIECE: Final = 1 << 14
_MOST_PIECES: Final = 12


class BadLine:
    """Stands before one port of 127.0.0.1.

    Args:
        target: that port.
        rng: chooses.
        loss: which part of the connections ends before all has passed.
        delay_s: how late a piece may pass; in its direction nothing overtakes it.
    """

    def __init__(self, target: int, rng: random.Random, *, loss: float, delay_s: float) -> None:
        self._target, self._rng = target, rng
        self._loss, self._delay_s = loss, delay_s
        self._server: asyncio.Server | None = None
        self._carrying: set[asyncio.Task[None]] = set()
        self.carried = self.broken = 0

    async def open(self) -> int:
        """Listen, and return the port."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0, backlog=512)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        carrying = tuple(self._carrying)
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)

    async def _carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)
        self.carried += 1
        ends = [writer]
        breaks = self._rng.random() < self._loss
        pieces = [self._rng.randrange(_MOST_PIECES)] if breaks else []
        try:
            further, there = await asyncio.open_connection("127.0.0.1", self._target)
            ends.append(there)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, there, pieces))
                group.create_task(self._pass_on(further, writer, pieces))
        except (OSError, ExceptionGroup):
            self.broken += 1
        finally:
            for end in ends:
                end.transport.abort()

    async def _pass_on(self, reader: StreamReader, writer: StreamWriter, pieces: list[int]) -> None:
        while piece := await reader.read(_PIECE):
            if pieces:
                if not pieces[0]:
                    raise ConnectionResetError("the line broke")
                pieces[0] -= 1
            await asyncio.sleep(self._rng.uniform(0, self._delay_s))
            writer.write(piece)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()
