"""The holder role: a person's wallet agent, and its office for one tenant."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.runtime.at_once import Rounds
from wanderbuch.agents.runtime.gate.served import Speaks
from wanderbuch.agents.runtime.role import Role

if TYPE_CHECKING:
    from wanderbuch.agents.holder.telling import Ends
    from wanderbuch.agents.runtime.app import Route
    from wanderbuch.agents.runtime.tenant import Tenant


class HolderOffice:
    """A holder's work for one tenant."""

    def __init__(self, tenant: "Tenant") -> None:
        self.profile = tenant.profile
        self.config = tenant.settings(HolderConfig)
        self.edge = tenant.edge
        self.governance = tenant.governance
        self._began = tenant.clock()
        self._ends: Ends | None = None
        self._offers, self._requests = Rounds("holder.offers"), Rounds("holder.requests")

    async def sweep(self, now: datetime) -> None:
        """End what is overdue, finish what was interrupted."""
        from wanderbuch.agents.holder.offers import sweep_offers
        from wanderbuch.agents.holder.requests import sweep_requests
        from wanderbuch.agents.holder.telling import Ends

        self._ends = ends = self._ends or Ends(self.profile)
        ends.begin(now)
        profile, config, began = self.profile, self.config, self._began
        await sweep_offers(profile, config, now, began=began, rounds=self._offers, note=ends.note)
        await sweep_requests(profile, config, now, began=began, rounds=self._requests, note=ends.note)
        await ends.tell(now)

    async def close(self) -> None:
        """End what is still running of a sweep; the next start goes on with it."""
        await self._offers.stop()
        await self._requests.stop()


class HolderRole(Role):
    """Keeps credentials, shows offers and requests, and answers with consent only.

    A holder has no public DID: every connection has a did:peer of its own.
    """

    name = "holder"
    settings = HolderConfig
    plugins = ("wanderbuch.agents.holder",)
    speaks = (Speaks.HOLDER, Speaks.INVITEE)
    has_public_did = False

    def routes(self) -> Sequence["Route"]:
        """Return the holder's REST routes."""
        from wanderbuch.agents.holder.api import HOLDER_ROUTES

        return HOLDER_ROUTES

    async def open(self, tenant: "Tenant") -> HolderOffice:
        """Heal what an earlier version left twice; a wallet publishes nothing."""
        from wanderbuch.agents.holder.doubles import heal_doubles

        await heal_doubles(tenant.profile)
        return HolderOffice(tenant)


ROLE = HolderRole()
