"""The profile of a tenant: another profile in the store that the process has open."""

from acapy_agent.cache.base import BaseCache
from acapy_agent.config.injection_context import InjectionContext

from wanderbuch.agents.runtime.cache import FreshCache
from wanderbuch.agents.runtime.gate.served import Served
from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.agents.runtime.tenant_config import Place
from wanderbuch.plugins.webvh.publisher import Publisher


class TenantProfile(WalletProfile):
    """A profile that does not own the store: closing it closes nothing.

    Args:
        root: the default tenant's profile, which owns the store.
        tenant_id: Askar's name of the profile.
        context: what the process bound for all; this profile gets a copy.
    """

    def __init__(self, root: WalletProfile, tenant_id: str, context: InjectionContext) -> None:
        super().__init__(root.opened, context, root.guard, tenant_id)

    async def close(self) -> None:
        """Leave the store open: it is everybody's."""


def open_profile(
    root: WalletProfile,
    base: InjectionContext,
    tenant_id: str,
    *,
    name: str,
    place: Place,
    served: Served,
    publisher: Publisher,
    public_invites: bool,
) -> TenantProfile:
    """Return the profile of a tenant, with ACA-Py's settings and bindings that are its own.

    Everything else that is bound belongs to the process: registries of protocols and resolvers, the bus (which names
    the profile in each event), the way out, what is remembered of others. The responder is made for the profile that
    asks. ACA-Py's cache is the tenant's own: some of its keys are chosen by others (thread ids).
    """
    profile = TenantProfile(root, tenant_id, base)
    profile.context.update_settings(
        {
            "wallet.askar_profile": tenant_id,
            "default_label": name,
            "disclose_protocol_list": list(served.families),
            "invite_base_url": place.url,
            "public_invites": public_invites,
            "tails_server_base_url": f"{place.base_url}/tails",
        }
    )
    bind = profile.context.injector.bind_instance
    bind(BaseCache, FreshCache())
    bind(Served, served)
    bind(Publisher, publisher)
    return profile
