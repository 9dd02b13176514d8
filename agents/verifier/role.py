"""The verifier as a role of the runtime."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from wanderbuch.agents.runtime.front import Entry, SiteKind
from wanderbuch.agents.runtime.gate.served import Speaks
from wanderbuch.agents.runtime.role import FindAddress, Role
from wanderbuch.agents.site.front import FRONT
from wanderbuch.agents.verifier.config import VerifierConfig

if TYPE_CHECKING:
    from datetime import datetime

    from acapy_agent.core.profile import Profile

    from wanderbuch.agents.runtime.app import PublicRoute, Route
    from wanderbuch.agents.runtime.role import SayAskedOf
    from wanderbuch.agents.runtime.tenant import Tenant
    from wanderbuch.agents.runtime.tenant_config import TenantConfig
    from wanderbuch.agents.verifier.office import VerifierOffice
    from wanderbuch.plugins.exchange.handling import FindInvitation, Handler
    from wanderbuch.store.upgrading import OlderRecords


class VerifierRole(Role):
    """Asks holders and decides."""

    name = "verifier"
    settings = VerifierConfig
    speaks = (Speaks.VERIFIER, Speaks.INVITER)
    may_sign_up = True
    front = FRONT

    @property
    def long_address(self) -> "FindAddress":  # type: ignore[override]
        """What is behind the short address of a question, or of a link for many."""
        from wanderbuch.agents.verifier.links.applying import find_link_url
        from wanderbuch.plugins.trust.verifying.exchange import find_invitation_url

        async def find(profile: "Profile", record_id: str) -> str | None:
            return await find_invitation_url(profile, record_id) or await find_link_url(profile, record_id)

        return find

    @property
    def find_invitation(self) -> "FindInvitation":  # type: ignore[override]
        """Its links for many."""
        from wanderbuch.agents.verifier.links.applying import find_link

        return find_link

    @property
    def say_asked(self) -> "SayAskedOf":  # type: ignore[override]
        """What a question asks, or that of a link for many."""
        from wanderbuch.agents.verifier.asked_words import say_asked

        return say_asked

    @property
    def handlers(self) -> "Mapping[str, Handler]":  # type: ignore[override]
        """What wallets answer, how they connect by a link for many, and have an answer erased."""
        from wanderbuch.agents.verifier.erasing.receiving_erasures import ERASURE_HANDLERS
        from wanderbuch.agents.verifier.links.applying import find_link
        from wanderbuch.plugins.exchange.connecting.inviter import Inviter
        from wanderbuch.plugins.trust.verifying.receiving import HANDLERS

        return {**Inviter(self.name, find_link, lambda office: office).handlers(), **HANDLERS, **ERASURE_HANDLERS}

    def routes(self) -> Sequence["Route"]:
        """Return the REST API."""
        from wanderbuch.agents.verifier.api import VERIFIER_ROUTES

        return VERIFIER_ROUTES

    def public_routes(self) -> Sequence["PublicRoute"]:
        """Return the pages of receipts, and of questions without an account."""
        from wanderbuch.agents.verifier.getting_in.walk_in_pages import walk_in_routes
        from wanderbuch.agents.verifier.pages.receipt_page import receipt_routes

        return (*receipt_routes(), *walk_in_routes())

    def app_pages(self) -> Sequence["PublicRoute"]:
        """Return the pages of signing up, and the employer's desk."""
        from wanderbuch.agents.verifier.getting_in.sign_up_pages import sign_up_pages
        from wanderbuch.agents.verifier.pages.mounting import desk_page_routes

        return (*sign_up_pages(), *desk_page_routes())

    def entries(self, config: "TenantConfig") -> Sequence[Entry]:
        """Return the page of questions without an account, if it is served, and the employer's desk."""
        walk_in = config.settings(VerifierConfig).walk_in.enabled
        return (
            *((Entry(SiteKind.PUBLIC, "prove", "/prove/{language}/"),) if walk_in else ()),
            Entry(SiteKind.APP, "asking", "/desk/{language}/"),
        )

    def older_records(self) -> "Sequence[OlderRecords]":
        """Return how verifications were kept before they had markers."""
        from wanderbuch.plugins.trust.verifying.older_records import OLDER_RECORDS

        return OLDER_RECORDS

    async def open(self, tenant: "Tenant") -> "VerifierOffice":
        """Open the desk."""
        from wanderbuch.agents.verifier.office import VerifierOffice
        from wanderbuch.plugins.trust.verifying.ended import teller
        from wanderbuch.plugins.trust.verifying.verifier import VerificationDesk

        office = VerifierOffice(tenant)
        office.apply(await office.settings.get())
        teller(tenant.profile)
        tenant.bind(VerificationDesk, office.desk)
        return office

    async def forget(self, profile: "Profile", now: "datetime") -> None:
        """Destroy the keys of case files whose last day is over, and forget what was seen for long enough."""
        from wanderbuch.plugins.trust.case_files.keeping_cases import CaseFiles
        from wanderbuch.plugins.trust.verifying.seen import forget_due

        await CaseFiles(profile).sweep(now)
        await forget_due(profile, now)


ROLE = VerifierRole()
