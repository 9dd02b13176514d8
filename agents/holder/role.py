"""The holder role: a person's wallet agent."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.runtime.gate.served import Speaks
from wanderbuch.agents.runtime.role import Role

if TYPE_CHECKING:
    from wanderbuch.agents.runtime.agent import RunningAgent
    from wanderbuch.agents.runtime.app import Route


class HolderRole(Role):
    """Keeps credentials, shows offers and requests, and answers with consent only.

    A holder has no public DID: every connection has a did:peer of its own.
    """

    name = "holder"
    settings = HolderConfig
    plugins = ("wanderbuch.agents.holder",)
    speaks = (Speaks.HOLDER, Speaks.INVITEE)
    has_public_did = False

    def __init__(self) -> None:
        self._began = datetime.now(UTC)

    def routes(self, agent: "RunningAgent") -> Sequence["Route"]:
        """Return the holder's REST routes."""
        from wanderbuch.agents.holder.api import holder_routes

        return holder_routes(agent)

    async def started(self, agent: "RunningAgent") -> None:
        """Do nothing: a wallet publishes nothing."""

    async def sweep(self, agent: "RunningAgent", now: datetime) -> None:
        """End what is overdue, finish what was interrupted."""
        from wanderbuch.agents.holder.offers import sweep_offers
        from wanderbuch.agents.holder.requests import sweep_requests

        config = agent.config.settings(HolderConfig)
        await sweep_offers(agent.profile, config, now, began=self._began)
        await sweep_requests(agent.profile, config, now, began=self._began)

    async def stopping(self, agent: "RunningAgent") -> None:
        """Do nothing: there are no tasks of its own."""


ROLE = HolderRole()
