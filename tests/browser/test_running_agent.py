"""The pages as a real authority agent serves them: two sites, two sockets, a wallet on disk."""

import asyncio
import json

import pytest
from playwright.async_api import async_playwright, expect
from tests.browser.conftest import ARGUMENTS
from tests.browser.looking import follow
from tests.needs import chromium_program
from tests.unit.authority_pages.place import EXAMPLE, WELDERS

from wanderbuch.agents.machine import LocalMachine

pytestmark = [pytest.mark.agents, pytest.mark.needs("chromium")]


async def test_an_agent_serves_the_register_to_all_and_the_desk_to_its_officials(machine: LocalMachine) -> None:
    eco = {"ecosystem": "sri-lanka", "four_eyes": False, "trqp": {"enabled": True}}
    authority = machine.add("authority", "Authority of Lanka", "authority.wanderbuch.test", authority=eco)
    await authority.start()
    own = (await authority.get("/identity"))["did"]
    text = json.dumps(EXAMPLE).replace(EXAMPLE["author"], own)
    await authority.post("/versions", {"payload": json.loads(text)})
    token = (await authority.post("/officials", {"id": "e.perera", "name": "Esha Perera", "roles": ["editor"]}))[
        "token"
    ]
    rule = f"--host-resolver-rules=MAP authority.wanderbuch.test:443 127.0.0.1:{authority.public_port}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_program(), args=[*ARGUMENTS, rule])
        page = await browser.new_page(ignore_https_errors=True)
        await page.goto("https://authority.wanderbuch.test/")
        await expect(page.locator("h1")).to_have_text("Authority of Lanka")
        await expect(page.locator("main")).to_contain_text(own)
        await page.click("text=Questions by program")
        await expect(page.locator("main dd").first).to_have_text("POST /trqp/2.0/authorization")
        await page.goto("https://authority.wanderbuch.test/trqp/2.0/authorization")
        await expect(page.locator("h1")).to_have_text("This address is for programs")
        await page.click("text=Go to the start page")
        await page.click("text=Look into the register")
        await expect(page.locator("h1")).to_have_text("Whose certificates count?")
        await page.goto("https://authority.wanderbuch.test/registry/en/?occupation=7212&country=MLT&name=")
        await expect(page.locator(".row a")).to_have_text("Colombo Welding Centre (example)")
        await page.goto(f"https://authority.wanderbuch.test/registry/en/institution/{WELDERS}")
        await expect(page.locator(".badge").first).to_have_text("Counts")
        await page.goto("https://authority.wanderbuch.test/registry/en/file")
        await expect(page.locator(".signers .badge")).to_have_text("Checked, holds")
        await page.goto(f"{authority.app_url}/")
        await page.click("text=Go to the desk")
        await expect(page.locator("#token")).to_be_visible()
        response = await page.goto(f"{authority.app_url}/desk/en/")
        assert response is not None
        assert page.url.endswith("/desk/en/sign-in")
        await page.fill("#token", token)
        await page.focus("#token")
        await follow(page)
        await expect(page.locator(".me span")).to_have_text("Esha Perera")
        assert (await page.request.get(f"{authority.app_url}/drafts")).status == 401  # a cookie is no key to the API
        await browser.close()
    await asyncio.wait_for(authority.stop(), 30)
