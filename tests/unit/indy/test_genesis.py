import hashlib
from pathlib import Path

import pytest
from tests.unit.http.tls_host import PrivateAuthority, tls_host
from tests.unit.indy.genesis import genesis

from wanderbuch.plugins.http.errors import HttpError
from wanderbuch.plugins.indy.config import IndyLedgerConfig
from wanderbuch.plugins.indy.errors import GenesisError
from wanderbuch.plugins.indy.genesis import genesis_of, read_genesis

HOST = "ledger.example.test"
URL = f"https://{HOST}/pool.txn"


def test_reads_the_transactions_of_a_pool(tmp_path: Path) -> None:
    file = tmp_path / "pool.txn"
    file.write_text(genesis())
    assert read_genesis(IndyLedgerConfig(namespace="test", genesis_file=file)) == genesis()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "expected 1 to 200 transactions that name a node, found 0 of 0"),
        ("<html></html>", "expected one JSON object a line"),
        ("[" * 100_000, "expected one JSON object a line"),
        ('{"txn": {"type": "1", "data": {"dest": "x"}}}\n', "found 0 of 1"),
        (genesis() + '{"txn": {"type": "1"}}\n', "found 4 of 5"),
        (genesis(4).replace('"client_port": 2', '"client_port": "2"'), "found 3 of 4"),
        ("x" * (1024 * 1024 + 1), "more than"),
    ],
)
def test_refuses_what_is_no_genesis_file(tmp_path: Path, content: str, reason: str) -> None:
    file = tmp_path / "pool.txn"
    file.write_text(content)
    with pytest.raises(GenesisError, match=reason) as refused:
        read_genesis(IndyLedgerConfig(namespace="test", genesis_file=file))
    assert "\n" not in refused.value.message


def test_says_which_file_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "pool.txn"
    with pytest.raises(GenesisError, match=r"pool\.txn of the Indy ledger test cannot be read: No such file"):
        read_genesis(IndyLedgerConfig(namespace="test", genesis_file=file))


async def test_fetches_the_file_that_the_digest_names_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "pool.txn").write_text(genesis())
    digest = hashlib.sha256(genesis().encode()).hexdigest()
    async with (
        tls_host(PrivateAuthority(tmp_path), HOST, tmp_path / "public") as host,
        host.edge() as edge,
    ):
        config = IndyLedgerConfig(namespace="test", genesis_url=URL, genesis_digest=digest)
        assert await genesis_of(config, edge) == genesis()
        other = IndyLedgerConfig(namespace="test", genesis_url=URL, genesis_digest="0" * 64)
        with pytest.raises(GenesisError, match=f"expected a genesis file with the digest {'0' * 64}"):
            await genesis_of(other, edge)
        missing = IndyLedgerConfig(namespace="test", genesis_url=f"https://{HOST}/other.txn", genesis_digest="0" * 64)
        with pytest.raises(HttpError):
            await genesis_of(missing, edge)
