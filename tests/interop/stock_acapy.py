"""A stock ACA-Py as a peer: `aca-py start` with our registry plugin and our way out, driven by its Admin API.

Nothing of our runtime, of our exchanges or of our other plugins is in it.

    async with stock_acapy(machine, "ministry") as ministry:
        await ministry.post("/out-of-band/create-invitation", {…})

It listens on plain http and has no web server; a front in this process ends TLS for it and serves its public files.
"""

import asyncio
import json
import os
import secrets
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aries_askar import Store
from tests.interop.acapy_operator import KEY

from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.machine.children import start_child, stop_child
from wanderbuch.agents.machine.ports import free_port

START_S = 120.0
STEP_S = 45.0
_ANSWER_S = 240.0  # a credential definition with its registries, while others use the machine
_POLL_S = 0.1
_MAX_WEBHOOK_BYTES = 16 * 1024 * 1024
# ACA-Py's own conveniences, as demos and production have them; exchanges are driven step by step.
_SETTINGS = (
    "--auto-provision",
    "--auto-accept-invites",
    "--auto-accept-requests",
    "--auto-verify-presentation",
    "--auto-respond-credential-request",
    "--public-invites",
    "--preserve-exchange-records",
    "--notify-revocation",
    "--monitor-revocation-notification",
)

type Json = dict[str, Any]


class AcaPyError(Exception):
    """The Admin API answered with an error, or what was waited for did not come."""


class StockAcaPy:
    """One that runs; make it with `stock_acapy`."""

    def __init__(self, name: str, host: str, admin_url: str, log: Path) -> None:
        self.name = name
        self.host = host
        self.did = ""
        self.log = log
        self._admin = admin_url
        self._told: list[tuple[str, Json]] = []
        self._news = asyncio.Condition()
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_S))

    async def get(self, path: str, **query: str) -> Any:
        """Return the Admin API's answer; errors as with `post`."""
        return await self._call("GET", path, params=query)

    async def post(self, path: str, body: Mapping[str, object] | None = None, **query: str) -> Any:
        """Return the Admin API's answer.

        Raises:
            AcaPyError: it answered with an error.
        """
        return await self._call("POST", path, json=body or {}, params=query)

    async def until(self, path: str, wanted: Callable[[Any], Any], *, timeout_s: float = STEP_S, **query: str) -> Any:
        """Ask until the answer gives something.

        Args:
            path: to ask at.
            wanted: gives what is wanted of an answer; something that counts as false if it is not there yet.
            timeout_s: how long.
            query: of the address.

        Raises:
            AcaPyError: it gave nothing in time; says what the last answer was.
        """
        answer: Any = None
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    answer = await self.get(path, **query)
                    if value := wanted(answer):
                        return value
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as err:
            raise AcaPyError(f"{path}: not in {timeout_s} s: {json.dumps(answer)[:1500]}; see {self.log}") from err

    async def reached(self, path: str, *states: str, timeout_s: float = STEP_S) -> Json:
        """Wait until the exchange at `path` is in one of the states, and return it."""

        def there(answer: Json) -> Json | None:
            record = answer.get("cred_ex_record", answer)
            return record if record["state"] in states else None

        reached_record: Json = await self.until(path, there, timeout_s=timeout_s)
        return reached_record

    async def credential_exchange(self, *states: str, **tags: str) -> Json:
        """Wait for a credential exchange with these members (`connection_id`, `thread_id`) in one of the states."""
        return await self._exchange(
            "/issue-credential-2.0/records", states, tags, lambda entry: entry["cred_ex_record"]
        )

    async def proof_exchange(self, *states: str, **tags: str) -> Json:
        """Wait for a proof exchange with these members in one of the states."""
        return await self._exchange("/present-proof-2.0/records", states, tags, lambda entry: entry)

    async def connected(self, invitation_id: str) -> str:
        """Wait until the connection of an invitation stands, and return its id."""
        connection_id: str = await self.until(
            "/connections",
            lambda answer: next(
                (result["connection_id"] for result in answer["results"] if result["rfc23_state"] == "completed"), None
            ),
            invitation_msg_id=invitation_id,
        )
        return connection_id

    async def receive(self, invitation: Json, *, use_existing_connection: str = "false") -> Json:
        """Take an invitation."""
        taken: Json = await self.post(
            "/out-of-band/receive-invitation", invitation, use_existing_connection=use_existing_connection
        )
        return taken

    async def told(self, topic: str, wanted: Callable[[Json], bool], *, timeout_s: float = STEP_S) -> Json:
        """Wait for a webhook, past or future, and return what it says.

        Args:
            topic: of the webhook.
            wanted: tells whether it is the one.
            timeout_s: how long.

        Raises:
            AcaPyError: none came in time.
        """

        def first_wanted() -> Json | None:
            return next((payload for of, payload in self._told if of == topic and wanted(payload)), None)

        try:
            async with asyncio.timeout(timeout_s), self._news:
                while (event := first_wanted()) is None:
                    await self._news.wait()
                return event
        except TimeoutError as err:
            came = ", ".join(of for of, _ in self._told) or "nothing"
            raise AcaPyError(f"no webhook {topic} in {timeout_s} s; came: {came}; see {self.log}") from err

    async def listen(self) -> None:
        """Take the webhooks, which the Admin API gives on a websocket, too, until it closes."""
        async with self.session.ws_connect(f"{self._admin}/ws", max_msg_size=_MAX_WEBHOOK_BYTES) as socket:
            async for message in socket:
                event = json.loads(message.data)
                if "payload" in event:  # a ping has none
                    async with self._news:
                        self._told.append((event["topic"], event["payload"]))
                        self._news.notify_all()

    async def _exchange(
        self, path: str, states: tuple[str, ...], tags: Mapping[str, str], read: Callable[[Json], Json]
    ) -> Json:
        def there(answer: Json) -> Json | None:
            records = [read(result) for result in answer["results"]]
            return next((record for record in records if record["state"] in states), None)

        exchange: Json = await self.until(path, there, timeout_s=STEP_S, **tags)
        return exchange

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        async with self.session.request(method, f"{self._admin}{path}", **options) as response:
            text = await response.text()
            if response.status >= 400:
                raise AcaPyError(f"{method} {path}: {response.status} {response.reason}: {text[:1000]}; see {self.log}")
            return json.loads(text)


def lay_out(name: str) -> tuple[str, int]:
    """Give a stock ACA-Py a host name and a port; agents that start before it must know both, to reach it."""
    return f"{name}.wanderbuch.test", free_port()


@asynccontextmanager
async def stock_acapy(
    machine: LocalMachine, name: str, place: tuple[str, int], *, genesis: Path | None = None, more: tuple[str, ...] = ()
) -> AsyncIterator[StockAcaPy]:
    """Run a stock ACA-Py with a did:webvh of its own and stop it at the end.

    Args:
        machine: whose agents it meets.
        name: its label.
        place: as `lay_out` gave it.
        genesis: of an Indy ledger that it reads, too.
        more: of its command line.
    """
    host, port = place
    folder = machine.folder / f"stock-{name}"
    folder.mkdir()
    inbound, admin = free_port(), free_port()
    log, did = folder / "acapy.log", folder / "did"
    stock = StockAcaPy(name, host, f"http://127.0.0.1:{admin}", log)
    front = await _front(machine, stock, folder, port, inbound)
    # ACA-Py fetches tails of ledgers by `requests`, which asks the DNS unless a proxy does.
    proxy, proxy_port = await _proxy(dict(line.split("=") for line in machine.connections()))
    told = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy_port}", "REQUESTS_CA_BUNDLE": str(machine.ca_file)}
    with log.open("wb") as output:
        process = await start_child(
            (*_command(machine, name, host, folder, inbound, admin, did), *_ledger(genesis), *more),
            stdout=output,
            stderr=output,
            environment={**os.environ, "HOME": str(folder), **(told if genesis else {})},
        )
    try:
        async with asyncio.timeout(START_S):
            while not did.exists() or not await _is_ready(stock):
                if process.returncode is not None:
                    raise AcaPyError(f"aca-py ended: {log.read_text()[-2000:]}")
                await asyncio.sleep(_POLL_S)
        stock.did = did.read_text()
        listening = asyncio.create_task(stock.listen())
        try:
            yield stock
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    finally:
        await stop_child(process, timeout_s=20)
        await stock.session.close()
        await front.cleanup()
        proxy.close()
        proxy.abort_clients()


async def _proxy(targets: Mapping[str, str]) -> tuple[asyncio.Server, int]:
    """Serve a proxy (RFC 9110 §9.3.6) that knows the names of this machine: "<host>:443" -> "<address>:<port>"."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(64 * 1024):
            writer.write(piece)
            await writer.drain()
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        if asked not in targets:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            writer.close()
            return
        host, _, number = targets[asked].rpartition(":")
        there_reader, there_writer = await asyncio.open_connection(host, int(number))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer), return_exceptions=True)

    port = free_port()
    return await asyncio.start_server(connect, "127.0.0.1", port), port


def _command(
    machine: LocalMachine, name: str, host: str, folder: Path, inbound: int, admin: int, did: Path
) -> tuple[str, ...]:
    config = {
        "wanderbuch_webvh": {
            "public_folder": str(folder / "public"),
            "ca_file": str(machine.ca_file),
            "connect": machine.connections(),
        },
        KEY: {"host": host, "path": "org", "endpoint": f"https://{host}/didcomm", "did": str(did)},
    }
    file = folder / "plugins.yml"
    file.write_text(json.dumps(config))  # JSON is YAML
    return (
        *(sys.executable, "-m", "acapy_agent", "start", *_SETTINGS),
        *("--label", name, "--endpoint", f"https://{host}/didcomm"),
        *("--inbound-transport", "http", "127.0.0.1", str(inbound)),
        *("--outbound-transport", "wanderbuch.plugins.http.outbound"),
        *("--admin", "127.0.0.1", str(admin), "--admin-insecure-mode"),
        *("--plugin", "wanderbuch.plugins.webvh", "--plugin", "tests.interop.acapy_operator"),
        *("--plugin-config", str(file)),
        *("--wallet-type", "askar-anoncreds", "--wallet-name", "stock", "--wallet-key", Store.generate_raw_key()),
        *("--wallet-key-derivation-method", "RAW", "--log-level", "warning"),
        *("--tails-server-base-url", f"https://{host}/tails"),
    )


def _ledger(genesis: Path | None) -> tuple[str, ...]:
    return ("--no-ledger",) if genesis is None else ("--genesis-file", str(genesis))


async def _is_ready(stock: StockAcaPy) -> bool:
    try:
        return bool((await stock.get("/status/ready"))["ready"])
    except (aiohttp.ClientError, AcaPyError):
        return False


async def _front(machine: LocalMachine, stock: StockAcaPy, folder: Path, port: int, inbound: int) -> web.AppRunner:
    """Serve `https://<host>`: messages go on to ACA-Py, files come from its public folder."""
    public = folder / "public"
    public.mkdir()
    certificate, key = folder / "public.crt", folder / "public.key"
    machine.authority.write_server(stock.host, certificate, key)

    async def forward(request: web.Request) -> web.Response:
        async with stock.session.post(
            f"http://127.0.0.1:{inbound}/", data=await request.read(), headers={"Content-Type": request.content_type}
        ) as answer:
            return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)

    app = web.Application(client_max_size=8 * 1024 * 1024)
    app.add_routes([web.post("/didcomm", forward), web.static("/", public)])
    runner = web.AppRunner(app)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    return runner


def invitation_of(created: Json) -> Json:
    """Return the invitation itself of what `create-invitation` answered."""
    invitation: Json = created["invitation"]
    return invitation


def new_tag() -> str:
    """Return a tag that no credential definition has."""
    return secrets.token_hex(4)
