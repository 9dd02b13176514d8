"""What a worker says is wrong is a task at the console; what is right takes the place of what is not."""

from html.parser import HTMLParser

import pytest
from tests.unit.issuer.console.place import ADMINISTRATOR, CLERK, ConsolePlace
from tests.unit.issuer.test_register import issued
from tests.unit.verifier_pages.conftest import Browser

from wanderbuch.agents.issuer.holding.report import ReportState
from wanderbuch.agents.issuer.holding.successor import SuccessorState, Why
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.issuer.register.offer_words import claim_of
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.plugins.exchange.reports import problem_report
from wanderbuch.plugins.exchange.wrong import WrongPart, items_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Fields(HTMLParser):
    """What a form would send as it is shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        match tag:
            case "input" if told.get("type", "text") not in ("radio", "checkbox", "hidden"):
                self.sent[told["name"]] = told.get("value", "")
            case "textarea" | "select" if "name" in told:
                self._inside = told["name"]
                self.sent[self._inside] = ""
            case "option" if "selected" in told:
                self.sent[self._inside] = told["value"]

    def handle_data(self, data: str) -> None:
        if self._inside and self.lasttag == "textarea":
            self.sent[self._inside] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("textarea", "select"):
            self._inside = ""


async def report_wrong(place: ConsolePlace, offer: Offer, *what: WrongPart, text: str = "") -> None:
    """Have the wallet that has a certificate say what is wrong with it."""
    report = problem_report(
        "issue-credential/2.0/problem-report",
        thread_id=offer.thread_id,
        code="issuance-abandoned",
        text=text,
        items=items_of(what),
    )
    await place.workshop.receive(report, place.workshop.phone_of(offer))


async def test_what_a_worker_says_is_a_task_until_somebody_saw_to_it(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk, offer = browsers[CLERK], await issued(place.workshop, credential_id="W-1", family_name="Wickrama")
    empty = await clerk.ask("/desk/en/reports")
    assert (empty.status, "Nobody says that anything is wrong." in empty.text) == (200, True)
    await report_wrong(place, offer, WrongPart.NAME, WrongPart.BIRTH, text="<b>it is Wikrama</b>")
    start = await clerk.ask("/desk/en/")
    assert "a worker says that something is wrong: 1" in start.text
    listed = await clerk.ask("/desk/en/reports")
    assert "Wrong: their name, their date of birth" in listed.text
    assert ("&lt;b&gt;it is Wikrama" in listed.text, "<b>it" in listed.text) == (True, False)
    entry = await clerk.ask(f"/desk/en/issued/{offer.id}")
    assert "The worker says that something is wrong" in entry.text
    assert (await clerk.send(f"/desk/en/reports/{offer.id}/close")).status == 303
    assert (await place.workshop.reports.get(offer.id)).state is ReportState.CLOSED
    assert "Wickrama" not in (await clerk.ask("/desk/en/reports")).text
    log = await clerk.ask("/desk/en/log")
    assert (log.status, "saw to what a worker said is wrong" in log.text) == (200, True)
    for path in ("/desk/en/reports", f"/desk/en/issued/{offer.id}/correct"):
        assert (await browsers[ADMINISTRATOR].ask(path)).status == 403


async def test_a_clerk_corrects_a_certificate(place: ConsolePlace, browsers: dict[str, Browser]) -> None:
    clerk, workshop = browsers[CLERK], place.workshop
    old, third = [await issued(workshop, credential_id=number, family_name="Weera") for number in ("W-2", "W-3")]
    await report_wrong(place, old, WrongPart.NAME)
    at = f"/desk/en/issued/{old.id}"
    form = await clerk.ask(f"{at}/correct")
    assert (form.status, 'value="Weera"' in form.text, 'value="W-2"' in form.text) == (200, True, True)
    fields = {**Fields(form.text).sent, "family_name": "Weerasinghe"}
    assert (await clerk.send(f"{at}/correct", **fields)).status == 400  # without a reason
    taken = await clerk.send(f"{at}/correct", **{**fields, "credential_id": "W-3", "why": "misspelt"})
    assert (taken.status, 'id="credential_id-problem"' in taken.text) == (409, True)
    blank = await clerk.send(f"{at}/correct", **{**fields, "family_name": "", "why": "misspelt"})
    assert blank.status == 422
    done = await clerk.send(f"{at}/correct", **fields, why="misspelt")
    successor = await workshop.superseding.find(old.id)
    assert successor is not None
    assert (done.status, done.target) == (303, f"/desk/en/issued/{successor.next_id}")
    assert (await workshop.reports.get(old.id)).state is ReportState.CLOSED
    new = await workshop.desk.get(str(successor.next_id))
    assert claim_of(new) == {**claim_of(old), "family_name": "Weerasinghe"}
    shown = (await clerk.ask(at)).text
    assert ("Another one takes its place" in shown, f"/issued/{new.id}" in shown, "/keep-old" in shown) == (
        True,
        True,
        True,
    )
    assert f"/issued/{old.id}" in (await clerk.ask(f"/desk/en/issued/{new.id}")).text
    again = await clerk.send(f"{at}/correct", **{**fields, "family_name": "Weerakoon"}, why="misspelt")
    assert (again.status, "superseded already" in again.text) == (409, True)
    assert (await clerk.send(f"{at}/keep-old")).status == 303
    assert (await workshop.desk.get(new.id)).state is OfferState.WITHDRAWN
    assert (await workshop.desk.get(third.id)).state is OfferState.ISSUED


async def test_a_clerk_puts_the_same_in_its_place(place: ConsolePlace, browsers: dict[str, Browser]) -> None:
    clerk, workshop = browsers[CLERK], place.workshop
    old = await issued(workshop, credential_id="W-4", family_name="Wimalasena")
    at = f"/desk/en/issued/{old.id}"
    assert (await clerk.send(f"{at}/replace", why="wrong-person")).status == 400  # not confirmed
    assert (await clerk.send(f"{at}/replace", why="fraud", sure="yes")).status == 400
    assert await workshop.superseding.find(old.id) is None
    done = await clerk.send(f"{at}/replace", why="wrong-person", sure="yes")
    successor = await workshop.superseding.find(old.id)
    assert successor is not None
    assert (done.status, done.target) == (303, f"/desk/en/issued/{successor.next_id}")
    assert successor.state is SuccessorState.DONE
    assert await workshop.revocations.get_or_none(old.id) is not None
    await workshop.desk.withdraw(str(successor.next_id))
    shown = (await clerk.ask(at)).text
    assert ("/offer-again" in shown, "/keep-old" in shown, "/replace" in shown) == (True, False, False)
    once_more = await clerk.send(f"{at}/offer-again")
    assert (once_more.status, once_more.target != done.target) == (303, True)


async def test_what_takes_a_place_is_offered_again_in_that_place_alone(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk, workshop = browsers[CLERK], place.workshop
    old = await issued(workshop, credential_id="W-5", family_name="Wijeratne")
    first = (await workshop.superseding.begin(old.id, Why.LOST_PHONE, None, by="n.silva")).next_id
    await workshop.desk.withdraw(str(first))
    at = f"/desk/en/issued/{first}"
    assert f"{at}/again" in (await clerk.ask(at)).text
    for _ in range(2):  # a second click finds what the first one made
        once_more = await clerk.send(f"{at}/again", once="first")
    successor = await workshop.superseding.find(old.id)
    assert successor is not None
    assert (once_more.target, successor.past) == (f"/desk/en/issued/{successor.next_id}", (first,))
    assert (await workshop.desk.get(str(successor.next_id))).supersedes == old.id
    assert f"{at}/again" not in (await clerk.ask(at)).text  # the newest is offered again, no other
    await workshop.desk.withdraw(str(successor.next_id))
    await workshop.revocations.request(old, wait_s=0, reason=RevocationReason.FRAUD)
    at = f"/desk/en/issued/{successor.next_id}"
    assert f"{at}/again" not in (await clerk.ask(at)).text
    assert (await clerk.send(f"{at}/again", once="second")).status == 409
    made = [one async for one in workshop.desk.numbers.index.each_with_number("W-5")]
    assert {one.id for one in made} == {old.id, first, successor.next_id}


async def test_what_may_not_be_offered_now_is_said_and_the_old_one_stands(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk, workshop = browsers[CLERK], place.workshop
    old = await issued(workshop, credential_id="W-6", family_name="Wanigasekara")
    await workshop.publish(occupations=["C75"])
    refused = await clerk.send(f"/desk/en/issued/{old.id}/replace", why="lost-phone", sure="yes")
    await workshop.publish()
    assert (refused.status, "may not attest that now" in refused.text) == (409, True)
    assert await workshop.superseding.find(old.id) is None
