"""SIGHUP to an agent: new certificates, or, where a terminal was closed, its end."""

import asyncio
import os
import pty
import signal
import ssl
import sys
from pathlib import Path

import pytest
from tests.flow.test_agent_runs import TINY, tiny

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.machine.children import kill_child

pytestmark = pytest.mark.agents


async def served(agent: AgentHandle, ca_file: Path) -> bytes:
    """Return the certificate that a new connection is served with."""
    context = ssl.create_default_context(cafile=str(ca_file))
    _, writer = await asyncio.open_connection("127.0.0.1", agent.public_port, ssl=context, server_hostname=agent.host)
    received: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return received


async def logged(agent: AgentHandle, event: str) -> None:
    async with asyncio.timeout(60):
        while f'"event": "{event}"' not in agent.log_path.read_text():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_hangup_has_an_agent_serve_with_its_new_certificate(machine: LocalMachine) -> None:
    one = tiny(machine, "one")
    await one.start()
    assert one.process is not None
    before = await served(one, machine.ca_file)
    (one.folder / "public.crt").write_text("half written")
    one.process.send_signal(signal.SIGHUP)
    await logged(one, "tls.kept")
    assert await served(one, machine.ca_file) == before
    machine.authority.write_server(one.host, one.folder / "public.crt", one.folder / "public.key")
    one.process.send_signal(signal.SIGHUP)
    await logged(one, "tls.reloaded")
    assert await served(one, machine.ca_file) != before
    assert await one.stop() == 0


# Takes the terminal that is its input for its own, as a shell does, and becomes the agent.
IN_TERMINAL = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
if sys.argv[1] == "nohup":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.mark.parametrize("how", ["as usual", "nohup"])
async def test_closing_the_terminal_ends_the_agent_unless_it_was_told_to_stay(machine: LocalMachine, how: str) -> None:
    one = tiny(machine, "one")
    one.write_config()
    terminal, inside = pty.openpty()
    with one.log_path.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", IN_TERMINAL, how, *TINY, "--config", str(one.config_path)),
            stdin=inside,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    os.close(inside)
    try:
        await logged(one, "agent.ready")
        os.close(terminal)
        if how == "nohup":
            await logged(one, "tls.reloaded")
            process.terminate()
        async with asyncio.timeout(60):
            assert await process.wait() == 0
        assert '"event": "agent.stopped"' in one.log_path.read_text()
        assert ('"event": "tls.reloaded"' in one.log_path.read_text()) is (how == "nohup")
    finally:
        await kill_child(process)
