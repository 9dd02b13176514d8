"""A real PostgreSQL for the tests, started by them as an ordinary user (`machine.postgresql`); it ends with them.

    @pytest.mark.needs("postgresql")
    def test_x(database: Database) -> None: ...              # fresh and empty, with a role of its own

    @pytest.fixture(params=ENGINES)                          # for what runs on both engines
    def url(request: pytest.FixtureRequest) -> str | None:
        return None if request.param == "sqlite" else request.getfixturevalue("database").dsn

One server a test process (with xdist: one a worker), started when the first test asks for it.
"""

from collections.abc import Iterator
from typing import Final

import pytest

from wanderbuch.agents.machine.postgresql import Database, PostgresServer

__all__ = ["ENGINES", "Database", "PostgresServer", "database", "postgresql_server"]

ENGINES: Final = ["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))]
"""The parameters of a fixture for what runs on both engines."""


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresServer]:
    """The server of this test process; who stops it starts it again."""
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture
def database(postgresql_server: PostgresServer) -> Iterator[Database]:
    """An empty database; removed at the end."""
    made = postgresql_server.create_database()
    yield made
    postgresql_server.drop_database(made)
