"""The desks of several tenants on one host: each at its own address, none opened by what is another's."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from tests.memory_wallet import memory_wallet
from tests.unit.verifier_pages.conftest import Browser, hidden
from tests.unit.verifier_pages.place import ADMINISTRATOR, ASKER, DeskPlace, fields, open_place

from wanderbuch.agents.people.invitations import Invitation
from wanderbuch.agents.runtime.app import Call
from wanderbuch.agents.site.desks import desk_place
from wanderbuch.agents.verifier.getting_in.first_person import let_first_in
from wanderbuch.agents.verifier.questions.document import WordedQuestion
from wanderbuch.agents.verifier.staff import COOKIE, StaffInvitation, StaffRole, cookie_of
from wanderbuch.agents.verifier.staff_api import STAFF_ROUTES, NewStaffMember
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.records import RecordStore

pytestmark = pytest.mark.asyncio(loop_scope="module")

YARD = "yard"
BASE = desk_place(YARD)


@dataclass
class Two:
    """Two desks, and a browser that is signed in at each."""

    own: DeskPlace
    yard: DeskPlace
    at_own: Browser
    at_yard: Browser

    def stranger(self, **changed: str) -> Browser:
        """Return a browser at the yard's desk that is signed in nowhere."""
        return Browser(self.at_yard.server, self.at_yard.session, base=BASE, **{"name": cookie_of(YARD), **changed})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two() -> AsyncIterator[Two]:
    profiles = [await memory_wallet() for _ in range(2)]
    own, yard = await open_place(profiles[0]), await open_place(profiles[1], YARD, roles=("authority", "verifier"))
    jar = aiohttp.DummyCookieJar()
    async with TestServer(own.application(yard)) as server, aiohttp.ClientSession(cookie_jar=jar) as session:
        made = Two(own, yard, Browser(server, session), Browser(server, session, base=BASE, name=cookie_of(YARD)))
        await made.at_own.sign_in(own.tokens[ASKER])
        await made.at_yard.sign_in(yard.tokens[ASKER])
        yield made
    for profile in profiles:
        await profile.close()


async def test_a_desk_beside_another_role_of_its_tenant_invites_by_links_of_its_own(two: Two) -> None:
    for place, kind, other in ((two.own, Invitation, StaffInvitation), (two.yard, StaffInvitation, Invitation)):
        made, _ = await place.office.access.sign_in.invitations.make(ASKER)
        assert await RecordStore(place.profile, kind).get(ASKER) == made
        assert await RecordStore(place.profile, other).get_or_none(ASKER) is None


async def put(browser: Browser) -> str:
    """Ask as the form does, and return the id of the question."""
    explained = await browser.post(f"{browser.base}/en/ask", fields())
    answer = await browser.send(f"{browser.base}/en/ask/put", question=hidden(explained.text, "question"))
    return answer.target.removeprefix(f"{browser.base}/en/question/")


async def test_every_link_of_a_desk_stays_at_it(two: Two) -> None:
    question = await put(two.at_yard)
    assert (await two.yard.answer(question)).decision is not None
    pages = ["/en/", "/en/ask", "/en/links", "/ar/means", f"/en/question/{question}", "/en/nowhere"]
    texts = [(await two.at_yard.ask(BASE + page)).text for page in pages]
    texts.append((await two.stranger().ask(f"{BASE}/en/sign-in")).text)
    addresses = {address for text in texts for address in re.findall(r'(?:href|src|action)="(/[^"]*)"', text)}
    assert len(addresses) > 20
    assert {address for address in addresses if not address.startswith(f"{BASE}/")} == set()
    asset = next(address for address in addresses if address.endswith("site.css"))
    assert (await two.stranger().ask(asset)).status == 200
    assert (await two.stranger().ask(f"{BASE}/en/")).target == f"{BASE}/en/sign-in"


async def test_who_is_let_in_at_a_desk_is_led_to_it(two: Two) -> None:
    (add,) = (route for route in STAFF_ROUTES if (route.method, route.path) == ("POST", "/people"))
    for place in (two.own, two.yard):
        new = NewStaffMember(id="j.galea", name="Joe Galea", roles=(StaffRole.ASKER,), invite=True)
        added: Any = await add.handler(place.office, Call({}, {}, new))
        assert added.invitation.url.partition("wanderbuch.test")[2].startswith(
            f"{place.office.access.place}/invitation/"
        )
        path = added.invitation.url.partition("wanderbuch.test")[2]
        opened = await two.stranger().ask(path.replace("/invitation/", "/en/invitation/"))
        assert (opened.status, "Joe Galea" in opened.text) == (200, True)
        other = BASE if place is two.own else "/desk"
        elsewhere = await two.stranger().ask(f"{other}/en/invitation/{path.rpartition('/')[2]}")
        assert (elsewhere.status, "Joe Galea" in elsewhere.text) == (409, False)


async def test_who_signed_up_is_the_first_person_of_their_own_desk_once(two: Two) -> None:
    first = await let_first_in(two.yard.office)
    assert (first.place, first.token) == (BASE, None)
    path = (first.link or "").partition("wanderbuch.test")[2]
    assert path.startswith(f"{BASE}/invitation/")
    assert (await two.stranger().ask(path.replace("/invitation/", "/ar/invitation/"))).status == 200
    assert set((await two.yard.office.staff.get(first.id)).roles) == set(StaffRole)
    assert re.fullmatch(r"owner-[0-9a-f]{10}", first.id), "no stranger guesses whose recovery code to try"
    with pytest.raises(DuplicateError):
        await let_first_in(two.yard.office)


async def test_nothing_of_one_desk_opens_another(two: Two) -> None:
    """Its cookie by any name, its people's tokens, its forms' tokens, the ids of its questions, links and templates."""
    for name in (COOKIE, cookie_of(YARD)):
        thief = two.stranger(name=name, cookie=two.at_own.cookie)
        for path in ("/en/", "/en/ask", "/en/audit", "/en/people"):
            assert (await thief.ask(BASE + path)).target.partition("?")[0] == f"{BASE}/en/sign-in"
    assert (await two.stranger().ask(f"{BASE}/en/sign-in", data={"token": two.own.tokens[ASKER]})).status != 303
    own_form = hidden((await two.at_own.ask("/desk/en/means")).text, "form_token")
    forged = await two.at_yard.ask(f"{BASE}/en/ask/put", data={"form_token": own_form, "question": "{}"})
    assert forged.status == 403
    question = await put(two.at_own)
    template = await two.own.office.templates.save(
        "Welders",
        WordedQuestion.model_validate(
            {"place": "Malta", "credentials": [{"ask": "qualification", "occupation": "welder"}]}
        ),
        by=ASKER,
    )
    for path in (f"/en/question/{question}", f"/en/question/{question}/events", f"/en/ask?template={template.id}"):
        assert (await two.at_own.ask("/desk" + path.replace("/events", ""))).status == 200
        assert (await two.at_yard.ask(BASE + path)).status == 404
    for path in (f"question/{question}/withdraw", f"question/{question}/forget", f"template/{template.id}/remove"):
        assert (await two.at_yard.send(f"{BASE}/en/{path}")).status == 404
    assert (await two.own.office.desk.status(two.own.profile, question)).state.value == "OPEN"
    assert await two.own.office.templates.find(template.id) is not None
    assert ADMINISTRATOR in two.own.tokens


async def test_a_browser_is_signed_in_at_several_desks_at_once(two: Two) -> None:
    cookies = f"{two.at_own.name}={two.at_own.cookie}; {two.at_yard.name}={two.at_yard.cookie}"
    for base in ("/desk", BASE):
        url = two.at_own.server.make_url(f"{base}/en/means")
        async with two.at_own.session.get(url, headers={"Cookie": cookies}, allow_redirects=False) as response:
            assert response.status == 200


async def test_no_two_cookies_of_desks_have_one_name() -> None:
    tenants = ("default", "x", "x-browser", "x-openid", "asking", "asking-browser")
    names = [cookie_of(tenant) + end for tenant in tenants for end in ("", "-browser", "-openid")]
    assert len(set(names)) == len(names)
    assert all(name.startswith("__Host-") for name in names)


@pytest.mark.parametrize("tenant", ["default", "nobody", "YARD", "yard%2f", "yard;"])
async def test_a_desk_that_is_not_there_is_not_found(two: Two, tenant: str) -> None:
    for path in ("", "/", "/en/", "/en/sign-in", "/en/question/1"):
        assert (await two.stranger().ask(f"/t/{tenant}/desk{path}")).status == 404
