"""One stock ACA-Py as a subprocess, controlled by its Admin API."""

import asyncio
import json
import os
import secrets
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

import aiohttp
from aries_askar import Store
from tests.bench.errors import BenchError
from tests.bench.memory import resident_kib

from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.machine.children import start_child, stop_child
from wanderbuch.agents.machine.ports import free_port

_READY_S: Final = 120.0
_ANSWER_S: Final = 120.0
_POLL_S: Final = 0.05
_SETTINGS: Final = (
    "--no-ledger",
    "--auto-provision",
    "--preserve-exchange-records",
    "--emit-new-didcomm-prefix",
    "--emit-new-didcomm-mime-type",
    *("--wallet-type", "askar-anoncreds"),
    *("--wallet-name", "wallet"),
    *("--wallet-key-derivation-method", "RAW"),
    *("--outbound-transport", "http"),
    *("--plugin", "wanderbuch.plugins.webvh"),
    *("--plugin", "tests.bench.stock.own_did"),
    *("--log-level", "error"),
)


class StockAgent:
    """A stock ACA-Py.

    Args:
        machine: who knows where everybody is, and which certificates count.
        name: of the agent.
        further: settings of its part.
    """

    def __init__(self, machine: LocalMachine, name: str, further: Sequence[str]) -> None:
        self.name = name
        self.settings = (*_SETTINGS, *further)
        """What it is started with, but for addresses and keys."""
        self.folder = machine.folder / f"stock-{name}"
        self.folder.mkdir()
        self.public = self.folder / "public"
        self.public.mkdir()
        self.process: Process | None = None
        self.ready_kib = 0
        self._machine = machine
        self._inbound, self._admin = free_port(), free_port()
        self._log: IO[bytes] | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def endpoint(self) -> str:
        """Where DIDComm messages go."""
        return f"http://127.0.0.1:{self._inbound}"

    @property
    def pid(self) -> int:
        """The process.

        Raises:
            BenchError: it does not run.
        """
        if self.process is None:
            raise BenchError(f"stock {self.name} does not run")
        return self.process.pid

    async def start(self) -> None:
        """Start it and wait until it is ready.

        Raises:
            BenchError: it ended, or was not ready in time.
        """
        config = self.folder / "plugins.yaml"
        plugin = {
            "public_folder": str(self.public),
            "ca_file": str(self._machine.ca_file),
            "connect": self._machine.connections(),
        }
        config.write_text(json.dumps({"wanderbuch_webvh": plugin}))  # JSON is YAML
        self._log = (self.folder / "agent.log").open("wb")
        root = Path(__file__).parents[3]
        self.process = await start_child(
            (
                *(sys.executable, "-m", "tests.bench.stock.run", "start"),
                *self.settings,
                *("--label", self.name, "--endpoint", self.endpoint),
                *("--inbound-transport", "http", "127.0.0.1", str(self._inbound)),
                *("--admin", "127.0.0.1", str(self._admin), "--admin-insecure-mode"),
                *("--wallet-key", Store.generate_raw_key(secrets.token_bytes(32))),
                *("--plugin-config", str(config)),
            ),
            stdout=self._log,
            stderr=self._log,
            environment={**os.environ, "HOME": str(self.folder), "PYTHONPATH": str(root)},
            folder=root,
        )
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_S), trust_env=False)
        deadline = time.monotonic() + _READY_S
        while not await self._is_ready():
            if self.process.returncode is not None or time.monotonic() > deadline:
                raise BenchError(f"stock {self.name} does not start: {self.log_tail()}")
            await asyncio.sleep(_POLL_S)
        self.ready_kib = resident_kib(self.pid)

    async def stop(self) -> None:
        """Stop it."""
        if self._session is not None:
            await self._session.close()
        if self.process is not None:
            await stop_child(self.process)
        if self._log is not None:
            self._log.close()

    async def get(self, path: str, **query: str) -> Any:
        """Return what the Admin API answers.

        Raises:
            BenchError: it answered with an error.
        """
        return await self._call("GET", path, params=query)

    async def post(self, path: str, body: Mapping[str, object] | None = None, **query: str) -> Any:
        """Send `body`; as `get`."""
        return await self._call("POST", path, json=body or {}, params=query)

    async def wait_for(self, path: str, key: str, value: object, **query: str) -> Any:
        """Return the answer of `path`, or its only result, once its `key` is `value`; errors as `get`."""
        deadline = time.monotonic() + _ANSWER_S
        while time.monotonic() < deadline:
            answer = await self.get(path, **query)
            results = answer.get("results", [answer])
            if len(results) == 1 and results[0].get(key) == value:
                return results[0]
            await asyncio.sleep(_POLL_S)
        raise BenchError(f"stock {self.name}: expected {key} {value} at {path}, found {answer}")

    def log_tail(self) -> str:
        """Return what it wrote last."""
        return "\n".join((self.folder / "agent.log").read_text(errors="replace").splitlines()[-2:])

    async def _is_ready(self) -> bool:
        try:
            return bool((await self.get("/status/ready"))["ready"])
        except (aiohttp.ClientError, BenchError):
            return False

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        if self._session is None:
            raise BenchError(f"stock {self.name} does not run")
        url = f"http://127.0.0.1:{self._admin}{path}"
        async with self._session.request(method, url, **options) as response:
            if response.status >= 400:
                raise BenchError(f"stock {self.name}: {path}: {response.status} {(await response.text())[:300]}")
            return await response.json()
