"""An agent's way out to other hosts, as it was configured."""

from datetime import timedelta
from typing import TYPE_CHECKING

from wanderbuch.agents.runtime.config_tables import GovernanceConfig, NetworkConfig
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.signed.bundle import BundleError, read_bundle_file
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.http.replaying import FallbackEdge

if TYPE_CHECKING:
    from wanderbuch.agents.runtime.bundle_keeping import BundleKeeper


def make_keeper(edge: HttpEdge, network: NetworkConfig, governance: GovernanceConfig | None) -> "BundleKeeper | None":
    """Return what fetches the bundle anew while there is a network; None: there is none, or it is not wanted."""
    if not isinstance(edge, FallbackEdge) or governance is None or governance.bundle is None:
        return None
    if not governance.bundle_every_h:
        return None
    from wanderbuch.agents.runtime.bundle_keeping import BundleKeeper

    return BundleKeeper(
        edge,
        governance.bundle,
        url=governance.url,
        author=Did.parse(governance.author),
        every=timedelta(hours=governance.bundle_every_h),
        open_edge=lambda: HttpEdge(_config(network)),
    )


def _config(network: NetworkConfig) -> HttpEdgeConfig:
    return HttpEdgeConfig(connect=ConnectionMap.parse(network.connect), ca_file=network.ca_file)


def make_edge(network: NetworkConfig, governance: GovernanceConfig | None) -> HttpEdge:
    """Return the way out to the network, with a bundle to fall back on where one is configured.

    Raises:
        ConfigurationError: the bundle cannot be read, or is of another governance.
    """
    config = _config(network)
    if governance is None or governance.bundle is None:
        return HttpEdge(config)
    try:
        bundle = read_bundle_file(governance.bundle.read_bytes())
    except (OSError, BundleError) as err:
        reason = err.message if isinstance(err, BundleError) else err.strerror
        raise ConfigurationError(f"[governance] bundle: {governance.bundle} cannot be used: {reason}") from err
    if (bundle.author, bundle.url) != (governance.author, governance.url):
        raise ConfigurationError(
            f"[governance] bundle: expected the governance of {governance.author} at {governance.url}, found that of "
            f"{bundle.author} at {bundle.url}"
        )
    return FallbackEdge(config, bundle.files, recorded_at=bundle.made_at)
