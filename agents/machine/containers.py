"""Agents in containers, on this machine's network: the same files, ports and signals as a process has.

A container gets no capability, no way to gain one, and a root file system that it can only read; it runs as whoever
runs this program. It ends with its standard input, so with this program, as every child does (`children`).
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wanderbuch.agents.machine.errors import MachineError

_ENGINES: Final = ("podman", "docker")


def container_engine() -> str:
    """Return the program that runs containers here.

    Raises:
        MachineError: there is none.
    """
    for engine in _ENGINES:
        if shutil.which(engine):
            return engine
    raise MachineError(
        "nothing on this machine runs containers", hint="install podman (Debian: apt-get install podman) or docker"
    )


def in_container(image: str, command: Sequence[str], *, folder: Path) -> tuple[str, ...]:
    """Return what runs a command in a container.

    Args:
        image: its name.
        command: what runs there.
        folder: what it may write, and sees under the same path.

    Raises:
        MachineError: nothing runs containers here.
    """
    return (
        container_engine(),
        "run",
        "--rm",
        "--interactive",
        "--network=host",
        "--read-only",
        "--tmpfs=/tmp",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        f"--user={os.getuid()}:{os.getgid()}",
        f"--volume={folder}:{folder}",
        f"--env=HOME={folder}",
        image,
        *command,
    )
