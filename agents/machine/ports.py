"""Free ports for the processes of this machine; no two processes are ever given the same one.

They lie below those that the kernel hands out for outgoing connections. A probe alone would not do: a port is free
while the agent that it belongs to is restarted. So a process reserves blocks of ports for as long as it lives.
"""

import os
import random
import socket
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

_LOWEST: Final = 20_000
_HIGHEST: Final = 32_000
_BLOCK: Final = 50
_reservations: list[socket.socket] = []


def free_port() -> int:
    """Return a port on 127.0.0.1 that nobody listens on; never the same twice, in this process or another.

    Raises:
        OSError: none is left.
    """
    for port in _reserved[os.getpid()]:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise OSError(f"no free port between {_LOWEST} and {_HIGHEST}: other processes of Wanderbuch have taken them all")


def _reserved_ports() -> Iterator[int]:
    blocks = range(_LOWEST, _HIGHEST, _BLOCK)
    for first in random.SystemRandom().sample(blocks, len(blocks)):
        reservation = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            # An abstract name: the kernel knows it alone, and gives it back when the process ends, however that ends.
            reservation.bind(f"\0wanderbuch-ports-{first}")
        except OSError:
            reservation.close()
            continue
        _reservations.append(reservation)
        yield from range(first, first + _BLOCK)


_reserved: Final[defaultdict[int, Iterator[int]]] = defaultdict(_reserved_ports)
"""By process: a child that is forked begins blocks of its own."""
