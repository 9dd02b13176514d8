"""Child processes that end with this one, whatever ends it.

This process holds the other end of each child's standard input; nobody else does: the descriptor is not inherited, and
the children are started with all others closed. When this process is gone the kernel closes it, and the child sees its
input end. A child must heed that: an agent does with `--until-stdin-ends` (`runtime.parent`), a program of another kind
by reading its input.

A child has a session of its own, so that Ctrl-C or the end of a terminal reaches this process only, which then stops
its children in order.
"""

import asyncio
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

STOP_S = 60.0
"""How long a child may take to stop; a machine may be slow, and a wallet must be closed."""


class Closeable(Protocol):
    """What can be closed."""

    def close(self) -> None:
        """Close it."""


class Child(Protocol):
    """What is needed of a child: `asyncio.subprocess.Process` has it."""

    @property
    def pid(self) -> int:
        """Return its process id."""

    @property
    def returncode(self) -> int | None:
        """Return its exit code; None while it runs."""

    @property
    def stdin(self) -> Closeable | None:
        """Return the other end of its standard input."""

    def send_signal(self, signal: int, /) -> None:
        """Send it a signal."""

    def kill(self) -> None:
        """Send it SIGKILL."""

    async def wait(self) -> int:
        """Wait until it has ended and return its exit code."""


class StartChild(Protocol):
    """How a machine starts its agents: `start_child`, or another that keeps what it promises."""

    async def __call__(self, command: Sequence[str], *, stdout: IO[bytes], stderr: IO[bytes]) -> Child:
        """Start a program that ends when its standard input does."""


async def start_child(
    command: Sequence[str],
    *,
    stdout: int | IO[bytes],
    stderr: int | IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    limit: int = 1 << 16,
) -> Process:
    """Start a program that ends when its standard input does.

    Args:
        command: the program and its arguments.
        stdout: where its output goes.
        stderr: where its errors go; by default where ours go.
        environment: instead of ours.
        folder: where it runs, instead of here.
        limit: the longest line of its output that a reader takes, in bytes.
    """
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=PIPE,
        stdout=stdout,
        stderr=stderr,
        env=None if environment is None else dict(environment),
        cwd=folder,
        limit=limit,
        start_new_session=True,
    )


async def stop_child(process: Child, *, timeout_s: float = STOP_S) -> int:
    """Stop a child as an operator would and return its exit code; kill it if it hangs."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(timeout_s):
                await process.wait()
        except TimeoutError:
            await kill_child(process)
    _let_go(process)
    return await process.wait()


async def kill_child(process: Child) -> None:
    """End a child as a power cut would."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    _let_go(process)


def _let_go(process: Child) -> None:
    if process.stdin is not None:
        process.stdin.close()
