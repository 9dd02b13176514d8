"""The roles that come with the program, by name."""

import importlib
from collections.abc import Sequence
from typing import Final

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.role import Role
from wanderbuch.errors import ConfigurationError

NAMES: Final = ("authority", "issuer", "holder", "verifier", "mediator")


def further_roles(config: AgentConfig, own: Role) -> Sequence[Role]:
    """Return the roles that tenants of this process may have beside its own.

    Raises:
        ConfigurationError: the configuration names one that is not there.
    """
    roles = []
    for name in config.tenants.roles:
        if name == own.name:
            continue
        if name not in NAMES:
            raise ConfigurationError(
                f"[tenants] roles: unknown role {name[:64]!r}", hint=f"they are {', '.join(NAMES)}"
            )
        role: Role = importlib.import_module(f"wanderbuch.agents.{name}.role").ROLE
        roles.append(role)
    return roles
