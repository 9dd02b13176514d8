"""Which ledger an id belongs to; what nodes say is tested on real ones (tests/pool)."""

from pathlib import Path

import pytest
from tests.unit.indy.genesis import genesis

from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.indy.config import IndyConfig
from wanderbuch.plugins.indy.errors import LedgerUnknownError
from wanderbuch.plugins.indy.ledger import IndyLedgers
from wanderbuch.plugins.indy.plugin import open_ledgers


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "pool.txn").write_text(genesis())
    return tmp_path / "pool.txn"


async def two(file: Path, *, old_ids: bool | None) -> IndyLedgers:
    ledgers = [
        {"namespace": "one", "genesis_file": file},
        {"namespace": "two", "genesis_file": file, "old_ids": old_ids},
    ]
    async with HttpEdge() as edge:
        return open_ledgers(IndyConfig.model_validate({"ledgers": ledgers}), edge)


async def test_an_old_id_belongs_to_the_ledger_that_says_so(file: Path) -> None:
    ledgers = await two(file, old_ids=True)
    assert ledgers.of(None) is ledgers.of("two")
    assert ledgers.of("one") is not ledgers.of("two")


async def test_an_old_id_belongs_to_none_of_two_that_do_not_say(file: Path) -> None:
    with pytest.raises(LedgerUnknownError, match="no Indy ledger is configured for ids that do not say theirs"):
        (await two(file, old_ids=None)).of(None)


async def test_a_ledger_that_is_not_configured_is_named(file: Path) -> None:
    with pytest.raises(LedgerUnknownError, match="the Indy ledger three is not configured"):
        (await two(file, old_ids=True)).of("three")
