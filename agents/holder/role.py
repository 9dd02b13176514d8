"""The holder role: a person's wallet agent, and its office for one tenant."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from wanderbuch.agents.holder.arrivals import Arrival, ArrivalKind, announce
from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.ending_offers import learn_telling
from wanderbuch.agents.holder.erasing import ERASURE_ANSWERS, sweep_erasures
from wanderbuch.agents.holder.mediation.way import MediatedWay
from wanderbuch.agents.holder.offer_messages import OFFER_HANDLERS
from wanderbuch.agents.holder.offer_text import forget_at_hand
from wanderbuch.agents.holder.proving import Prover
from wanderbuch.agents.holder.request_messages import REQUEST_HANDLERS
from wanderbuch.agents.holder.request_sweep import RequestSweep
from wanderbuch.agents.holder.requesting import forget_requests_at_hand
from wanderbuch.agents.holder.sweeping_offers import OfferSweep
from wanderbuch.agents.holder.tails_beside import stop_fetching
from wanderbuch.agents.runtime.gate.served import Speaks
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.site.front import FRONT
from wanderbuch.plugins.exchange.connecting.invitee import Invitee
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.own_way import OwnWay
from wanderbuch.plugins.exchange.reports import ProblemReport

if TYPE_CHECKING:
    from wanderbuch.agents.runtime.app import Route
    from wanderbuch.agents.runtime.tenant import Tenant


class HolderOffice:
    """A holder's work for one tenant."""

    def __init__(self, tenant: "Tenant") -> None:
        self.profile = tenant.profile
        self.config = tenant.settings(HolderConfig)
        self.edge = tenant.edge
        self.governance = tenant.governance
        began = tenant.clock()
        self._offers = OfferSweep(self.profile, began=began)
        self._requests = RequestSweep(self.profile, self.config, began=began)
        learn_telling(self.profile)
        self._way: MediatedWay | None = None
        if self.config.mediator is not None:
            self._way = MediatedWay(self.profile, self.edge, self.config.mediator)
            tenant.bind(OwnWay, self._way)
            tenant.spawn("holder.mediator", self._way.run())

    async def sweep(self, now: datetime) -> None:
        """End what is overdue, finish what was interrupted."""
        await self._offers.sweep(now)
        await self._requests.sweep(now)
        await sweep_erasures(self.profile, now)

    async def close(self) -> None:
        """End what is still running of a sweep; the next start goes on with it."""
        await self._offers.stop()
        await self.profile.inject(Prover).stop(self.profile)
        await stop_fetching(self.profile)
        forget_at_hand(self.profile)
        forget_requests_at_hand(self.profile)

    async def connected(self, handshake_id: str, connection: Connection, incoming: Incoming) -> None:
        """Tell whoever waits for a connection, in whichever process."""
        if self._way is not None and self._way.connected(handshake_id):
            return
        connection_id = connection.connection_id
        await announce(incoming.profile, Arrival(ArrivalKind.CONNECTION, connection_id, connection_id))

    async def refused(self, handshake_id: str, report: ProblemReport, incoming: Incoming) -> None:
        """Leave it: who waits for the connection is told that it did not come."""
        if self._way is not None:
            self._way.connected(handshake_id)


def _office_of(office: Any) -> HolderOffice:
    holder_office: HolderOffice = office
    return holder_office


class HolderRole(Role):
    """Keeps credentials, shows offers and requests, and answers with consent only.

    A holder has no public DID: every connection has a did:peer of its own.
    """

    name = "holder"
    settings = HolderConfig
    plugins = ("wanderbuch.agents.holder",)
    speaks = (Speaks.HOLDER, Speaks.INVITEE)
    handlers = {**OFFER_HANDLERS, **REQUEST_HANDLERS, **ERASURE_ANSWERS, **Invitee(_office_of).handlers()}  # noqa: RUF012
    has_public_did = False
    front = FRONT

    def routes(self) -> Sequence["Route"]:
        """Return the holder's REST routes."""
        from wanderbuch.agents.holder.api import HOLDER_ROUTES

        return HOLDER_ROUTES

    async def open(self, tenant: "Tenant") -> HolderOffice:
        """Return the office; a wallet publishes nothing."""
        return HolderOffice(tenant)


ROLE = HolderRole()
