"""The tenants of a process: found by id, opened when they are first needed.

Opening one: its DID is there, its governance was asked for, each of its roles has an office. While somebody whom a role
needs can not be reached it is tried again. Whether an office is open is known here and nowhere else.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.app import Caller
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.agents.runtime.office import Office
from wanderbuch.agents.runtime.problems import NotReadyError
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.trust.pacing import Backoff
from wanderbuch.plugins.webvh.dids import create_did
from wanderbuch.store.records import NotFoundError

_LOG = logging.getLogger(__name__)
_LONGEST_PAUSE_S: Final = 20.0


class Tenants:
    """The tenants of one process.

    Args:
        roles: that a tenant may have, by name.
        default: the default tenant.
        memory: the default tenant's profile, which remembers what is public.
    """

    def __init__(self, roles: Mapping[str, Role], default: Tenant, *, memory: Profile) -> None:
        self._roles = roles
        self.default = default
        self._memory = memory
        self._tenants: dict[str, Tenant] = {default.id: default}

    def find(self, tenant_id: str) -> Tenant:
        """Return a tenant.

        Raises:
            NotFoundError: there is none of this id.
        """
        if (found := self._tenants.get(tenant_id)) is None:
            raise NotFoundError(f"there is no tenant {tenant_id[:64]!r}")
        return found

    async def office(self, tenant_id: str, role: str) -> Office:
        """Return the office of a role for a tenant.

        Raises:
            NotFoundError: there is no such tenant, or it does not have this role.
            NotReadyError: it is not open yet.
        """
        tenant = self.find(tenant_id)
        if role not in tenant.config.roles:
            raise NotFoundError(f"the tenant {tenant_id} has no {role}")
        office = tenant.offices.get(role)
        if office is None:
            raise NotReadyError(f"the {role} is starting", hint="try again in a moment")
        return office

    async def identify(self, tenant_id: str, token: str) -> Caller | None:
        """Return who has this token for a tenant, beside the operator; None if nobody, or if there is no tenant."""
        tenant = self._tenants.get(tenant_id)
        for name, office in tenant.offices.items() if tenant else ():
            if (caller := await self._roles[name].identify(office, token)) is not None:
                return caller
        return None

    async def open(self, tenant: Tenant) -> None:
        """Open a tenant; returns when it is open, however long somebody whom it needs can not be reached."""
        roles = [self._roles[name] for name in tenant.config.roles]
        if any(role.has_public_did for role in roles):
            tenant.has_identity(
                await create_did(
                    tenant.profile,
                    host=tenant.place.host,
                    path=tenant.place.path,
                    didcomm_endpoint=tenant.place.didcomm_endpoint,
                    publisher=tenant.publisher,
                    prerotation=any(role.prerotation for role in roles),
                    services=[service for role in roles for service in role.services(tenant.config)],
                    witnesses=tenant.config.witnesses,
                )
            )
        if (source := tenant.governance) is not None:
            await tenant.parts.library.begin(source, self._memory)
        backoff = Backoff(longest_s=_LONGEST_PAUSE_S)
        for role in roles:
            while role.name not in tenant.offices:
                try:
                    tenant.offices[role.name] = await role.open(tenant)
                except ResolutionError as err:
                    pause = backoff.failed()
                    log_event(
                        _LOG,
                        logging.WARNING,
                        "agent.waiting",
                        code=err.code,
                        reason=err.message,
                        pause_s=round(pause, 1),
                    )
                    await asyncio.sleep(pause)

    async def sweep(self, role: str, now: datetime) -> None:
        """Sweep the open offices of a role."""
        for tenant in list(self._tenants.values()):
            if (office := tenant.offices.get(role)) is not None:
                await office.sweep(now)

    async def close(self) -> None:
        """Close all of them."""
        for tenant in self._tenants.values():
            await tenant.close()
