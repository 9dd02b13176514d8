"""Opening a tenant: its DID is there, its governance was asked for, each of its roles has an office.

While somebody whom a role needs cannot be reached it is tried again.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.agents.runtime.office import Office
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.trust.following.pacing import Backoff
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.plugins.webvh.dids import create_did
from wanderbuch.store.tables import tables_of
from wanderbuch.store.upgrading import upgrade_records

_LOG = logging.getLogger(__name__)
_LONGEST_PAUSE_S: Final = 20.0


async def open_tenant(tenant: Tenant, roles: Sequence[Role], *, memory: Profile) -> None:
    """Open a tenant; returns when it is open, however long somebody whom it needs cannot be reached.

    Args:
        tenant: which.
        roles: that it has.
        memory: the profile that remembers what belongs to the process.
    """
    await bring_up(tenant, roles)
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
                takes_v2=tenant.config.takes_v2,
            )
        )
    if (source := tenant.governance) is not None:
        tenant.bind(GovernanceSource, source)
        await tenant.parts.library.begin(source, memory)
    backoff = Backoff(longest_s=_LONGEST_PAUSE_S)
    offices: dict[str, Office] = {}
    try:
        for role in roles:
            while role.name not in offices:
                try:
                    offices[role.name] = await role.open(tenant)
                except ResolutionError as err:
                    await _wait_after(tenant, err, pause_s=backoff.failed())
    except BaseException:
        tenant.offices.update(offices)
        await tenant.close()
        raise
    tenant.offices.update(offices)


async def bring_up(tenant: Tenant, roles: Sequence[Role]) -> None:
    """Have ready what an older version kept, and what the plain tables lost."""
    rebuild = tables_of(tenant.profile).rebuild
    await rebuild.ensure_keys(tenant.profile, tenant.id)
    older = [kind for role in roles for kind in role.older_records()]
    if upgraded := await upgrade_records(tenant.profile, tenant.id, rebuild, older):
        log_event(_LOG, logging.INFO, "store.upgraded", tenant=tenant.id, records=upgraded)


async def _wait_after(tenant: Tenant, err: ResolutionError, *, pause_s: float) -> None:
    log_event(
        _LOG,
        logging.WARNING,
        "agent.waiting",
        tenant=tenant.id,
        code=err.code,
        reason=err.message,
        pause_s=round(pause_s, 1),
    )
    await asyncio.sleep(pause_s)
