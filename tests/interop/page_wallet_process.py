"""Drive the wallet of `wallet/` (`page_wallet/wallet.mjs`) from Python."""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from tests.wallet_tools import build

from wanderbuch.agents.machine import LocalMachine

PROGRAM: Final = Path(__file__).parent / "page_wallet" / "wallet.mjs"
TIMEOUT_S: Final = 60.0
_MAX_LINE_BYTES: Final = 4 * 1024 * 1024

type Json = dict[str, Any]


class PageWalletError(Exception):
    """The wallet did not do it; `code` is its own, or "broke"."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class PageWallet:
    """A wallet in a process of Node.js; what it keeps outlives its visits, not the process."""

    def __init__(self, process: asyncio.subprocess.Process, mediator: str) -> None:
        self.mediator = mediator
        self.governance: Json | None = None
        """Address and author of the governance file that its pages judge by."""
        self._process = process
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._reader = asyncio.create_task(self._read())

    async def do(self, command: str, **parameters: object) -> Any:
        """Let it do one thing.

        Raises:
            PageWalletError: it did not, or took too long.
        """
        assert self._process.stdin is not None
        number = next(self._ids)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"seq": number, "do": command, "with": parameters}).encode() + b"\n")
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await answer
        except TimeoutError as err:
            dropped = "" if command == "dropped" else f"; dropped: {await self.do('dropped')}"
            raise PageWalletError("timeout", f"{command} {parameters}{dropped}") from err
        finally:
            self._waiting.pop(number, None)

    async def visit(self, *, last: int | None = None, egress: bool = False) -> bool:
        """Open the page; True: it ended before all was said, after `last` steps.

        Args:
            last: after how many steps it ends.
            egress: have the mediator send its requests to others.
        """
        told = {"mediator": self.mediator, "governance": self.governance}
        return bool(await self.do("visit", **told, last=last, egress=egress))

    async def lives(self, call: str, **told: object) -> bool:
        """Let it do something that this visit may not see the end of; return whether it did."""
        return bool(await self.do("try", call=call, told=told))

    async def lives_s(self, call: str, seconds: float, **told: object) -> bool:
        """Let it do something; return whether it was done in time. It is left to itself else."""
        try:
            async with asyncio.timeout(seconds):
                return await self.lives(call, **told)
        except TimeoutError:
            return False

    async def until(self, kind: str, **what: object) -> str:
        """Wait until a row of a kind is so (`state`, `id`, or `is`: a member that is true); give its id."""
        return str(await self.do("until", kind=kind, **what))

    async def rows(self, kind: str) -> dict[str, Json]:
        """Return what it keeps of a kind."""
        rows: dict[str, Json] = await self.do("rows", kind=kind)
        return rows

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            reply = json.loads(line)
            waiting = self._waiting.get(reply["seq"])
            if waiting is None or waiting.done():
                continue
            if "error" in reply:
                waiting.set_exception(PageWalletError(**reply["error"]))
            else:
                waiting.set_result(reply["result"])
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(PageWalletError("broke", "the wallet's process has ended"))


@asynccontextmanager
async def page_wallet(machine: LocalMachine, host: str) -> AsyncIterator[PageWallet]:
    """Run a wallet that is mediated by the mediator of a host of this machine."""
    node = shutil.which("node")
    assert node is not None
    built = await asyncio.to_thread(build)
    process = await asyncio.create_subprocess_exec(
        *(node, "--experimental-websocket", "--no-warnings", str(PROGRAM), str(built)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_MAX_LINE_BYTES,
        env={
            **os.environ,
            "NODE_EXTRA_CA_CERTS": str(machine.ca_file),
            "CONNECT": json.dumps(machine.connections()),
        },
    )
    wallet = PageWallet(process, f"https://{host}/mediator")
    try:
        yield wallet
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await wallet._reader
