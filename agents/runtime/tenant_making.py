"""Makes the tenants beside the default one out of their records: profile, publisher, short links; not their offices."""

from collections.abc import Mapping

from acapy_agent.config.injection_context import InjectionContext
from pydantic import ValidationError

from wanderbuch.agents.runtime.gate.served import Served, Speaks
from wanderbuch.agents.runtime.public_files import PublicFiles
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.short_links import ShortLinks
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.runtime.tenant_config import Place
from wanderbuch.agents.runtime.tenant_profile import open_profile
from wanderbuch.agents.runtime.tenant_records import TenantRecord, first_mistake
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.webvh.publisher import Publisher


class TenantMaker:
    """Makes tenants of one process.

    Args:
        roles: that a tenant may have, by name.
        default: the default tenant; nothing of its own is bound in its profile before `settle`.
        files: where public files lie.
    """

    def __init__(self, roles: Mapping[str, Role], default: Tenant, files: PublicFiles) -> None:
        self._roles = roles
        self._default = default
        self._files = files
        self._base: InjectionContext | None = None
        self._served: dict[frozenset[Speaks], Served] = {}
        self._publishers: dict[str, Publisher] = {default.place.host: default.publisher}

    def settle(self) -> None:
        """Take what ACA-Py and the process have bound by now as what every tenant begins with."""
        self._base = self._default.profile.context.copy()

    def make(self, record: TenantRecord) -> Tenant:
        """Return the tenant of a record.

        Raises:
            ConfigurationError: its settings do not fit its roles, or the process's roles, any more.
        """
        if self._base is None:
            raise RuntimeError("no tenant is made before ACA-Py has started")
        default = self._default
        try:
            config = record.config(default.parts.config, self._roles)
        except ValidationError as err:
            raise ConfigurationError(
                f"the settings of the tenant {record.id} do not fit its roles any more: {first_mistake(err)}",
                hint="its own settings stand on top of the roles' tables in the configuration file: correct these",
            ) from err
        roles = [self._roles[name] for name in config.roles]
        publisher = self._publisher(config.place)
        profile = open_profile(
            default.profile,
            self._base,
            record.id,
            name=config.name,
            place=config.place,
            served=self._serves(frozenset(part for role in roles for part in role.speaks)),
            publisher=publisher,
            public_invites=any(role.has_public_did for role in roles),
        )
        short_links = ShortLinks(default.profile, config.place.url, record.id)
        return Tenant(config, profile, default.parts, publisher=publisher, short_links=short_links)

    def _serves(self, parts: frozenset[Speaks]) -> Served:
        if (served := self._served.get(parts)) is None:
            served = self._served[parts] = Served(parts)
        return served

    def _publisher(self, place: Place) -> Publisher:
        if (publisher := self._publishers.get(place.host)) is None:
            publisher = self._publishers[place.host] = self._files.publisher(place.host)
        return publisher
