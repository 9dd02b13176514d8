"""Processes of one store publish into one folder, or do not start."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.postgresql import Database

from wanderbuch.agents.runtime.public_folder import check_public_folder
from wanderbuch.errors import ConfigurationError
from wanderbuch.store.engine import Engine
from wanderbuch.store.fellows import Fellows
from wanderbuch.store.postgresql import open_postgresql
from wanderbuch.store.sqlite import open_sqlite

pytestmark = pytest.mark.needs("postgresql")


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[Engine]:
    made = await open_postgresql(database.dsn)
    yield made
    await made.close()


async def test_the_same_folder_is_taken_by_all_and_another_by_nobody(engine: Engine, tmp_path: Path) -> None:
    await check_public_folder(tmp_path / "a", engine, Fellows(engine))
    await check_public_folder(tmp_path / "a", engine, Fellows(engine))
    with pytest.raises(ConfigurationError, match="not the one that the other processes") as refused:
        await check_public_folder(tmp_path / "b", engine, Fellows(engine))
    assert "[public] folder" in str(refused.value.hint)
    assert not (tmp_path / "b").exists()


async def test_a_folder_that_was_moved_is_taken_over_when_nobody_is_there(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = Fellows(engine)
    await check_public_folder(tmp_path / "a", engine, first)
    assert not caplog.text
    await first.leave(is_clean=True)
    await check_public_folder(tmp_path / "b", engine, Fellows(engine))
    assert "another one than before" in caplog.text
    with pytest.raises(ConfigurationError):  # what it was before, while another process uses the new one
        await check_public_folder(tmp_path / "c", engine, Fellows(engine))


async def test_one_process_alone_is_asked_nothing(tmp_path: Path) -> None:
    engine = open_sqlite(None)
    await check_public_folder(tmp_path / "a", engine, Fellows(engine))
    assert not (tmp_path / "a").exists()
    await engine.close()
