"""Slips are set by a process of their own: what comes of it, what is refused, and that it ends."""

import asyncio
import os
from pathlib import Path

import pytest
from tests.needs import NOTO

from wanderbuch.agents.issuer.slip_sheets import sheets
from wanderbuch.agents.issuer.slip_sheets.order import PaperSlip
from wanderbuch.agents.issuer.slip_sheets.sheets import SheetsError, SlipSheets
from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.errors import ConfigurationError

pytestmark = pytest.mark.needs("noto")
SLIP = PaperSlip("Nimal Perera", "Welder", "https://centre.example.org/c/x")


async def made(by: SlipSheets, *slips: PaperSlip) -> bytes:
    return await by.pdf(slips, language=LANGUAGES["en"], heading="Welders", centre="Colombo", lines=["Scan the code."])


def children() -> set[str]:
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


def environment_of(child: str) -> bytes:
    return Path(f"/proc/{child}/environ").read_bytes()


async def test_one_file_is_made_at_a_time() -> None:
    by = SlipSheets(NOTO)
    first = asyncio.create_task(made(by, SLIP))
    await asyncio.sleep(0)
    with pytest.raises(SheetsError, match="another file of slips"):
        await made(by, SLIP)
    assert (await first).startswith(b"%PDF-")
    assert (await made(by, SLIP)).startswith(b"%PDF-")


async def test_few_files_are_made_at_once_whoever_asks() -> None:
    tenants = [SlipSheets(NOTO) for _ in range(3)]
    first = [asyncio.create_task(made(by, SLIP)) for by in tenants[:2]]
    await asyncio.sleep(0)
    with pytest.raises(SheetsError, match="another file of slips"):
        await made(tenants[2], SLIP)
    for task in first:
        task.cancel()
    await asyncio.gather(*first, return_exceptions=True)
    assert (await made(tenants[2], SLIP)).startswith(b"%PDF-")


async def test_the_process_gets_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDERBUCH_WALLET_KEY", "not for those who set type")
    before = children()
    asked = asyncio.create_task(made(SlipSheets(NOTO), SLIP))
    environment = b""
    async with asyncio.timeout(60):
        while b"PATH=" not in environment or b"PYTEST_CURRENT_TEST" not in environment:
            await asyncio.sleep(0.01)
            for child in children() - before:
                environment = environment_of(child)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert b"WANDERBUCH_" not in environment


async def test_the_process_imports_nothing_from_the_folder_in_which_the_agent_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("typst", "msgspec", "segno"):
        (tmp_path / f"{library}.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    assert (await made(SlipSheets(NOTO), SLIP)).startswith(b"%PDF-")


async def test_letters_that_are_missing_are_told() -> None:
    with pytest.raises(SheetsError, match="lack these letters: 山 田"):
        await made(SlipSheets(NOTO), SLIP, PaperSlip("山田", "", SLIP.address))


async def test_what_takes_too_long_or_is_given_up_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    by, before = SlipSheets(NOTO), children()
    given_up = asyncio.create_task(made(by, SLIP))
    async with asyncio.timeout(60):
        while children() == before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert children() == before
    monkeypatch.setattr(sheets, "_DEADLINE_S", 0.01)
    with pytest.raises(SheetsError, match="took too long"):
        await made(by, SLIP)
    assert children() == before


async def test_a_process_that_fails_tells_the_log_no_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sheets, "_MODULE", "wanderbuch.agents.issuer.slip_sheets.nothing")
    with pytest.raises(SheetsError, match="could not be made"):
        await made(SlipSheets(NOTO), SLIP)
    assert "slips.failed" in caplog.text
    assert "Nimal" not in caplog.text


def test_what_is_missing_is_said_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="expected a folder with fonts") as no_folder:
        SlipSheets(tmp_path / "none")
    assert "fonts-noto-core" in str(no_folder.value.hint)
    monkeypatch.setattr(sheets, "_LIBRARIES", ("no_such_library",))
    with pytest.raises(ConfigurationError, match="no_such_library is not installed") as no_library:
        SlipSheets(tmp_path)
    assert "wanderbuch[pdf]" in str(no_library.value.hint)
