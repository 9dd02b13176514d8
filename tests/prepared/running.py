"""A program that runs to its end, started as the agents of tests are: without a second for its imports."""

import asyncio
import sys
import tempfile

from tests.prepared import start_prepared

from wanderbuch.agents.machine.prepared.starting import PreparedChild


async def run_prepared(module: str, *arguments: str, told: bytes = b"") -> tuple[int, str, str]:
    """Run `python -m module`; return its exit code, and what it said on both streams.

    Args:
        module: its name.
        arguments: its arguments.
        told: its standard input.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = await start_prepared((sys.executable, "-m", module, *arguments), stdout=out, stderr=err)
        assert isinstance(child, PreparedChild)
        if told:
            await asyncio.to_thread(child.stdin.write, told)
        child.stdin.close()
        code = await child.wait()
        out.seek(0)
        err.seek(0)
        return code, out.read().decode(), err.read().decode()
