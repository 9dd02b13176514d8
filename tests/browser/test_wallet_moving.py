"""The worker's book as a file: to another site, back at the first one, and what is no such file."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from tests.browser.wallet_site import WAIT_MS, make_book, phone, press, sees, wallet_site

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]

PIN = "135790"


async def open_file(page: Page, file: Path, code: str) -> None:
    await page.get_by_label("The file").set_input_files(file)
    await page.get_by_label("Your recovery code").fill(code)
    await page.get_by_label("A PIN").fill(PIN)
    await press(page, "Open my book")


async def test_a_file_opens_the_book_at_another_site_when_the_first_is_gone(chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "my.book"
    async with wallet_site() as first, wallet_site() as second, phone(chromium) as here, phone(chromium) as there:
        page = await here.new_page()
        await page.goto(f"{first.url}/")
        code = " ".join(await make_book(page))
        await expect(page.get_by_role("main")).not_to_contain_text("copy", timeout=WAIT_MS)
        await press(page, "Who can see what, and deleting")
        async with page.expect_download() as download:
            await press(page, "Save a copy as a file")
        await (await download.value).save_as(file)
        await expect(page.get_by_role("status")).to_contain_text("downloads")
        await expect(page.get_by_role("status")).to_be_in_viewport(ratio=1)
        assert (await download.value).suggested_filename.endswith(".book")
        await first.close()

        other = await there.new_page()
        await other.goto(f"{second.url}/")
        await press(other, "Make my book")
        await sees(other, "Write this down")
        strange = " ".join(await other.locator(".groups span").all_text_contents())
        await other.reload()
        await press(other, "I have a book already")
        await press(other, "I have it as a file")
        await sees(other, "Open your book from a file")
        whole = file.read_bytes()
        bad = {
            "not the file of a book": b"GIF89a",
            "not whole": whole[:-1],
            "was changed or damaged": bytes([*whole[:-9], whole[-9] ^ 1, *whole[-8:]]),
            "too large": bytes(33 * 2**20),
        }
        for sentence, content in bad.items():
            wrong = tmp_path / "wrong.book"
            wrong.write_bytes(content)
            await open_file(other, wrong, code)
            await expect(other.get_by_role("status")).to_contain_text(sentence)
        await open_file(other, file, strange)
        await expect(other.get_by_role("status")).to_contain_text("do not belong together")
        assert second.vaults.written == []
        await open_file(other, file, code)
        await sees(other, "My book")
        await expect(other.get_by_role("main")).not_to_contain_text("copy", timeout=WAIT_MS)
        assert second.vaults.written

        # The first site is back: its copy is newer than the file by then, which takes nobody back.
        await first.open()
        third = await there.new_page()
        await third.goto(f"{first.url}/")
        await press(third, "I have a book already")
        await press(third, "I have it as a file")
        await open_file(third, file, code)
        await sees(third, "My book")
        await expect(third.get_by_role("status")).to_contain_text("a copy as new as your file, or newer")
        # One phone has it: the one before learns that.
        await press(page, "Back to my book")
        await press(page, "Lock now")
        await page.get_by_label("Your PIN").fill("246810")
        await press(page, "Open my book")
        await sees(page, "Your book is open on another phone")
