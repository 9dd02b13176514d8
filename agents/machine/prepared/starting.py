"""Starting agents from a prepared process, where `children.start_child` starts them from nothing.

    async with PreparedStart(AGENTS, programs=["rogues.lying_wallet"]) as start:
        machine = LocalMachine(folder, start_child=start)

The prepared process is made when it is first needed, and ends with the one that asks it, whatever ends that; so do the
agents, by themselves, since their standard input ends then (`children`). Several processes share one that the first of
them offers (`share`); each one's agents end with it.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Self

from wanderbuch.agents.machine.children import Child, kill_child, start_child
from wanderbuch.agents.machine.prepared.requests import NUMBER_BYTES, StartRequest, number_in, send

AGENTS: Final = (
    "wanderbuch.agents.cli.run",
    "wanderbuch.agents.runtime.process",
    "wanderbuch.agents.authority.role",
    "wanderbuch.agents.issuer.role",
    "wanderbuch.agents.holder.role",
    "wanderbuch.agents.verifier.role",
    "wanderbuch.agents.runtime.store_postgresql",
    # What a role imports only when it is wanted:
    "wanderbuch.agents.holder.api",
    "wanderbuch.agents.verifier.api",
    "wanderbuch.agents.verifier.erasing.receiving_erasures",
    "wanderbuch.agents.verifier.getting_in.sign_up_pages",
    "wanderbuch.agents.verifier.office",
    "wanderbuch.agents.verifier.pages.mounting",
    "wanderbuch.plugins.trust.verifying.receiving",
    "wanderbuch.plugins.trust.verifying.verifier",
    # What ACA-Py imports by its name when it starts:
    "wanderbuch.plugins.http.outbound",
    "wanderbuch.plugins.webvh.plugin",
    "wanderbuch.plugins.webvh.routes",
)
"""What agents of all roles import."""

_MODULE: Final = (sys.executable, "-m")
_SERVER: Final = "wanderbuch.agents.machine.prepared.server"


class PreparedStart:
    """Starts programs as `children.start_child` does; Python modules from one process that has imported for all."""

    def __init__(self, imported: Sequence[str], *, programs: Sequence[str] = (), folder: Path | None = None) -> None:
        """Prepare; nothing is started yet.

        Args:
            imported: modules that are imported for all; `module:function` is called then.
            programs: modules that are run as programs: what they import is imported for all, and they are not.
            folder: where modules are found that are not installed; by default here.
        """
        self._command = [_SERVER, ",".join(imported), ",".join(programs)]
        self._folder = folder
        self._server: tuple[subprocess.Popen[bytes], socket.socket] | None = None
        self._shared: Path | None = None
        self._joined: socket.socket | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the prepared process; nobody is told any more how what was started from it ends."""
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """End the prepared process, or leave that of others; as at the end of `async with`."""
        if self._joined is not None:
            self._joined.close()
            self._joined = None
        if self._server is not None:
            process, asking = self._server
            self._server = None
            asking.close()
            process.wait()

    def share(self, path: Path) -> None:
        """Offer the prepared process at a path that is not there yet; it imports when somebody first asks for one."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
            listening.bind(str(path))
            listening.listen()
            self._server = self._start_server(listening)

    def join(self, path: Path) -> None:
        """From now on ask the prepared process that another one shares, made for the same modules."""
        self._shared = path

    async def __call__(self, command: Sequence[str], *, stdout: IO[bytes], stderr: IO[bytes]) -> Child:
        """Start a program; one that is no Python module is started as any other.

        Args:
            command: the program and its arguments.
            stdout: where its output goes.
            stderr: where its errors go.
        """
        if tuple(command[:2]) != _MODULE:
            return await start_child(command, stdout=stdout, stderr=stderr)
        starting = asyncio.create_task(self._start(command[2:], stdout.fileno(), stderr.fileno()))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:  # asked for, it comes: nobody else would end it
            with suppress(RuntimeError):
                await kill_child(await starting)
            raise

    async def _start(self, arguments: Sequence[str], stdout: int, stderr: int) -> "PreparedChild":
        inside, stdin = os.pipe()
        told, tells = socket.socketpair()
        try:
            send(self._asking(), StartRequest(arguments, os.environ, str(Path.cwd()), (inside, stdout, stderr), tells))
        finally:
            os.close(inside)
            tells.close()
        told.setblocking(False)
        try:
            return PreparedChild(await _number(told), told, stdin)
        except RuntimeError:
            os.close(stdin)
            told.close()
            raise

    def _asking(self) -> socket.socket:
        """Return where the prepared process is asked, started if it is not there. It ends when this end is closed."""
        if self._shared is not None:
            if self._joined is None:
                self._joined = _connected(self._shared)
            return self._joined
        if self._server is None:
            self._server = self._start_server()
        return self._server[1]

    def _start_server(self, *listening: socket.socket) -> tuple[subprocess.Popen[bytes], socket.socket]:
        asking, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        module, *modules = self._command
        with asked:
            process = subprocess.Popen(  # noqa: S603 (a module of ours)
                [*_MODULE, module, str(asked.fileno()), *modules, *(str(sock.fileno()) for sock in listening)],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[sock.fileno() for sock in (asked, *listening)],
                start_new_session=True,
            )
        return process, asking


class PreparedChild:
    """A process that was forked for us: the part of `asyncio.subprocess.Process` that agents of a machine need.

    Args:
        pid: its id.
        told: where its exit code will be told.
        stdin: the other end of its standard input.
    """

    def __init__(self, pid: int, told: socket.socket, stdin: int) -> None:
        self.pid = pid
        self.stdin = os.fdopen(stdin, "wb", buffering=0)
        self.returncode: int | None = None
        self._told = told
        self._ending = asyncio.create_task(self._end())

    def send_signal(self, number: int, /) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Wait until it has ended and return its exit code; a signal's number below zero."""
        return await asyncio.shield(self._ending)

    async def _end(self) -> int:
        with self._told:
            self.returncode = await _number(self._told)
        return self.returncode


def _connected(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        made.connect(str(path))
    except OSError:
        made.close()
        raise
    return made


async def _number(told: socket.socket) -> int:
    """Return the next number that is told."""
    text = await asyncio.get_running_loop().sock_recv(told, NUMBER_BYTES)
    if len(text) < NUMBER_BYTES:
        raise RuntimeError("the process that agents are forked from is gone; what it wrote says why")
    return number_in(text)
