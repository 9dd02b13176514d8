"""Free ports, below those that the kernel hands out for outgoing connections, so that nobody takes them meanwhile."""

import random
import socket

_LOWEST, _HIGHEST = 20_000, 32_000
_taken: set[int] = set()


def free_port() -> int:
    """Return a port on 127.0.0.1 that nobody listens on; never the same twice in one process."""
    for port in random.SystemRandom().sample(range(_LOWEST, _HIGHEST), _HIGHEST - _LOWEST):
        if port in _taken:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _taken.add(port)
        return port
    raise OSError(f"no free port between {_LOWEST} and {_HIGHEST}")
