"""The employer's desk without JavaScript: who may do what, asking in words, one question from code to decision."""

import asyncio
import re

import pytest
from tests.unit.trust.employer import opened_by
from tests.unit.verifier_pages.conftest import Browser, hidden, put, save_settings
from tests.unit.verifier_pages.place import ADMINISTRATOR, ASKER, AUDITOR, TWO, DeskPlace, fields

from wanderbuch.agents.runtime.app import Call
from wanderbuch.agents.verifier.cases import destroy_case
from wanderbuch.agents.verifier.desk_log import DeskAct
from wanderbuch.agents.verifier.links.models import NewLink
from wanderbuch.agents.verifier.making_links import make_link
from wanderbuch.agents.verifier.putting import put_in_words
from wanderbuch.agents.verifier.questions.document import WordedQuestion
from wanderbuch.agents.verifier.staff import COOKIE, StaffRole
from wanderbuch.errors import ExchangeError
from wanderbuch.governance.facts.question import Reason, Subject, TrustDecision, Verdict
from wanderbuch.plugins.exchange.connecting.connections import find_connection
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerGrounds
from wanderbuch.plugins.trust.verifying.asked import AwardPrecision
from wanderbuch.plugins.trust.verifying.exchange import (
    ANSWER,
    DECISION,
    Verification,
    VerificationState,
    decided,
    declined,
    open_verifications,
    taken,
)
from wanderbuch.store.errors import NotFoundError, StoreUnreachableError

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = {
    "/desk/en/": {ASKER, AUDITOR, ADMINISTRATOR},
    "/desk/en/ask": {ASKER},
    "/desk/en/links": {ASKER},
    "/desk/en/paper": {ASKER},
    "/desk/en/audit": {AUDITOR, ADMINISTRATOR},
    "/desk/en/settings": {ADMINISTRATOR},
    "/desk/en/rules": {ADMINISTRATOR},
    "/desk/en/people": {ADMINISTRATOR},
    "/desk/en/means": {ASKER, AUDITOR, ADMINISTRATOR},
}


@pytest.mark.parametrize(("path", "allowed"), PAGES.items())
async def test_each_sees_what_their_role_lets_them(browsers: dict[str, Browser], path: str, allowed: set[str]) -> None:
    for person, browser in browsers.items():
        assert (await browser.ask(path)).status == (200 if person in allowed else 403), person


async def test_nobody_sees_anything_without_signing_in(browsers: dict[str, Browser]) -> None:
    stranger = Browser(browsers[ASKER].server, browsers[ASKER].session)
    for path in (*PAGES, "/desk/en/question/1", "/desk/en/question/1/events", "/desk/en/link/1", "/desk/en/nowhere"):
        answer = await stranger.ask(path)
        assert (answer.status, answer.target) == (303, "/desk/en/sign-in"), path
    assert (await stranger.ask("/desk/en/ask/put", data={"question": "{}"})).status == 303


async def test_whoever_only_reads_sees_no_answer_and_puts_no_question(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    question = await put(browsers[ASKER])
    await place.answer(question)
    for person in (AUDITOR, ADMINISTRATOR):
        browser = browsers[person]
        assert (await browser.ask(f"/desk/en/question/{question}")).status == 403
        for path in ("ask", "ask/put", "ask/link", "ask/save", "template/welder/ask", f"question/{question}/again"):
            assert (await browser.send(f"/desk/en/{path}", question="{}")).status == 403, path


async def test_a_form_needs_the_token_of_its_session(browsers: dict[str, Browser], place: DeskPlace) -> None:
    before = await place.office.desk.page(place.profile)
    forged = await browsers[ASKER].ask("/desk/en/ask/put", data={"form_token": "x" * 64, "question": "{}"})
    assert forged.status == 403
    assert len((await place.office.desk.page(place.profile)).items) == len(before.items)


async def test_words_of_the_page_become_a_question_that_is_explained_first(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    before = len((await place.office.desk.page(place.profile)).items)
    unclear = await browsers[ASKER].preview(fields(c0__about="لحام", place="مالطا"), "ar")
    assert (unclear.status, "C7511" in unclear.text) == (422, True), "welder, or butcher"
    explained = await browsers[ASKER].preview(fields(c0__about="لحام", place="مالطا", c0__choice="C7212"), "ar")
    assert explained.status == 200
    assert len((await place.office.desk.page(place.profile)).items) == before, "nobody is asked by an explanation"
    assert '"occupation":"C7212"' in hidden(explained.text, "question")
    assert "ستعرف" in explained.text
    assert "C7212" not in re.sub(r'value="[^"]*"', "", explained.text), "no code is shown"


async def test_words_that_may_mean_several_are_given_back_with_the_choices(browsers: dict[str, Browser]) -> None:
    unclear = await browsers[ASKER].preview(fields(c0__about="driver"))
    assert unclear.status == 422
    choices = re.findall(r'name="c0.choice" value="(C\d{4})"', unclear.text)
    assert "C8332" in choices
    assert 'value="driver"' in unclear.text, "what was typed stays"
    chosen = await browsers[ASKER].preview(fields(c0__about="driver", c0__choice="C7212"))
    assert chosen.status == 422, "what was not offered is not taken"


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"c0__about": "xyzzy"}, "we know nothing by these words"),
        ({"place": "Atlantis"}, "we know none of this name"),
        ({"subject": ""}, "Choose whether a name is asked"),
        ({"c0__ask": "language", "c0__about": "Klingonish"}, "Language: we know none of this name"),
        ({"subject": "none", "least_subject": "name"}, "Only what is asked may be left out"),
        ({"subject": "name", "least_subject": "name"}, "Only what is asked may be left out"),
        ({"ref": "Ünal"}, "at most 64 Latin letters"),
        ({"c0__about": "cook", "c0__level": "EQF:9"}, "expected a level of EQF"),
        ({"c0__about": "plumber"}, "no accredited issuer"),
        ({"keep_law": "Some Act"}, "keep"),
    ],
)
async def test_what_is_wrong_is_said_in_the_form_and_nothing_is_lost(
    browsers: dict[str, Browser], changed: dict[str, str], complaint: str
) -> None:
    told = fields(**changed)
    answer = await browsers[ASKER].preview(told)
    assert answer.status == 422
    assert complaint.lower() in answer.text.lower()
    assert f'value="{told["c0.about"]}"' in answer.text or "c0.about-problem" not in answer.text


async def test_certificates_are_added_and_dropped_by_buttons(browsers: dict[str, Browser]) -> None:
    more = await browsers[ASKER].preview(fields(add="language"))
    assert (more.status, more.text.count('name="c1.ask" value="language"')) == (200, 1)
    assert "answer-not_trusted" not in more.text, "an empty field that just came is no mistake"
    two = fields(c1__ask="language", c1__about="Maltese", drop="0")
    fewer = await browsers[ASKER].preview(two)
    assert 'name="c0.ask" value="language"' in fewer.text
    assert 'value="Maltese"' in fewer.text
    assert 'name="c1.ask"' not in fewer.text


async def test_a_question_comes_back_to_the_form_as_it_was(browsers: dict[str, Browser]) -> None:
    told = fields(c0__awarded_within_months="24", subject="name", ref="K7-42", answer_within_s="3600")
    explained = await browsers[ASKER].preview(told)
    form = await browsers[ASKER].send("/desk/en/ask", question=hidden(explained.text, "question"))
    for part in ('value="Welders and flamecutters"', 'value="EQF:3" selected', 'value="24" selected', 'value="K7-42"'):
        assert part in form.text, part
    assert re.search(r'value="name"[^>]*checked', form.text)
    assert 'value="3600" selected' in form.text


async def test_what_may_be_left_out_is_chosen_said_and_comes_back(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    told = fields(subject="name_and_birth_date", least_subject="name")
    explained = await browsers[ASKER].preview(told)
    assert "The worker may leave out the date of birth." in explained.text
    question = hidden(explained.text, "question")
    form = await browsers[ASKER].send("/desk/en/ask", question=question)
    assert re.search(r'id="least_subject".*?value="name" selected', form.text, re.DOTALL)
    asked = await place.office.desk.status(place.profile, await put(browsers[ASKER], **told))
    assert asked.requirement.least_subject is Subject.NAME


@pytest.mark.parametrize("text", ["", "[]", "{", '{"place":"Malta"}', "{}" * 30_000])
async def test_what_is_no_question_is_not_put(browsers: dict[str, Browser], text: str) -> None:
    assert (await browsers[ASKER].send("/desk/en/ask/put", question=text)).status in {400, 422}


async def test_a_live_question_shows_its_code_its_words_and_nothing_of_the_wallet(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    question = await put(browsers[ASKER], ref="K7-42")
    asked = await place.office.desk.status(place.profile, question)
    page = await browsers[ASKER].ask(f"/desk/en/question/{question}")
    assert "<svg viewBox" in page.text
    assert (asked.short_url or "") in page.text
    assert "K7-42" in page.text
    assert '<meta http-equiv="refresh"' in page.text, "it goes on without JavaScript"
    assert "No answer yet." in page.text
    in_tamil = await browsers[ASKER].ask(f"/desk/en/question/{question}?words=ta")
    assert '<ul lang="ta" dir="ltr">' in in_tamil.text
    assert len(page.text.encode()) < 40_000


async def test_an_answer_turns_the_page_into_the_decision(browsers: dict[str, Browser], place: DeskPlace) -> None:
    question = await put(browsers[ASKER])
    await place.answer(question)
    page = (await browsers[ASKER].ask(f"/desk/en/question/{question}")).text
    assert "<h1>Accepted</h1>" in page
    assert "Not checked: whose it is." in page
    assert "/receipts/" in page
    assert "Maria Borg" in page, "who asked"
    assert "Welders and flamecutters" in page
    assert (await browsers[ASKER].send(f"/desk/en/question/{question}/forget")).status == 303
    assert "has been forgotten since" in (await browsers[ASKER].ask(f"/desk/en/question/{question}")).text


async def test_the_stream_says_that_it_is_over_and_ends(browsers: dict[str, Browser], place: DeskPlace) -> None:
    question = await put(browsers[ASKER])
    await place.answer(question)
    stream = await browsers[ASKER].ask(f"/desk/en/question/{question}/events")
    assert '"over":true' in stream.text
    assert "TRUSTED" not in stream.text


async def test_a_question_taken_back_is_answered_by_nobody(browsers: dict[str, Browser], place: DeskPlace) -> None:
    question = await put(browsers[ASKER])
    assert (await browsers[ASKER].send(f"/desk/en/question/{question}/withdraw")).status == 303
    await place.answer(question)
    ended = await place.office.desk.status(place.profile, question)
    assert (ended.state, ended.decision, ended.cancelled_by) == (VerificationState.CANCELLED, None, ASKER)
    page = (await browsers[ASKER].ask(f"/desk/en/question/{question}")).text
    assert "<h1>Question taken back</h1>" in page
    assert (DeskAct.CANCELLED, ASKER) in {(entry.act, entry.by) for entry in await place.office.log.entries()}


async def test_an_answer_that_came_first_is_not_taken_back(browsers: dict[str, Browser], place: DeskPlace) -> None:
    question = await put(browsers[ASKER])
    await place.answer(question)
    await browsers[ASKER].send(f"/desk/en/question/{question}/withdraw")
    assert (await place.office.desk.status(place.profile, question)).state is VerificationState.DECIDED


async def test_asking_again_puts_the_same_question_anew(browsers: dict[str, Browser], place: DeskPlace) -> None:
    question = await put(browsers[ASKER], ref="K7-42", subject="name")
    await browsers[ASKER].send(f"/desk/en/question/{question}/withdraw")
    answer = await browsers[ASKER].send(f"/desk/en/question/{question}/again")
    again = answer.target.removeprefix("/desk/en/question/")
    assert again != question
    first, second = [
        await place.office.desk.status(place.profile, verification_id) for verification_id in (question, again)
    ]
    assert (second.requirement, second.ref, second.asked_by) == (first.requirement, "K7-42", ASKER)
    assert second.proof_request["nonce"] != first.proof_request["nonce"]


@pytest.mark.parametrize("lacking", [(True, False), (False, True), (False, False)])
async def test_asking_again_asks_the_day_of_that_certificate_alone_which_lacked_it_and_stands_as_long(
    browsers: dict[str, Browser], place: DeskPlace, lacking: tuple[bool, bool]
) -> None:
    """Whatever the form says: what is asked follows from the decision."""
    asked = await put_in_words(place.office, WordedQuestion.model_validate(TWO), asked_by=ASKER)
    await decide(place, asked, lacking)
    answer = await browsers[ASKER].send(f"/desk/en/question/{asked.id}/again", day="yes")
    again = await place.office.desk.status(place.profile, answer.target.rpartition("/")[2])
    assert [group.award_precision is AwardPrecision.DAY for group in again.groups] == list(lacking)
    assert (again.answer_by - again.created_at).total_seconds() == 4242


async def decide(place: DeskPlace, asked: Verification, lacking: tuple[bool, ...]) -> None:
    """End a question with a decision that lacked the day of some certificates."""
    parts = [
        TrustDecision(
            Verdict.NOT_TRUSTED if lacks else Verdict.TRUSTED,
            (Reason("award.date_needed" if lacks else "issuer.accredited", "…"),),
            None,
            place.employer.now,
        )
        for lacks in lacking
    ]
    whole = next((part for part in parts if part.verdict is not Verdict.TRUSTED), parts[0])
    markers, at = open_verifications(place.profile), place.employer.now
    await markers.add(asked.id, ANSWER, taken("0" * 64, at=at))
    made = decided(whole, AnswerGrounds((), ()), seen_until=None, at=at, of_groups=parts)
    await markers.add(asked.id, DECISION, made)


async def test_what_may_still_come_is_neither_forgotten_nor_destroyed(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    """Said too early it would be believed, and come later."""
    question = await put(browsers[ASKER], keep_law="Some Act", keep_purpose="an inspector", keep_until="2039-12-31")
    call = Call({"id": question}, {}, None)
    assert (await browsers[ASKER].send(f"/desk/en/question/{question}/forget")).status == 409
    with pytest.raises(ExchangeError, match="ended"):
        await destroy_case(place.office, call)
    assert question not in {entry.what for entry in await place.office.log.entries()}
    await browsers[ASKER].send(f"/desk/en/question/{question}/withdraw")
    assert (await destroy_case(place.office, call)).id == question
    not_kept = await put(browsers[ASKER])
    with pytest.raises(NotFoundError, match="did not say"):
        await destroy_case(place.office, Call({"id": not_kept}, {}, None))


async def test_whoever_may_not_ask_any_more_hears_nothing_more_of_a_question(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    _, token = await place.office.staff.add("j.galea", name="Joe Galea", roles=[StaffRole.ASKER])
    browser = Browser(browsers[ASKER].server, browsers[ASKER].session)
    await browser.sign_in(token)
    question = await put(browser)
    url = browser.server.make_url(f"/desk/en/question/{question}/events")
    async with browser.session.get(url, headers={"Cookie": f"{COOKIE}={browser.cookie}"}) as stream:
        await stream.content.readuntil(b"No answer yet.")
        await place.office.staff.change("j.galea", roles=[StaffRole.AUDITOR], by=ADMINISTRATOR)
        await browsers[ASKER].send(f"/desk/en/question/{question}/withdraw")
        rest = await stream.content.read()
    assert b'"over":true' not in rest


async def test_a_worker_is_told_at_the_desk_too_that_the_answer_is_kept(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    kept = {"keep_law": "Some Act, section 12", "keep_purpose": "an inspector", "keep_until": "2039-12-31"}
    question = await put(browsers[ASKER], **kept)
    page = await browsers[ASKER].ask(f"/desk/en/question/{question}?words=fr")
    assert "comme une loi le demande : Some Act, section 12" in page.text
    explained = await browsers[ASKER].preview(fields(**kept))
    form = {"question": hidden(explained.text, "question"), "title": "Kept", "days": "30", "most": "5"}
    made = await browsers[ASKER].send("/desk/en/ask/link", **form)
    assert "as a law asks: Some Act, section 12" in (await browsers[ASKER].ask(made.target)).text


async def test_what_goes_and_the_line_about_it_are_both_there_or_neither(
    browsers: dict[str, Browser], place: DeskPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = await put(browsers[ASKER])
    answered = await place.answer(question)
    template = await place.office.templates.save("Stays", WordedQuestion.model_validate(TWO), by=ASKER)

    async def cut(*_: object, **__: object) -> bool:
        raise StoreUnreachableError("the process died")

    with monkeypatch.context() as dying:
        dying.setattr(place.office.log._log, "append", cut)
        assert (await browsers[ASKER].send(f"/desk/en/question/{question}/forget")).status == 503
        with pytest.raises(StoreUnreachableError):
            await place.office.templates.remove(template.id, by=ASKER)
    assert await place.office.desk.seen(place.profile, answered) is not None
    assert await place.office.templates.find(template.id) is not None
    await browsers[ASKER].send(f"/desk/en/question/{question}/forget")
    await place.office.templates.remove(template.id, by=ASKER)
    assert await place.office.desk.seen(place.profile, answered) is None
    told = {(entry.act, entry.what) for entry in await place.office.log.entries()}
    assert {(DeskAct.FORGOTTEN, question), (DeskAct.TEMPLATE_REMOVED, template.id)} <= told


async def test_two_clicks_make_one_thing_and_another_page_another(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    """A slow answer is clicked at twice, and a page that was reloaded sends its form again."""
    browser = browsers[ASKER]
    ended = await put(browser)
    await browser.send(f"/desk/en/question/{ended}/withdraw")
    pages = {
        "ask/put": "/desk/en/ask", "ask/link": "/desk/en/ask", "ask/save": "/desk/en/ask",
        "template/welder/ask": "/desk/en/", f"question/{ended}/again": f"/desk/en/question/{ended}",
    }  # fmt: skip
    await save_settings(browsers[ADMINISTRATOR], "/desk/en/settings", place="Malta")
    before = len(await place.office.templates.all())
    for path, shown in pages.items():
        page = await (browser.preview(fields()) if shown.endswith("/ask") else browser.ask(shown))
        form = {"once": hidden(page.text, "once"), "question": hidden(page.text, "question"), "title": "Twice"}
        form |= {"days": "30", "most": "5"} if path == "ask/link" else {}
        first, second = await asyncio.gather(*(browser.send(f"/desk/en/{path}", **form) for _ in range(2)))
        assert (first.status, second.status, first.target) == (303, 303, second.target), path
        other = await browser.send(f"/desk/en/{path}", **form | {"once": "another page"})
        assert path == "ask/save" or other.target != first.target, path
    assert len(await place.office.templates.all()) == before + 2
    await save_settings(browsers[ADMINISTRATOR], "/desk/en/settings", place="")


async def test_the_audit_says_who_asked_what_and_no_value(browsers: dict[str, Browser], place: DeskPlace) -> None:
    question = await put(browsers[ASKER], subject="name")
    answered = await place.answer(question)
    seen = await place.office.desk.seen(place.profile, answered)
    assert seen is not None
    page = (await browsers[AUDITOR].ask("/desk/en/audit")).text
    assert "Maria Borg" in page
    assert "Name asked." in page
    assert "changed the settings" in page or "let in" in page
    for value in (seen["family_name"], seen["given_names"]):
        assert value not in page
    assert f"/question/{question}" not in page, "whoever only reads is led to no answer"


async def test_an_applicants_wallet_is_asked_again_over_its_connection_one_question_at_a_time(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    employer, office = place.employer, place.office
    employer.connect()
    connection = await find_connection(place.profile, employer.own_key)
    assert connection is not None
    question = WordedQuestion.model_validate({**TWO, "credentials": TWO["credentials"][:1]})
    link = await make_link(office, NewLink(title="Welders", question=question))
    assert await office.take(place.profile, link.id, connection)
    applicant = await office.links.at_place(link.id, 0)
    assert applicant is not None
    first = await office.desk.status(place.profile, applicant.question_id)
    assert (await place.answer(first.id)).decision is not None
    at = f"/desk/en/question/{first.id}"
    assert f'action="{at}/again-same-wallet"' in (await browsers[ASKER].ask(at)).text
    targets = [(await browsers[ASKER].send(f"{at}/again-same-wallet")).target for _ in range(2)]
    assert targets[0] == targets[1] != at
    sending, theirs = place.profile.inject(Sending), employer.wallet.verkey
    sent = [sending.take_waiting(own_key=employer.own_key, their_key=theirs) for _ in range(2)]
    heard = [opened_by(employer.wallet.key, packed)[0] for packed in sent if packed is not None]
    assert [message["@id"] for message in heard] == [targets[0].rpartition("/")[2]] * 2  # the same question, sent again
    second = await office.desk.status(place.profile, targets[0].rpartition("/")[2])
    assert (second.over, second.place, second.ref) == (first.over, None, first.ref)
    assert (second.requirement, second.asked_by) == (first.requirement, ASKER)
    assert second.proof_request["nonce"] != first.proof_request["nonce"]
    assert (await office.links.get(link.id)).taken == 1
    live = await browsers[ASKER].ask(targets[0])
    assert "sent to the wallet" in live.text
    assert "qr-large" not in live.text
    await open_verifications(place.profile).add(second.id, ANSWER, declined("no", at=employer.now))
    refused = await browsers[ASKER].send(f"{at}/again-same-wallet")  # a person who said no is not asked any more
    assert refused.status == 409
    by_code = await put(browsers[ASKER], ref="K7-42", subject="name")
    assert (await browsers[ASKER].send(f"/desk/en/question/{by_code}/again-same-wallet")).status == 409
