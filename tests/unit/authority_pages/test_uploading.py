"""A ministry's list at the desk: what is ready, what to look at and why, what is remembered, its draft."""

import io
import re
from typing import Any

import aiohttp
import pytest
from openpyxl import Workbook
from tests.unit.authority_pages.conftest import EDITOR, Answer, Browser, hidden
from tests.unit.authority_pages.place import Place, full_payload

from wanderbuch.agents.authority.draft import DraftState
from wanderbuch.agents.authority.uploads import MOST_KEPT, ReadUpload, UploadedList
from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.form.model import LISTING

LIST = """Ministry of Skills,,,,,
Accredited centres 2026,,,,,
Reg. Number,Name of Institution,ISCO,NVQ Level,Valid from,Remark
P01/0142,Matara Plumbing School,C7126,3-4,2026-01-01,
P01/0143,Galle School,C9999,2,2026-01-01,
P01/0144,Kandy Metal School,C7212,2,31/02/2026,
P01/0145,Jaffna Trade School,C7212,9,2026-01-01,
P01/0146,Colombo Metal School,C7212,2,2026-01-01,
"""
SAID = {
    "meant.column A": "register_id",
    "meant.column F": "-",
    "framework": "LK-NVQ",
    "jurisdictions": "LKA",
    "decision": "https://x.test/gazette",
    "redress": "https://x.test/appeals",
    "day_order": "refuse",
}


def book_of(**sheets: list[list[str]]) -> bytes:
    """Return a workbook with these sheets."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


async def upload(browser: Browser, content: bytes, name: str = "centres.csv") -> Answer:
    form = aiohttp.FormData()
    form.add_field("form_token", await browser.form_token())
    form.add_field("list", content, filename=name, content_type="application/octet-stream")
    return await browser.ask("/desk/en/lists", method="POST", data=form)


async def say(browser: Browser, page: str, **more: Any) -> str:
    sent = await browser.send(page, **{**SAID, **more})
    assert sent.status == 303, sent.text
    return (await browser.ask(page)).text


async def make_draft(browser: Browser, target: str) -> Answer:
    digest = hidden((await browser.ask(target)).text, "said")
    return await browser.send(f"{target}/draft", said=digest)


async def uploaded(browser: Browser) -> str:
    sent = await upload(browser, LIST.encode())
    assert sent.status == 303, sent.text
    return sent.target


async def test_headers_are_found_and_an_unknown_column_keeps_the_list_from_being_taken(
    editor: Browser,
) -> None:
    page = (await editor.ask(await uploaded(editor))).text
    assert "Headers found in row 3" in page
    assert "0 ready, 5 to look at, of 5 rows" in page
    assert "Make a draft" not in page
    assert re.search(r'<option value="institution" selected>', page)
    assert "--map" not in page


async def test_each_row_that_is_not_ready_has_its_true_cause_and_the_others_become_a_draft(
    editor: Browser, place: Place
) -> None:
    target = await uploaded(editor)
    page = await say(editor, target)
    assert "2 ready, 3 to look at, of 5 rows" in page
    assert "[level-in-framework]" not in page
    assert ">Number in the register</option>" in page
    for row, cause in ((5, "C9999"), (6, "31/02/2026"), (7, "levels")):
        told = page.partition(f"Row {row}<")[2].partition("</ul>")[0]
        assert cause in told, (row, told)
    made = await make_draft(editor, target)
    assert (made.status, (await make_draft(editor, target)).target) == (303, made.target)
    [draft] = await place.desk.drafts.all()
    assert (draft.state, draft.why) == (DraftState.OPEN, "A list: 2 rows")
    changes = {change.key: change.value for change in await place.desk.drafts.changes(draft.id)}
    assert set(changes) == {"P01/0142", "P01/0146"}
    assert changes["P01/0142"]["listing"]["accredited_for"][0]["occupations"] == ["C7126"]
    shown = (await editor.ask(made.target)).text
    assert "is listed in the register" in shown
    assert "nothing that it issues counts yet" in shown
    assert "Matara Plumbing School" in shown.partition('id="touched"')[2]  # by its name, not by its number alone


async def test_a_column_that_counts_the_rows_keeps_no_list_from_being_taken(editor: Browser) -> None:
    lines = LIST.splitlines()
    counted = [*lines[:2], f"No.,{lines[2]}", *(f"{at},{line}" for at, line in enumerate(lines[3:], start=1))]
    columns = {f"meant.column {chr(ord(at) + 1)}": meant for at, meant in (("A", "register_id"), ("F", "-"))}
    target = (await upload(editor, "\n".join([*counted, "Total,5,,,,,"]).encode())).target
    page = (await editor.ask(target)).text
    assert "Row 9: the row looks like no entry" in re.sub(r"<[^>]*>", "", page)
    sent = {name: text for name, text in SAID.items() if not name.startswith("meant.")}
    answers = {"answer.other-rows": "leave-out"}
    assert (await editor.send(target, **sent, **columns, **answers)).status == 303
    assert "2 ready, 3 to look at, of 5 rows" in (await editor.ask(target)).text


async def test_what_was_said_is_remembered_for_the_next_list_with_these_headers(editor: Browser) -> None:
    await say(editor, await uploaded(editor))
    again = (await editor.ask(await uploaded(editor))).text
    assert "2 ready, 3 to look at, of 5 rows" in again


def ways_of(page: str, name: str) -> list[str]:
    """Return what a page offers for how a file is read."""
    return re.findall(rf'<input type="radio" name="{name}" value="([^"]*)"', page)


async def test_the_sheet_of_a_book_with_several_is_chosen_and_what_was_said_of_such_a_list_holds(
    editor: Browser, place: Place
) -> None:
    await say(editor, await uploaded(editor))
    rows = [line.split(",") for line in LIST.splitlines()]
    sent = await upload(editor, book_of(Cover=[["Ministry of Skills"]], Centres=rows, Old=[["Old"], ["x"]]), "c.xlsx")
    assert sent.status == 303, sent.text
    page = (await editor.ask(sent.target)).text
    assert ways_of(page, "sheet") == ["Cover", "Centres", "Old"]
    assert "several sheets" in page
    chosen = await editor.send(sent.target, opens="1", sheet="Centres")
    assert chosen.status == 303, chosen.text
    page = (await editor.ask(sent.target)).text
    assert "2 ready, 3 to look at, of 5 rows" in page
    assert '<input type="hidden" name="sheet" value="Centres">' in page
    await say(editor, sent.target, sheet="Centres")
    assert (await make_draft(editor, sent.target)).status == 303
    assert "2 ready, 3 to look at, of 5 rows" in (await editor.ask(await uploaded(editor))).text  # a CSV has no sheets
    assert ways_of(await say(editor, sent.target, sheet="Centres", anew="1"), "sheet") == ["Cover", "Centres", "Old"]


async def test_letters_and_then_separators_are_chosen_by_what_they_read(editor: Browser, place: Place) -> None:
    text = "Reg. Number;Name of Institution, Town;ISCO\nP01/0142;École de Genève, Genève;C7126\nP2;Zoë, Bâle;C7126\n"
    target = (await upload(editor, text.encode("cp1252"))).target
    page = (await editor.ask(target)).text
    assert "windows-1252" in ways_of(page, "encoding")
    assert "École" in page
    assert (await editor.send(target, opens="1", encoding="windows-1252")).status == 303
    page = (await editor.ask(target)).text
    assert sorted(ways_of(page, "separator")) == ["comma", "semicolon"]
    assert (
        await editor.send(target, opens="1", encoding=hidden(page, "encoding"), separator="semicolon")
    ).status == 303
    page = (await editor.ask(target)).text
    assert "of 2 rows" in page
    assert "École de Genève, Genève" in page


async def test_headers_of_two_rows_are_named_at_the_desk(editor: Browser) -> None:
    rows = LIST.replace("NVQ Level,Valid from", "NVQ,Valid").replace("P01/0142", ",,,Level,from,\nP01/0142", 1)
    target = (await upload(editor, rows.encode())).target
    page = await say(editor, target, header_row="3", header_last="4")
    assert "2 ready, 3 to look at, of 5 rows" in page
    assert 'name="header_last" type="number" inputmode="numeric" min="1" max="100000" value="4"' in page


async def test_a_word_for_a_status_is_explained_for_the_whole_list(editor: Browser) -> None:
    rows = LIST.replace("Remark", "Status").replace("2026-01-01,\n", "2026-01-01,Not renewed\n")
    target = (await upload(editor, rows.encode())).target
    page = await say(editor, target, **{"meant.column F": "status"})
    assert "0 ready, 5 to look at, of 5 rows" in page
    assert '<input type="hidden" name="status_word" value="Not renewed">' in page
    page = await say(editor, target, status_word="Not renewed", status_means="active", **{"meant.column F": "status"})
    assert "2 ready, 3 to look at, of 5 rows" in page


async def test_only_a_few_lists_are_kept(editor: Browser, place: Place) -> None:
    targets = [await uploaded(editor) for _ in range(MOST_KEPT + 1)]
    assert len(await place.parts.uploads.all()) == MOST_KEPT
    assert (await editor.ask(targets[0])).status == 404


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"PK\x03\x04 no zip", b"%PDF-1.7"], ids=ascii)
async def test_what_is_no_list_is_told_and_kept_nowhere(editor: Browser, place: Place, content: bytes) -> None:
    answer = await upload(editor, content, "list.xlsx")
    assert 400 <= answer.status < 500
    assert "<h1" in answer.text
    assert await place.parts.uploads.all() == []


async def test_a_form_without_the_sessions_token_or_by_an_approver_uploads_nothing(
    editor: Browser, approver: Browser, place: Place
) -> None:
    form = aiohttp.FormData()
    form.add_field("list", LIST.encode(), filename="centres.csv")
    assert (await editor.ask("/desk/en/lists", method="POST", data=form)).status in (400, 403)
    assert (await upload(approver, LIST.encode())).status == 403
    assert await place.parts.uploads.all() == []


async def test_a_listed_institution_is_edited_by_forms_that_cannot_say_with_what_it_signs(
    editor: Browser, place: Place
) -> None:
    target = await uploaded(editor)
    await say(editor, target)
    draft_page = (await make_draft(editor, target)).target
    [draft] = await place.desk.drafts.all()
    page = await editor.ask(f"{draft_page}/record?did=P01%2F0142")
    assert (page.status, "Matara Plumbing School" in page.text) == (200, True)
    statement = await editor.ask(f"{draft_page}/statement?did=P01%2F0142&kind=accreditations&at=0")
    assert statement.status == 200
    assert 'name="sources"' not in statement.text
    assert (await editor.ask(f"{draft_page}/statement?did=P01%2F0142&kind=recognitions&at=new")).status == 400
    saved = await editor.send(
        f"{draft_page}/record", did="P01/0142", revision=hidden(page.text, "revision"), name="Matara College"
    )
    assert saved.status == 303
    record = await place.desk.drafts.record(draft.id, "P01/0142")
    assert record is not None
    assert record["listing"]["name"] == "Matara College"
    assert record["listing"]["accredited_for"][0]["occupations"] == ["C7126"]
    assert set(record) == {"register_id", "listing"}


async def test_what_is_published_while_a_list_is_read_is_in_conflict_with_its_draft_and_not_undone(
    editor: Browser, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(editor, await uploaded(editor))
    uploads, official = place.parts.uploads, await place.desk.officials.get(EDITOR)
    [kept] = await uploads.all()
    read = uploads.read

    async def read_slowly(uploaded: UploadedList) -> ReadUpload:
        slow = await read(uploaded)
        payload = full_payload() | {"version": 2}
        payload["participants"]["entries"].setdefault(LISTING, {})["P01/0142"] = {"name": "Meanwhile"}
        await place.publish(payload)
        return slow

    monkeypatch.setattr(uploads, "read", read_slowly)
    draft = await uploads.make_draft(kept.id, official, said=kept.said_digest)
    findings = await place.desk.drafts.findings(draft.id)
    assert [(one.rule, "P01/0142" in one.path) for one in findings if one.severity is Severity.ERROR] == [
        ("changed-meanwhile", True)
    ]


async def test_who_uploaded_a_list_and_who_said_what_it_means_do_not_approve_its_draft(
    editor: Browser, place: Place
) -> None:
    uploads, presser = place.parts.uploads, await place.desk.officials.get(EDITOR)
    uploader, sayer, last = (presser.model_copy(update={"id": name}) for name in ("u.one", "s.two", "l.three"))
    answers = (await said_of(editor, place)).said
    kept = await uploads.upload(uploader, "centres.csv", LIST.encode())
    assert kept.said_by == (EDITOR,)  # remembered of the list before
    await uploads.say(kept.id, sayer, answers)
    kept = await uploads.say(kept.id, last, answers.model_copy(update={"redress": "https://x.test/redress"}))
    draft = await uploads.make_draft(kept.id, presser, said=kept.said_digest)
    assert set(draft.editors) == {"u.one", "s.two", "l.three", EDITOR}
    again = await uploads.upload(uploader, "centres.csv", LIST.encode())
    assert set((await uploads.make_draft(again.id, uploader, said=again.said_digest)).editors) == {"u.one", "l.three"}


async def test_no_draft_is_made_of_what_was_said_after_the_page_was_shown(editor: Browser, place: Place) -> None:
    kept = await said_of(editor, place)
    sent = await editor.send(f"/desk/en/lists/{kept.id}/draft", said="0" * 64)
    assert (sent.status, await place.desk.drafts.all()) == (409, [])
    assert (await editor.send(f"/desk/en/lists/{kept.id}/draft")).status == 409


async def said_of(browser: Browser, place: Place) -> UploadedList:
    await say(browser, await uploaded(browser))
    [kept] = await place.parts.uploads.all()
    return kept
