"""The plugin's configuration, for an ACA-Py that is not started by our runtime (`--plugin-config`).

wanderbuch_webvh:
  public_folder: /var/lib/agent/public    # what the web server of the DID's host serves; not needed without a DID
  ca_file: /etc/agent/ca.crt              # certificate authorities to trust; those of the system by default
  connect: ["issuer.example.test:443=127.0.0.1:8443"]
  tails: all                              # or "held"; see registry.TailsPolicy
"""

from pathlib import Path
from typing import Final

from acapy_agent.config.injection_context import InjectionContext
from pydantic import BaseModel, ConfigDict, ValidationError

from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.memory import LogMemory, WalletLogMemory
from wanderbuch.plugins.webvh.publisher import FolderPublisher, NoPublisher, Publisher
from wanderbuch.plugins.webvh.registry import TailsPolicy

PLUGIN_KEY: Final = "wanderbuch_webvh"


class WebvhConfig(BaseModel):
    """Table `wanderbuch_webvh` of the plugin configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_folder: Path | None = None
    ca_file: Path | None = None
    connect: tuple[str, ...] = ()
    tails: TailsPolicy = TailsPolicy.ALL


def load_config(context: InjectionContext) -> WebvhConfig:
    """Return the plugin's configuration.

    Raises:
        ConfigurationError: a key is unknown or a value does not fit.
    """
    received = context.settings.get("plugin_config") or {}
    try:
        return WebvhConfig.model_validate(received.get(PLUGIN_KEY) or {})
    except ValidationError as err:
        first = err.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        known = ", ".join(WebvhConfig.model_fields)
        raise ConfigurationError(
            f"{PLUGIN_KEY}.{place} in the plugin configuration: {first['msg']}", hint=f"the keys are {known}"
        ) from err


def bind_missing(context: InjectionContext, config: WebvhConfig) -> bool:
    """Bind what nobody has bound before the plugin was set up; return whether the HTTP edge is ours to close."""
    bind = context.injector.bind_instance
    owns_edge = context.inject_or(HttpEdge) is None
    if owns_edge:
        bind(HttpEdge, HttpEdge(HttpEdgeConfig(ConnectionMap.parse(config.connect), config.ca_file)))
    if context.inject_or(Publisher) is None:
        bind(Publisher, FolderPublisher(config.public_folder) if config.public_folder else NoPublisher())
    if context.inject_or(LogMemory) is None:
        bind(LogMemory, WalletLogMemory())
    if context.inject_or(WebvhDocuments) is None:
        bind(WebvhDocuments, WebvhDocuments(context.inject(HttpEdge), context.inject(LogMemory)))
    return owns_edge
