"""The mediator as a role of the runtime."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from wanderbuch.agents.mediator.config import MediatorConfig
from wanderbuch.agents.runtime.gate.served import Speaks
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.site.front import FRONT

if TYPE_CHECKING:
    from acapy_agent.core.profile import Profile

    from wanderbuch.agents.mediator.office import MediatorOffice
    from wanderbuch.agents.runtime.app import PublicRoute, Route
    from wanderbuch.agents.runtime.tenant import Tenant
    from wanderbuch.plugins.exchange.handling import FindInvitation, Handler, Invited


class MediatorRole(Role):
    """Takes what is for wallets without an address, and keeps it until they have it.

    It has no public DID: its invitation carries its key, and every connection has a did:peer of its own.
    """

    name = "mediator"
    settings = MediatorConfig
    speaks = (Speaks.MEDIATOR, Speaks.INVITER)
    has_public_did = False
    takes_sockets = True
    front = FRONT

    @property
    def find_invitation(self) -> "FindInvitation":  # type: ignore[override]
        """Its one invitation, for everybody, until there is no room for one more: then they are told so."""
        from wanderbuch.agents.mediator.keys import invitation_id_of
        from wanderbuch.agents.mediator.office import MediatorOffice
        from wanderbuch.plugins.exchange.handling import Invited

        async def find(profile: "Profile", invitation_id: str) -> "Invited | None":
            if invitation_id != await invitation_id_of(profile):
                return None
            office = profile.inject_or(MediatorOffice)
            config = MediatorConfig() if office is None else office.config
            is_full = office is not None and await office.wallets.is_full(most=config.max_wallets)
            return Invited(reusable=True, is_over=is_full, network_a_day=config.network_a_day)

        return find

    @property
    def handlers(self) -> "Mapping[str, Handler]":  # type: ignore[override]
        """All that a mediator serves: of what comes over its connections nothing goes to ACA-Py's dispatcher."""
        from wanderbuch.agents.mediator.coordinating import COORDINATION_HANDLERS
        from wanderbuch.agents.mediator.features import FEATURE_HANDLERS
        from wanderbuch.agents.mediator.forwarding import FORWARD_HANDLERS
        from wanderbuch.agents.mediator.pickup import PICKUP_HANDLERS
        from wanderbuch.agents.mediator.relaying import EGRESS_HANDLERS
        from wanderbuch.agents.mediator.subscribing import PUSH_HANDLERS
        from wanderbuch.plugins.exchange.connecting.inviter import Inviter

        inviter = Inviter(self.name, self.find_invitation, lambda office: office, takes_sockets=True)
        inviting = inviter.handlers()
        return {
            **inviting,
            **{kind: replace(inviting[kind], asked_again=True) for kind in inviting if kind.endswith("/request")},
            **COORDINATION_HANDLERS,
            **EGRESS_HANDLERS,
            **FEATURE_HANDLERS,
            **FORWARD_HANDLERS,
            **PICKUP_HANDLERS,
            **PUSH_HANDLERS,
        }

    def routes(self) -> Sequence["Route"]:
        """Return the REST API."""
        from wanderbuch.agents.mediator.api import MEDIATOR_ROUTES

        return MEDIATOR_ROUTES

    def public_routes(self) -> Sequence["PublicRoute"]:
        """Return where the invitation is."""
        from wanderbuch.agents.mediator.api import PUBLIC_ROUTES

        return PUBLIC_ROUTES

    async def open(self, tenant: "Tenant") -> "MediatorOffice":
        """Open the queues."""
        from wanderbuch.agents.mediator.keys import open_keys
        from wanderbuch.agents.mediator.office import MediatorOffice
        from wanderbuch.agents.mediator.pushing.subscriptions import open_vapid_key

        keys, vapid = await open_keys(tenant.profile), None
        if tenant.settings(MediatorConfig).push_services:
            vapid = await open_vapid_key(tenant.profile, contact=tenant.place.site_url)
        return MediatorOffice(tenant, keys, vapid)


ROLE = MediatorRole()
