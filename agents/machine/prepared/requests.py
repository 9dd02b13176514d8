"""What is said between a process and the one that forks agents for it: one message a start, with its files."""

import json
import os
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_MAX_BYTES: Final = 1 << 17
_NUMBER: Final = struct.Struct("!i")
NUMBER_BYTES: Final = _NUMBER.size


@dataclass(frozen=True, slots=True)
class StartRequest:
    """A module to be run, as `python -m` would, in a process of its own.

    Args:
        arguments: the module's name, and its arguments.
        environment: all of it.
        folder: where it runs.
        files: its standard input, output and errors.
        told: where its process id is told, and how it ended.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: str
    files: tuple[int, int, int]
    told: socket.socket

    def close_files(self) -> None:
        """Close our copies of its files."""
        for file in self.files:
            os.close(file)


def send(to: socket.socket, request: StartRequest) -> None:
    """Ask for a process."""
    text = json.dumps([list(request.arguments), dict(request.environment), request.folder]).encode()
    if len(text) > _MAX_BYTES:
        raise ValueError(f"arguments and environment have {len(text)} bytes, more than {_MAX_BYTES}")
    socket.send_fds(to, [text], [*request.files, request.told.fileno()])


def receive(asking: socket.socket) -> StartRequest | None:
    """Return the next request; None when nobody is there any more."""
    text, files, _, _ = socket.recv_fds(asking, _MAX_BYTES, 4)
    if not text:
        return None
    arguments, environment, folder = json.loads(text)
    *standard, told = files
    return StartRequest(
        arguments, environment, folder, (standard[0], standard[1], standard[2]), socket.socket(fileno=told)
    )


def tell(told: socket.socket, number: int) -> None:
    """Tell a process id or an exit code to whoever asked, if it is still there."""
    try:
        told.sendall(_NUMBER.pack(number))
    except OSError:
        return


def number_in(text: bytes) -> int:
    """Return the number that was told."""
    number: int = _NUMBER.unpack(text)[0]
    return number
