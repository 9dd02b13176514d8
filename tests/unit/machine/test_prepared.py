"""A process that was forked for a test is like one that was started from nothing."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import pytest
from tests.prepared import start_prepared

from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.machine.children import Child, StartChild, kill_child, start_child, stop_child
from wanderbuch.agents.machine.prepared import PreparedStart

ENDS_AT_ONCE = (sys.executable, "-m", "tests.flow.tiny_role", "--config", "nowhere.toml", "--json")
WAITS = (sys.executable, "-m", "code", "-q")

ways = pytest.mark.parametrize("start", [start_child, start_prepared])


@ways
async def test_says_what_it_says_and_ends_with_its_code(tmp_path: Path, start: StartChild) -> None:
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        process = await start(ENDS_AT_ONCE, stdout=out, stderr=err)
        assert await process.wait() == process.returncode == 2
    assert (tmp_path / "out").read_text().startswith('{"error": {"code": ')
    assert len((tmp_path / "err").read_text().splitlines()) == 1


@ways
@pytest.mark.parametrize(
    ("ending", "code", "told"),
    [
        ("returns", 0, ""),
        ("nothing", 0, ""),
        ("code", 7, ""),
        ("large code", 9, ""),
        ("words", 1, "it went wrong"),
        ("mistake", 1, "ValueError: mistake"),
    ],
)
async def test_its_threads_and_its_last_words_are_heard_to_their_end(
    tmp_path: Path, start: StartChild, ending: str, code: int, told: str
) -> None:
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        process = await start((sys.executable, "-m", "tests.unit.machine.last_words", ending), stdout=out, stderr=err)
        assert await process.wait() == code
    assert (tmp_path / "out").read_text().splitlines() == [
        "not flushed",
        "a thread that was waited for",
        "at the exit",
    ]
    assert (tmp_path / "err").read_text().strip().endswith(told)
    assert bool((tmp_path / "err").read_text()) is bool(told)


@ways
async def test_who_cannot_write_its_last_words_says_so_by_its_code(
    tmp_path: Path, start: StartChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    with os.fdopen(os.open("/dev/full", os.O_WRONLY), "wb") as full, (tmp_path / "err").open("wb") as err:
        command = (sys.executable, "-m", "tests.unit.machine.last_words", "returns")
        process = await start(command, stdout=full, stderr=err)
        assert await process.wait() in (120, 1)  # 1 where the process that was prepared buffers nothing


async def test_the_end_of_one_takes_no_modules_apart(tmp_path: Path) -> None:
    """Python would do so, and write to all that the parent and its children share: most of what a short life costs."""
    with (tmp_path / "out").open("wb") as out:
        process = await start_prepared((sys.executable, "-m", "tests.unit.machine.taken_apart"), stdout=out, stderr=out)
        assert await process.wait() == 0
    assert (tmp_path / "out").read_text() == "whole\n"


@ways
async def test_is_killed_and_cannot_be_waited_for_in_vain(tmp_path: Path, start: StartChild) -> None:
    with (tmp_path / "out").open("wb") as out:
        process = await start(WAITS, stdout=out, stderr=out)
    assert process.returncode is None
    await asyncio.gather(kill_child(process), process.wait())
    assert process.returncode == -9
    assert await stop_child(process) == -9
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


@ways
async def test_ends_with_its_standard_input_whatever_else_was_started(tmp_path: Path, start: StartChild) -> None:
    with (tmp_path / "out").open("wb") as out:
        first, second = await start(WAITS, stdout=out, stderr=out), await start(WAITS, stdout=out, stderr=out)
    assert os.getsid(first.pid) == first.pid
    for process in (first, second):
        assert process.stdin is not None
        process.stdin.close()
        assert await process.wait() == 0


async def test_who_is_no_longer_waited_for_when_it_starts_is_ended(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        async with PreparedStart(["json"], programs=["code"]) as start:
            starting = asyncio.create_task(start(WAITS, stdout=out, stderr=out))
            await asyncio.sleep(0)
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
            assert children_of(start) == ""


async def test_the_prepared_process_ends_with_who_asks_it_and_is_made_anew(tmp_path: Path) -> None:
    start = PreparedStart(["json"], programs=["code"])
    for _ in range(2):
        with (tmp_path / "out").open("wb") as out:
            async with start:
                process = await start(WAITS, stdout=out, stderr=out)
                assert children_of(start).split() == [str(process.pid)]
                assert start._server is not None
                forks = start._server[0]
                assert await stop_child(process) == -signal.SIGTERM
        assert forks.returncode == 0


async def test_whoever_joins_is_served_by_one_process_and_ends_for_itself(tmp_path: Path) -> None:
    """The prepared process stays when one of them is gone, and ends with who shares it; then nobody is served."""
    sharing, path = PreparedStart(["json"], programs=["code"]), tmp_path / "asked"
    first, second = PreparedStart([]), PreparedStart([])
    with (tmp_path / "out").open("wb") as out:
        async with sharing:
            sharing.share(path)
            assert sharing._server is not None
            forks = sharing._server[0]
            started = []
            for start in (first, second):
                start.join(path)
                started.append(await start(WAITS, stdout=out, stderr=out))
            assert children_of(sharing).split() == [str(process.pid) for process in started]
            first.close()
            started.append(await second(WAITS, stdout=out, stderr=out))
            for process in started:
                assert await stop_child(process) == -signal.SIGTERM
            assert forks.poll() is None
        assert forks.returncode == 0
        with pytest.raises((OSError, RuntimeError)):
            await second(WAITS, stdout=out, stderr=out)
        second.close()


async def test_shared_and_never_asked_it_ends_without_its_imports(tmp_path: Path) -> None:
    async with PreparedStart(["no_such_module_of_ours"]) as start:
        start.share(tmp_path / "asked")
        assert start._server is not None
        forks = start._server[0]
    assert forks.returncode == 0


def children_of(start: PreparedStart) -> str:
    assert start._server is not None
    forks = start._server[0].pid
    return Path(f"/proc/{forks}/task/{forks}/children").read_text()


async def test_a_module_that_cannot_be_imported_is_told(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        async with PreparedStart(["no_such_module_of_ours"]) as start:
            with pytest.raises(RuntimeError, match="is gone"):
                await start(WAITS, stdout=out, stderr=out)


GOVERNANCE = {
    "url": "https://authority.wanderbuch.test/governance/x",
    "author": "did:webvh:QmXk3Zx9bFBqDGUNqLyXSWEUC3xgjUN1JwPj9pyAGGxVcT:authority.wanderbuch.test:org",
}


@pytest.mark.agents
@pytest.mark.parametrize(
    ("role", "tables"),
    [
        ("authority", {"authority": {"ecosystem": "x"}}),
        ("holder", {}),
        ("verifier", {"governance": GOVERNANCE}),
    ],
)
async def test_an_agent_finds_almost_all_that_it_imports(tmp_path: Path, role: str, tables: dict[str, Any]) -> None:
    """What each agent of a test would import again is half of what its start takes."""
    told = tmp_path / "imported"

    async def start_told(command: Sequence[str], *, stdout: IO[bytes], stderr: IO[bytes]) -> Child:
        assert command[1] == "-m"
        telling = (*command[:2], "tests.unit.machine.later_imports", str(told), *command[2:])
        return await start_prepared(telling, stdout=stdout, stderr=stderr)

    machine = LocalMachine(tmp_path / "machine", start_child=start_told)
    try:
        await machine.add(role, role, f"{role}.wanderbuch.test", **tables).start()
    finally:
        await machine.stop()
    imported = told.read_text().splitlines()
    assert len(imported) < 40, imported
