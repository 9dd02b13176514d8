"""A client that a generator makes of what an agent says of itself, as those who write programs make theirs."""

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from wanderbuch.agents.machine import AgentHandle


async def described(agent: AgentHandle) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{agent.app_url}/openapi.json") as response:
        return dict(await response.json())


async def generated_client(
    agent: AgentHandle, package: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Return what imports the modules of a client made of an agent's description, without a warning.

    Args:
        agent: whose description.
        package: a name that no other test gives its client.
        folder: where it is made.
        monkeypatch: takes it out of the path again.
    """
    (folder / "openapi.json").write_text(json.dumps(await described(agent)))
    beside = Path(sys.executable).parent
    process = await asyncio.create_subprocess_exec(
        beside / "openapi-python-client",
        *("generate", "--path", "openapi.json", "--output-path", package, "--meta", "none", "--fail-on-warning"),
        cwd=folder,
        env={**os.environ, "PATH": f"{beside}:{os.environ['PATH']}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed = (await process.communicate())[0].decode()
    assert process.returncode == 0, printed
    assert "warning" not in printed.lower(), printed
    monkeypatch.syspath_prepend(str(folder))

    def module(name: str = "") -> Any:
        return importlib.import_module(f"{package}.{name}" if name else package)

    return module
