"""What all pages of the console share: the office that they work on, the visit, and the frame they stand in."""

from collections.abc import Mapping
from typing import Final, Protocol

from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.consenting.consents import Consents
from wanderbuch.agents.issuer.console.clerks import Clerk, ClerkRole
from wanderbuch.agents.issuer.console.console import Console
from wanderbuch.agents.issuer.console.kit import KIT
from wanderbuch.agents.issuer.desk import OfferDesk
from wanderbuch.agents.issuer.holding.reports import Reports
from wanderbuch.agents.issuer.holding.superseding import Superseding
from wanderbuch.agents.issuer.joining.joining import Joining
from wanderbuch.agents.issuer.mailing.postman import Postman
from wanderbuch.agents.issuer.many_revoked import ManyRevocations
from wanderbuch.agents.issuer.personal_data import PersonalData
from wanderbuch.agents.issuer.register.counts import CountsDesk
from wanderbuch.agents.issuer.register.register import IssuedRegister
from wanderbuch.agents.issuer.revocations import Revocations
from wanderbuch.agents.issuer.slip_sheets.sheets import SlipSheets
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.issuer.succession.handing_over import HandingOver
from wanderbuch.agents.issuer.succession.taking_over import TakingOver
from wanderbuch.agents.people.pages.signed_in_pages import SignedInPages
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.site.entrance import SignedInVisit
from wanderbuch.agents.site.rendering import PageHandler

_MAX_ID: Final = 64


class ConsoleOffice(Protocol):
    """What the pages work on: an open issuer's office."""

    @property
    def tenant(self) -> Tenant:
        """Return whose it is."""

    @property
    def config(self) -> IssuerConfig:
        """Return its settings."""

    @property
    def console(self) -> Console:
        """Return its console."""

    @property
    def standing(self) -> Standing:
        """Return what it may attest, and with what."""

    @property
    def desk(self) -> OfferDesk:
        """Return where it makes offers."""

    @property
    def revocations(self) -> Revocations:
        """Return its revocations."""

    @property
    def batches(self) -> BatchDesk:
        """Return its batches."""

    @property
    def register(self) -> IssuedRegister:
        """Return the register of what it has issued."""

    @property
    def counts(self) -> CountsDesk:
        """Return how many certificates it has issued."""

    @property
    def personal_data(self) -> PersonalData:
        """Return what it keeps of persons."""

    @property
    def many_revocations(self) -> ManyRevocations:
        """Return its calls that revoke."""

    @property
    def superseding(self) -> Superseding:
        """Return what takes the place of its certificates."""

    @property
    def reports(self) -> Reports:
        """Return what workers say is wrong."""

    @property
    def handing(self) -> HandingOver:
        """Return what hands its open rows over."""

    @property
    def taking(self) -> TakingOver:
        """Return what takes over those of others."""

    @property
    def consents(self) -> Consents:
        """Return who consented."""

    @property
    def postman(self) -> Postman:
        """Return what writes to the people of its batches."""

    @property
    def sheets(self) -> SlipSheets | None:
        """Sets slips as a PDF; None: the operator named no fonts."""

    @property
    def joining(self) -> Joining:
        """Return how it joins."""

    def slip_address(self, token: str) -> str:
        """Return the address that a slip shows."""


class ConsoleVisit(SignedInVisit[ConsoleOffice, Clerk]):
    """One request of somebody who works at the console, with the form they sent."""

    __slots__ = ()

    def must_issue(self) -> None:
        """Go on only if they may issue.

        Raises:
            ForbiddenError: they may not.
        """
        self.person.must(ClerkRole.CLERK)

    @property
    def named(self) -> str:
        """Return the id that the address names."""
        return self.request.match_info["id"][:_MAX_ID]


class ConsolePages(SignedInPages[ConsoleOffice, Clerk, ConsoleVisit]):
    """Serves what the pages of one console share, and those of its people.

    Args:
        base: where it is.
    """

    def __init__(self, base: str) -> None:
        super().__init__(
            base,
            KIT,
            ConsoleVisit,
            lambda office: office.console.access,
            lambda office: office.tenant.name,
            frame="console.html",
        )

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        return {**super().handlers(), ("GET", f"{self.base}/occupations.json"): self.served(self.titles)}
