"""Open rows at the console: an administrator hands a batch over, a clerk takes a file in, and REST does the same."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import FormData
from tests.unit.issuer.batches.scene import Centre
from tests.unit.issuer.console.place import ADMINISTRATOR, CLERK, ConsolePlace
from tests.unit.issuer.succession.pair import Pair
from tests.unit.issuer.workshop import Workshop
from tests.unit.verifier_pages.conftest import Browser, hidden

from wanderbuch.agents.issuer.batch_records.batch import BatchState
from wanderbuch.agents.issuer.batches.batch_models import BatchLine
from wanderbuch.agents.issuer.succession.handing_over import NoSuccessorError
from wanderbuch.agents.issuer.succession.succession_api import (
    SUCCESSION_ROUTES,
    AskedCentre,
    HandedOver,
    HandOver,
    HandOverAnew,
    NewTakeOver,
    OpenRowsIn,
    RowsHereOut,
    SuccessionOut,
    TakeOverOut,
)
from wanderbuch.agents.issuer.succession.taking_over import StillSuccessorError
from wanderbuch.agents.runtime.app import OPERATOR, Call
from wanderbuch.agents.runtime.problems import MalformedError

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROUTES = {f"{route.method} {route.path}": route for route in SUCCESSION_ROUTES}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other(place: ConsolePlace, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workshop]:
    """Another issuer under the same authority."""
    folder = tmp_path_factory.mktemp("other")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        made = Workshop(folder, beside=place.workshop)
        await made.open()
        yield made
        await made.sending.stop(wait_s=5)
        await made.profile.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def third(other: Workshop, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workshop]:
    """One more issuer under the same authority."""
    made = Workshop(tmp_path_factory.mktemp("third"), beside=other)
    await made.open()
    yield made
    await made.sending.stop(wait_s=5)
    await made.profile.close()


async def call(office: Any, route: str, sent: Any = None, **path: str) -> Any:
    asked: Call[Any] = Call(path, {}, sent)
    answer = await ROUTES[route].handler(office, asked)
    assert isinstance(answer, ROUTES[route].result)
    return answer


async def test_a_batch_is_handed_over_at_the_console(
    place: ConsolePlace, browsers: dict[str, Browser], other: Workshop
) -> None:
    clerk, administrator = browsers[CLERK], browsers[ADMINISTRATOR]
    pair = Pair(place.workshop, other)
    await pair.publish(old={"status": []})
    batch = await pair.old.running(3)
    at = f"/desk/en/batch/{batch.id}"
    page = await administrator.ask(f"{at}/hand-over")
    assert (page.status, "has named nobody" in page.text, "Hand it over" in page.text) == (200, True, False)
    assert (await clerk.ask(f"{at}/hand-over")).status == 403
    await pair.named()
    page = await administrator.ask(f"{at}/hand-over")
    assert f"has named <bdi>{other.did.host}</bdi> to go on" in page.text
    assert (await administrator.send(f"{at}/hand-over")).status == 400  # not confirmed
    assert (await administrator.send(f"{at}/open-rows", after="0")).status == 400  # no way around that
    assert (await pair.old.desk.get(batch.id)).state is BatchState.RUNNING
    assert hidden(page.text, "to") == other.did
    moved = await administrator.send(f"{at}/hand-over", sure="yes", to="did:web:another.wanderbuch.test")
    assert (moved.status, "names another successor now" in moved.text) == (409, True)  # since the page was shown
    assert (await administrator.send(f"{at}/hand-over", sure="yes", to=other.did)).target == f"{at}/hand-over"
    assert (await pair.old.desk.get(batch.id)).state is BatchState.HANDED_OVER
    page = await administrator.ask(f"{at}/hand-over")
    assert re.findall(r'name="after" value="(\d+)"', page.text) == ["0"]
    assert (await clerk.send(f"{at}/open-rows", after="0")).status == 403
    file = await administrator.send(f"{at}/open-rows", after="0")
    assert (file.status, file.headers["Content-Disposition"].startswith("attachment")) == (200, True)
    shown = (await clerk.ask(at)).text
    assert ("handed over" in shown, "Print slips" in shown) == (True, False)
    row = await clerk.ask(f"{at}/row/2")
    assert (row.status, "Another institution goes on" in row.text, "/do/" in row.text) == (200, True, False)
    log = await clerk.ask("/desk/en/log")
    assert "handed a batch over" in log.text

    made, rows_read = await pair.take(file.text.encode())
    assert made is not None
    assert len(rows_read.rows) == 3


async def test_a_file_is_looked_at_and_taken_over_at_the_console(
    place: ConsolePlace, browsers: dict[str, Browser], other: Workshop
) -> None:
    clerk, pair = browsers[CLERK], Pair(other, place.workshop)
    place.office.taking, pair.old.made = pair.taking, 9000
    await pair.publish(old={"status": []})
    assert "to go on for nobody" in (await clerk.ask("/desk/en/take-over")).text
    batch = await pair.old.running(3)
    await pair.named()
    sealed = await pair.hand_over(batch)
    form = await clerk.ask("/desk/en/take-over")
    assert other.did.host in form.text
    assert "/desk/en/take-over" in (await clerk.ask("/desk/en/batches")).text
    assert (await browsers[ADMINISTRATOR].ask("/desk/en/take-over")).status == 403

    async def send(content: bytes, **fields: str) -> Any:
        form_token = hidden((await clerk.ask("/desk/en/take-over")).text, "form_token")
        sent = FormData({"form_token": form_token, "months": "12", "access": "pin", **fields})
        sent.add_field("file", content, filename="open-rows.json", content_type="application/json")
        return await clerk.ask("/desk/en/take-over", data=sent)

    looked = await send(sealed, look="yes")
    assert "Certificates that can be taken over: 3" in looked.text
    assert "The other centre says that it made this file at this time: " in looked.text
    refused = await send(b"{}")
    assert refused.status == 409
    done = await send(sealed)
    assert "Certificates taken over: 3" in done.text
    batch_id = re.findall(r"/desk/en/batch/([0-9a-f]{32})", done.text)[0]
    assert (await clerk.ask(f"/desk/en/batch/{batch_id}")).status == 200
    again = await send(sealed)
    assert ("Not taken over: 3" in again.text, "It is here already." in again.text) == (True, True)
    assert "took over certificates of another centre" in (await clerk.ask("/desk/en/log")).text


async def test_programs_hand_over_and_take_over(place: ConsolePlace, other: Workshop) -> None:
    pair = Pair(place.workshop, other)
    new = type("Office", (), {"batches": pair.new.desk, "handing": pair.handing, "taking": pair.taking})()
    place.office.handing = pair.handing
    batch = await Centre(place.workshop, made=7000).running(3)
    await pair.named()
    told: SuccessionOut = await call(place.office, "GET /succession")
    assert (told.successor, told.goes_on_for) == (str(other.did), [])
    handed: HandedOver = await call(place.office, "POST /batches/{id}/hand-over", HandOver(), id=batch.id)
    assert (handed.rows, handed.next_after) == (3, None)
    seen: TakeOverOut = await call(new, "POST /take-overs/read", OpenRowsIn(file=handed.file))
    assert (seen.rows, seen.batch) == (3, None)
    assert seen.made_at <= datetime.now(UTC)
    sent = NewTakeOver.model_validate({"file": handed.file, "access": "pin", "title": "From Colombo"})
    made: TakeOverOut = await call(new, "POST /take-overs", sent)
    assert made.batch is not None
    assert (made.batch.title, made.rows) == ("From Colombo", 3)
    again: TakeOverOut = await call(new, "POST /take-overs", sent)
    assert (again.batch, again.rows) == (None, 0)
    assert {(one.why, one.batch) for one in again.left} == {("again", made.batch.id)}

    anew = "POST /batches/{id}/hand-over-anew"
    for neither_nor_both in ({}, {"rows_here": "x.y.z", "it_has_none": True}):
        with pytest.raises(MalformedError, match="either"):
            await call(place.office, anew, HandOverAnew.model_validate(neither_nor_both), id=batch.id)
    here = "POST /take-overs/rows-here"
    with pytest.raises(MalformedError, match="centre"):
        await call(new, here, AskedCentre(centre="nobody"))
    with pytest.raises(StillSuccessorError):
        await call(new, here, AskedCentre(centre=str(place.workshop.did)))
    await pair.publish(named=str(other.did))
    line: BatchLine = await call(place.office, anew, HandOverAnew(it_has_none=True), id=batch.id)
    assert line.state is BatchState.HANDED_OVER
    await pair.publish()  # nobody is named any more
    told_here: RowsHereOut = await call(new, here, AskedCentre(centre=str(place.workshop.did)))
    assert told_here.rows_here.count(".") == 2
    with pytest.raises(NoSuccessorError):
        await call(place.office, anew, HandOverAnew(rows_here=told_here.rows_here), id=batch.id)


async def test_who_may_hand_over_may_hand_over_anew_and_nobody_else() -> None:
    assert {route.needs for route in ROUTES.values() if route.method == "POST"} == {OPERATOR.roles}


async def sent_file(browser: Browser, page: str, to: str, content: bytes | None, **fields: str) -> Any:
    """Send a form of a page with a file."""
    sent = FormData({"form_token": hidden((await browser.ask(page)).text, "form_token"), **fields})
    sent.add_field("file", content or b"", filename="rows-here.json", content_type="application/json")
    return await browser.ask(to, data=sent)


async def test_a_batch_goes_on_at_another_institution_at_the_console(
    place: ConsolePlace, browsers: dict[str, Browser], other: Workshop, third: Workshop
) -> None:
    clerk, administrator = browsers[CLERK], browsers[ADMINISTRATOR]
    pair = Pair(place.workshop, other)
    pair.documents.workshops.append(third)
    place.office.handing, pair.old.made = pair.handing, 12000
    await pair.publish(old={"status": []})
    batches = [await pair.old.running(2) for _ in range(2)]
    await pair.named()
    for batch in batches:
        await administrator.send(f"/desk/en/batch/{batch.id}/hand-over", sure="yes")
    taken_over, none = batches
    at = f"/desk/en/batch/{taken_over.id}/hand-over"
    assert "goes on now" not in (await administrator.ask(at)).text
    await pair.take(await pair.hand_over(taken_over))
    await pair.publish(named=str(third.did))
    page = (await administrator.ask(at)).text
    assert f"The authority now names <bdi>{third.did}</bdi>" in page
    rows_here = await pair.taking.rows_here(place.workshop.did)

    anew = f"{at}-anew"
    assert (await sent_file(administrator, at, anew, None)).status == 400  # neither
    assert (await sent_file(administrator, at, anew, rows_here, none="yes")).status == 400  # nor both
    assert (await sent_file(administrator, at, anew, b"x.y.z")).status == 409
    assert (await sent_file(clerk, "/desk/en/take-over", anew, rows_here)).status == 403
    assert (await pair.old.desk.get(taken_over.id)).handed_to == other.did
    assert (await sent_file(administrator, at, anew, rows_here)).target == at
    assert (await pair.old.desk.get(taken_over.id)).handed_to == third.did
    page = (await administrator.send(f"/desk/en/batch/{taken_over.id}/open-rows", after="0")).text
    assert "Nothing in this part is open" in page  # the former one has both, for good

    at = f"/desk/en/batch/{none.id}/hand-over"
    assert (await sent_file(administrator, at, f"{at}-anew", None, none="yes")).target == at
    file = await administrator.send(f"/desk/en/batch/{none.id}/open-rows", after="0")
    rows_read = await pair.taker(Centre(third)).read(file.text.encode())
    assert [(row.number, row.why) for row in rows_read.left] == [
        (2, "here"),
        (3, "here"),
    ]  # it is accredited for nothing


async def test_a_former_successor_says_at_the_console_which_rows_it_has(
    place: ConsolePlace, browsers: dict[str, Browser], other: Workshop, third: Workshop
) -> None:
    clerk, pair = browsers[CLERK], Pair(other, place.workshop)
    pair.documents.workshops.append(third)
    place.office.taking, pair.old.made = pair.taking, 15000
    await pair.publish(old={"status": []})
    batch = await pair.old.running(2)
    await pair.named()
    await pair.take(await pair.hand_over(batch))
    assert "names you no more" not in (await clerk.ask("/desk/en/take-over")).text
    assert (await clerk.send("/desk/en/rows-here", centre=str(other.did))).status == 409  # more may come yet
    await pair.publish(named=str(third.did))
    assert f"File for <bdi>{other.did.host}</bdi>" in (await clerk.ask("/desk/en/take-over")).text
    assert (await clerk.send("/desk/en/rows-here", centre="nobody")).status == 400
    assert (await browsers[ADMINISTRATOR].ask("/desk/en/take-over")).status == 403
    file = await clerk.send("/desk/en/rows-here", centre=str(other.did))
    assert file.headers["Content-Disposition"] == 'attachment; filename="rows-here.json"'
    handed = await pair.handing.hand_over_anew(batch.id, file.text.encode(), by="somebody")
    assert handed.handed_to == third.did
