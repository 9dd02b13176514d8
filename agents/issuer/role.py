"""The issuer as a role of the runtime, and its office for one tenant."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.api import ISSUER_ROUTES
from wanderbuch.agents.issuer.batches.batch_api import BATCH_ROUTES
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.batches.claiming import SlipDesk
from wanderbuch.agents.issuer.book import OfferBook, knows_offer
from wanderbuch.agents.issuer.class_list.list_api import CLASS_LIST_ROUTES
from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.consenting.consent_api import CONSENT_ROUTES
from wanderbuch.agents.issuer.consenting.consents import Consents
from wanderbuch.agents.issuer.console.clerk_api import CLERK_ROUTES
from wanderbuch.agents.issuer.console.console import Console
from wanderbuch.agents.issuer.counts_api import COUNTS_ROUTES
from wanderbuch.agents.issuer.desk import OfferDesk
from wanderbuch.agents.issuer.endorsed import bind_endorser, with_endorsers
from wanderbuch.agents.issuer.holding.holding_api import HOLDING_ROUTES
from wanderbuch.agents.issuer.holding.reports import Reports
from wanderbuch.agents.issuer.holding.superseding import Superseding
from wanderbuch.agents.issuer.invitation import find_invitation, find_invitation_url
from wanderbuch.agents.issuer.joining.joining import Joining
from wanderbuch.agents.issuer.joining.joining_api import JOINING_ROUTES
from wanderbuch.agents.issuer.mailing.mail_api import MAIL_ROUTES
from wanderbuch.agents.issuer.mailing.postman import Postman
from wanderbuch.agents.issuer.many_revoked import ManyRevocations
from wanderbuch.agents.issuer.notices import ACK, knows_notice
from wanderbuch.agents.issuer.older_records import OLDER_RECORDS
from wanderbuch.agents.issuer.on_ledger import check_ledger
from wanderbuch.agents.issuer.pages.claim_pages import CLAIM_PLACE, claim_routes
from wanderbuch.agents.issuer.pages.slip_words import message_text
from wanderbuch.agents.issuer.personal_data import PersonalData
from wanderbuch.agents.issuer.personal_data_api import PERSONAL_DATA_ROUTES
from wanderbuch.agents.issuer.register.counts import CountsDesk
from wanderbuch.agents.issuer.register.register import IssuedRegister
from wanderbuch.agents.issuer.register.register_api import REGISTER_ROUTES
from wanderbuch.agents.issuer.revocations import Revocations
from wanderbuch.agents.issuer.revoking_api import REVOKING_ROUTES
from wanderbuch.agents.issuer.slip_sheets.sheets import SlipSheets
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.issuer.succession.handing_over import HandingOver
from wanderbuch.agents.issuer.succession.succession_api import SUCCESSION_ROUTES
from wanderbuch.agents.issuer.succession.taking_over import TakingOver
from wanderbuch.agents.runtime.app import PublicRoute, Route
from wanderbuch.agents.runtime.front import Entry, SiteKind
from wanderbuch.agents.runtime.gate.budget import Budget
from wanderbuch.agents.runtime.gate.served import Speaks
from wanderbuch.agents.runtime.on_demand import OnDemand
from wanderbuch.agents.runtime.own_applications import OwnApplications
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.short_links import address_of
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.runtime.tenant_config import TenantConfig
from wanderbuch.agents.site.front import FRONT
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.plugins.exchange import credential_messages
from wanderbuch.plugins.exchange.connecting.inviter import Inviter
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.store.errors import StoreError
from wanderbuch.store.tables import DEFAULT_TENANT
from wanderbuch.store.upgrading import OlderRecords

_CLAIMS_OF_A_NETWORK: Final = 60.0  # a minute: a whole class behind one address
_CLAIMS_OF_ALL: Final = 1200.0


class IssuerOffice:
    """An issuer's work for one tenant: its standing, its desk, its revocations."""

    def __init__(self, tenant: Tenant) -> None:
        """Open it; nothing is asked of anybody yet.

        Raises:
            ConfigurationError: there is no governance: an issuer without an authority attests nothing; or it signs as a
                DID on a ledger that is not configured; or it is to set slips as a PDF, and what that needs is missing.
        """
        if tenant.governance is None:
            raise ConfigurationError("an issuer needs the table [governance]: whose word its accreditation is")
        self.name = tenant.name
        self.tenant = tenant
        self.config = tenant.settings(IssuerConfig)
        if self.config.indy_did is not None:
            check_ledger(tenant.profile, Did(self.config.indy_did))
        self._keeping = OnDemand("issuer.standing", lambda: self.standing.keep(), tenant.spawn)
        self._publishing = OnDemand("issuer.revocations", lambda: self.revocations.publish(), tenant.spawn)
        self.standing = Standing(
            self.config,
            profile=tenant.profile,
            did=Did(self.config.indy_did) if self.config.indy_did else tenant.did,
            source=tenant.governance,
            on_wanted=self._keeping.want,
        )
        sending = tenant.profile.inject(Sending)
        self.desk = OfferDesk(
            tenant.profile,
            self.standing,
            did=tenant.did,
            label=tenant.name,
            base_url=tenant.place.didcomm_endpoint,
            shorten=partial(_short_address, tenant),
            sending=sending,
        )
        self.register = IssuedRegister(self.desk.book, self.desk.numbers)
        self.revocations = Revocations(
            tenant.profile,
            self.desk.book,
            sending,
            on_wanted=self._publishing.want,
            on_listed=self.standing.places.list_changed,
        )
        lifetime = timedelta(seconds=self.config.offer_deadline_s)
        self.superseding = Superseding(tenant.profile, self.desk, self.revocations)
        self.reports = Reports(tenant.profile, self.desk.book)
        ends = self.superseding.end_of
        self.batches = BatchDesk(
            tenant.profile,
            SlipDesk(tenant.profile, self.desk, self.revocations, lifetime=lifetime, end_successors=ends),
        )
        self.handing = HandingOver(
            tenant.profile,
            tenant.did,
            self.standing,
            self.batches,
            tenant.documents.assertion_key,
            clock=tenant.clock,
        )
        self.taking = TakingOver(
            tenant.profile,
            tenant.did,
            tenant.name,
            self.standing,
            self.batches,
            tenant.documents.assertion_key,
            clock=tenant.clock,
        )
        self.consents = Consents(tenant.profile, self.batches.log, clock=tenant.clock)
        self.counts = CountsDesk(tenant.profile, self.desk.book, clock=tenant.clock)
        self.many_revocations = ManyRevocations(tenant.profile, self.desk.book, self.revocations, self.batches.log)
        self.personal_data = PersonalData(
            tenant.profile,
            self.desk,
            self.batches,
            self.revocations,
            self.superseding,
            self.reports,
            self.consents,
            self.config,
            clock=tenant.clock,
        )
        self._mailing = OnDemand("issuer.mail", lambda: self.postman.send_due(), tenant.spawn)
        self.postman = Postman(
            tenant.profile,
            self.batches,
            self.config.smtp,
            centre=tenant.name,
            language=self.config.language,
            address=self.slip_address,
            clock=tenant.clock,
            on_wanted=self._mailing.want,
        )
        self.joining = Joining(
            self.standing,
            OwnApplications(tenant, authority=tenant.governance.config.author, url=tenant.governance.config.url),
            tenant.did,
            clock=tenant.clock,
        )
        self.sheets = SlipSheets(self.config.slip_fonts) if self.config.slip_fonts is not None else None
        self.console = Console(tenant)
        self.claims = Budget(network_a_minute=_CLAIMS_OF_A_NETWORK, all_a_minute=_CLAIMS_OF_ALL)

    def slip_address(self, token: str) -> str:
        """Return the address that a slip shows."""
        return f"{self.tenant.place.site_url}{CLAIM_PLACE}/{token}"

    def message_text(self, language: str, link: str) -> str:
        """Return what a short message says."""
        return message_text(self.tenant.name, language, link)

    async def sweep(self, now: datetime) -> None:
        """End what is overdue, and take up what a crash left."""
        await self.register.prepare()
        await self.desk.sweep(now)
        await self.many_revocations.sweep(now)
        await self.revocations.notices.sweep(now)
        await self.batches.sweep(now)
        await self.superseding.sweep(now)
        await self.console.uploads.sweep(now)
        self._mailing.want()
        self.standing.look_again()
        self.revocations.look_again()

    async def close(self) -> None:
        """End what is still running of a sweep; the tenant ends what was spawned."""
        self._keeping.close()
        self._publishing.close()
        self._mailing.close()
        self.console.close()
        await self.desk.stop()
        await self.revocations.notices.stop()
        with contextlib.suppress(StoreError):  # then they are lost, as with a crash
            await self.standing.places.release()

    def go_on(self) -> None:
        """Have what waits for somebody else tried again now."""
        self.standing.look_again()
        self.revocations.look_again()

    async def take(self, profile: Profile, invitation_id: str, connection: Connection) -> bool:
        """Give the offer of an invitation to a connection; False: another one has it, or it is over."""
        return await self.desk.delivery.take(invitation_id, connection)

    async def connected(self, profile: Profile, invitation_id: str, connection: Connection, incoming: Incoming) -> None:
        """Send the offer of an invitation over the connection that has it."""
        await self.desk.delivery.connected(invitation_id, connection, incoming)

    def unanswered(self, invitation_id: str, connection: Connection) -> None:
        """Have the wallet that has an offer answered again."""
        self.desk.delivery.unanswered(invitation_id, connection)


async def _short_address(tenant: Tenant, invitation_id: str, url: str, lifetime: timedelta) -> str:
    if tenant.id == DEFAULT_TENANT:  # the offer's own record holds what is behind it
        return address_of(tenant.place.url, invitation_id)
    return await tenant.short_links.add(url, lifetime=lifetime)


_INVITER: Final = Inviter("issuer", find_invitation, lambda office: office)


async def _request(office: IssuerOffice, incoming: Incoming) -> bool:
    return await office.desk.answering.request(incoming)


async def _ack(office: IssuerOffice, incoming: Incoming) -> bool:
    is_about_offer = await office.desk.answering.acknowledged(incoming)
    if is_about_offer:
        await office.superseding.heard(incoming.thread_id)
    return is_about_offer


async def _problem(office: IssuerOffice, incoming: Incoming) -> bool:
    await office.reports.heard(incoming)  # first: where the offer has ended, what is wrong is known
    return await office.desk.answering.problem(incoming)


async def _proposal(office: IssuerOffice, incoming: Incoming) -> bool:
    return await office.desk.answering.proposal(incoming)


async def _notice_ack(office: IssuerOffice, incoming: Incoming) -> bool:
    return await office.revocations.notices.acknowledged(incoming)


HANDLERS: Final[Mapping[str, Handler]] = {
    **with_endorsers(_INVITER.handlers()),
    credential_messages.REQUEST: Handler(_request, knows=knows_offer),
    credential_messages.ACK: Handler(_ack, knows=knows_offer),
    credential_messages.PROBLEM: Handler(_problem, knows=knows_offer),
    credential_messages.PROPOSAL: Handler(_proposal),
    ACK: Handler(_notice_ack, knows=knows_notice),
}
"""What an issuer handles itself."""


class IssuerRole(Role):
    """Attests qualifications."""

    name = "issuer"
    settings = IssuerConfig
    speaks = (Speaks.ISSUER, Speaks.INVITER, Speaks.INVITEE)  # it accepts the invitations of endorsers
    front = FRONT
    handlers = HANDLERS
    find_invitation = staticmethod(find_invitation)
    long_address = staticmethod(find_invitation_url)

    def routes(self) -> Sequence[Route]:
        """Return the REST API."""
        return (
            *ISSUER_ROUTES,
            *JOINING_ROUTES,
            *CLASS_LIST_ROUTES,
            *BATCH_ROUTES,
            *MAIL_ROUTES,
            *REGISTER_ROUTES,
            *REVOKING_ROUTES,
            *COUNTS_ROUTES,
            *PERSONAL_DATA_ROUTES,
            *CLERK_ROUTES,
            *HOLDING_ROUTES,
            *CONSENT_ROUTES,
            *SUCCESSION_ROUTES,
        )

    def public_routes(self) -> Sequence[PublicRoute]:
        """Return the page on which a slip is claimed."""
        return claim_routes()

    def app_pages(self) -> Sequence[PublicRoute]:
        """Return the centre's console."""
        from wanderbuch.agents.issuer.console.mounting import console_page_routes

        return console_page_routes()

    def entries(self, config: TenantConfig) -> Sequence[Entry]:
        """Return the console."""
        return (Entry(SiteKind.APP, "issuing", "/desk/{language}/"),)

    def older_records(self) -> Sequence[OlderRecords]:
        """Return how offers and revocations were kept before they had markers."""
        return OLDER_RECORDS

    async def open(self, tenant: Tenant) -> IssuerOffice:
        """Open the desk, and get ready to issue beside it: an authority that is silent keeps no issuer from opening."""
        office = IssuerOffice(tenant)
        bind_endorser(tenant)
        tenant.bind(OfferBook, office.desk.book)
        office.standing.look_again()
        await office.standing.stand_again()
        return office


ROLE = IssuerRole()
