"""What is wrong with a page is found, however often it is looked at, and what is right is not."""

import pytest
from playwright.async_api import Browser
from tests.browser.looking import violations_on

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.needs("chromium")]

PAGE = """<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1>
<p id="text" style="color: #000; background: #fff">Words</p><div id="place"></div></main></html>"""


async def test_a_page_is_looked_at_anew_each_time(chromium: Browser) -> None:
    page = await chromium.new_page()
    try:
        await page.set_content(PAGE)
        assert await violations_on(page) == []
        await page.evaluate("document.getElementById('place').innerHTML = '<img id=picture>'")
        assert [(rule, nodes) for rule, _, nodes in await violations_on(page)] == [
            ("image-alt", ['<img id="picture">']),
        ]
        await page.evaluate("document.getElementById('text').style.color = '#eee'")
        assert {rule for rule, _, _ in await violations_on(page)} == {"image-alt", "color-contrast"}
        assert [rule for rule, _, _ in await violations_on(page, only_colours=True)] == ["color-contrast"]
        await page.set_content(PAGE)
        assert await violations_on(page) == []
    finally:
        await page.close()
