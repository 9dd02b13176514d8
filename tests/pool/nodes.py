"""Four real nodes of Indy on one address of this machine: started, stopped, killed and frozen one by one.

    pool = IndyPool(tmp_path)
    pool.start()            # returns when all four take part
    pool.genesis            # the file that clients are given
    pool.nodes[0].freeze()  # answers nothing, as one behind a dead line
    pool.stop()

It is **a pool without state proofs** (node/settings.py): a reader believes what two nodes of four say. With one node
down it writes and reads; with two down nothing is written, and what is read is not certain.
"""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from tests.pool.installing import nodes_python

from wanderbuch.agents.machine.ports import free_port

_SCRIPTS: Final = Path(__file__).parent / "node"
_READY: Final = "started participating"
_DEADLINE_S: Final = 300.0  # ends only the wait for a pool that hangs: the machine may be slow
_POLL_S: Final = 0.1
_ENVIRONMENT: Final = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


class Node:
    """One node: a process that can be started again on the files that it left."""

    def __init__(self, python: Path, folder: Path, name: str, host: str, ports: tuple[int, int]) -> None:
        self.name = name
        self.ports = ports
        self._host = host
        self._python = python
        self._folder = folder
        self._log = folder / f"{name}.out"
        self._process: subprocess.Popen[bytes] | None = None
        self._from = 0

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; `wait` for it to take part."""
        self._from = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._python, _SCRIPTS / "run_node.py", self._folder, self.name, self._host, *map(str, self.ports)],
                stdin=subprocess.PIPE,  # held by us: the node ends when we do
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=_ENVIRONMENT,
            )

    def wait(self) -> None:
        """Return when it takes part in the pool.

        Raises:
            RuntimeError: it ended, or did not in five minutes; has the end of its log.
        """
        end = time.monotonic() + _DEADLINE_S
        while _READY not in self._said():
            if not self.runs or time.monotonic() > end:
                raise RuntimeError(f"{self.name} of the Indy pool does not take part: {self._said()[-3000:]}")
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """End it as an operator would; it has closed its files when this returns."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it keep its connections and answer nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if self.runs:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(number)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        self._process = None

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _said(self) -> str:
        with self._log.open("rb") as log:
            log.seek(self._from)
            return log.read().decode(errors="replace")


class IndyPool:
    """The four of them, and their genesis file."""

    def __init__(self, folder: Path, size: int = 4, *, host: str = "127.0.0.1") -> None:
        """Make keys and the genesis file; nothing runs yet.

        Args:
            folder: for all files.
            size: so many nodes.
            host: address of this machine at which they listen, for each other and for clients.
        """
        python = nodes_python()
        ports = [(free_port(), free_port()) for _ in range(size)]
        made = subprocess.run(
            [python, _SCRIPTS / "make_genesis.py", folder, host, *(str(port) for pair in ports for port in pair)],
            capture_output=True,
            text=True,
            check=False,
            env=_ENVIRONMENT,
        )
        if made.returncode:
            raise RuntimeError(f"no genesis file: {made.stderr[-3000:]}")
        self.genesis = Path(made.stdout.splitlines()[-1])
        self.nodes = tuple(Node(python, folder, f"Node{number}", host, pair) for number, pair in enumerate(ports, 1))

    def start(self) -> None:
        """Start those that do not run, let go on those that are frozen; return when all take part."""
        started = [node for node in self.nodes if not node.runs]
        for node in self.nodes:
            node.thaw()
        for node in started:
            node.start()
        for node in started:
            node.wait()

    def stop(self) -> None:
        """Stop all of them."""
        for node in self.nodes:
            node.stop()

    def restart(self) -> None:
        """Stop all of them, then start them on what they wrote."""
        self.stop()
        self.start()
