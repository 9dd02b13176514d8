"""An agent as a process: configuration, logs, signals, exit code.

A program that runs a role of its own (the rogue agents of the tests do) needs two lines:

    if __name__ == "__main__":
        main(ROLE)          # python -m rogues.rogue_issuer --config FILE [--json] [--until-stdin-ends]
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from wanderbuch.agents.runtime import collecting, parent
from wanderbuch.agents.runtime.agent import RunningAgent, StoreFailedError, start
from wanderbuch.agents.runtime.config import AgentConfig, load_config
from wanderbuch.agents.runtime.exits import EXIT_FAULT, EXIT_MISTAKE, EXIT_STORE_FAILED, show_error
from wanderbuch.agents.runtime.logs import configure_logs, log_event
from wanderbuch.agents.runtime.native_tasks import use_native_tasks
from wanderbuch.agents.runtime.privacy import keep_private
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.roles import further_roles
from wanderbuch.errors import WanderbuchError
from wanderbuch.huge_pages import use_huge_pages
from wanderbuch.store.errors import StoreUnreachableError

_LOG = logging.getLogger(__name__)
# After a failure of the store nothing may be acknowledged any more, whatever still hangs.
_LAST_RESORT_S: Final = 15.0
# Askar's own runtime: its threads that only wait and hand on. It has others for encryption and for SQLite, and where
# several of these wait, each call wakes more than it needs.
_TOKIO_WORKERS: Final = ("TOKIO_WORKER_THREADS", "1")
# After so long what an agent needs for its first messages is there, too, and it is one that stays.
_SETTLED_S: Final = 20.0
HUGE_PAGES: Final = "memory.huge_pages"
"""The event that tells that it is done."""


def main(role: Role) -> None:
    """Run an agent of `role` as the command line says; never returns."""
    parser = argparse.ArgumentParser(description=f"Run the {role.name}.")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument(parent.OPTION, action="store_true", dest="until_stdin_ends", help=parent.HELP)
    given = parser.parse_args()
    if given.until_stdin_ends:
        parent.end_with_stdin()
    sys.exit(run_process(role, given.config, as_json=given.as_json))


def run_process(role: Role, path: Path, *, as_json: bool = False) -> int:
    """Run an agent until SIGTERM or SIGINT and return the exit code; SIGHUP has it read its certificates anew.

    With a terminal as its standard input SIGHUP ends it too: whoever closes the terminal leaves no agent behind.

    Args:
        role: what it does.
        path: its configuration.
        as_json: print one JSON object on standard output when it is ready, and errors as JSON too.
    """
    keep_private()
    collecting.hold()
    try:
        configure_logs("info", agent=role.name)  # until the configuration says more
        config = load_config(path, os.environ, role=role)
        # ACA-Py puts tails files below the home folder: with the rest of the agent's data, and with nobody else's.
        os.environ["HOME"] = str(config.data)
        os.environ.pop("EXTERNAL_STORAGE", None)
        os.environ.setdefault(*_TOKIO_WORKERS)
        configure_logs(config.log.level, agent=role.name, unsafe_acapy_details=config.log.unsafe_acapy_details)
        use_native_tasks()
        # Not asyncio.run: ACA-Py replaces it (nest_asyncio) by one that leaves tasks and the loop open.
        with asyncio.Runner() as runner:
            runner.run(_run(config, role, as_json=as_json))
    except (StoreFailedError, StoreUnreachableError) as err:
        show_error(err, as_json=as_json)
        return EXIT_STORE_FAILED
    except WanderbuchError as err:
        show_error(err, as_json=as_json)
        return EXIT_MISTAKE
    except Exception as err:  # noqa: BLE001 (the boundary of the process)
        _LOG.critical("agent.failed", exc_info=err)
        return EXIT_FAULT
    return 0


async def _run(config: AgentConfig, role: Role, *, as_json: bool) -> None:
    told, hung_up = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    loop.add_signal_handler(signal.SIGHUP, told.set if _ends_with_terminal() else hung_up.set)
    agent = await start(config, role, further=further_roles(config, role))
    collecting.settle()
    agent.spawn("certificates.reload", agent.certificates.reload_on(hung_up))
    waiting: set[asyncio.Future[Any]] = {asyncio.ensure_future(told.wait()), agent.failure}
    announcing = asyncio.create_task(_announce(agent, as_json=as_json))
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        announcing.cancel()
        if agent.guard.fatal is not None:
            loop.call_later(_LAST_RESORT_S, os._exit, EXIT_STORE_FAILED)
        await agent.stop()
    if agent.failure.done():
        raise agent.failure.result()


def _ends_with_terminal() -> bool:
    """Tell whether SIGHUP means that the terminal was closed, and not that certificates are to be read anew.

    To be asked at the start: of a terminal that is gone nobody can tell that it was one.
    """
    try:
        has_terminal = os.isatty(sys.stdin.fileno())
    except (AttributeError, OSError, ValueError):  # closed
        return False
    return has_terminal and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN


def _line(told: Mapping[str, Any]) -> str:
    public = "no address of its own" if told["public"] is None else f"public {told['public']}"
    return f"{told['role']} {told['name']!r} is ready: app {told['app']}, {public}"


async def _announce(agent: RunningAgent, *, as_json: bool) -> None:
    """Say once, where a person or a program reads it, that the agent is ready and where; later order its memory."""
    try:
        await agent.wait_ready()
    except Exception:  # noqa: BLE001 (it is the agent's failure, which whoever runs it raises)
        return
    collecting.settle()
    config = agent.config
    told = {
        "ready": True,
        "role": config.role,
        "name": config.name,
        "app": f"http://{config.app.listen}",
        "public": None if config.public.listen is None else config.public.url,
        "did": agent.tenant.did if agent.tenant.has_did else None,
    }
    text = json.dumps(told) if as_json else _line(told)
    print(text, flush=True)  # noqa: T201
    await asyncio.sleep(_SETTLED_S)
    pages = await asyncio.to_thread(use_huge_pages)
    log_event(_LOG, logging.INFO, HUGE_PAGES, pages=pages)
