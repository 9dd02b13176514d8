"""The verifier as a role of the runtime."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from wanderbuch.agents.runtime.gate.served import Speaks
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.verifier.config import VerifierConfig

if TYPE_CHECKING:
    from wanderbuch.agents.runtime.agent import RunningAgent
    from wanderbuch.agents.runtime.app import Route


class VerifierRole(Role):
    """Asks holders and decides."""

    name = "verifier"
    settings = VerifierConfig
    plugins = ("wanderbuch.agents.verifier",)
    speaks = (Speaks.VERIFIER,)

    def routes(self, agent: "RunningAgent") -> Sequence["Route"]:
        """Return the REST API."""
        from wanderbuch.agents.verifier.api import verifier_routes

        return verifier_routes(agent)

    async def started(self, agent: "RunningAgent") -> None:
        """Refuse to start without a governance: a verifier that can not decide has nothing to do."""
        from wanderbuch.errors import ConfigurationError

        if agent.governance is None:
            raise ConfigurationError(
                "a verifier needs the table [governance]", hint="add url and author of the governance file"
            )

    async def sweep(self, agent: "RunningAgent", now: datetime) -> None:
        """End what is overdue, forget what need not stay."""
        from wanderbuch.plugins.trust.verifier import VerificationDesk

        await agent.profile.inject(VerificationDesk).sweep(agent.profile, now)

    async def stopping(self, agent: "RunningAgent") -> None:
        """Do nothing: there are no tasks of its own."""


ROLE = VerifierRole()
