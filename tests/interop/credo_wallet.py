"""Drive a stock Credo wallet (`credo/wallet.mjs`) from Python.

The wallet is a process of its own that obeys JSON lines; see the head of `wallet.mjs` for the form. What it holds lies
in its folder: started again there, it is the same wallet.
"""

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aries_askar import Store
from tests.interop.credo_install import install, native_libraries, require_node

from wanderbuch.agents.machine.children import kill_child, start_child

COMMAND_TIMEOUT_S = 60.0
EVENT_TIMEOUT_S = 45.0
MAX_LINE_BYTES = 16 * 1024 * 1024

type Json = dict[str, Any]


class CredoError(Exception):
    """The wallet answered a command with an error, or did not answer."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a reachable wallet listens for DIDComm; certificate and key are PEM files for the name in `url`."""

    url: str
    port: int
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Exchange:
    """One credential or proof exchange as the wallet last reported it."""

    kind: str
    id: str
    state: str
    thread_id: str
    parent_thread_id: str | None
    connection_id: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that the wallet has followed."""

    invitation_id: str
    label: str | None
    connection_id: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """A message that came, whatever Credo makes of it; `code` is that of a problem report, `count` that of a status."""

    type: str
    thread_id: str
    parent_thread_id: str | None
    code: str | None
    count: int | None


class CredoWallet:
    """A running Credo wallet; make one with `credo_wallet`."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.log = log
        self.events: list[Exchange] = []
        self.messages: list[Message] = []
        self._process = process
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._news = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    async def do(self, command: str, **parameters: object) -> Any:
        """Send one command and give its result.

        Raises:
            CredoError: the wallet answered with an error, stopped, or took longer than `COMMAND_TIMEOUT_S`.
        """
        if self._process.stdin is None or self._reader.done():
            raise CredoError(f"{command}: the wallet has stopped, see {self.log}")
        number = next(self._ids)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"seq": number, "do": command, "with": parameters}).encode() + b"\n")
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT_S):
                await self._process.stdin.drain()
                return await answer
        except TimeoutError as err:
            raise CredoError(f"{command}: no answer after {COMMAND_TIMEOUT_S} s, see {self.log}") from err
        finally:
            self._waiting.pop(number, None)

    async def switch_off(self) -> None:
        """Listen no more: from now on nobody reaches the wallet."""
        await self.do("switch_off")

    async def receive(self, url: str, *, reuse: bool = False) -> Invitation:
        """Follow an invitation, given as a long URL or as a short link.

        Args:
            reuse: go on over the connection that the wallet already has with the inviter, as phone wallets like to.
        """
        return Invitation(**await self.do("receive", url=url, reuse=reuse))

    async def offer_of(self, invitation: Invitation) -> Exchange:
        """Wait for the credential offer that follows an invitation over the connection."""
        return await self.until(lambda seen: _belongs(seen, "credential", invitation, "offer-received"))

    async def request_of(self, invitation: Invitation) -> Exchange:
        """Wait for the proof request that came with an invitation."""
        return await self.until(lambda seen: _belongs(seen, "proof", invitation, "request-received"))

    async def reached(self, exchange: Exchange, *states: str, timeout_s: float = EVENT_TIMEOUT_S) -> Exchange:
        """Wait until an exchange has been in one of the states."""
        return await self.until(
            lambda seen: seen.kind == exchange.kind and seen.id == exchange.id and seen.state in states,
            timeout_s=timeout_s,
        )

    def has_reached(self, exchange: Exchange, *states: str) -> bool:
        """Tell whether an exchange has been in one of the states so far."""
        return any(
            seen.kind == exchange.kind and seen.id == exchange.id and seen.state in states for seen in self.events
        )

    async def until(self, wanted: Callable[[Exchange], bool], *, timeout_s: float = EVENT_TIMEOUT_S) -> Exchange:
        """Wait for an event, past or future, that fits.

        Raises:
            CredoError: none came in time; the message lists what came instead.
        """

        def matching() -> Exchange | None:
            return next((seen for seen in self.events if wanted(seen)), None)

        try:
            async with asyncio.timeout(timeout_s), self._news:
                while (event := matching()) is None:
                    if self._reader.done():
                        raise CredoError(f"the wallet has stopped, see {self.log}")
                    await self._news.wait()
                return event
        except TimeoutError as err:
            came = ", ".join(f"{seen.kind} {seen.state}" for seen in self.events) or "nothing"
            raise CredoError(f"no such event after {timeout_s} s; came: {came}; see {self.log}") from err

    async def told(self, message_type: str, *, timeout_s: float = EVENT_TIMEOUT_S) -> Message:
        """Wait for a message, past or future, whose type ends so.

        Raises:
            CredoError: none came in time.
        """
        try:
            async with asyncio.timeout(timeout_s), self._news:
                while True:
                    if message := next(
                        (message for message in self.messages if message.type.endswith(message_type)), None
                    ):
                        return message
                    await self._news.wait()
        except TimeoutError as err:
            came = ", ".join(message.type for message in self.messages) or "nothing"
            raise CredoError(f"no {message_type} after {timeout_s} s; came: {came}; see {self.log}") from err

    async def has_all(self, *, timeout_s: float = EVENT_TIMEOUT_S) -> None:
        """Wait until its mediator has told, since it delivered last, that nothing waits for the wallet."""

        def is_empty() -> bool:
            for message in reversed(self.messages):
                if message.type.endswith("messagepickup/2.0/delivery"):
                    return False
                if message.count == 0:
                    return True
            return False

        async with asyncio.timeout(timeout_s), self._news:
            await self._news.wait_for(is_empty)

    async def ping(self, connection_id: str | None) -> None:
        """Ask the other side of a connection for what it has, as a wallet that nobody can reach must."""
        await self.do("ping", connection_id=connection_id)

    async def kill(self) -> None:
        """End the process as a phone does whose battery is empty."""
        await kill_child(self._process)

    async def stop(self) -> bool:
        """Close the wallet; tell whether its process runs on and can be another one."""
        if self._process.returncode is not None or self._reader.done():
            return False
        await self.do("stop")
        self.events.clear()
        self.messages.clear()
        return True

    async def end(self) -> None:
        """End the process, in order if it heeds that its input has ended."""
        if self._process.returncode is not None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await self._process.wait()
        except TimeoutError:
            await kill_child(self._process)

    async def accept(self, offer: Exchange) -> None:
        """Accept an offer and wait until the credential is stored."""
        await self.do("accept_offer", id=offer.id)
        await self.reached(offer, "done")

    async def decline_offer(self, offer: Exchange) -> None:
        """Decline an offer, telling the issuer."""
        await self.do("decline_offer", id=offer.id)

    async def credentials(self) -> list[Json]:
        """List the credentials that the wallet holds."""
        credentials: list[Json] = await self.do("credentials")
        return credentials

    async def matches(self, request: Exchange) -> Json:
        """Give what a request asks and the ids of the fitting credentials by referent."""
        matches: Json = await self.do("request", id=request.id)
        return matches

    async def answer(self, request: Exchange, *, with_revoked: bool = False) -> None:
        """Answer a request with the credentials that the wallet selects by itself.

        Raises:
            CredoError: nothing in the wallet fits.
        """
        await self.do("answer", id=request.id, with_revoked=with_revoked)

    async def decline(self, request: Exchange) -> None:
        """Decline a request, telling the verifier."""
        await self.do("decline", id=request.id)

    async def _read(self) -> None:
        stdout = self._process.stdout
        if stdout is None:
            return
        try:
            while line := await stdout.readline():
                await self._take(json.loads(line))
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(CredoError(f"the wallet has stopped, see {self.log}"))
            async with self._news:
                self._news.notify_all()

    async def _take(self, message: Json) -> None:
        if "event" in message:
            kind = message.pop("event")
            async with self._news:
                if kind == "message":
                    self.messages.append(Message(**message))
                else:
                    self.events.append(Exchange(kind=kind, **message))
                self._news.notify_all()
            return
        answer = self._waiting.get(message["seq"])
        if answer is None or answer.done():
            return
        if error := message.get("error"):
            cause = f" ({error['cause']})" if error.get("cause") else ""
            answer.set_exception(CredoError(f"{error['name']}: {error['message']}{cause}"))
        else:
            answer.set_result(message.get("result"))


@asynccontextmanager
async def credo_wallet(
    folder: Path,
    *,
    ca_file: Path,
    connect: Mapping[str, str],
    endpoint: Endpoint | None = None,
    ledger: Mapping[str, str] | None = None,
    mediator: Mapping[str, str] | None = None,
    log_level: str = "warn",
    idle: list[CredoWallet] | None = None,
) -> AsyncIterator[CredoWallet]:
    """Run a Credo wallet and stop it at the end.

    Args:
        folder: where the wallet keeps its files and its key; a new process adds its log to `wallet.log` in it.
        ca_file: PEM certificates to trust, instead of the public ones.
        connect: which "host:443" to dial at which "address:port".
        endpoint: where the wallet listens; without one, as a phone, it gets answers on its own requests only.
        ledger: namespace and genesis transactions of an Indy ledger, if it is to know one.
        mediator: where the invitation of its mediator is, and how it picks up; see `wallet.mjs`.
        log_level: one of Credo's levels: debug, info, warn, error.
        idle: processes that are no wallet any more: one of them is taken, and brought back if it still runs. A caller
            that keeps some ends them (`end`).
    """
    start = await asyncio.to_thread(_start_command, folder, ca_file, endpoint)
    wallet = idle.pop() if idle else await _start_process(folder / "wallet.log")
    is_stopped = False
    try:
        further = {"indy": ledger and dict(ledger), "mediator": mediator and dict(mediator)}
        await wallet.do("start", **start, connect=dict(connect), log_level=log_level, **further)
        yield wallet
        is_stopped = idle is not None and await wallet.stop()
    finally:
        if is_stopped and idle is not None:
            idle.append(wallet)
        else:
            await wallet.end()


async def _start_process(log: Path) -> CredoWallet:
    program = await asyncio.to_thread(install)
    with log.open("ab") as stderr:
        process = await start_child(
            (require_node(), str(program)),
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            limit=MAX_LINE_BYTES,
            environment={**os.environ, **native_libraries()},
        )
    return CredoWallet(process, log)


def _start_command(folder: Path, ca_file: Path, endpoint: Endpoint | None) -> Json:
    folder.mkdir(parents=True, exist_ok=True)
    key = folder / "wallet.key"
    if not key.exists():
        key.write_text(Store.generate_raw_key())
    inbound = endpoint and {
        "endpoint": endpoint.url,
        "port": endpoint.port,
        "cert": endpoint.certificate.read_text(),
        "key": endpoint.key.read_text(),
    }
    return {"folder": str(folder), "key": key.read_text(), "ca": ca_file.read_text(), "inbound": inbound}


def _belongs(seen: Exchange, kind: str, invitation: Invitation, state: str) -> bool:
    return seen.kind == kind and seen.state == state and seen.parent_thread_id == invitation.invitation_id
