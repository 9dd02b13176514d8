"""The verifier as a role of the runtime, and its office for one tenant."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from wanderbuch.agents.runtime.gate.served import Speaks
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.verifier.config import VerifierConfig

if TYPE_CHECKING:
    from wanderbuch.agents.runtime.app import Route
    from wanderbuch.agents.runtime.tenant import Tenant


class VerifierOffice:
    """A verifier's work for one tenant: its desk, and what it asks and judges with."""

    def __init__(self, tenant: "Tenant") -> None:
        """Open it; nobody is asked anything yet.

        Raises:
            ConfigurationError: there is no governance: a verifier that can not decide has nothing to do.
        """
        from wanderbuch.errors import ConfigurationError
        from wanderbuch.plugins.http.replaying import FallbackEdge
        from wanderbuch.plugins.trust.verifier import DeskLimits, VerificationDesk

        source = tenant.governance
        if source is None:
            raise ConfigurationError(
                "a verifier needs the table [governance]", hint="add url and author of the governance file"
            )
        self.tenant = tenant
        self.governance = source
        self.config = tenant.settings(VerifierConfig)
        self.desk = VerificationDesk(
            source,
            limits=DeskLimits(
                judging=timedelta(seconds=self.config.judging_limit_s),
                keep_seen=timedelta(days=self.config.keep_seen_days),
            ),
            recording=tenant.edge if isinstance(tenant.edge, FallbackEdge) else None,
        )

    async def sweep(self, now: datetime) -> None:
        """End what is overdue, forget what need not stay."""
        await self.desk.sweep(self.tenant.profile, now)

    async def close(self) -> None:
        """Do nothing: there are no tasks of its own."""


class VerifierRole(Role):
    """Asks holders and decides."""

    name = "verifier"
    settings = VerifierConfig
    plugins = ("wanderbuch.agents.verifier",)
    speaks = (Speaks.VERIFIER,)

    def routes(self) -> Sequence["Route"]:
        """Return the REST API."""
        from wanderbuch.agents.verifier.api import VERIFIER_ROUTES

        return VERIFIER_ROUTES

    async def open(self, tenant: "Tenant") -> VerifierOffice:
        """Open the desk."""
        from wanderbuch.plugins.trust.ended import teller
        from wanderbuch.plugins.trust.verifier import VerificationDesk

        office = VerifierOffice(tenant)
        teller(tenant.profile)
        tenant.bind(VerificationDesk, office.desk)
        return office


ROLE = VerifierRole()
