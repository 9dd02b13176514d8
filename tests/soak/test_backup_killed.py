"""SIGKILL at moments that nobody chose, and a disk that fills up, while a backup is made and while one is restored."""

import asyncio
import json
import os
import random
import shutil
import sys
import tarfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.soak.disk import SmallDisk
from tests.soak.village import WELDER, Village

from wanderbuch.agents.machine import AgentHandle, AppError
from wanderbuch.agents.machine.errors import MachineError
from wanderbuch.agents.runtime.exits import EXIT_MISTAKE

BACKUPS = RESTORES = int(os.environ.get("WANDERBUCH_SOAK_KILLS") or 25)
KILLED = -9
SLOWEST_S = 4.0
DISK_MIB = 64  # an agent does not start with less than 32 free


@pytest.fixture
async def village(tmp_path: Path) -> AsyncIterator[Village]:
    village = Village(tmp_path / "village", centre={"registry_size": 64})
    try:
        await village.open()
        yield village
    finally:
        await village.machine.stop()


async def run(*arguments: object, kill_after_s: float | None = None) -> tuple[int, str, str]:
    """Run `wanderbuch`, and kill it; return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wanderbuch.agents.cli", *map(str, arguments)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    telling = asyncio.create_task(process.communicate())
    if kill_after_s is not None:
        await asyncio.wait([telling], timeout=kill_after_s)
        if process.returncode is None:
            process.kill()
    out, err = await telling
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def backed_up(agent: AgentHandle, target: Path, kill_after_s: float | None = None) -> int:
    code, _, err = await run("backup", "--config", agent.config_path, "--to", target, kill_after_s=kill_after_s)
    assert code in ((0,) if kill_after_s is None else (0, KILLED)), err
    return code


async def restored(agent: AgentHandle, backup: Path) -> dict[str, Any]:
    code, out, err = await run("restore", backup, "--config", agent.config_path, "--json")
    assert code == 0, err
    return dict(json.loads(out))


def lose(agent: AgentHandle) -> None:
    for name in ("wallet", "index"):
        shutil.rmtree(agent.data / name)


async def places_of(centre: AgentHandle, offers: list[str]) -> list[tuple[str, int]]:
    answers = [await centre.get(f"/offers/{offer}") for offer in offers]
    return [(answer["registry"], answer["index"]) for answer in answers]


async def verdict(village: Village, credential: str) -> str:
    asked = await village.employer.post("/requests", {"requirement": WELDER, "deadline_s": 120})
    opened = await village.worker.post("/invitations", {"url": asked["short_url"]})
    await village.worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential})
    ended = await village.employer.wait_for(f"/requests/{asked['id']}", "state", "DECIDED")
    return str(ended["decision"]["verdict"])


async def test_a_backup_and_a_restore_are_whole_or_not_at_all_whenever_they_are_killed(
    village: Village, tmp_path: Path, rng: random.Random, tell: Callable[[str], None]
) -> None:
    centre, made, backups = village.centre, [], tmp_path / "backups"
    backups.mkdir()
    whole = 0
    for number in range(BACKUPS):
        killing = backed_up(centre, backups / f"{number}.backup", rng.uniform(0.2, SLOWEST_S))
        code, issued = await asyncio.gather(killing, village.issue())
        made.append(issued)
        whole += code == 0
        assert code or (backups / f"{number}.backup").exists()
    last = backups / "last.backup"
    assert await backed_up(centre, last) == 0
    assert [path for path in (centre.data / ".copies").iterdir() if path.name != "lock"] == []
    for backup in backups.glob("[0-9]*.backup"):
        with tarfile.open(backup) as tar:
            assert tar.getnames()[-1] == "end.json"
    revoked, _ = made[0]
    late, credential = await village.issue()
    assert (await centre.post(f"/credentials/{revoked}/revoke"))["state"] == "PUBLISHED"
    given = set(await places_of(centre, [*(offer for offer, _ in made), late]))
    assert len(given) == BACKUPS + 1

    await centre.kill()
    lose(centre)
    cut = 0
    for _ in range(RESTORES):
        kill_after_s = rng.uniform(0.2, SLOWEST_S)
        code, _, err = await run("restore", last, "--config", centre.config_path, kill_after_s=kill_after_s)
        if code == 0:
            lose(centre)  # and once more, from the beginning
            continue
        assert code == KILLED, err
        cut += 1
        if (centre.data / "wallet").exists():
            with pytest.raises(MachineError, match="only half copied"):
                await centre.start(timeout_s=60)
    told = await restored(centre, last)
    assert [step["kind"] for step in told["done"]].count("revoked") == 1
    await centre.start()
    await centre.wait_for(f"/offers/{revoked}", "state", "REVOKED")
    fresh, _ = await village.issue()
    assert not given & set(await places_of(centre, [fresh]))
    assert await verdict(village, credential) == "TRUSTED"
    with pytest.raises(AppError) as refused:
        await verdict(village, made[0][1])
    assert [reason["code"] for reason in refused.value.problem["reasons"]] == ["fit.revoked"]
    tell(f"{whole} of {BACKUPS} backups came to their end, {cut} of {RESTORES} restores were cut")


async def test_a_disk_that_is_full_is_one_line_and_with_room_it_goes_well(village: Village, tmp_path: Path) -> None:
    centre = village.centre
    offer, credential = await village.issue()
    disk = SmallDisk(tmp_path / "small", size_mib=DISK_MIB)
    disk.mount()
    try:
        target = disk.folder / "centre.backup"
        assert await backed_up(centre, target) == 0
        needs_kib = target.stat().st_size // 1024
        target.unlink()
        for leave_kib in (0, needs_kib // 6, needs_kib * 3 // 4):
            disk.fill(leave_kib=leave_kib)
            code, _, err = await run("backup", "--config", centre.config_path, "--to", target)
            assert (code, len(err.splitlines())) == (EXIT_MISTAKE, 1), err
            assert "free some space" in err
            assert [path.name for path in disk.folder.iterdir()] == ["ballast"]
            disk.make_room()
        assert await backed_up(centre, target) == 0
        kept = tmp_path / "centre.backup"
        shutil.copy(target, kept)
        target.unlink()
        await centre.kill()
        data = centre.data.rename(tmp_path / "lost")
        centre.data.symlink_to(disk.folder)
        for leave_kib in (0, needs_kib // 6, needs_kib * 3 // 4):
            disk.fill(leave_kib=leave_kib)
            code, _, err = await run("restore", kept, "--config", centre.config_path)
            assert code == EXIT_MISTAKE, err
            assert "again" in err.splitlines()[-1]
            disk.make_room()
        shutil.copytree(data / "public", disk.folder / "public", dirs_exist_ok=True)
        await restored(centre, kept)
        await centre.start()
        assert (await centre.get(f"/offers/{offer}"))["state"] == "ISSUED"
        await village.issue()
        assert await verdict(village, credential) == "TRUSTED"
        await centre.kill()
    finally:
        disk.unmount()
