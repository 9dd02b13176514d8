"""The holder role: a person's wallet agent."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.runtime.at_once import Rounds
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
        self._offers, self._requests = Rounds("holder.offers"), Rounds("holder.requests")

    def routes(self, agent: "RunningAgent") -> Sequence["Route"]:
        """Return the holder's REST routes."""
        from wanderbuch.agents.holder.api import holder_routes

        return holder_routes(agent)

    async def started(self, agent: "RunningAgent") -> None:
        """Heal what an earlier version left twice; a wallet publishes nothing."""
        from wanderbuch.agents.holder.doubles import heal_doubles

        await heal_doubles(agent.profile)

    async def sweep(self, agent: "RunningAgent", now: datetime) -> None:
        """End what is overdue, finish what was interrupted."""
        from wanderbuch.agents.holder.offers import sweep_offers
        from wanderbuch.agents.holder.requests import sweep_requests

        config = agent.config.settings(HolderConfig)
        await sweep_offers(agent.profile, config, now, began=self._began, rounds=self._offers)
        await sweep_requests(agent.profile, config, now, began=self._began, rounds=self._requests)

    async def stopping(self, agent: "RunningAgent") -> None:
        """End what is still running of a sweep; the next start goes on with it."""
        await self._offers.stop()
        await self._requests.stop()


ROLE = HolderRole()
