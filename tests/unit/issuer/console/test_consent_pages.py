"""Who consented is written down on the page of a row and of a certificate, by console and by REST."""

from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.issuer.console.place import ADMINISTRATOR, CLERK, ConsolePlace
from tests.unit.issuer.test_register import issued
from tests.unit.verifier_pages.conftest import Browser

from wanderbuch.agents.issuer.consenting.consent_api import CONSENT_ROUTES, ConsentIn
from wanderbuch.agents.runtime.app import Call
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.store.errors import NotFoundError

pytestmark = pytest.mark.asyncio(loop_scope="module")
TOLD = {"because": "assisted", "relation": "helper", "consenting": "person", "given_on": "2026-02-03"}
ROUTES = {f"{route.method} {route.path}": route for route in CONSENT_ROUTES}


async def test_a_clerk_writes_down_who_consented_and_takes_it_back(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk = browsers[CLERK]
    offer = await issued(place.workshop, credential_id="CONSENT-1", family_name="Minor")
    batch = await place.centre.make(1)
    for at in (f"/desk/en/issued/{offer.id}", f"/desk/en/batch/{batch.id}/row/2"):
        page = (await clerk.ask(at)).text
        assert ("Under age, or with help" in page, "helps them" in page) == (True, True), at
        assert f'action="{at}/consent/withdraw"' not in page, at
        for name in TOLD:
            assert (await clerk.send(f"{at}/consent", **{**TOLD, name: "x"})).status == 400, (at, name)
        assert (await browsers[ADMINISTRATOR].send(f"{at}/consent", **TOLD)).status == 403, at
        done = await clerk.send(f"{at}/consent", **TOLD)
        assert (done.status, done.target) == (303, at)
        page = (await clerk.ask(at)).text
        assert ("agreed on" in page, f'action="{at}/consent/withdraw"' in page) == (True, True), at
        assert (await clerk.send(f"{at}/consent/withdraw")).status == 303, at
        assert "taken back on" in (await clerk.ask(at)).text, at
    log = (await clerk.ask("/desk/en/log")).text
    assert ("wrote down a consent" in log, f"/batch/{batch.id}/row/2" in log) == (True, True)


async def test_programs_write_and_read_consents(place: ConsolePlace) -> None:
    batch = await place.centre.make(1)
    offer = await issued(place.workshop, credential_id="CONSENT-2")
    office: Any = SimpleNamespace(batches=place.centre.desk, consents=place.office.consents)
    for route, path in (
        ("/batches/{id}/rows/{number}/consent", {"id": batch.id, "number": "2"}),
        ("/offers/{id}/consent", {"id": offer.id}),
    ):
        with pytest.raises(NotFoundError):
            await ROUTES[f"GET {route}"].handler(office, Call(path, {}, None))
        told: Any = await ROUTES[f"POST {route}"].handler(office, Call(path, {}, ConsentIn.model_validate(TOLD)))
        assert {name: str(getattr(told, name)) for name in TOLD} == TOLD, route
        assert await ROUTES[f"GET {route}"].handler(office, Call(path, {}, None)) == told, route
        back: Any = await ROUTES[f"POST {route}/withdraw"].handler(office, Call(path, {}, None))
        assert back.withdrawn_at is not None, route
    for number in ("x", "99999999", "-1"):
        wrong: Call[Any] = Call({"id": batch.id, "number": number}, {}, None)
        with pytest.raises(MalformedError):
            await ROUTES["GET /batches/{id}/rows/{number}/consent"].handler(office, wrong)
