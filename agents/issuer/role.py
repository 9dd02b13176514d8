"""The issuer as a role of the runtime, and its office for one tenant."""

from collections.abc import Sequence
from datetime import datetime

from wanderbuch.agents.issuer.api import ISSUER_ROUTES
from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.desk import Desk
from wanderbuch.agents.issuer.revocations import Revocations
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.runtime.app import Route
from wanderbuch.agents.runtime.gate.served import Speaks
from wanderbuch.agents.runtime.on_demand import OnDemand
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.trust.issuing import OfferBook
from wanderbuch.plugins.trust.places import SigningPlaces


class IssuerOffice:
    """An issuer's work for one tenant: its standing, its desk, its revocations."""

    def __init__(self, tenant: Tenant) -> None:
        """Open it; nothing is asked of anybody yet.

        Raises:
            ConfigurationError: there is no governance: an issuer without an authority attests nothing.
        """
        if tenant.governance is None:
            raise ConfigurationError("an issuer needs the table [governance]: whose word its accreditation is")
        self.name = tenant.name
        self.config = tenant.settings(IssuerConfig)
        self._keeping = OnDemand("issuer.standing", lambda: self.standing.keep(), tenant.spawn)
        self._publishing = OnDemand("issuer.revocations", lambda: self.revocations.publish(), tenant.spawn)
        self.standing = Standing(
            self.config,
            profile=tenant.profile,
            did=tenant.did,
            source=tenant.governance,
            on_wanted=self._keeping.want,
        )
        self.desk = Desk(
            tenant.profile,
            self.standing,
            label=tenant.name,
            short_links=tenant.short_links,
            on_issued=self.standing.note_issued,
        )
        self.revocations = Revocations(tenant.profile, on_wanted=self._publishing.want)

    async def sweep(self, now: datetime) -> None:
        """End what is overdue, and take up what a crash left."""
        await self.desk.sweep(now)
        self.standing.look_again()
        self.revocations.look_again()

    async def close(self) -> None:
        """End what is still running of a sweep; the tenant ends what was spawned."""
        self._keeping.close()
        self._publishing.close()
        await self.desk.stop()


class IssuerRole(Role):
    """Attests qualifications."""

    name = "issuer"
    settings = IssuerConfig
    plugins = ("wanderbuch.agents.issuer",)
    speaks = (Speaks.ISSUER, Speaks.INVITER)

    def routes(self) -> Sequence[Route]:
        """Return the REST API."""
        return ISSUER_ROUTES

    async def open(self, tenant: Tenant) -> IssuerOffice:
        """Open the desk, and come to stand beside: an authority that is silent keeps no issuer from opening."""
        office = IssuerOffice(tenant)
        tenant.bind(OfferBook, office.desk)
        tenant.bind(SigningPlaces, office.standing.places)
        office.standing.look_again()
        await office.standing.stand_again()
        return office


ROLE = IssuerRole()
