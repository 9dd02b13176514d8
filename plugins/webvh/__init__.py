"""did:webvh and AnonCreds objects on it, published as files: an ACA-Py plugin (see `plugin.py`)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acapy_agent.config.injection_context import InjectionContext


async def setup(context: "InjectionContext") -> None:
    """Register the DID resolver and the AnonCreds registry; called by ACA-Py.

    Raises:
        ConfigurationError: the plugin's configuration cannot be used.
    """
    # Imported here: commands resolve DIDs with this package, and need not load all of ACA-Py for it.
    from wanderbuch.plugins.webvh.plugin import set_up

    await set_up(context)
