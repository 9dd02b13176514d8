"""One process of an agent: its own data folder and lock, ports, configuration file and log."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wanderbuch.agents.machine.app_client import AppClient
from wanderbuch.agents.machine.children import STOP_S, Child, StartChild, kill_child, stop_child
from wanderbuch.agents.machine.errors import MachineError
from wanderbuch.agents.machine.ports import free_port
from wanderbuch.agents.runtime.parent import OPTION as UNTIL_STDIN_ENDS

_POLL_S: Final = 0.05
# A process that ended is noticed at once, so this only ends the wait for one that hangs: a machine may be slow.
READY_S: Final = 300.0
_LOG_TAIL: Final = 12


class AgentProcess:
    """One process of an agent.

    Args:
        role: the agent's.
        name: the agent's, for errors.
        folder: the agent's, which its processes share.
        token: of the REST API.
        number: which of several it is, from 1; None where the agent has one.
        start_child: how it is started.
    """

    def __init__(
        self, role: str, name: str, folder: Path, token: str, number: int | None, start_child: StartChild
    ) -> None:
        of_several = "" if number is None else f"-{number}"
        self.title = f"{role} {name!r}" if number is None else f"process {number} of the {role} {name!r}"
        self.public_port = free_port()
        self.app_port = free_port()
        self.data = folder / f"data{of_several}"
        self.config_path = folder / f"{role}{of_several}.toml"
        self.log_path = folder / f"agent{of_several}.log"
        self.app = AppClient(role, self.title, f"http://127.0.0.1:{self.app_port}", token)
        """The REST API of this process and no other."""
        self.process: Child | None = None
        self._start_child = start_child

    @property
    def is_running(self) -> bool:
        """Tell whether it was started and has not ended."""
        return self.process is not None and self.process.returncode is None

    async def launch(self, command: Sequence[str]) -> None:
        """Start it without waiting; its configuration must be written.

        Args:
            command: what runs it, without `--config`.
        """
        with self.log_path.open("ab") as log:
            self.process = await self._start_child(
                (*command, "--config", str(self.config_path), "--json", UNTIL_STDIN_ENDS), stdout=log, stderr=log
            )

    async def wait_ready(self, *, timeout_s: float = READY_S) -> None:
        """Wait until it is ready.

        Raises:
            MachineError: it ended, or was not ready in time.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    if not self.is_running:
                        code = self.process.returncode if self.process else None
                        raise MachineError(f"the {self.title} ended (exit code {code}): {self.log_tail()}")
                    if await self.app.is_ready():
                        return
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as err:
            raise MachineError(f"the {self.title} was not ready within {timeout_s:g} s: {self.log_tail()}") from err

    async def stop(self, *, timeout_s: float = STOP_S) -> int | None:
        """Stop it as an operator would and return its exit code; kill it if it hangs."""
        code = None if self.process is None else await stop_child(self.process, timeout_s=timeout_s)
        await self.app.close()
        return code

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            await kill_child(self.process)
        await self.app.close()

    def log_tail(self) -> str:
        """Return the last lines that it wrote."""
        try:
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-_LOG_TAIL:])
        except FileNotFoundError:
            return "(no log)"
