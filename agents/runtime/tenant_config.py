"""What a tenant was told: its name, its place in public, its roles with their settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import GovernanceConfig
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.webvh.witnesses import WitnessRule
from wanderbuch.store.tables import DEFAULT_TENANT

TENANT_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tenant is in public.

    Args:
        host: of its DID, its files and its routes.
        path: of its DID; its files lie below.
        prefix: what stands before its further public routes and files: "" where the host is its own, else its path.
        didcomm_endpoint: receives its messages; one for all tenants of the process.
    """

    host: str
    path: str
    prefix: str
    didcomm_endpoint: str

    @property
    def url(self) -> str:
        """Return `https://<host>`."""
        return f"https://{self.host}"

    @property
    def base_url(self) -> str:
        """Return the address below which the DID's files lie."""
        return f"{self.url}/{self.path}"

    @property
    def site_url(self) -> str:
        """Return the address below which its further public routes and files lie."""
        return f"{self.url}/{self.prefix}" if self.prefix else self.url

    def published(self, path: str) -> str:
        """Return where a file that is named relative to `site_url` lies on the host: what a `Publisher` is told."""
        return f"{self.prefix}/{path}" if self.prefix else path


@dataclass(frozen=True, slots=True)
class TenantConfig:
    """What one tenant was told.

    Args:
        id: in addresses and in the store.
        name: what people call it.
        place: where it is in public.
        roles: the settings of each of its roles, by the role's name.
        governance: whose word counts for it.
        witnesses: who must approve changes of its DID.
        takes_v2: whether it takes DIDComm v2 beside v1.
    """

    id: str
    name: str
    place: Place
    roles: Mapping[str, BaseModel]
    governance: GovernanceConfig | None = None
    witnesses: WitnessRule | None = None
    takes_v2: bool = False

    def settings[S: BaseModel](self, kind: type[S]) -> S:
        """Return the settings of the role whose table is of this kind.

        Raises:
            ConfigurationError: none of its roles has such a table.
        """
        for role in self.roles.values():
            if isinstance(role, kind):
                return role
        raise ConfigurationError(f"the tenant {self.id} has no role with settings of the kind {kind.__name__}")


def default_tenant(config: AgentConfig) -> TenantConfig:
    """Return what the configuration file says of the default tenant."""
    public = config.public
    return TenantConfig(
        id=DEFAULT_TENANT,
        name=config.name,
        place=Place(public.host, public.path, "", public.didcomm_endpoint),
        roles={config.role: config.role_settings},
        governance=config.governance,
        witnesses=public.witnesses.rule if public.witnesses else None,
        takes_v2=public.didcomm_v2,
    )
