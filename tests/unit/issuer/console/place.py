"""A training centre's console in this process: a store, governance and offers are real, the hosts are not."""

from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

from aiohttp import web
from tests.needs import NOTO
from tests.unit.issuer.batches.scene import Centre
from tests.unit.issuer.workshop import Workshop
from tests.unit.trust.ecosystem import AUTHORITY

from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.consenting.consents import Consents
from wanderbuch.agents.issuer.console.clerks import ClerkRole
from wanderbuch.agents.issuer.console.console import Console
from wanderbuch.agents.issuer.console.mounting import console_page_routes
from wanderbuch.agents.issuer.joining.joining import Joining
from wanderbuch.agents.issuer.mailing.postman import Postman
from wanderbuch.agents.issuer.many_revoked import ManyRevocations
from wanderbuch.agents.issuer.personal_data import PersonalData
from wanderbuch.agents.issuer.register.counts import CountsDesk
from wanderbuch.agents.issuer.register.register import IssuedRegister
from wanderbuch.agents.issuer.slip_sheets.sheets import SlipSheets
from wanderbuch.agents.issuer.smtp_config import SmtpConfig, SmtpSecurity
from wanderbuch.agents.issuer.succession.handing_over import HandingOver
from wanderbuch.agents.issuer.succession.taking_over import TakingOver
from wanderbuch.agents.runtime.app_site import _entered, _problems
from wanderbuch.agents.runtime.own_applications import OwnApplications
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.records import RecordStore
from wanderbuch.store.tables import DEFAULT_TENANT

NAME = "Colombo Welding Centre (example)"
CLERK, ADMINISTRATOR = "n.silva", "r.fernando"


@dataclass
class ConsolePlace:
    """The console of a centre, and those who work there."""

    centre: Centre
    office: Any
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def workshop(self) -> Workshop:
        return self.centre.workshop

    async def hire(self) -> None:
        """Let two people in, with a role each, and note their tokens."""
        people = {
            CLERK: ("Nadeesha Silva", ClerkRole.CLERK),
            ADMINISTRATOR: ("Ruwan Fernando", ClerkRole.ADMINISTRATOR),
        }
        for short, (name, role) in people.items():
            _, self.tokens[short] = await self.office.console.clerks.add(short, name=name, roles=[role])

    def application(self, **further: Any) -> web.Application:
        """Return the site, with further routes: path -> handler."""

        async def enter(tenant: str) -> Any:
            if tenant != self.office.tenant.id:
                raise NotFoundError(f"there is no tenant {tenant}")
            return self.office

        app = web.Application(middlewares=[_problems(None)], client_max_size=4 << 20)
        for route in console_page_routes():
            app.router.add_route(route.method, route.path, _entered(route, enter))
        return app


async def open_place(workshop: Workshop, tenant_id: str = DEFAULT_TENANT, name: str = NAME) -> ConsolePlace:
    """Return the console of an issuer that is accredited for welders."""
    centre = Centre(workshop)
    app = SimpleNamespace(url="https://desk.centre.wanderbuch.test", openid=None)
    tenant = SimpleNamespace(
        id=tenant_id,
        on_use=lambda: None,
        name=name,
        did=workshop.did,
        profile=workshop.profile,
        edge=workshop.host,
        clock=lambda: workshop.now,
        parts=SimpleNamespace(config=SimpleNamespace(app=app, public=SimpleNamespace(trusted_proxies=()))),
        records=partial(RecordStore, workshop.profile),
    )
    applications = OwnApplications(
        cast(Tenant, tenant), authority=AUTHORITY, url="https://authority.wanderbuch.test/governance/g"
    )
    smtp = SmtpConfig(host="localhost", security=SmtpSecurity.NONE, sender="slips@centre.example")
    config = IssuerConfig(publish_wait_s=0, smtp=smtp)
    postman = Postman(
        workshop.profile,
        centre.desk,
        smtp,
        centre=name,
        language=config.language,
        address=centre.slip_address,
        clock=tenant.clock,
        on_wanted=lambda: None,  # nothing is sent here
    )
    consents = Consents(workshop.profile, centre.desk.log, clock=tenant.clock)
    office = SimpleNamespace(
        tenant=tenant,
        config=config,
        postman=postman,
        sheets=SlipSheets(NOTO) if NOTO.is_dir() else None,
        console=Console(cast(Tenant, tenant)),
        standing=workshop.standing,
        desk=workshop.desk,
        register=IssuedRegister(workshop.desk.book, workshop.desk.numbers),
        counts=CountsDesk(workshop.profile, workshop.desk.book, clock=tenant.clock),
        personal_data=PersonalData(
            workshop.profile,
            workshop.desk,
            centre.desk,
            workshop.revocations,
            workshop.superseding,
            workshop.reports,
            consents,
            IssuerConfig(),
            clock=tenant.clock,
        ),
        superseding=workshop.superseding,
        reports=workshop.reports,
        consents=consents,
        handing=HandingOver(
            workshop.profile, workshop.did, workshop.standing, centre.desk, workshop.authority.resolve_key
        ),
        taking=TakingOver(
            workshop.profile, workshop.did, name, workshop.standing, centre.desk, workshop.authority.resolve_key
        ),
        many_revocations=ManyRevocations(workshop.profile, workshop.desk.book, workshop.revocations, centre.desk.log),
        revocations=workshop.revocations,
        batches=centre.desk,
        joining=Joining(workshop.standing, applications, str(workshop.did), clock=tenant.clock),
        slip_address=centre.slip_address,
    )
    place = ConsolePlace(centre, office)
    await place.hire()
    return place
