"""What modules of this folder share; `tests/shared_town.py` says which."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.abuse.wallet_scene import Scene, wallet_scene
from tests.shared_town import RUNNING


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """Agents around a wallet in the page; a module leaves it able to answer."""
    async with wallet_scene(tmp_path_factory.mktemp("scene")) as scene:
        RUNNING["shared_scene"] = scene.ecosystem.machine
        yield scene
