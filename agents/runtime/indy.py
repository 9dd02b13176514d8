"""The Indy ledgers of a process: opened where the configuration names some; without them nothing of Indy is loaded."""

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.plugins.http.edge import HttpEdge


def indy_bindings(config: AgentConfig, edge: HttpEdge) -> dict[type, object]:
    """Return what the plugin asks for; no node is asked yet.

    Raises:
        GenesisError: a genesis file cannot be used.
    """
    if not config.indy.ledgers:
        return {}
    from wanderbuch.plugins.indy.ledger import IndyLedgers
    from wanderbuch.plugins.indy.plugin import open_ledgers

    return {IndyLedgers: open_ledgers(config.indy, edge)}
