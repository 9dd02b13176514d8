"""Looking names up in threads of one's own: a name whose servers are silent must not hold up other work.

The operating system's look-up blocks a thread for as long as it likes, and the event loop's own threads read files too.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult

_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class NameLookup(AbstractResolver):
    """Asks the operating system, so many names at once.

    Args:
        threads: how many.
    """

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of `host`.

        Raises:
            OSError: it has none, or nobody says.
        """
        infos = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        )
        return [
            ResolveResult(hostname=host, host=_address(name), port=port, family=kind, proto=proto, flags=_NUMERIC)
            for kind, _, proto, _, name in infos
        ]

    async def close(self) -> None:
        """Wait for no thread: one that hangs ends when the operating system lets it."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _address(name: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]) -> str:
    """Return the address in what `getaddrinfo` says, with the scope of a link-local one."""
    address = str(name[0])
    scope = name[3] if len(name) == 4 else 0
    return f"{address}%{scope}" if scope else address
