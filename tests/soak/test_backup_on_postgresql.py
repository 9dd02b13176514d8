"""Issuer, wallet and employer, each with two processes on one PostgreSQL, are lost and restored in mid exchange.

The tests are those of `tests/flow/test_backup.py`, which run on SQLite. All roles, restored at once on a PostgreSQL
that was lost, are seen in `tests/containers/test_scale.py`: three more losses, one after the other, are dear.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.flow.test_backup import (
    running_village,
    test_a_wallet_goes_on_from_a_backup_made_in_mid_exchange,
    test_an_employer_goes_on_from_a_backup_made_in_mid_question,
    test_an_issuer_goes_on_from_a_backup_made_in_mid_exchange,
)
from tests.postgresql import PostgresServer
from tests.soak.village import Village

pytestmark = [pytest.mark.needs("postgresql"), pytest.mark.asyncio(loop_scope="module")]

__all__ = [
    "test_a_wallet_goes_on_from_a_backup_made_in_mid_exchange",
    "test_an_employer_goes_on_from_a_backup_made_in_mid_question",
    "test_an_issuer_goes_on_from_a_backup_made_in_mid_exchange",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def village(
    postgresql_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Village]:
    async with running_village(tmp_path_factory.mktemp("village"), postgresql_server) as running:
        yield running
