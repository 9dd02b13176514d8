"""A disk that fails in a backup or a restore: one line that says what to do, nothing half, and again it goes well.

A limit on the size of files stands for a disk that takes no more (`limited`).
"""

import asyncio
import errno
import json
import os
import pickle
from pathlib import Path

import pytest
from acapy_agent.config.injection_context import InjectionContext
from tests.prepared.running import run_prepared
from tests.unit.cli.test_backup import emptied, hidden, lived, lived_store, silent
from tests.unit.cli.test_store import digests, using

from wanderbuch.agents.cli.backup import taking
from wanderbuch.agents.cli.backup.restoring import restore
from wanderbuch.agents.cli.backup.taking import back_up
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager
from wanderbuch.errors import ConfigurationError

__all__ = ["lived", "lived_store"]

LARGE = 6 * 1024 * 1024


async def limited(config: AgentConfig, what: str, path: Path, limit: int) -> tuple[str, str]:
    """Run a command that may write files up to a limit only; return its error and what to do."""
    told = pickle.dumps(config)
    code, out, err = await run_prepared("tests.unit.cli.limited", what, str(path), str(limit), told=told)
    assert code == 0, err[-3000:]
    message, hint = json.loads(out)
    assert hint
    assert "\n" not in message
    return str(message), str(hint)


@pytest.mark.parametrize("limit", [100, 300_000])
async def test_a_backup_that_cannot_be_written_leaves_nothing(lived: AgentConfig, tmp_path: Path, limit: int) -> None:
    (lived.public_folder / "large").write_bytes(b"x" * LARGE)
    message, hint = await limited(lived, "backup", tmp_path / "one.backup", limit)
    assert "backup" in message
    assert "nothing is left of" in hint
    assert not (tmp_path / "one.backup").exists()
    assert hidden(tmp_path) == []
    await back_up(lived, tmp_path / "one.backup")


@pytest.mark.parametrize("limit", [100, 120_000, LARGE - 1])
async def test_a_restore_that_cannot_be_written_is_run_again(
    lived: AgentConfig, request: pytest.FixtureRequest, tmp_path: Path, limit: int
) -> None:
    (lived.public_folder / "large").write_bytes(b"x" * LARGE)
    before, backup = await digests(lived), tmp_path / "one.backup"
    await back_up(lived, backup)
    fresh = emptied(lived, request, tmp_path / "fresh")
    message, hint = await limited(fresh, "restore", backup, limit)
    assert message
    assert "again" in hint
    assert sum(path.stat().st_size for path in fresh.data.rglob(".restoring*")) == 0  # it takes no room
    if fresh.store.is_shared or (fresh.data / "wallet").exists():
        with pytest.raises(ConfigurationError, match="only half copied"):
            await WalletManager(fresh, StoreGuard(silent)).open(
                InjectionContext(settings={"ledger.disabled": True}), {}
            )
    assert (await restore(fresh, backup, silent)).public_put == 3
    assert await digests(fresh) == before


async def test_a_backup_is_never_put_where_everybody_could_fetch_it(lived: AgentConfig, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(lived.public_folder)
    for folder in (lived.public_folder, lived.public_folder / "org", tmp_path / "link"):
        with pytest.raises(ConfigurationError, match="lies in the public folder"):
            await back_up(lived, folder / "one.backup")
        assert not (folder / "one.backup").exists()


def test_a_folder_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    """One whose path is longer than the kernel takes: nobody may read it so, not even root."""
    public = tmp_path / "public"
    public.mkdir()
    opened = os.open(public, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=opened)
        below = os.open("d" * 250, os.O_RDONLY | os.O_DIRECTORY, dir_fd=opened)
        os.close(opened)
        opened = below
    os.close(opened)
    with pytest.raises(OSError, match="too long") as err:
        list(taking._public_files(public))
    assert err.value.errno == errno.ENAMETOOLONG


async def test_root_leaves_nothing_in_the_folder_of_another_user(
    lived: AgentConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await back_up(lived, tmp_path / "one.backup")
    if os.geteuid() == 0:
        os.chown(lived.data, 10_001, 10_001)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
    before = sorted(lived.data.rglob("*"))
    for work in (back_up(lived, tmp_path / "two.backup"), restore(lived, tmp_path / "one.backup", silent)):
        with pytest.raises(ConfigurationError, match="belongs to the user"):
            await work
    assert sorted(lived.data.rglob("*")) == before


async def test_of_two_restores_at_once_one_is_refused_and_the_other_whole(
    lived: AgentConfig, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    before, backup = await digests(lived), tmp_path / "one.backup"
    await back_up(lived, backup)
    fresh = emptied(lived, request, tmp_path / "fresh")
    ended = await asyncio.gather(*(restore(fresh, backup, silent) for _ in range(2)), return_exceptions=True)
    (refused,) = [outcome for outcome in ended if isinstance(outcome, BaseException)]
    assert isinstance(refused, ConfigurationError), refused
    assert any(reason in refused.message for reason in ("already", "uses the data folder", "is in use"))
    assert await digests(fresh) == before


async def test_a_restore_into_what_an_agent_uses_is_refused(lived: AgentConfig, tmp_path: Path) -> None:
    await back_up(lived, tmp_path / "one.backup")
    before = await digests(lived)
    async with using(lived):
        with pytest.raises(ConfigurationError, match=r"uses the data folder|is in use|there is a store"):
            await restore(lived, tmp_path / "one.backup", silent)
    assert await digests(lived) == before


async def test_a_clock_of_before_the_backup_is_refused(
    lived: AgentConfig, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        now = taking.time.time()
        patched.setattr(taking.time, "time", lambda: now + 86_400)
        await back_up(lived, tmp_path / "one.backup")
    fresh = emptied(lived, request, tmp_path / "fresh")
    with pytest.raises(ConfigurationError, match="the clock here says") as err:
        await restore(fresh, tmp_path / "one.backup", silent)
    assert "set the clock right" in str(err.value.hint)
    assert not fresh.data.exists()
