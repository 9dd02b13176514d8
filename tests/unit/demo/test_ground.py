"""What the demo's services may stand on."""

import pytest

from wanderbuch.agents.demo.ground import Ground, StoreEngine
from wanderbuch.errors import ConfigurationError


def test_several_processes_on_sqlite_are_refused_with_what_to_add() -> None:
    with pytest.raises(ConfigurationError, match="2 processes") as refused:
        Ground(StoreEngine.SQLITE, 2)
    assert refused.value.hint == "add --store postgresql"


@pytest.mark.parametrize(("engine", "processes"), [("sqlite", 1), ("postgresql", 1), ("postgresql", 2)])
def test_what_can_run_is_taken(engine: str, processes: int) -> None:
    assert Ground(StoreEngine(engine), processes).processes == processes


async def test_on_sqlite_no_server_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRESQL", "/nowhere")
    async with Ground().server() as server:
        assert server is None


@pytest.mark.needs("postgresql")
async def test_the_server_ends_with_the_context_and_has_room_for_all_processes() -> None:
    async with Ground(StoreEngine.POSTGRESQL, 4).server() as server:
        assert server is not None
        assert int(server.admin("SHOW max_connections")[0][0]) >= 4 * 4 * (8 + 8 + 2)
        folder = server.data
    assert not folder.exists()
