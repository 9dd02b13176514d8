from pathlib import Path

import pytest
from tests.unit.indy.genesis import genesis

from wanderbuch.agents.runtime.acapy import acapy_settings
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.indy import indy_bindings
from wanderbuch.agents.verifier.role import VerifierRole
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.indy.config import IndyConfig
from wanderbuch.plugins.indy.errors import GenesisError
from wanderbuch.plugins.indy.ledger import IndyLedgers


@pytest.fixture
async def with_a_ledger(agent_config: AgentConfig, tmp_path: Path) -> AgentConfig:
    (tmp_path / "pool.txn").write_text(genesis())
    ledgers = [{"namespace": "sovrin", "genesis_file": tmp_path / "pool.txn"}]
    return agent_config.model_copy(update={"indy": IndyConfig.model_validate({"ledgers": ledgers})})


async def test_a_process_binds_the_ledgers_of_its_configuration(with_a_ledger: AgentConfig) -> None:
    async with HttpEdge() as edge:
        ledgers = indy_bindings(with_a_ledger, edge)[IndyLedgers]
    assert isinstance(ledgers, IndyLedgers)
    assert ledgers.of("sovrin") is ledgers.of(None)
    settings = acapy_settings(with_a_ledger, VerifierRole(), [VerifierRole()])
    assert settings["plugin_config"]["wanderbuch_indy"] == {"tails": "held"}


async def test_a_process_without_ledgers_binds_none(agent_config: AgentConfig) -> None:
    async with HttpEdge() as edge:
        assert indy_bindings(agent_config, edge) == {}
    settings = acapy_settings(agent_config, VerifierRole(), [VerifierRole()])
    assert "wanderbuch_indy" not in settings["plugin_config"]


async def test_a_process_does_not_start_on_a_wrong_genesis_file(with_a_ledger: AgentConfig, tmp_path: Path) -> None:
    (tmp_path / "pool.txn").write_text("<html>")
    async with HttpEdge() as edge:
        with pytest.raises(GenesisError, match="is not a genesis file"):
            indy_bindings(with_a_ledger, edge)
