"""AnonCreds objects on Indy ledgers, beside those on did:webvh: an ACA-Py plugin (see `plugin.py`)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acapy_agent.config.injection_context import InjectionContext


async def setup(context: "InjectionContext") -> None:
    """Register the AnonCreds registry, if the plugin is configured; called by ACA-Py.

    Raises:
        ConfigurationError: a genesis file cannot be used.
    """
    if "wanderbuch_indy" not in (context.settings.get("plugin_config") or {}):
        return  # no ledgers: nothing of them is loaded
    from wanderbuch.plugins.indy.plugin import set_up

    await set_up(context)
