"""Four eyes and several means: whoever signs in with a token, a passkey or a code is one person, at the real pages.

The browser here has no JavaScript and one cookie jar a person; the authenticator is in software.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from acapy_agent.utils.testing import create_test_profile
from aiohttp.test_utils import TestServer
from tests.unit.authority_pages.place import Place, full_payload
from tests.unit.people.authenticator import Authenticator
from tests.unit.people.window import Window, found_in

from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.authority.officials import OfficialRole
from wanderbuch.agents.authority.pages.desk_sessions import DeskSession
from wanderbuch.agents.people.sign_in import SignIn
from wanderbuch.agents.runtime.problems import ForbiddenError, RefusedError
from wanderbuch.store.records import RecordStore

EDITOR, APPROVER, ADMINISTRATOR = OfficialRole.EDITOR, OfficialRole.APPROVER, OfficialRole.ADMINISTRATOR
ORIGIN = "https://desk.authority.wanderbuch.test"
RP_ID = "desk.authority.wanderbuch.test"


@dataclass
class Desk:
    """The authority's desk over a real store."""

    place: Place
    server: TestServer
    session: aiohttp.ClientSession

    def window(self) -> Window:
        return Window(str(self.server.make_url("")).rstrip("/"), self.session)

    async def invite(self, official_id: str) -> str:
        return f"/desk/invitation/{(await self.place.sign_in.invitations.make(official_id))[1]}"

    async def hire(self, official_id: str, *roles: OfficialRole) -> tuple[Window, Authenticator, str]:
        """Add an official with a token, who makes a passkey, too; return their window, device and token."""
        _, token = await self.place.desk.officials.add(official_id, name=official_id, roles=roles)
        window, device = self.window(), Authenticator(ORIGIN, RP_ID)
        status, _ = await window.accept(await self.invite(official_id), device)
        assert status == 200
        return window, device, token

    async def submitted(self, official_id: str) -> Draft:
        drafts, official = self.place.desk.drafts, await self.place.desk.officials.get(official_id)
        draft = await drafts.open(official, "a test")
        await drafts.edit(draft.id, official, header={"name": "Skills of Sri Lanka, edited"})
        return await drafts.submit(draft.id, official)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    profile = await create_test_profile({"wallet.type": "askar-anoncreds"})
    place = Place(profile, tmp_path / "public", app_url=ORIGIN)
    await place.publish(full_payload())
    jar = aiohttp.DummyCookieJar()
    async with TestServer(place.application()) as server, aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Desk(place, server, session)
    await profile.close()


async def approve(window: Window, draft: Draft) -> int:
    page = f"/desk/en/draft/{draft.id}"
    token = (await window.fields("/desk/en/means"))["form_token"]
    form = {"form_token": token, "revision": str(draft.revision), "digest": draft.digest or ""}
    return (await window.ask(f"{page}/approve", form))[0]


async def test_who_edits_with_a_token_and_approves_with_a_passkey_or_a_code_is_one_person(desk: Desk) -> None:
    by_passkey, device, token = await desk.hire("both", EDITOR, APPROVER)
    other, _, _ = await desk.hire("other", APPROVER)
    draft = await desk.submitted("both")
    by_token, by_code = desk.window(), desk.window()
    assert (await by_token.ask("/desk/en/sign-in", {"token": token}))[0] == 303
    assert (await by_passkey.enter(device))[0] == 303
    person = await desk.place.desk.officials.get("both")
    code = (await desk.place.sign_in.renew_code(person, "")).code or ""
    assert (await by_code.ask("/desk/en/recover", {"id": "both", "code": code}))[0] == 200
    for window in (by_token, by_passkey, by_code):
        assert await window.is_signed_in()
        assert await approve(window, draft) == 403
        assert (await desk.place.desk.drafts.get(draft.id)).state is DraftState.SUBMITTED
    assert await approve(other, draft) == 303
    assert (await desk.place.desk.drafts.get(draft.id)).state is DraftState.PUBLISHED


async def test_one_passkey_is_never_two_people(desk: Desk) -> None:
    _, device, _ = await desk.hire("first", EDITOR)
    await desk.place.desk.officials.add("second", name="Second", roles={APPROVER})
    same = Authenticator(ORIGIN, RP_ID, device.key, device.credential_id)
    for _ in range(2):
        status, page = await desk.window().accept(await desk.invite("second"), same)
        assert (status, "somebody" in page) == (409, True)
        await desk.place.desk.officials.remove("first")  # not even after the first has gone
    assert await desk.place.sign_in.needed_passkeys().of("second") == []


async def test_an_administrator_has_no_part_in_drafts_and_cannot_give_himself_one(desk: Desk) -> None:
    window, _, _ = await desk.hire("boss", ADMINISTRATOR)
    await desk.hire("chief", ADMINISTRATOR)
    await desk.hire("ed", EDITOR)
    draft = await desk.submitted("ed")
    assert await approve(window, draft) == 403
    token = (await window.fields("/desk/en/means"))["form_token"]
    for roles in ({"roles": "nobody"}, {}):
        assert (await window.ask("/desk/en/people/boss/roles", {"form_token": token, **roles}))[0] == 400
    officials = desk.place.desk.officials
    with pytest.raises(Exception, match="administrator has no part in drafts"):
        await officials.change("boss", roles={ADMINISTRATOR, APPROVER}, by="boss")
    assert (await officials.get("boss")).roles == (ADMINISTRATOR,)


async def test_officials_do_not_let_people_in_or_out_at_the_pages(desk: Desk) -> None:
    window, _, _ = await desk.hire("ed", EDITOR, APPROVER)
    await desk.hire("boss", ADMINISTRATOR)
    token = (await window.fields("/desk/en/means"))["form_token"]
    assert (await window.ask("/desk/en/people"))[0] == 403
    form = {"form_token": token, "id": "friend", "name": "Friend", "roles": "approver", "sure": "yes"}
    for path in ("", "/boss/block", "/boss/remove", "/boss/invite", "/ed/roles"):
        assert (await window.ask(f"/desk/en/people{path}", form))[0] == 403
    assert {official.id for official in await desk.place.desk.officials.all() if official.is_active} == {"ed", "boss"}


async def test_a_form_about_people_needs_the_sessions_token(desk: Desk) -> None:
    window, _, _ = await desk.hire("boss", ADMINISTRATOR)
    await desk.hire("ed", EDITOR)
    for forged in ({}, {"form_token": "0" * 64}):
        for path in ("people/ed/block", "people/ed/invite", "people/ed/remove", "means/code", "means/add"):
            assert (await window.ask(f"/desk/en/{path}", {"sure": "yes", **forged}))[0] == 403
    assert (await desk.place.desk.officials.get("ed")).is_active


@pytest.mark.parametrize("end", ["remove", "block", "passkey removed"])
async def test_sessions_end_at_once(desk: Desk, end: str) -> None:
    window, device, token = await desk.hire("ed", EDITOR)
    another = desk.window()
    await another.enter(device)
    assert await window.is_signed_in()
    assert await another.is_signed_in()
    officials, sign_in = desk.place.desk.officials, desk.place.sign_in
    match end:
        case "remove":
            await officials.remove("ed")
        case "block":
            await officials.block("ed")
        case "passkey removed":
            [passkey] = await sign_in.needed_passkeys().of("ed")
            await sign_in.remove_passkey(await officials.get("ed"), passkey.id)
    assert not await window.is_signed_in()
    assert not await another.is_signed_in()
    assert (await another.enter(device))[0] in {404, 409}
    entered = (await desk.window().ask("/desk/en/sign-in", {"token": token}))[0]
    assert entered == (303 if end == "passkey removed" else 403)


async def test_a_session_from_before_a_block_is_worth_nothing_after_it(desk: Desk) -> None:
    window, device, _ = await desk.hire("ed", EDITOR)
    officials = desk.place.desk.officials
    desk.place.clock.advance(minutes=1)
    await officials.block("ed")
    await officials.unblock("ed")  # and nobody asked for a page meanwhile
    assert not await window.is_signed_in()
    assert (await window.enter(device))[0] == 303
    assert await window.is_signed_in()


async def test_a_session_that_ends_while_it_asks_is_led_to_sign_in(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    window, _, _ = await desk.hire("ed", EDITOR)
    stands, sessions = SignIn.stands, RecordStore(desk.place.profile, DeskSession)

    async def signed_out_meanwhile(*args: Any, **how: Any) -> bool:
        async for desk_session in sessions.every():
            await sessions.remove(desk_session.id)
        return await stands(*args, **how)

    monkeypatch.setattr(SignIn, "stands", signed_out_meanwhile)
    desk.place.clock.advance(minutes=2)
    assert (await window.ask("/desk/en/means"))[0] == 303


async def test_an_answer_to_another_browsers_page_and_a_replayed_one_let_nobody_in(desk: Desk) -> None:
    _, device, _ = await desk.hire("ed", EDITOR)
    theirs, mine = desk.window(), desk.window()
    fields = await theirs.fields("/desk/en/sign-in")
    device.count = -1
    form = {"ticket": fields["ticket"], "answer": device.sign(fields["options"])}
    await mine.ask("/desk/en/sign-in")
    for window in (mine, desk.window()):
        assert (await window.ask("/desk/en/sign-in/passkey", form))[0] == 409
        assert not await window.is_signed_in()
    assert (await theirs.ask("/desk/en/sign-in/passkey", form))[0] == 303
    theirs.cookies.pop("__Host-desk")
    assert (await theirs.ask("/desk/en/sign-in/passkey", form))[0] == 409
    assert not await theirs.is_signed_in()


async def test_a_session_cannot_finish_what_another_session_began(desk: Desk) -> None:
    one, _, _ = await desk.hire("ed", EDITOR)
    other, _, _ = await desk.hire("eve", EDITOR)
    fields = await one.fields("/desk/en/means")
    token = (await other.fields("/desk/en/means"))["form_token"]
    answer = Authenticator(ORIGIN, RP_ID).make(fields["options"])
    form = {"ticket": fields["ticket"], "answer": answer, "form_token": token}
    assert (await other.ask("/desk/en/means/add", form))[0] == 409
    assert len(await desk.place.sign_in.needed_passkeys().of("eve")) == 1


async def test_another_sites_page_begins_and_ends_nothing(desk: Desk) -> None:
    _, device, _ = await desk.hire("ed", EDITOR)
    window = desk.window()
    fields = await window.fields("/desk/en/sign-in")
    form = {"ticket": fields["ticket"], "answer": device.sign(fields["options"])}
    cookie_header = "; ".join(f"{name}={value}" for name, value in window.cookies.items())
    headers = {"Cookie": cookie_header, "Sec-Fetch-Site": "cross-site"}
    async with desk.session.post(
        desk.server.make_url("/desk/en/sign-in/passkey"), data=form, headers=headers
    ) as answer:
        assert answer.status == 403
    assert (await window.ask("/desk/en/sign-in/passkey", form))[0] == 303


async def test_another_tenants_people_passkeys_invitations_and_codes_are_strangers(desk: Desk, tmp_path: Path) -> None:
    window, device, _ = await desk.hire("ed", EDITOR)
    link = await desk.invite("ed")
    code = (await desk.place.sign_in.renew_code(await desk.place.desk.officials.get("ed"), "")).code or ""
    profile = await create_test_profile({"wallet.type": "askar-anoncreds"})
    try:
        place = Place(profile, tmp_path / "theirs", app_url=ORIGIN)
        await place.desk.officials.add("ed", name="Another Ed", roles={EDITOR})
        jar = aiohttp.DummyCookieJar()
        async with TestServer(place.application()) as server, aiohttp.ClientSession(cookie_jar=jar) as session:
            theirs = Window(str(server.make_url("")).rstrip("/"), session, dict(window.cookies))
            assert not await theirs.is_signed_in()
            assert (await theirs.enter(device))[0] == 409
            page = link.replace("/desk/", "/desk/en/")
            assert (await theirs.ask(page))[0] == 409
            invited = await window.fields(page)
            answer = Authenticator(ORIGIN, RP_ID).make(invited["options"])
            assert (await theirs.ask(page, {"ticket": invited["ticket"], "answer": answer}))[0] == 409
            assert (await theirs.ask("/desk/en/recover", {"id": "ed", "code": code}))[0] == 409
            ours = await window.fields("/desk/en/sign-in")  # a challenge that the first tenant gave out
            form = {"ticket": ours["ticket"], "answer": device.sign(ours["options"])}
            assert (await theirs.ask("/desk/en/sign-in/passkey", form))[0] == 409
            assert not await theirs.is_signed_in()
    finally:
        await profile.close()


async def test_recovery_is_bounded_a_network_at_the_page(desk: Desk) -> None:
    await desk.hire("ed", EDITOR)
    window = desk.window()
    told = [(await window.ask("/desk/en/recover", {"id": f"p{at}", "code": "x"}))[0] for at in range(21)]
    assert told == [*[409] * 20, 429]


async def test_refused_people_stay_who_they_were(desk: Desk) -> None:
    officials = desk.place.desk.officials
    await desk.hire("boss", ADMINISTRATOR)
    with pytest.raises(RefusedError, match="last with the role"):
        await officials.remove("boss", by="boss")
    with pytest.raises(ForbiddenError):
        await officials.remove("boss", by="ed")
    assert (await officials.get("boss")).is_active


async def test_who_has_just_come_in_can_go_at_once(desk: Desk) -> None:
    await desk.place.desk.officials.add("ed", name="Ed", roles={EDITOR})
    window = desk.window()
    _, page = await window.accept(await desk.invite("ed"), Authenticator(ORIGIN, RP_ID))
    token = found_in(page, r'name="form_token" value="([^"]*)"')
    assert (await window.ask("/desk/en/sign-out", {"form_token": token}))[0] == 303
    assert not await window.is_signed_in()
