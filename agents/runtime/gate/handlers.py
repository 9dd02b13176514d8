"""Our own handlers of a process, by message type and role: who of them may take a message, and who may send it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.gate.admission import Party
from wanderbuch.agents.runtime.gate.served import Nearness
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.handling import FindInvitation, Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.store.tables import tenant_of


class FindConnection(Protocol):
    """Finds the live connection that a key of ours belongs to; None: there is none."""

    async def __call__(self, profile: Profile, own_key: str, *, adopts: bool = True) -> Connection | None:
        """Find it.

        Args:
            profile: whose key.
            own_key: the key.
            adopts: whether to look also for a connection that ACA-Py made, which reads the whole wallet.
        """


async def no_connection(profile: Profile, own_key: str, *, adopts: bool = True) -> Connection | None:
    """Find none."""
    return None


class HasHandlers(Protocol):
    """A role, as far as messages go."""

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Return what it handles itself, by message type."""

    @property
    def find_invitation(self) -> FindInvitation | None:
        """Return what finds its open invitations."""


@dataclass(frozen=True, slots=True)
class RoleHandler:
    """A handler, and whose it is."""

    role: str
    handler: Handler


class HandlerTable:
    """What the roles of a process handle themselves.

    Args:
        roles: by name.
        find_connection: finds connections.
    """

    def __init__(self, roles: Mapping[str, HasHandlers], find_connection: FindConnection = no_connection) -> None:
        self._by_kind: dict[str, tuple[RoleHandler, ...]] = {}
        for name, role in roles.items():
            for kind, handler in role.handlers.items():
                self._by_kind[kind] = (*self._by_kind.get(kind, ()), RoleHandler(name, handler))
        self._finders: dict[str, FindInvitation] = {
            name: role.find_invitation for name, role in roles.items() if role.find_invitation is not None
        }
        self._find_connection = find_connection

    def of(self, kind: str, roles: Collection[str]) -> tuple[RoleHandler, ...]:
        """Return the handlers of a message type that a tenant with these roles has; none: it is for ACA-Py."""
        return tuple(role_handler for role_handler in self._by_kind.get(kind, ()) if role_handler.role in roles)

    async def party(
        self,
        incoming: Incoming,
        handlers: Collection[RoleHandler],
        roles: Collection[str],
        network: str,
        *,
        needs: Nearness = Nearness.CONNECTION,
        lately: str | None = None,
    ) -> tuple[Party, Connection | None]:
        """Return whose budget a message uses, and the connection that it came over if that was looked up.

        How near its sender stands is asked by key, by thread, by invitation. What belongs to an exchange of ours is no
        reason to look through the whole wallet for a connection that ACA-Py made, nor is what an invitation of ours is
        enough for. No connection is looked for at all where the two keys had one lately and the message belongs to an
        exchange of theirs: it may come whether or not that connection is still live. The first answer to an invitation
        of ours comes from a key that is new to us, so there nothing but the invitation is looked at.

        Args:
            incoming: the message.
            handlers: for its type.
            roles: of the tenant.
            network: that it came from.
            needs: how near the sender of such a message must stand.
            lately: what the connection of its two keys was called lately; None: none is remembered.
        """
        if (budget := next((entry.handler.budget for entry in handlers if entry.handler.budget), None)) is not None:
            key = await budget(incoming)
            if key is None:
                return Party(Nearness.NOBODY, network, network), None
            whose = f"{tenant_of(incoming.profile)}/{key}"
            return Party(Nearness.INVITATION, whose, network, reusable=True), None
        if lately is not None and await _is_known(incoming, handlers):
            return Party(Nearness.CONNECTION, lately, network), None
        begins = needs <= Nearness.INVITATION and all(handler.handler.begins_connection for handler in handlers)
        invited, is_untouched = await self._invited(incoming, roles, network) if begins else (None, False)
        if invited is not None and is_untouched:
            return invited, None
        if (connection := await self._connection(incoming, adopts=False)) is not None:
            return Party(Nearness.CONNECTION, connection.connection_id, network), connection
        if lately is None and await _is_known(incoming, handlers):
            return Party(Nearness.EXCHANGE, f"{tenant_of(incoming.profile)}/{incoming.thread_id}", network), None
        if not begins:
            invited, _ = await self._invited(incoming, roles, network)
        if invited is not None and needs <= Nearness.INVITATION:
            return invited, None
        if (connection := await self._connection(incoming, adopts=True)) is not None:
            return Party(Nearness.CONNECTION, connection.connection_id, network), connection
        return invited or Party(Nearness.NOBODY, network, network), None

    async def _invited(self, incoming: Incoming, roles: Collection[str], network: str) -> tuple[Party | None, bool]:
        """Return the budget of the invitation of ours that a message names, and whether it is untouched.

        The budget is None where it names none that is open.
        """
        if (invitation_id := incoming.parent_thread_id) is not None:
            for role, find in self._finders.items():
                invited = await find(incoming.profile, invitation_id) if role in roles else None
                if invited is not None:
                    party = Party(
                        Nearness.INVITATION,
                        invitation_id,
                        network,
                        invited.reusable,
                        network_a_day=invited.network_a_day,
                    )
                    return party, invited.is_untouched
        return None, False

    async def _connection(self, incoming: Incoming, *, adopts: bool) -> Connection | None:
        if incoming.sender is None:
            return None
        connection = await self._find_connection(incoming.profile, incoming.recipient, adopts=adopts)
        return connection if connection is not None and connection.their_key == incoming.sender else None


async def _is_known(incoming: Incoming, handlers: Collection[RoleHandler]) -> bool:
    """Tell whether a message belongs to something that any of these has with its sender."""
    for handler in handlers:
        if await handler.handler.knows(incoming):
            return True
    return False
