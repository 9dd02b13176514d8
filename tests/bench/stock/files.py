"""What serves the public files of a stock agent's DID over https, as an operator's web server would."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.machine.ports import free_port


@asynccontextmanager
async def serving_files(machine: LocalMachine, host: str, folder: Path) -> AsyncIterator[None]:
    """Serve a folder at `https://<host>` for everybody on the machine who starts from now on."""
    certificate, key = folder.parent / f"{host}.crt", folder.parent / f"{host}.key"
    machine.authority.write_server(host, certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    port = free_port()
    machine.reach(host, f"127.0.0.1:{port}")
    app = web.Application()
    app.router.add_static("/", folder)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        yield
    finally:
        await runner.cleanup()
