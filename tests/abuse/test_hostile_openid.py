"""A hostile provider of accounts, and hostile answers of an honest one: nobody comes in who was not invited.

The provider here signs whatever a test tells it to, over real TLS and through the real HTTP edge; each refused case
differs from the accepted one in one point.
"""

import asyncio
import base64
import hashlib
import hmac
import html
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp
import pytest
from acapy_agent.utils.testing import create_test_profile
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from tests.unit.authority_pages.place import Clock, Place, full_payload
from tests.unit.http.tls_host import PrivateAuthority, TlsHost, tls_host

from wanderbuch.agents.authority.officials import OfficialRole
from wanderbuch.agents.people.openid_provider import MAX_BYTES, OpenIdClient, OpenIdProvider

HOST, ORIGIN = "accounts.example.test", "https://desk.authority.wanderbuch.test"
ISSUER, CLIENT, SECRET = f"https://{HOST}", "desk", "s3cret/with:signs"
CALLBACK = f"{ORIGIN}/desk/openid/callback"
EDITOR, APPROVER = OfficialRole.EDITOR, OfficialRole.APPROVER


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> PrivateAuthority:
    return PrivateAuthority(tmp_path_factory.mktemp("ca"))


def text_of(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@dataclass
class Accounts:
    """The provider: honest until a test changes a part."""

    host: TlsHost
    clock: Clock
    keys: list[RSAKey | ECKey] = field(default_factory=lambda: [RSAKey.generate_key(2048, {"kid": "one"})])
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    answer: Callable[[str], Any] = lambda token: {"access_token": "x", "token_type": "Bearer", "id_token": token}
    sign: Callable[[dict[str, Any]], str] | None = None
    subject: str = "248289761001"
    asked: dict[str, str] = field(default_factory=dict)
    key_requests: int = 0

    def __post_init__(self) -> None:
        self.host.handlers |= {
            ".well-known/openid-configuration": self._discovery,
            "keys": self._keys,
            "token": self._token,
        }

    async def _discovery(self, _: web.Request) -> web.Response:
        honest = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "end_session_endpoint": f"{ISSUER}/sign-out",
            "authorization_response_iss_parameter_supported": True,
        }
        return web.json_response({name: value for name, value in (honest | self.metadata).items() if value is not None})

    async def _keys(self, _: web.Request) -> web.Response:
        self.key_requests += 1
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def _token(self, request: web.Request) -> web.Response:
        form = parse_qs((await request.read()).decode())
        pair = f"{quote(CLIENT, safe='')}:{quote(SECRET, safe='')}"
        assert request.headers["Authorization"] == f"Basic {base64.b64encode(pair.encode()).decode()}"
        challenge = text_of(hashlib.sha256(form["code_verifier"][0].encode()).digest())
        if form["code"] != ["good"] or challenge != self.asked["code_challenge"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        assert form["redirect_uri"] == [CALLBACK]
        now = int(self.clock().timestamp())
        claims = {
            "iss": ISSUER,
            "sub": self.subject,
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": self.asked["nonce"],
            "email": "boss@authority.example",
            **self.claims,
        }
        told = {name: claim for name, claim in claims.items() if claim is not None}
        return web.json_response(self.answer((self.sign or self.signed)(told)))

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        key = self.keys[-1]
        alg = "ES256" if isinstance(key, ECKey) else "RS256"
        header = {"alg": alg, "kid": key.kid, **header}
        return jws.serialize_compact(header, json.dumps(claims), key, algorithms=[header["alg"]])


@dataclass
class Window:
    """A browser window: it keeps cookies, and goes where it is sent."""

    server: TestServer
    session: aiohttp.ClientSession
    accounts: Accounts
    cookies: dict[str, str] = field(default_factory=dict)

    async def ask(
        self, path: str, form: dict[str, str] | None = None, *, site: str = "same-origin"
    ) -> tuple[int, str, str]:
        cookie_header = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with self.session.request(
            "GET" if form is None else "POST",
            self.server.make_url(path),
            data=form,
            headers={"Cookie": cookie_header, "Sec-Fetch-Site": site},
            allow_redirects=False,
        ) as response:
            for name, morsel in response.cookies.items():
                self.cookies[name] = morsel.value
            return response.status, await response.text(), response.headers.get("Location", "")

    async def go(self, link: str = "") -> dict[str, str]:
        """Go to the provider; return what it is asked, with which it comes back."""
        secret = link.rpartition("/")[2]
        status, text, location = await self.ask(f"/desk/en/openid/{secret}" if secret else "/desk/en/openid")
        assert status == 303, text
        assert location.startswith(f"{ISSUER}/authorize?")
        asked = {name: value for name, [value] in parse_qs(urlsplit(location).query).items()}
        self.accounts.asked = asked
        return {"state": asked["state"], "code": "good", "iss": ISSUER}

    async def back(self, answer: dict[str, str], **changes: str | None) -> int:
        told = {name: value for name, value in {**answer, **changes}.items() if value is not None}
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in told.items())
        return (await self.ask(f"/desk/openid/callback?{query}"))[0]

    async def enter(self, link: str = "", **changes: str | None) -> int:
        return await self.back(await self.go(link), **changes)

    async def is_signed_in(self) -> bool:
        return (await self.ask("/desk/en/means"))[0] == 200


@dataclass
class Desk:
    place: Place
    accounts: Accounts
    server: TestServer
    session: aiohttp.ClientSession

    def window(self) -> Window:
        return Window(self.server, self.session, self.accounts)

    async def hire(self, official_id: str, *roles: OfficialRole) -> str:
        """Add an official; return the link that invites them."""
        await self.place.desk.officials.add_without_token(
            official_id, name=official_id, roles=roles or (EDITOR,), by="operator"
        )
        return await self.invite(official_id)

    async def invite(self, official_id: str) -> str:
        return f"/desk/invitation/{(await self.place.sign_in.invitations.make(official_id))[1]}"


@pytest.fixture
async def desk(authority: PrivateAuthority, tmp_path: Path) -> AsyncIterator[Desk]:
    profile, clock = await create_test_profile({"wallet.type": "askar-anoncreds"}), Clock()
    jar = aiohttp.DummyCookieJar()
    async with tls_host(authority, HOST, tmp_path / "host") as host, host.edge() as edge:
        client = OpenIdClient(ISSUER, CLIENT, SECRET, "Accounts", CALLBACK)
        provider = OpenIdProvider(client, edge, clock=clock)
        place = Place(profile, tmp_path / "public", clock=clock, app_url=ORIGIN, provider=provider)
        await place.publish(full_payload())
        async with TestServer(place.application()) as server, aiohttp.ClientSession(cookie_jar=jar) as session:
            yield Desk(place, Accounts(host, clock), server, session)
    await profile.close()


async def test_who_was_invited_signs_in_with_an_account_and_others_do_not(desk: Desk) -> None:
    link, window = await desk.hire("ed"), desk.window()
    assert await window.enter() == 409  # nobody's account yet
    assert await window.enter(link) == 200
    assert await window.is_signed_in()
    again = desk.window()
    assert await again.enter() == 200
    assert (await again.ask("/desk/en/means"))[0] == 200
    assert "ed" in (await again.ask("/desk/en/"))[1]
    asked = desk.accounts.asked
    assert (asked["scope"], asked["code_challenge_method"], asked["response_type"]) == ("openid", "S256", "code")
    assert await desk.window().enter(link) == 409  # good once
    token = field_of((await again.ask("/desk/en/means"))[1], r'name="form_token" value="([^"]*)"')
    _, _, left = await again.ask("/desk/en/sign-out", {"form_token": token})
    page = html.unescape((await again.ask(left))[1])
    assert f"{ISSUER}/sign-out?client_id={CLIENT}&post_logout_redirect_uri=" in page
    assert not await again.is_signed_in()


def field_of(page: str, pattern: str) -> str:
    match = re.search(pattern, page)
    assert match
    return match[1]


async def test_the_same_mail_address_is_not_the_same_account(desk: Desk) -> None:
    assert await desk.window().enter(await desk.hire("boss")) == 200
    desk.accounts.subject = "another"  # with the mail address of the first
    assert await desk.window().enter() == 409


async def test_one_account_is_never_two_people(desk: Desk) -> None:
    assert await desk.window().enter(await desk.hire("first")) == 200
    link = await desk.hire("second", APPROVER)
    for _ in range(2):
        assert await desk.window().enter(link) == 409
        await desk.place.desk.officials.remove("first")  # not even after the first has gone
    assert await desk.place.sign_in.needed_outside().of("second") == []


@pytest.mark.parametrize("end", ["remove", "block"])
async def test_removed_and_blocked_people_are_signed_out_at_once_and_do_not_come_back(desk: Desk, end: str) -> None:
    window = desk.window()
    await window.enter(await desk.hire("ed"))
    assert await window.is_signed_in()
    officials = desk.place.desk.officials
    await (officials.remove("ed") if end == "remove" else officials.block("ed"))
    assert not await window.is_signed_in()
    assert await window.enter() == 409


@pytest.mark.parametrize(
    ("claims", "good"),
    [
        ({}, True),
        ({"iss": "https://other.example.test"}, False),
        ({"iss": f"{ISSUER}/"}, False),
        ({"iss": None}, False),
        ({"aud": "another"}, False),
        ({"aud": []}, False),
        ({"aud": None}, False),
        ({"aud": [CLIENT]}, True),
        ({"aud": [CLIENT, "another"]}, False),
        ({"aud": [CLIENT, "another"], "azp": CLIENT}, True),
        ({"aud": [CLIENT, "another"], "azp": "another"}, False),
        ({"azp": "another"}, False),
        ({"azp": CLIENT}, True),
        ({"nonce": "another"}, False),
        ({"nonce": None}, False),
        ({"nonce": 7}, False),
        ({"exp": 1}, False),
        ({"exp": None}, False),
        ({"exp": "tomorrow"}, False),
        ({"exp": True}, False),
        ({"iat": 1}, False),
        ({"iat": 99_999_999_999}, False),
        ({"iat": None}, False),
        ({"sub": None}, False),
        ({"sub": ""}, False),
        ({"sub": 248289761001}, False),
        ({"sub": "x" * 256}, False),
    ],
)
async def test_only_a_word_about_this_sign_in_counts(desk: Desk, claims: dict[str, Any], good: bool) -> None:
    desk.accounts.claims = claims
    window = desk.window()
    assert await window.enter(await desk.hire("ed")) == (200 if good else 409)
    assert await window.is_signed_in() == good


async def test_refuses_a_word_that_the_provider_did_not_sign(desk: Desk) -> None:
    accounts, link = desk.accounts, await desk.hire("ed")
    other = RSAKey.generate_key(2048, {"kid": "one"})
    shown = accounts.keys[0]

    def unsigned(claims: dict[str, Any]) -> str:
        parts = ({"alg": "none", "kid": "one"}, claims)
        return ".".join(text_of(json.dumps(part).encode()) for part in parts) + "."

    def confused(claims: dict[str, Any]) -> str:
        secret = shown.as_pem(private=False)  # whoever takes the public key for a shared secret believes everybody
        signed = ".".join(text_of(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "one"}, claims))
        return f"{signed}.{text_of(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"

    def of_another(claims: dict[str, Any]) -> str:
        return jws.serialize_compact({"alg": "RS256", "kid": "one"}, json.dumps(claims), other, algorithms=["RS256"])

    def of_its_own_header(claims: dict[str, Any]) -> str:
        header = {"alg": "RS256", "kid": "new", "jwk": other.as_dict(private=False)}
        return jws.serialize_compact(header, json.dumps(claims), other, algorithms=["RS256"])

    def altered(claims: dict[str, Any]) -> str:
        head, _, signature = accounts.signed(claims).split(".")
        body = text_of(json.dumps({**claims, "sub": "boss"}).encode())
        return f"{head}.{body}.{signature}"

    def no_object(claims: dict[str, Any]) -> str:
        return jws.serialize_compact({"alg": "RS256", "kid": "one"}, json.dumps([claims]), shown, algorithms=["RS256"])

    for sign in (unsigned, confused, of_another, of_its_own_header, altered, no_object, lambda _: "x", lambda _: ""):
        accounts.sign = sign
        window = desk.window()
        assert await window.enter(link) == 409
        assert not await window.is_signed_in()
    accounts.sign = None
    assert await desk.window().enter(link) == 200


async def test_keys_rotate_and_are_not_asked_for_all_the_time(desk: Desk) -> None:
    assert await desk.window().enter(await desk.hire("ed")) == 200
    desk.accounts.keys = [ECKey.generate_key("P-256", {"kid": "two"})]
    assert await desk.window().enter() == 409  # asked a moment ago
    assert desk.accounts.key_requests == 1
    desk.accounts.clock.advance(minutes=1)
    assert await desk.window().enter() == 200
    assert desk.accounts.key_requests == 2
    desk.accounts.keys.append(ECKey.generate_key("P-256", {"kid": "three"}))
    for _ in range(5):
        assert await desk.window().enter() == 409
    assert desk.accounts.key_requests == 2


async def test_refuses_answers_of_another_browser_of_another_provider_and_replayed_ones(desk: Desk) -> None:
    link = await desk.hire("ed")
    theirs, mine = desk.window(), desk.window()
    answer = await theirs.go(link)
    await mine.go()
    for window in (mine, desk.window()):  # login CSRF: an answer that somebody else began
        assert await window.back(answer) == 409
        assert not await window.is_signed_in()
    answer = await theirs.go(link)
    for changes in (
        {"iss": "https://other.example.test"},
        {"iss": None},
        {"state": None},
        {"state": answer["state"][:-1] + ("0" if answer["state"][-1] != "0" else "1")},
        {"code": None},
        {"code": "stolen"},
        {"code": "x" * 3000},
        {"code": None, "error": "access_denied"},
    ):
        assert await theirs.back(answer, **changes) == 409
        assert not await theirs.is_signed_in()
    kept = dict(theirs.cookies)
    assert await theirs.back(answer) == 200
    theirs.cookies = kept
    assert await theirs.back(answer) == 409
    assert not await theirs.is_signed_in()


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
async def test_nobody_takes_up_an_invitation_who_has_not_seen_whom_it_invites(desk: Desk, site: str) -> None:
    link = await desk.hire("ed")  # who sends somebody else, signed in at the provider, straight on with it
    secret, window = link.rpartition("/")[2], desk.window()
    status, _, location = await window.ask(f"/desk/en/openid/{secret}", site=site)
    assert (status, location) == (303, f"/desk/en/invitation/{secret}")
    assert window.cookies == {}
    assert "ed" in (await window.ask(location))[1]
    assert await window.enter(link) == 200


async def test_an_answer_that_comes_too_late_is_refused(desk: Desk) -> None:
    window = desk.window()
    answer = await window.go(await desk.hire("ed"))
    desk.accounts.clock.advance(hours=1)
    assert await window.back(answer) == 409


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://other.example.test"},
        {"issuer": None},
        {"authorization_endpoint": "http://accounts.example.test/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None},
        {"token_endpoint": "http://127.0.0.1/token"},
        {"token_endpoint": 7},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"padding": "x" * MAX_BYTES},
        {"deep": json.loads("[" * 20 + "]" * 20)},
    ],
)
async def test_refuses_metadata_that_lead_elsewhere(desk: Desk, metadata: dict[str, Any]) -> None:
    desk.accounts.metadata = metadata
    status, _, location = await desk.window().ask("/desk/en/openid")
    assert (status in {409, 502}, location) == (True, "")


@pytest.mark.parametrize("inside", ["https://127.0.0.1/token", "https://169.254.169.254/token", "https://[::1]/token"])
async def test_is_not_made_to_ask_inside_a_network(desk: Desk, inside: str) -> None:
    desk.accounts.metadata = {"token_endpoint": inside}
    window = desk.window()
    assert await window.enter(await desk.hire("ed")) == 502
    assert not await window.is_signed_in()


@pytest.mark.parametrize(
    "answer",
    [lambda _: {}, lambda _: [], lambda _: {"id_token": 7}, lambda token: {"id_token": token, "x": "y" * MAX_BYTES}],
)
async def test_refuses_what_is_no_answer(desk: Desk, answer: Callable[[str], Any]) -> None:
    desk.accounts.answer = answer
    assert await desk.window().enter(await desk.hire("ed")) in {409, 502}


async def test_a_provider_that_is_away_or_sends_us_on_keeps_nobody_waiting(desk: Desk) -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        raise web.HTTPFound("https://127.0.0.1/")

    desk.accounts.host.handlers[".well-known/openid-configuration"] = elsewhere
    asked = len(desk.accounts.host.requests)
    told = await asyncio.gather(*(desk.window().ask("/desk/en/openid") for _ in range(10)))
    assert {status for status, _, _ in told} == {502}
    assert len(desk.accounts.host.requests) == asked + 1  # asked once for all of them
    assert (await desk.window().ask("/desk/en/sign-in"))[0] == 200


async def test_strangers_leave_nothing_behind_and_are_bounded(desk: Desk) -> None:
    window, told = desk.window(), []
    for _ in range(21):
        told.append(await window.back(await window.go(), code="stolen"))  # noqa: PERF401
    assert told == [*[409] * 20, 429]
