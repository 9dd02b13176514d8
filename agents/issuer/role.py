"""The issuer as a role of the runtime: its start, its tasks, its sweep."""

from collections.abc import Sequence
from datetime import datetime

from wanderbuch.agents.issuer.api import Office, issuer_routes
from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.desk import Desk
from wanderbuch.agents.issuer.revocations import Revocations
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.app import Route
from wanderbuch.agents.runtime.gate.served import Speaks
from wanderbuch.agents.runtime.role import Role
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.trust.issuing import OfferBook
from wanderbuch.plugins.trust.places import SigningPlaces


class IssuerRole(Role):
    """Attests qualifications."""

    name = "issuer"
    settings = IssuerConfig
    plugins = ("wanderbuch.agents.issuer",)
    speaks = (Speaks.ISSUER, Speaks.INVITER)

    def __init__(self) -> None:
        self._office: Office | None = None

    def routes(self, agent: RunningAgent) -> Sequence[Route]:
        """Return the REST API."""
        return issuer_routes(lambda: self._office)

    async def started(self, agent: RunningAgent) -> None:
        """Open the desk, and come to stand beside: an authority that can not be reached keeps no issuer from starting.

        Raises:
            ConfigurationError: there is no table [governance]: an issuer without an authority attests nothing.
        """
        if agent.governance is None:
            raise ConfigurationError("an issuer needs the table [governance]: whose word its accreditation is")
        if self._office is not None:
            return
        config = agent.config.settings(IssuerConfig)
        standing = Standing(config, profile=agent.profile, did=agent.did, source=agent.governance)
        desk = Desk(
            agent.profile,
            standing,
            label=agent.config.name,
            short_links=agent.short_links,
            on_issued=standing.note_issued,
        )
        agent.profile.context.injector.bind_instance(OfferBook, desk)
        agent.profile.context.injector.bind_instance(SigningPlaces, standing.places)
        revocations = Revocations(agent.profile)
        self._office = Office(agent.config.name, config, standing, desk, revocations)
        agent.spawn("issuer.standing", standing.keep())
        agent.spawn("issuer.revocations", revocations.run())

    async def sweep(self, agent: RunningAgent, now: datetime) -> None:
        """End what is overdue, and take up what a crash left."""
        if self._office is not None:
            await self._office.desk.sweep(now)
            self._office.standing.look_again()
            self._office.revocations.look_again()

    async def stopping(self, agent: RunningAgent) -> None:
        """End what is still running of a sweep; the runtime ends what `started` spawned."""
        if self._office is not None:
            await self._office.desk.stop()


ROLE = IssuerRole()
