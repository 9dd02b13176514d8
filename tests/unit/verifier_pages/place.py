"""An employer's desk in this process: a real store, real governance, real proofs; only the hosts are not there."""

from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

from acapy_agent.core.profile import Profile
from aiohttp import web
from tests.unit.trust.ecosystem import WELDER_VALUES, Authority, Held, Issuer, Worker, message, webvh
from tests.unit.trust.employer import BASE_URL, SHIPYARD, Employer, open_employer

from wanderbuch.agents.runtime.app_site import _entered, _problems
from wanderbuch.agents.runtime.short_links import ShortLinks
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.verifier.config import VerifierConfig
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.pages.mounting import desk_page_routes
from wanderbuch.agents.verifier.staff import StaffRole
from wanderbuch.plugins.exchange.proof_messages import PRESENTATION
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.plugins.trust.verifying.receiving import HANDLERS
from wanderbuch.plugins.trust.verifying.verifier import VerificationDesk
from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.records import RecordStore, utc_now
from wanderbuch.store.tables import DEFAULT_TENANT

NAME = "Valletta Shipyard (example)"
ASKER, AUDITOR, ADMINISTRATOR = "m.borg", "a.vella", "r.zammit"
TWO: dict[str, Any] = {
    "place": "MLT",
    "credentials": [{"ask": "qualification", "occupation": code} for code in ("C7212", "C2221")],
    "answer_within_s": 4242,
}
"""A question about two certificates."""


@dataclass
class DeskPlace:
    """The desk, and a worker who can answer what it asks."""

    employer: Employer
    office: VerifierOffice
    worker: Worker
    welder: Held
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def profile(self) -> Profile:
        return self.employer.profile

    async def hire(self) -> None:
        """Let three people in, with a role each, and note their tokens."""
        people = {
            ASKER: ("Maria Borg", StaffRole.ASKER),
            AUDITOR: ("Anton Vella", StaffRole.AUDITOR),
            ADMINISTRATOR: ("Rita Zammit", StaffRole.ADMINISTRATOR),
        }
        for short, (name, role) in people.items():
            _, self.tokens[short] = await self.office.staff.add(short, name=name, roles=[role])

    async def answer(self, question_id: str) -> Verification:
        """Answer a question honestly, as the worker's wallet does."""
        asked = await self.office.desk.status(self.profile, question_id)
        proof = self.worker.present(asked.proof_request, self.welder)
        incoming = self.employer.incoming(PRESENTATION, question_id, message(proof))
        assert await HANDLERS[PRESENTATION].take(SimpleNamespace(desk=self.office.desk), incoming)
        return await self.office.desk.status(self.profile, question_id)

    def application(self, *others: "DeskPlace") -> web.Application:
        """Return the site, with the desks of other tenants."""
        offices = {place.office.tenant.id: place.office for place in (self, *others)}

        async def enter(tenant: str) -> VerifierOffice:
            if tenant not in offices:
                raise NotFoundError(f"there is no tenant {tenant}")
            return offices[tenant]

        app = web.Application(middlewares=[_problems(None)])
        for route in desk_page_routes():
            app.router.add_route(route.method, route.path, _entered(route, enter))
        return app


async def open_place(
    profile: Profile, tenant_id: str = DEFAULT_TENANT, *, roles: tuple[str, ...] = ("verifier",)
) -> DeskPlace:
    """Return a desk whose governance file names a centre for welders and nurses."""
    centre, cooks, worker = Issuer(webvh("centre")), Issuer(webvh("cooks")), Worker()
    employer = await open_employer(profile, Authority(), centre, cooks, utc_now())
    place = SimpleNamespace(url=BASE_URL, site_url=BASE_URL, prefix="")
    app = SimpleNamespace(url="https://desk.shipyard.wanderbuch.test", openid=None)
    config = SimpleNamespace(app=app, public=SimpleNamespace(trusted_proxies=()))
    tenant = SimpleNamespace(
        id=tenant_id,
        name=NAME,
        did=SHIPYARD,
        place=place,
        profile=profile,
        governance=employer.source,
        edge=employer.host,
        clock=employer.clock,
        parts=SimpleNamespace(config=config),
        config=SimpleNamespace(roles=roles),
        settings=lambda _: VerifierConfig(),
        records=partial(RecordStore, profile),
        on_use=lambda: None,
        short_links=ShortLinks(profile, BASE_URL, tenant_id),
    )
    office = VerifierOffice(cast(Tenant, tenant))
    profile.context.injector.bind_instance(VerificationDesk, office.desk)
    made = DeskPlace(employer, office, worker, centre.issue(worker.link_secret, WELDER_VALUES))
    await made.hire()
    return made


def fields(**changed: Any) -> dict[str, str]:
    """Return what the form of a new question sends, for a welder."""
    return {
        "c0.ask": "qualification",
        "c0.about": "welder",
        "c0.level": "EQF:3",
        "place": "Malta",
        "purpose": "employment",
        "subject": "none",
        **{name.replace("__", "."): str(value) for name, value in changed.items()},
    }
