"""Tasks are in C, and what ACA-Py runs inside a running loop still works."""

import asyncio
import sys

_PROGRAM = "tests.unit.runtime.json_ld_within_a_task"


async def test_acapys_json_ld_is_signed_and_verified_inside_a_task() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _PROGRAM, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert (process.returncode, out) == (0, b"verified\n"), err.decode()
