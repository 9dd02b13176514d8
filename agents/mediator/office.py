"""What a mediator has open for one tenant."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from acapy_agent.core.profile import Profile

from wanderbuch.agents.mediator.config import MediatorConfig
from wanderbuch.agents.mediator.egress import Egress
from wanderbuch.agents.mediator.errors import MediationError
from wanderbuch.agents.mediator.keys import MediatorKeys
from wanderbuch.agents.mediator.live import LiveWallets
from wanderbuch.agents.mediator.pushing.message import Services, VapidKey
from wanderbuch.agents.mediator.pushing.subscriptions import Subscriptions
from wanderbuch.agents.mediator.pushing.telling import Pushes
from wanderbuch.agents.mediator.queue import Queue
from wanderbuch.agents.mediator.wallets import Wallets
from wanderbuch.plugins.exchange.channel import Channel
from wanderbuch.plugins.exchange.connecting.connections import connection_of, forget_connection, read_connection
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.store.tables import tables_of, tenant_of

if TYPE_CHECKING:
    from wanderbuch.agents.runtime.tenant import Tenant


class MediatorOffice:
    """A mediator's work for one tenant.

    Args:
        tenant: whose.
        keys: what it is known by.
        vapid: signs pushes; None: none are sent.
    """

    def __init__(self, tenant: "Tenant", keys: MediatorKeys, vapid: VapidKey | None = None) -> None:
        self.profile = tenant.profile
        self.config = tenant.settings(MediatorConfig)
        self.name = tenant.name
        self.endpoint = tenant.place.didcomm_endpoint
        self.site_url = tenant.place.site_url
        self.keys = keys
        tables, name = tables_of(self.profile), tenant_of(self.profile)
        self.wallets = Wallets(name, tables, keys.sealing)
        self.queue = Queue(name, tables, keys.sealing, self.config)
        self.live = LiveWallets(self.profile, self.queue)
        self.subscriptions = Subscriptions(name, tables, keys.sealing)
        self.pushes: Pushes | None = None
        if vapid is not None:
            services = Services(self.config.push_services)
            self.pushes = Pushes(self.profile, self.subscriptions, self.live, vapid, services)
            self.pushes.begin()
        self.egress = Egress(self.profile, self.config) if self.config.egress else None
        self._sending = self.profile.inject(Sending)
        tenant.bind(MediatorOffice, self)  # whose a key is, is asked by the gate

    async def answer(self, incoming: Incoming, channel: Channel, message: Mapping[str, Any]) -> None:
        """Answer a wallet, over the way on which it waits for that."""
        await self._sending.answer(incoming, channel, message)

    async def came(self, wallet: str) -> None:
        """Note that a wallet came for what waits: it is to be told of what comes after this."""
        if self.pushes is not None:
            await self.subscriptions.came(wallet)

    async def is_own(self, key: str) -> bool:
        """Tell whether a key is one of ours: no wallet receives with it."""
        return (await tables_of(self.profile).keys.find([key])).get(key) == tenant_of(self.profile)

    def invitation(self) -> dict[str, object]:
        """Return the invitation of all wallets."""
        return self.keys.invitation(label=self.name, endpoint=self.endpoint)

    async def take(self, profile: Profile, invitation_id: str, connection: Connection) -> bool:
        """Take a wallet that connects, if there is room for one more."""
        return await self.wallets.enter(connection.own_key, most=self.config.max_wallets)

    async def connected(self, profile: Profile, invitation_id: str, connection: Connection, incoming: Incoming) -> None:
        """Leave it: the wallet says next what it wants."""

    def unanswered(self, invitation_id: str, connection: Connection) -> None:
        """Leave it: a wallet without an address asks again."""

    async def sweep(self, now: datetime) -> None:
        """Remove what is too old, and forget wallets that do not come any more."""
        await self.queue.remove_old()
        async for wallet, own_key in self.wallets.forgettable(days=self.config.forget_days):
            if own_key is not None:
                await self._disconnect(own_key)
            await self.wallets.forget(wallet)

    async def _disconnect(self, own_key: str) -> None:
        async with self.profile.session() as session:
            connection = await read_connection(session, own_key)
        if connection is not None:
            await forget_connection(self.profile, connection, with_their_key=True)
        self.profile.inject(KeyRing).drop(own_key)

    async def close(self) -> None:
        """Deliver no more; what waits stays kept."""
        if self.pushes is not None:
            await self.pushes.stop()
        if self.egress is not None:
            await self.egress.stop()
        await self.live.stop()


async def wallet_of(office: MediatorOffice, incoming: Incoming) -> tuple[str, Channel]:
    """Return the wallet that a message is from, and the channel to it; notes that it came.

    Raises:
        MediationError: it came over no connection of ours, or not from whom that is with.
    """
    connection = await connection_of(incoming)
    if connection is None:
        raise MediationError("expected a message over a connection that is there, found none")
    wallet = office.wallets.id_of(connection.own_key)
    await office.wallets.saw(wallet)
    return wallet, connection.channel
