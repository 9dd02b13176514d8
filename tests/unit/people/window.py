"""A browser without JavaScript at the pages of people; an authenticator in software answers what they ask."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
from tests.unit.people.authenticator import Authenticator


@dataclass
class Window:
    """One browser window: it keeps cookies and sends the forms that pages have."""

    url: str
    session: aiohttp.ClientSession
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=lambda: {"Sec-Fetch-Site": "same-origin"})

    async def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        cookie_header = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with self.session.request(
            "GET" if form is None else "POST",
            f"{self.url}{path}",
            data=form,
            headers={"Cookie": cookie_header, **self.headers},
            allow_redirects=False,
        ) as response:
            for name, morsel in response.cookies.items():
                self.cookies[name] = morsel.value
            return response.status, await response.text()

    async def fields(self, path: str) -> dict[str, str]:
        """Return what the first form with a passkey on a page has, and what it asks a device."""
        _, page = await self.ask(path)
        return {
            "ticket": found_in(page, r'name="ticket" value="([^"]*)"'),
            "options": found_in(page, r'data-options="([^"]*)"'),
            "form_token": found_in(page, r'name="form_token" value="([^"]*)"'),
        }

    async def submit(self, page: str, target: str, answer: Callable[[str], str], **further: str) -> tuple[int, str]:
        """Have a device answer what a page asks, and send that."""
        fields = await self.fields(page)
        form = {"ticket": fields["ticket"], "answer": answer(fields["options"]), "form_token": fields["form_token"]}
        return await self.ask(target, form | further)

    async def accept(self, link: str, device: Authenticator) -> tuple[int, str]:
        path = link.replace("/desk/", "/desk/en/")
        return await self.submit(path, path, device.make)

    async def enter(self, device: Authenticator) -> tuple[int, str]:
        return await self.submit("/desk/en/sign-in", "/desk/en/sign-in/passkey", device.sign)

    async def is_signed_in(self) -> bool:
        return (await self.ask("/desk/en/means"))[0] == 200


def found_in(page: str, pattern: str) -> str:
    match = re.search(pattern, page)
    return html.unescape(match[1]) if match else ""
