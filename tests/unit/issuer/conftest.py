"""One workshop for the tests of a module, and a freshly started office in it for each."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from tests.unit.issuer.workshop import Workshop


@asynccontextmanager
async def open_workshop(folder: Path) -> AsyncIterator[Workshop]:
    """Open a workshop that has issued nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        made = Workshop(folder)
        await made.open()
        yield made
        await made.sending.stop(wait_s=5)
        await made.profile.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workshop]:
    """A workshop that is open for a module's tests."""
    async with open_workshop(tmp_path_factory.mktemp("workshop")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def workshop(opened: Workshop) -> Workshop:
    """The workshop as a freshly started process, accredited, and nothing in its wallets' ears."""
    await restart(opened)
    if opened.version > 1:
        await opened.publish()
    await opened.heard()
    return opened


async def restart(workshop: Workshop) -> None:
    """Do what a start does, with the sweep."""
    await workshop.heard()
    workshop.start()
    await workshop.standing.prepare()
    await workshop.desk.sweep(datetime.now(UTC))
    await workshop.revocations.notices.sweep(datetime.now(UTC))
