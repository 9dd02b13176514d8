"""A centre's class and its slips: what a clerk and those with the slips do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from tests.unit.issuer.workshop import Workshop
from tests.welders import CLAIM

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch
from wanderbuch.agents.issuer.batch_records.row import BatchRow
from wanderbuch.agents.issuer.batch_records.slips import slip_token
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.batches.batch_plan import BatchPlan
from wanderbuch.agents.issuer.batches.claiming import SlipDesk
from wanderbuch.agents.issuer.class_list.listed import OWN, ClassList, ClassSettings
from wanderbuch.agents.issuer.class_list.reading import read_class_list
from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.issuer.pages.claim_pages import claim_routes
from wanderbuch.agents.issuer.pages.slip_words import message_text
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.runtime.gate.budget import Budget
from wanderbuch.agents.runtime.tenant_config import Place
from wanderbuch.schemas.credential_type import load_credential_type

HOUR = timedelta(hours=1)
KIND = load_credential_type("qualification/1.0")
FOR_ALL = {name: text for name, text in CLAIM.items() if name not in OWN}
_HEADER = "Certificate No,Surname,First names,Date of birth\r\n"


def class_text(*numbers: str) -> str:
    """Return a class list with these certificate numbers; nobody is in it twice."""
    rows = (f"{number},Perera{at},Nimal,1995-03-{at % 28 + 1:02}\r\n" for at, number in enumerate(numbers))
    return _HEADER + "".join(rows)


def read(text: str, **changed: Any) -> ClassList:
    settings = ClassSettings(**{"for_all": FOR_ALL, **changed})
    return read_class_list(text.encode(), KIND, settings, at=date(2026, 1, 1))


@dataclass
class Centre:
    """An issuer with batches; its office started as `Workshop.start` does.

    Args:
        workshop: the issuer.
        made: how many certificate numbers were given out.
        centre_name: what people call it.
    """

    workshop: Workshop
    made: int = 0
    centre_name: str = "Colombo Welding Centre (example)"
    slips: dict[tuple[str, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Open the desk of batches over the workshop's office."""
        workshop = self.workshop
        claiming = SlipDesk(
            workshop.profile,
            workshop.desk,
            workshop.revocations,
            lifetime=HOUR,
            end_successors=workshop.superseding.end_of,
        )
        self.desk = BatchDesk(workshop.profile, claiming)

    @property
    def claiming(self) -> SlipDesk:
        return self.desk.claiming

    @property
    def standing(self) -> Standing:
        return self.workshop.standing

    @property
    def batches(self) -> BatchDesk:
        return self.desk

    def message_text(self, language: str, link: str) -> str:
        return message_text(self.centre_name, language, link)

    @property
    def config(self) -> IssuerConfig:
        return IssuerConfig()

    def slip_address(self, token: str) -> str:
        return f"https://centre.wanderbuch.test/claim/{token}"

    def numbers(self, count: int) -> tuple[str, ...]:
        """Return certificate numbers that nobody has had."""
        self.made += count
        return tuple(f"N-{at}" for at in range(self.made - count, self.made))

    async def make(self, count: int = 3, *, batch_id: str | None = None, text: str | None = None, **plan: Any) -> Batch:
        """Make a batch; its first row is row 2."""
        listed = read(text or class_text(*self.numbers(count)))
        return await self.desk.make(listed, KIND, plan_of(**plan), batch_id)

    async def running(self, count: int = 3, **plan: Any) -> Batch:
        """Make a batch and start it."""
        return await self.desk.start((await self.make(count, **plan)).id, by="n.silva")

    async def row(self, batch: Batch, number: int = 2) -> BatchRow:
        return (await self.desk.row(batch, number))[1]

    async def token(self, batch: Batch, number: int = 2) -> str:
        """Return the token of the slip that is good."""
        return slip_token((await self.claiming.row(batch.id, number)).slip, batch.secret)

    async def claim(self, batch: Batch, number: int = 2, told: str = "") -> Offer:
        return await self.claiming.claim(await self.token(batch, number), told)

    async def issue(self, batch: Batch, number: int = 2, told: str = "") -> Offer:
        """Have a slip claimed and the offer answered by a wallet."""
        offer = await self.claim(batch, number, told)
        await self.workshop.hand_over(offer)
        await self.workshop.ask(await self.workshop.desk.get(offer.id))
        return await self.workshop.desk.get(offer.id)

    async def offers(self, number: str) -> list[Offer]:
        """Return every offer of the certificate with this number."""
        states = self.workshop.desk.book.offers.every()
        return [offer async for offer in states if offer.values["credential_id"] == number]

    async def good(self, number: str) -> list[Offer]:
        """Return the offers of this certificate that are open, or brought a credential that is not to be revoked."""
        kept = []
        for offer in await self.offers(number):
            offer = await self.workshop.desk.get(offer.id)
            is_revoked = await self.workshop.revocations.get_or_none(offer.id) is not None
            if offer.state is OfferState.OPEN or (offer.state.has_credential and not is_revoked):
                kept.append(offer)
        return kept


def plan_of(**changed: Any) -> BatchPlan:
    values: Mapping[str, Any] = {
        "title": "Welders",
        "access": Access.IN_PERSON,
        "fact": None,
        "claim_until": datetime.now(UTC) + timedelta(days=365),
    }
    return BatchPlan(**{**values, **changed})


def claim_site(centre: Centre, name: str) -> tuple[web.Application, SimpleNamespace]:
    """Return the public site of a centre as far as slips go, and the office that its pages work on."""
    tenant = SimpleNamespace(
        name=name,
        place=Place("centre.wanderbuch.test", "org", "", "https://centre.wanderbuch.test/didcomm"),
        parts=SimpleNamespace(config=SimpleNamespace(public=SimpleNamespace(trusted_proxies=()))),
    )
    budget = Budget(network_a_minute=600, all_a_minute=600)
    office = SimpleNamespace(tenant=tenant, batches=centre.desk, standing=centre.standing, claims=budget)
    app = web.Application()
    for route in claim_routes():
        app.router.add_route(route.method, route.path, _bound(route, office))
    return app, office


def _bound(route: PublicRoute, office: SimpleNamespace) -> Any:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await route.handler(office, request)

    return handle
