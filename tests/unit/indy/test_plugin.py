import sys
from pathlib import Path
from typing import Any

import pytest
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.config.default_context import DefaultContextBuilder
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.plugin_registry import PluginRegistry
from tests.unit.indy.genesis import genesis

from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.indy import setup
from wanderbuch.plugins.indy.errors import GenesisError
from wanderbuch.plugins.indy.plugin import PLUGIN_KEY
from wanderbuch.plugins.indy.registry import IndyRegistry
from wanderbuch.plugins.webvh.registry import WebvhRegistry

PLUGINS = ["wanderbuch.plugins.webvh", "wanderbuch.plugins.indy"]
NYM = "V4SGRU86Z58d6TV7PBUe6f"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "pool.txn"
    written.write_text(genesis())
    return written


async def aca_py(**settings: Any) -> InjectionContext:
    """ACA-Py's own context, which has a registry for Indy of its own, with our plugins in it."""
    given = {
        "wallet.type": "askar-anoncreds",
        "external_plugins": PLUGINS,
        "ledger.disabled": True,
        **settings,
    }
    return await DefaultContextBuilder(settings=given).build_context()


async def test_aca_py_asks_it_for_ids_of_indy_and_others_for_theirs(file: Path) -> None:
    ledgers = [{"namespace": "sovrin", "genesis_file": str(file)}]
    context = await aca_py(plugin_config={PLUGIN_KEY: {"ledgers": ledgers}})
    assert set(PLUGINS) <= set(context.inject(PluginRegistry).plugin_names)
    registry = context.inject(AnonCredsRegistry)
    for text in (NYM, f"did:sov:{NYM}", f"did:indy:sovrin:{NYM}"):
        assert isinstance(await registry._registrar_for_identifier(text), IndyRegistry)
    for text in (f"{NYM}:3:CL:1:t", f"did:indy:sovrin:{NYM}/anoncreds/v0/CLAIM_DEF/1/t", f"{NYM}:2:x:1.0"):
        assert isinstance(await registry._resolver_for_identifier(text), IndyRegistry)
    assert isinstance(await registry._resolver_for_identifier("did:webvh:x/resources/y"), WebvhRegistry)


async def test_without_ledgers_it_registers_nothing() -> None:
    context = await aca_py()
    assert not any(isinstance(resolver, IndyRegistry) for resolver in context.inject(AnonCredsRegistry).resolvers)


def configured(**values: Any) -> InjectionContext:
    return InjectionContext(settings={"plugin_config": {PLUGIN_KEY: values}})


async def test_refuses_to_start_with_a_wrong_genesis_file(file: Path) -> None:
    file.write_text("<html>")  # noqa: ASYNC240 (a test)
    with pytest.raises(GenesisError, match="is not a genesis file"):
        await setup(configured(ledgers=[{"namespace": "sovrin", "genesis_file": str(file)}]))


@pytest.mark.parametrize("values", [{"ledger": []}, {"tails": "some"}, {"ledgers": [{"namespace": "sovrin"}]}])
async def test_refuses_a_configuration_that_it_does_not_know(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=PLUGIN_KEY):
        await setup(configured(**values))


async def test_an_agent_without_ledgers_loads_nothing_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "wanderbuch.plugins.indy.plugin")
    await setup(InjectionContext(settings={"plugin_config": {"wanderbuch_webvh": {}}}))
    assert "wanderbuch.plugins.indy.plugin" not in sys.modules
