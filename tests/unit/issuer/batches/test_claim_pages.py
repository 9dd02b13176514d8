"""The page of a slip: opening it changes nothing, it says nothing of whose it is, and the button takes it."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from tests.unit.issuer.batches.scene import Centre, claim_site
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch
from wanderbuch.agents.issuer.batch_records.row import RowState
from wanderbuch.agents.issuer.batch_records.slips import pin_of
from wanderbuch.agents.runtime.front import WALLET_SITES
from wanderbuch.agents.runtime.gate.budget import Budget
from wanderbuch.agents.site.languages import FOR_WORKERS

pytestmark = pytest.mark.asyncio(loop_scope="module")
_NUMBERS = [900_000]


class Site:
    """The public site of a centre, as far as slips go."""

    def __init__(self, centre: Centre, client: TestClient[Any, Any], office: SimpleNamespace) -> None:
        self.centre = centre
        self.client = client
        self.office = office

    async def get(self, batch: Batch, language: str = "en") -> tuple[int, str]:
        token = await self.centre.token(batch)
        response = await self.client.get(f"/claim/{language}/{token}")
        return response.status, await response.text()

    async def post(self, batch: Batch, told: str | None = None, language: str = "en") -> tuple[int, str]:
        token, sent = await self.centre.token(batch), {} if told is None else {"told": told}
        response = await self.client.post(f"/claim/{language}/{token}", data=sent)
        return response.status, await response.text()


@pytest_asyncio.fixture(loop_scope="module")
async def site(workshop: Workshop) -> AsyncIterator[Site]:
    """A site that serves, with a centre that has issued nothing yet."""
    centre = Centre(workshop, made=_NUMBERS[0])
    _NUMBERS[0] += 100
    app, office = claim_site(centre, "Colombo <b>Welding</b> Centre")
    async with TestClient(TestServer(app)) as client:
        yield Site(centre, client, office)


async def touched(site: Site) -> int:
    return await site.centre.claiming.rows.count()


async def test_who_has_no_wallet_reads_where_one_is_made_before_they_press_anything(site: Site) -> None:
    batch = await site.centre.running(1, access=Access.PIN)
    assert "Ask the sender which one to use" in (await site.get(batch))[1]
    app, _ = claim_site(site.centre, "Colombo <b>Welding</b> Centre")
    app[WALLET_SITES] = ("https://wallet.example.org",)
    async with TestClient(TestServer(app)) as client:
        offered = Site(site.centre, client, site.office)
        for _, page in (await offered.get(batch), await offered.post(batch, "000000")):
            assert "wallet.example.org makes one for you in the browser" in page
            assert "Ask the sender" not in page


async def test_a_slip_shows_the_page_in_the_readers_language_at_once(site: Site) -> None:
    """A second round trip is another second on a slow network."""
    batch = await site.centre.running(1)
    token = await site.centre.token(batch)
    response = await site.client.get(f"/claim/{token}", headers={"Accept-Language": "ta"}, allow_redirects=False)
    text = await response.text()
    assert (response.status, response.headers["Vary"]) == (200, "Accept-Language")
    assert (response.headers["Content-Language"], response.headers["Cache-Control"]) == ("ta", "no-store")
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert f'action="/claim/ta/{token}"' in text
    assert f'href="/claim/fr/{token}"' in text
    assert text == (await site.get(batch, "ta"))[1]


async def test_pages_that_are_alike_differ_in_their_own_slip(site: Site) -> None:
    batch, other = await site.centre.running(2), await site.centre.running(1, access=Access.PIN)
    tokens = [await site.centre.token(batch, 2), await site.centre.token(batch, 3), await site.centre.token(other)]
    texts = [await (await site.client.get(f"/claim/en/{token}")).text() for token in (*tokens, *tokens)]
    assert texts[:3] == texts[3:]
    for token, text in zip(tokens, texts, strict=False):
        assert text.count(token) == len(FOR_WORKERS)  # the form, and the page in each other language
        assert not any(one in text for one in tokens if one != token)
        assert "any-slip" not in text
    assert 'name="told"' in texts[2]
    assert 'name="told"' not in texts[0]
    site.office.tenant.name = "Another name"
    assert "Another name" in await (await site.client.get(f"/claim/en/{tokens[0]}")).text()


async def test_a_slip_that_is_none_of_ours_is_said_to_be_unknown(site: Site) -> None:
    response = await site.client.get(f"/claim/{'A' * 43}", headers={"Accept-Language": "fr"}, allow_redirects=False)
    assert (response.status, response.headers["Content-Language"]) == (404, "fr")


async def test_the_form_of_another_site_takes_no_slip(site: Site) -> None:
    batch = await site.centre.running(1)
    address = f"/claim/en/{await site.centre.token(batch)}"
    response = await site.client.post(address, headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status == 403
    assert "sent from another site" in await response.text()
    assert (await site.centre.claiming.row(batch.id, 2)).offer_id is None
    assert (await site.client.get(address)).headers["Referrer-Policy"] == "same-origin"


async def test_opening_a_page_in_every_language_changes_nothing_and_names_nobody(site: Site) -> None:
    batch = await site.centre.running(1)
    before = await touched(site)
    claim, _ = await site.centre.desk.row(batch, 2)
    for tag in FOR_WORKERS:
        status, text = await site.get(batch, tag)
        assert status == 200
        assert "<form" in text
        assert not any(claim[name] in text for name in ("family_name", "credential_id", "birth_date"))
        assert "<b>Welding" not in text
    assert await touched(site) == before
    assert (await site.client.head(f"/claim/en/{await site.centre.token(batch)}")).status in (200, 405)
    assert await touched(site) == before


async def test_the_button_shows_the_offer_and_again_the_same_one(site: Site) -> None:
    batch = await site.centre.running(1)
    status, text = await site.post(batch)
    offer_id = (await site.centre.claiming.row(batch.id, 2)).offer_id
    assert offer_id is not None
    offer = await site.centre.workshop.desk.get(offer_id)
    assert status == 200
    assert str(offer.short_url) in text
    assert "didcomm://invite?" in text
    assert (await site.post(batch))[1] == text
    await site.centre.workshop.hand_over(offer)
    await site.centre.workshop.ask(await site.centre.workshop.desk.get(offer.id))
    for status, text in (await site.post(batch), await site.get(batch)):
        assert status in (200, 410)
        assert "didcomm://invite?" not in text
    assert (await site.post(batch))[0] == 410


async def test_a_pin_is_asked_for_and_five_wrong_ones_lock(site: Site) -> None:
    batch = await site.centre.running(1, access=Access.PIN)
    right = pin_of((await site.centre.claiming.row(batch.id, 2)).slip, batch.secret)
    status, text = await site.get(batch)
    assert 'name="told"' in text
    assert right not in text
    for left in (4, 3, 2, 1):
        status, text = await site.post(batch, "0")
        assert status == 403
        assert f"Tries left: {left}" in text
    status, text = await site.post(batch, "0")
    assert status == 403
    assert "locked" in text
    assert (await site.post(batch, right))[0] == 403
    await site.centre.desk.row_desk.retry(batch, 2, by="n.silva")
    assert (await site.post(batch, right))[0] == 200


async def test_a_slip_says_why_nothing_is_issued(site: Site) -> None:
    batch = await site.centre.running(1)
    await site.centre.workshop.publish(occupations=["C5120"])
    status, text = await site.post(batch)
    assert status == 409
    assert "Your slip stays good" in text
    assert "authority’s list" in text
    assert (await site.centre.row(batch)).state is RowState.WAITING
    await site.centre.workshop.publish()
    assert (await site.post(batch))[0] == 200
    await site.centre.desk.pause(batch.id, by="n.silva")
    assert (await site.get(batch))[0] == 503
    await site.centre.desk.cancel(batch.id, by="n.silva")
    status, text = await site.get(batch)
    assert status == 410
    assert "taken these slips back" in text


async def test_what_is_no_slip_is_not_found(site: Site) -> None:
    batch = await site.centre.running(1)
    token = await site.centre.token(batch)
    for one in ("x", "x" * 43, token[:-2] + ("AA" if not token.endswith("AA") else "BB")):
        assert (await site.client.get(f"/claim/en/{one}")).status == 404
        assert (await site.client.post(f"/claim/en/{one}", data={})).status == 404
    assert (await site.client.get(f"/claim/xx/{token}")).status == 404


async def test_who_tries_too_often_is_told_when_to_come_back(site: Site) -> None:
    site.office.claims = Budget(network_a_minute=1, all_a_minute=100)
    batch, other = await site.centre.running(1), await site.centre.running(1)
    await site.post(batch)
    token = await site.centre.token(other)
    statuses = [(await site.client.post(f"/claim/en/{token}", data={})) for _ in range(3)]
    assert statuses[-1].status == 429
    assert int(statuses[-1].headers["Retry-After"]) > 0
    site.office.claims = Budget(network_a_minute=600, all_a_minute=600)


async def test_a_form_that_is_none_claims_nothing(site: Site) -> None:
    batch = await site.centre.running(1)
    token = await site.centre.token(batch)
    response = await site.client.post(f"/claim/en/{token}", json={"told": "x"})
    assert response.status == 400
    assert (await site.centre.claiming.row(batch.id, 2)).offer_id is None
