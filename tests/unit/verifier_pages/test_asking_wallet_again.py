"""An applicant's wallet is asked again so many times at the most, and not at all once an answer was erased."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
import pytest_asyncio
from tests.unit.verifier_pages.conftest import Answer, Browser
from tests.unit.verifier_pages.place import ASKER, DeskPlace

from wanderbuch.agents.runtime.app import Call
from wanderbuch.agents.verifier.api import _ask_wallet_again, _show
from wanderbuch.agents.verifier.links.models import NewLink
from wanderbuch.agents.verifier.links.wallet_questions import MOST_TIMES, AskedAgain, ids_at_places, times_asked_again
from wanderbuch.agents.verifier.making_links import make_link
from wanderbuch.agents.verifier.models import RequestState
from wanderbuch.agents.verifier.questions.document import WordedQuestion
from wanderbuch.plugins.exchange.connecting.connections import find_connection
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.trust.case_files.keeping_cases import KeptCase
from wanderbuch.plugins.trust.verifying.exchange import Verification, open_verifications
from wanderbuch.store.records import RecordStore

pytestmark = pytest.mark.asyncio(loop_scope="module")

WELDERS = {"place": "MLT", "credentials": [{"ask": "qualification", "occupation": "C7212"}]}
KEPT = {"law": "Some Act", "purpose": "an inspector", "until": "2039-12-31"}


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def not_asked_yet(place: DeskPlace) -> None:
    """All tests have one connection."""
    counts = RecordStore(place.profile, AskedAgain)
    for count in await counts.find():
        await counts.remove(count.id)


async def connected(place: DeskPlace) -> Connection:
    place.employer.connect()
    connection = await find_connection(place.profile, place.employer.own_key)
    assert connection is not None
    return connection


async def applied(place: DeskPlace, **changed: object) -> Verification:
    """Have the wallet come by a new link, and return its question."""
    question = WordedQuestion.model_validate({**WELDERS, **changed})
    link = await make_link(place.office, NewLink(title="Welders", question=question))
    assert await place.office.take(place.profile, link.id, await connected(place))
    applicant = await place.office.links.at_place(link.id, 0)
    assert applicant is not None
    return await place.office.desk.status(place.profile, applicant.question_id)


async def ask_again(browser: Browser, question_id: str) -> Answer:
    return await browser.send(f"/desk/en/question/{question_id}/again-same-wallet")


async def asked_again(browser: Browser, question_id: str) -> str:
    """Ask as the button does, and return the id of the question."""
    answer = await ask_again(browser, question_id)
    assert answer.status == 303, answer.text
    return answer.target.rpartition("/")[2]


async def has_button(browser: Browser, question_id: str) -> bool:
    page = await browser.ask(f"/desk/en/question/{question_id}")
    assert page.status == 200
    return "/again-same-wallet" in page.text


async def cancel(place: DeskPlace, question_id: str) -> None:
    await place.office.desk.cancel(place.profile, question_id)


async def test_an_answer_that_was_erased_but_for_what_a_law_keeps_ends_the_asking(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    first = await applied(place, keep=KEPT)
    answered = await place.answer(first.id)
    assert answered.decision is not None
    decided_at = answered.decision.decided_at
    case = KeptCase(id=first.id, sealed="x", digest="0", until=date(2039, 12, 31), decided_at=decided_at)
    await RecordStore(place.profile, KeptCase).put(case)
    assert await has_button(browsers[ASKER], first.id)
    erasure = await place.office.eraser.erase(answered, key=None, signed=None)
    assert not erasure.is_whole, "the record is still there, and can be asked from"
    assert not await has_button(browsers[ASKER], first.id)
    assert (await ask_again(browsers[ASKER], first.id)).status == 409


@pytest.mark.parametrize("erased", [0, 1])
async def test_an_erased_answer_ends_the_asking_from_all_others(
    browsers: dict[str, Browser], place: DeskPlace, erased: int
) -> None:
    row = [(await applied(place)).id]
    for _ in range(2):
        assert (await place.answer(row[-1])).decision is not None
        row.append(await asked_again(browsers[ASKER], row[-1]))
    await cancel(place, row[-1])
    assert await has_button(browsers[ASKER], row[-1])
    gone = await place.office.desk.status(place.profile, row[erased])
    assert (await place.office.eraser.erase(gone, key=None, signed=None)).is_whole
    for question_id in {*row} - {row[erased]}:
        assert not await has_button(browsers[ASKER], question_id)
        assert (await ask_again(browsers[ASKER], question_id)).status == 409


async def test_an_open_question_is_not_sent_again_once_an_answer_was_erased(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    first = await applied(place)
    answered = await place.answer(first.id)
    second = await asked_again(browsers[ASKER], first.id)
    await place.office.eraser.erase(answered, key=None, signed=None)
    assert (await ask_again(browsers[ASKER], second)).status == 409


@pytest.mark.parametrize("from_newest", [True, False])
async def test_a_wallet_is_asked_so_many_times_and_no_more(
    browsers: dict[str, Browser], place: DeskPlace, from_newest: bool
) -> None:
    first = (await applied(place)).id
    await cancel(place, first)
    row = [first]
    for _ in range(MOST_TIMES):
        row.append(await asked_again(browsers[ASKER], row[-1] if from_newest else first))
        await cancel(place, row[-1])
    assert len({*row}) == 1 + MOST_TIMES
    for question_id in (row[0], row[5], row[-1]):
        assert (await ask_again(browsers[ASKER], question_id)).status == 409
        assert not await has_button(browsers[ASKER], question_id)


async def test_another_link_over_the_same_connection_is_no_way_to_ask_more_often(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    first, other = (await applied(place)).id, (await applied(place)).id
    for question_id in (first, other):
        await cancel(place, question_id)
    for time in range(MOST_TIMES):
        await cancel(place, await asked_again(browsers[ASKER], (first, other)[time % 2]))
    for question_id in (first, other):
        assert not await has_button(browsers[ASKER], question_id)
        assert (await ask_again(browsers[ASKER], question_id)).status == 409


async def test_a_question_that_the_wallet_got_by_coming_again_stands_in_the_same_row(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    first = await applied(place)
    markers = open_verifications(place.profile)
    await markers.remove(first.id)
    await markers.insert(first.model_copy(update={"answer_by": place.employer.now - timedelta(hours=1)}))
    assert first.link is not None
    assert await place.office.take(place.profile, first.link, await connected(place))
    newer = ids_at_places(first.link, place.employer.own_key)[1]
    assert await asked_again(browsers[ASKER], first.id) == newer, "it is open: one at a time"
    answered = await place.answer(newer)
    again = {await asked_again(browsers[ASKER], question_id) for question_id in (first.id, newer)}
    assert len(again) == 1
    await cancel(place, *again)
    await place.office.eraser.erase(answered, key=None, signed=None)
    assert not await has_button(browsers[ASKER], first.id)
    assert (await ask_again(browsers[ASKER], first.id)).status == 409


async def test_a_question_that_cannot_be_kept_any_more_costs_the_wallet_none_of_its_times(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    first = await applied(place, keep=KEPT)
    assert first.keeping is not None
    await cancel(place, first.id)
    markers = open_verifications(place.profile)
    await markers.remove(first.id)
    over = replace(first.keeping, until=place.employer.now.date() - timedelta(days=1))
    await markers.insert(first.model_copy(update={"keeping": over}))
    await cancel(place, first.id)
    for _ in range(MOST_TIMES):
        assert (await ask_again(browsers[ASKER], first.id)).status == 422
    assert first.over is not None
    assert await times_asked_again(place.profile, first.over) == 0


async def test_no_address_stands_for_a_question_that_only_one_wallet_has(place: DeskPlace) -> None:
    """The link's own would make another applicant of whoever opens it."""
    first = await applied(place)
    await cancel(place, first.id)
    asked = await _ask_wallet_again(place.office, Call({"id": first.id}, {}, None))
    shown = await _show(place.office, Call({"id": asked.id}, {}, None))
    for out in (asked, shown):
        assert (out.state, out.invitation_url, out.short_url, out.qr_svg) == (RequestState.OPEN, "", "", None)
