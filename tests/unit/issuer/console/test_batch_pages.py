"""A clerk's way with a class list at the console: upload, dry run, batch, slips, corrections; one test a part."""

import re
from datetime import UTC, datetime, timedelta

import aiohttp
import pypdfium2
import pytest
from pydantic import ValidationError
from tests.unit.issuer.console.place import ADMINISTRATOR, CLERK, ConsolePlace
from tests.unit.issuer.console.test_issuing_pages import FIELDS
from tests.unit.trust.ecosystem import TYPE
from tests.unit.verifier_pages.conftest import Answer, Browser, hidden

from wanderbuch.agents.issuer.batch_records.row import RowState
from wanderbuch.agents.issuer.batch_records.slips import pin_of, slip_token
from wanderbuch.agents.issuer.class_list import reading
from wanderbuch.agents.issuer.console import uploads as uploads_module
from wanderbuch.agents.issuer.console.uploads import SaidOfClass
from wanderbuch.agents.issuer.mailing.mailing import MailedRow, change_mailed
from wanderbuch.governance.lists.table import TableError

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHARED = (
    "occupation_isco08",
    "qualification_title",
    "awarding_body",
    "framework_level",
    "learning_setting",
    "awarded_on",
    "country_of_award",
)
HEADER = "Cert No;Surname;Forename;DOB;Phone\n"
ROWS = "0017;Perera;Nimal;05/03/1991;1\n0018;Silva;Kamala;1990;2\n0019;Fernando;Ruwan;17/04/1992;3\n"


def listed(prefix: str = "") -> bytes:
    """Return a class list in which one day of birth is half written, and one column is nobody's."""
    return ("Colombo Welding Centre\n" + HEADER + re.sub(r"^00", f"{prefix}00", ROWS, flags=re.MULTILINE)).encode()


async def upload(clerk: Browser, content: bytes) -> str:
    """Upload a list, and return the address of its page."""
    form = aiohttp.FormData()
    form.add_field("form_token", hidden((await clerk.ask("/desk/en/means")).text, "form_token"))
    form.add_field("list", content, filename="welders.csv", content_type="text/csv")
    answer = await clerk.ask("/desk/en/lists", data=form)
    assert answer.status == 303, answer.text
    return answer.target


async def say(clerk: Browser, address: str, **more: str) -> Answer:
    """Say what the columns mean, and what holds for everybody."""
    sent: dict[str, str] = {name: FIELDS[name] for name in SHARED}
    meant = {"A": "credential_id", "B": "family_name", "C": "given_names", "D": "birth_date", "E": "-"}
    columns = {f"meant.column {letter}": name for letter, name in meant.items()}
    token = hidden((await clerk.ask("/desk/en/means")).text, "form_token")
    names = [("for_all", name) for name in (*SHARED, "framework")]
    fields = {"form_token": token, "day_order": "day-first", **columns, **sent, **more}
    return await clerk.ask(address, data=aiohttp.FormData([*fields.items(), *names]))


async def made(clerk: Browser, prefix: str, **plan: str) -> str:
    """Make a batch of the two rows that are ready, and return the address of its page."""
    address = await upload(clerk, listed(prefix))
    assert (await say(clerk, address)).status == 303
    page = (await clerk.ask(address)).text
    told = {"title": f"Welders {prefix}", "access": "in-person", "months": "12", "leaves_out": "1", **plan}
    told |= {name: hidden(page, name) for name in ("once", "digest", "leave_out")}
    answer = await clerk.send(f"{address}/batch", **told)
    assert answer.status == 303, answer.text
    return answer.target


async def test_a_class_list_is_looked_at_cell_by_cell_and_what_was_said_is_remembered(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk = browsers[CLERK]
    address = await upload(clerk, listed("a"))
    first = await clerk.ask(address)
    assert "0 ready, 3 to look at" in first.text
    assert (await say(clerk, address)).status == 303
    second = (await clerk.ask(address)).text
    assert "2 ready, 1 to look at" in second
    assert "a year without month and day" in second
    french = (await clerk.ask(address.replace("/en/", "/fr/"))).text
    assert "n’est pas un jour entier" in french
    assert 'lang="en"' not in french.partition("<main")[2].partition("</main>")[0]
    assert 'name="leave_out" value="4"' in second
    wrong = await say(clerk, address, country_of_award="Atlantis")
    assert (wrong.status, "Atlantis" in wrong.text, 'id="country_of_award-problem"' in wrong.text) == (422, True, True)
    next_one = (await clerk.ask(await upload(clerk, listed("b")))).text
    assert 'name="day_order"' in next_one
    assert '<option value="day-first" selected>' in next_one
    assert re.search(r'id="meant\.E".*?<option value="-" selected>', next_one, re.DOTALL)
    assert FIELDS["qualification_title"] not in next_one  # that was the other class's own


async def test_a_clerk_chooses_what_reads_the_letters_and_what_was_said_of_such_lists_holds(
    browsers: dict[str, Browser],
) -> None:
    clerk = browsers[CLERK]
    assert (await say(clerk, await upload(clerk, listed("w")))).status == 303
    address = await upload(clerk, listed("x").replace(b"Nimal", "Zoë".encode("cp1252")))
    page = (await clerk.ask(address)).text
    assert "does not say how its letters are written" in page
    assert '<input type="radio" name="encoding" value="windows-1252" required>' in page
    assert "make" not in re.findall(r'<form[^>]*id="(\w+)"', page)
    assert (await clerk.send(address, opens="1", encoding="windows-1252")).status == 303
    page = (await clerk.ask(address)).text
    assert "0 ready, 3 to look at, of 3 rows" in page  # what holds for everybody is each class's own
    assert '<option value="day-first" selected>' in page
    assert (await say(clerk, address, encoding=hidden(page, "encoding"))).status == 303
    page = (await clerk.ask(address)).text
    assert "2 ready, 1 to look at" in page
    plain = (await clerk.ask(await upload(clerk, listed("y")))).text
    assert 'name="encoding"' not in plain  # the next one with these headers says itself how it is written


async def test_a_batch_is_made_once_and_only_of_the_list_that_was_looked_at(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk = browsers[CLERK]
    address = await upload(clerk, listed("c"))
    await say(clerk, address)
    page = (await clerk.ask(address)).text
    plan = {"title": "Welders", "access": "pin", "months": "12"}
    plan |= {name: hidden(page, name) for name in ("once", "digest", "leave_out")}
    refused = await clerk.send(f"{address}/batch", **plan)  # the row to look at was not left out
    assert (refused.status, "expected a list with nothing left" in refused.text) == (409, True)
    changed = await clerk.send(f"{address}/batch", **{**plan, "leaves_out": "1", "digest": "0" * 64})
    assert (changed.status, "not the one that was looked at" in changed.text) == (409, True)
    twice = [await clerk.send(f"{address}/batch", **plan, leaves_out="1") for _ in range(2)]
    assert [answer.status for answer in twice] == [303, 303]
    assert twice[0].target == twice[1].target  # although its list has gone
    assert (await clerk.ask(address)).status == 404
    await say(clerk, address := await upload(clerk, listed("c")))
    again = await clerk.send(f"{address}/batch", **{**plan, "leaves_out": "1", "once": "another"})
    assert (again.status, twice[0].target in again.text, 'name="again"' in again.text) == (409, True, True)


async def test_lists_go_after_a_week_and_long_ones_never_come(
    place: ConsolePlace, browsers: dict[str, Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    clerk, uploads = browsers[CLERK], place.office.console.uploads
    address = await upload(clerk, listed("h"))
    await uploads.sweep(place.workshop.now + timedelta(days=6))
    assert (await clerk.ask(address)).status == 200
    await uploads.sweep(place.workshop.now + timedelta(days=8))
    assert (await clerk.ask(address)).status == 404
    monkeypatch.setattr(reading, "MAX_CLASS_ROWS", 2)
    with pytest.raises(TableError, match="expected at most 2 rows, found 3"):
        await uploads.upload(TYPE.id, "long.csv", listed("i"), by=CLERK)


async def test_what_is_remembered_is_about_the_headers_is_short_and_the_oldest_goes(
    place: ConsolePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = place.office.console.uploads
    answers = SaidOfClass(mapping={"Phone": "-", "column A": "credential_id", "column ZZ": "-", "foreign text": "-"})
    kept = await uploads.upload(TYPE.id, "a.csv", listed("k"), by=CLERK)
    assert (await uploads.say(TYPE.id, kept.id, answers)).said.mapping == {"Phone": "-", "column A": "credential_id"}
    for wrong in ({"mapping": {"a" * 201: "-"}}, {"mapping": {"a": "b" * 201}}, {"results": {"p" * 201: "passed"}}):
        with pytest.raises(ValidationError):
            SaidOfClass.model_validate(wrong)
    monkeypatch.setattr(uploads_module, "MOST_HABITS", 2)
    monkeypatch.setattr(uploads, "_clock", lambda: datetime.now(UTC))
    for header in ("Post", "Phone", "Fax", "Phone", "Town"):
        content = listed("l").replace(b"Phone", header.encode())
        kept = await uploads.upload(TYPE.id, "b.csv", content, by=CLERK)
        await uploads.say(TYPE.id, kept.id, SaidOfClass(mapping={header: "-"}))
    assert {*[name async for habit in uploads._habits.every() for name in habit.said.mapping]} == {"Phone", "Town"}


async def test_a_batch_is_started_paused_and_its_slips_and_pins_are_printed_apart(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk, centre = browsers[CLERK], place.centre
    address = await made(clerk, "d", access="pin")
    batch_id = address.rpartition("/")[2]
    assert (await clerk.send(f"{address}/do/start")).status == 303
    batch = await centre.desk.get(batch_id)
    slips, pins = (await clerk.ask(f"{address}/slips")).text, (await clerk.ask(f"{address}/pins")).text
    for number in (3, 5):
        row = await centre.claiming.row(batch_id, number)
        token, pin = slip_token(row.slip, batch.secret), pin_of(row.slip, batch.secret)
        assert (token in slips, f">{pin}<" in slips, token in pins, f">{pin}<" in pins) == (True, False, False, True)
    written = re.sub(r'<bdi dir="ltr" class="code">.*?</bdi>|<[^>]*>', " ", slips)
    assert (slips.count('class="slip"'), "1991" in written, "d0017" in written) == (2, False, False)
    offer = await centre.claim(batch, 3, pin_of((await centre.claiming.row(batch_id, 3)).slip, batch.secret))
    await centre.workshop.hand_over(offer)
    await centre.workshop.ask(await centre.workshop.desk.get(offer.id))
    page = (await clerk.ask(address)).text
    assert "1 of 2 taken" in page
    assert (await clerk.ask(f"{address}/slips")).text.count('class="slip"') == 1
    result = await clerk.ask(f"{address}/result.csv")
    assert [line.split(",")[4] for line in result.text.lstrip("\ufeff").splitlines()[1:]] == ["ISSUED", "WAITING"]
    assert result.headers["Content-Disposition"].startswith("attachment")
    until = hidden((await clerk.ask(address)).text, "until")
    for step, state in (("pause", "PAUSED"), ("resume", "RUNNING"), ("extend", "RUNNING")):
        assert (await clerk.send(f"{address}/do/{step}", until=until)).status == 303
        assert (await centre.desk.get(batch_id)).state.value == state
    extended = (await centre.desk.get(batch_id)).claim_until
    assert extended > batch.claim_until
    assert (await clerk.send(f"{address}/do/extend", until=until)).status == 303  # a reload
    assert (await centre.desk.get(batch_id)).claim_until == extended
    done = [(entry.by, entry.act.value) for entry in await centre.desk.log.entries() if entry.what == batch_id]
    assert done == [(CLERK, act) for act in ("extended", "resumed", "paused", "started", "batch-made")]
    assert (await clerk.send(f"{address}/do/cancel")).status == 400  # the box was not ticked
    assert (await clerk.send(f"{address}/do/cancel", sure="yes")).status == 303
    assert (await clerk.send(f"{address}/do/start")).status == 409
    assert (await clerk.send(f"{address}/do/remove", sure="yes")).target == "/desk/en/batches"


@pytest.mark.needs("noto")
async def test_slips_are_a_file_for_a_printer_of_those_who_may_still_claim(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk, centre = browsers[CLERK], place.centre
    address = await made(clerk, "p", access="fact", fact="birth_date")
    batch = await centre.desk.start(address.rpartition("/")[2], by="n.silva")
    await centre.desk.row_desk.leave_out(batch, 5, by="n.silva")
    assert f'{address}/slips.pdf?after=0" download>file 1 of 1</a>' in (await clerk.ask(f"{address}/slips")).text
    file = await clerk.ask(f"{address}/slips.pdf?after=0")
    assert (file.status, file.headers["Content-Type"]) == (200, "application/pdf")
    assert (file.headers["Cache-Control"], "attachment" in file.headers["Content-Disposition"]) == ("no-store", True)
    (sheet,) = pypdfium2.PdfDocument(file.body)
    text = " ".join(sheet.get_textpage().get_text_range().replace("\u200b", "").split())
    token = slip_token((await centre.claiming.row(batch.id, 3)).slip, batch.secret)
    assert token in text.replace(" ", "")
    for shown in ("Nimal Perera", "You are asked for your date of birth.", "Good until"):
        assert shown in text
    for kept in ("Ruwan", "1991", "p0017"):
        assert kept not in text
    for path in (f"{address}/slips.pdf?after=3", f"{address}/slips.pdf?after=-1"):
        assert (await clerk.ask(path)).status == (404 if "=3" in path else 200)  # what is no number counts as 0


@pytest.mark.needs("noto")
@pytest.mark.parametrize("ends", ["cancelled", "handed over"])
async def test_of_a_batch_that_is_over_nothing_is_put_on_paper(
    place: ConsolePlace, browsers: dict[str, Browser], ends: str
) -> None:
    """No slip of it can be claimed: whoever was handed one would come in vain."""
    clerk, centre = browsers[CLERK], place.centre
    address = await made(clerk, "o" if ends == "cancelled" else "h", access="pin")
    batch = await centre.desk.start(address.rpartition("/")[2], by="n.silva")
    await centre.desk.pause(batch.id, by="n.silva")
    papers = [f"{address}/{paper}" for paper in ("slips.pdf?after=0", "slips", "pins")]
    assert [(await clerk.ask(paper)).status for paper in papers] == [200, 200, 200]  # it goes on some day
    if ends == "cancelled":
        await centre.desk.cancel(batch.id, by="n.silva")
    else:
        await centre.desk.hand_over(batch.id, "did:web:galle.wanderbuch.test", by="n.silva")
    for paper in papers:
        answer = await clerk.ask(paper)
        assert (answer.status, f"this batch was {ends}" in answer.text) == (409, True), paper


async def test_a_row_is_corrected_in_place_until_a_wallet_has_it(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk, centre = browsers[CLERK], place.centre
    address = await made(clerk, "e")
    batch_id = address.rpartition("/")[2]
    batch = await centre.desk.start(batch_id, by="n.silva")
    slip = await centre.token(batch, 3)
    edit = f"{address}/row/3/edit"
    form = (await clerk.ask(edit)).text
    assert 'value="e0017"' in form
    right = {**FIELDS, "credential_id": "e0017", "family_name": "Pereira", "digest": hidden(form, "digest")}
    assert (await clerk.send(edit, **{**right, "birth_date": ""})).status == 422
    taken = await clerk.send(edit, **{**right, "credential_id": "E0019"})
    assert (taken.status, "has this certificate number" in taken.text) == (409, True)
    opened = await centre.claim(batch, 3)  # somebody is about to take the misspelt one
    assert (await clerk.send(edit, **right)).status == 303
    assert (await centre.workshop.desk.get(opened.id)).state.value == "WITHDRAWN"
    assert await centre.token(batch, 3) == slip
    offer = await centre.issue(batch, 3)
    assert offer.values["family_name"] == "Pereira"
    assert (await clerk.send(edit, **right)).status == 303  # the same once more: nothing to do
    late = await clerk.send(edit, **{**right, "family_name": "Perera"})
    assert (late.status, "somebody has changed this row" in late.text) == (409, True)
    digest = hidden((await clerk.ask(edit)).text, "digest")
    late = await clerk.send(edit, **{**right, "family_name": "Perera", "digest": digest})
    assert (late.status, "renew it" in late.text) == (409, True)
    row = await clerk.ask(f"{address}/row/3")
    assert ("/edit" in row.text, hidden(row.text, "slips")) == (False, "1")
    assert f'href="/desk/en/issued/{offer.id}"' in row.text  # where a taken one is corrected
    assert (await clerk.send(f"{address}/row/3/do/renew", slips="1", sure="yes")).status == 303
    assert (await centre.row(batch, 3)).state is RowState.WAITING
    assert await centre.token(batch, 3) != slip
    assert (await clerk.send(f"{address}/row/5/do/leave-out")).status == 303
    assert (await centre.row(batch, 5)).state is RowState.LEFT_OUT
    assert (await clerk.send(f"{address}/row/5/do/retry")).status == 303
    assert (await clerk.ask(f"{address}/row/99")).status == 404


async def test_the_start_says_what_waits_and_what_is_wrong(place: ConsolePlace, browsers: dict[str, Browser]) -> None:
    clerk, centre = browsers[CLERK], place.centre
    address = await made(clerk, "f", access="fact", fact="birth_date")
    batch = await centre.desk.start(address.rpartition("/")[2], by="n.silva")
    for _ in range(5):
        with pytest.raises(Exception, match="cannot be claimed"):
            await centre.claim(batch, 3, "1.1.1970")
    start = (await clerk.ask("/desk/en/")).text
    assert "<bdi>Welders f</bdi>: slips that are locked after wrong answers: 1" in start
    assert f"/batch/{batch.id}?state=LOCKED" in start
    locked = (await clerk.ask(f"{address}?state=LOCKED")).text
    assert (locked.count("/row/3"), locked.count("/row/5")) == (1, 0)


async def test_who_may_not_issue_reaches_no_list_no_batch_no_slip(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    other, address = browsers[ADMINISTRATOR], await made(browsers[CLERK], "g")
    for path in ("/desk/en/lists", "/desk/en/batches", *(address + end for end in PAGES)):
        assert (await other.ask(path)).status == 403, path
    for path in ("do/start", "do/cancel", "row/3/do/renew", "row/3/edit"):
        assert (await other.send(f"{address}/{path}", sure="yes", slips="1")).status == 403, path
    assert (await place.centre.desk.get(address.rpartition("/")[2])).state.value == "READY"


PAGES = ("", "/slips", "/pins", "/result.csv", "/row/3", "/row/3/edit")


async def test_a_file_for_text_messages_names_who_can_be_reached_where_something_is_asked(
    browsers: dict[str, Browser],
) -> None:
    clerk, made = browsers[CLERK], {}
    for access in ("pin", "in-person"):
        address = await upload(clerk, listed(f"M{access[0]}").replace(b";1990;2", b";02/05/1990;0771234567"))
        page_after = await say(clerk, address, **{"meant.column E": "contact_phone"})
        page = (await clerk.ask(page_after.target)).text
        assert "found no telephone number" in page
        told = {"title": "Reached", "access": access, "months": "12", "leave_out": ""}
        told |= {name: hidden(page, name) for name in ("once", "digest")}
        made[access] = (await clerk.send(f"{address}/batch", **told)).target
    pages = {access: (await clerk.ask(batch)).text for access, batch in made.items()}
    assert {access: '/messages.csv" download' in text for access, text in pages.items()} == {
        "pin": True,
        "in-person": False,
    }
    answer, other = [await clerk.ask(f"{batch}/messages.csv") for batch in made.values()]
    assert [line.split(",")[:4] for line in answer.text.splitlines()[1:]] == [["4", "0771234567", "", "en"]]
    assert (other.status, "a fact or a PIN" in other.text) == (409, True)
    await clerk.send(f"{made['pin']}/do/cancel", sure="yes")
    over = await clerk.ask(f"{made['pin']}/messages.csv")
    link = '/messages.csv" download'
    assert (over.status, "this batch was cancelled" in over.text, link in over.text) == (409, True, False)


async def test_a_clerk_has_the_links_sent_by_e_mail_and_sees_what_has_become_of_each(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk = browsers[CLERK]
    address = await upload(clerk, listed("M").replace(b";1990;2", b";02/05/1990;k.silva@example.org"))
    page_after = await say(clerk, address, **{"meant.column E": "contact_email"})
    told = {"title": "Written to", "access": "pin", "months": "12", "leave_out": ""}
    page = (await clerk.ask(page_after.target)).text
    batch = (await clerk.send(f"{address}/batch", **told, **{n: hidden(page, n) for n in ("once", "digest")})).target
    assert 'id="mail"' in (await clerk.ask(batch)).text
    for days, most in (("0", "2"), ("91", "2"), ("7", "6"), ("", ""), ("-1", "٣")):
        assert (await clerk.send(f"{batch}/do/mail", days=days, most=most)).status == 400
    assert (await clerk.send(f"{batch}/do/mail", days="7", most="1")).status == 303
    mailing = await place.office.postman.of(batch.rpartition("/")[2])
    assert (mailing.is_on, mailing.remind_days, mailing.most_reminders) == (True, 7, 1)
    shown = (await clerk.ask(batch)).text
    assert ("E-mails are sent" in shown, "/do/mail-stop" in shown) == (True, True)
    assert "not sent" in (await clerk.ask(f"{batch}/row/4")).text
    assert (await clerk.send(f"{batch}/row/4/do/mail-again")).status == 303
    refused = await clerk.send(f"{batch}/row/3/do/mail-again")  # no address
    assert (refused.status, "a person with an e-mail address" in refused.text) == (409, True)
    batch_id = batch.rpartition("/")[2]
    kept = await place.office.batches.get(batch_id)
    gone = MailedRow(state="refused", tries=1, at=datetime.now(UTC).isoformat(), reply=554)
    assert await change_mailed(place.office.tenant.profile, kept, 4, lambda _: gone)
    assert "/do/mail-again" in (await clerk.ask(f"{batch}/row/4")).text
    assert (await clerk.send(f"{batch}/do/mail-stop")).status == 303
    stopped, row = (await clerk.ask(batch)).text, (await clerk.ask(f"{batch}/row/4")).text
    assert ("/do/mail-stop" in stopped, 'name="again"' in stopped, "/do/mail-again" in row) == (False, True, False)
    for told, state in (({}, "refused"), ({"again": "yes"}, "none")):
        assert (await clerk.send(f"{batch}/do/mail", days="7", most="1", **told)).status == 303
        assert (await place.office.postman.row(kept, 4)).state == state
