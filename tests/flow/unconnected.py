"""The command line in a process that may not reach out: `python -m tests.flow.unconnected ARGUMENTS`, as `wanderbuch`.

An attempt to find a host, to connect, or to send to somebody fails there, and is written to standard error as a line
that begins with REACHED OUT: so it is seen too where the command takes the failure for a network that is away.
Python's own sockets are watched, which all of our HTTP is made with; the libraries in Rust open none.
"""

import sys
from typing import Any, Final

FOUND: Final = "REACHED OUT"
_REACHING: Final = frozenset(
    {
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.gethostbyaddr",
        "socket.getnameinfo",
        "socket.sendto",
        "socket.sendmsg",
    }
)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _REACHING:
        print(f"{FOUND}: {event} {arguments}", file=sys.stderr, flush=True)
        raise OSError("there is no network here")


def main() -> None:
    """Watch from now on, and be the command."""
    sys.addaudithook(_refuse)
    from wanderbuch.agents.cli import main as run

    run()


if __name__ == "__main__":
    main()
