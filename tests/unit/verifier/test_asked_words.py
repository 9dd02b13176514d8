"""What the page of a question's address says: the words of the desk, and nothing of how the question stands."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from acapy_agent.utils.testing import create_test_profile
from tests.unit.verifier_pages.place import DeskPlace, open_place

from wanderbuch.agents.runtime.front import Asked
from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.verifier.asked_words import say_asked
from wanderbuch.agents.verifier.links.models import NewLink
from wanderbuch.agents.verifier.making_links import make_link
from wanderbuch.agents.verifier.putting import put_in_words
from wanderbuch.agents.verifier.questions.document import WordedQuestion
from wanderbuch.store.records import utc_now

KEEP = {"law": "Safety Act, section 12", "purpose": "showing who was let weld", "until": "2039-12-31"}
WELDER: dict[str, Any] = {
    "place": "Malta",
    "credentials": [{"ask": "qualification", "occupation": "welder", "level": {"at_least": "3"}}],
    "subject": "name",
}


@pytest.fixture
async def place() -> AsyncIterator[DeskPlace]:
    profile = await create_test_profile({"wallet.type": "askar-anoncreds"})
    yield await open_place(profile)
    await profile.close()


async def question_words(place: DeskPlace, invitation_id: str, language: str = "en") -> Asked:
    asked = await say_asked(place.office, invitation_id, language)
    assert asked is not None
    return asked


async def test_a_question_is_said_in_every_language_and_reads_the_same_once_it_was_answered(place: DeskPlace) -> None:
    question = WordedQuestion.model_validate({**WELDER, "ref": "Nimal Perera", "keep": KEEP})
    made = await put_in_words(place.office, question)
    before = {tag: await question_words(place, made.invitation_id, tag) for tag in LANGUAGES}
    learnt = before["en"].learnt
    assert learnt[0] == "A qualification for: Welders and flamecutters."
    assert "The name that stands in it." in learnt
    assert any(KEEP["law"] in sentence and "2039-12-31" in sentence for sentence in learnt)
    assert before["en"].not_learnt[-1].startswith("Everything else that stands in the certificates")
    assert len({one.learnt[0] for one in before.values()}) == len({one.not_learnt for one in before.values()}) == 6
    assert not any("Perera" in text for one in before.values() for text in (*one.learnt, *one.not_learnt))
    await place.answer(made.id)
    assert {tag: await question_words(place, made.invitation_id, tag) for tag in LANGUAGES} == before
    assert [one.language for one in before.values()] == list(LANGUAGES)
    assert (
        await question_words(place, made.invitation_id, "hi") == before["en"]
    )  # a language of pages that questions lack


async def test_a_question_that_asks_no_name_says_that(place: DeskPlace) -> None:
    made = await put_in_words(place.office, WordedQuestion.model_validate({**WELDER, "subject": "none"}))
    asked = await question_words(place, made.invitation_id)
    assert not any("name" in sentence for sentence in asked.learnt)
    assert "Who the worker is: no name is asked." in asked.not_learnt


async def test_what_may_be_left_out_is_said_in_every_language(place: DeskPlace) -> None:
    for subject, least, told in (
        ("name", "none", "The worker may leave out the name."),
        ("name_and_birth_date", "name", "The worker may leave out the date of birth."),
        ("name_and_birth_date", "none", "The worker may leave out the name and the date of birth, both together."),
    ):
        document = {**WELDER, "subject": subject, "least_subject": least}
        made = await put_in_words(place.office, WordedQuestion.model_validate(document))
        every = {tag: (await question_words(place, made.invitation_id, tag)).learnt[-1] for tag in LANGUAGES}
        assert every["en"] == told
        assert len(set(every.values())) == len(LANGUAGES)


async def test_a_link_says_its_question_and_nothing_of_who_made_it(place: DeskPlace) -> None:
    document = {**WELDER, "credentials": [{"ask": "qualification", "occupation": "welder"}]}
    told = NewLink.model_validate({"title": "For the new yard", "question": document})
    link = await make_link(place.office, told, made_by="m.borg")
    asked = await question_words(place, link.id, "fr")
    assert asked.learnt[0].endswith("Soudeurs et oxycoupeurs.")
    assert not any("yard" in text or "borg" in text for text in (*asked.learnt, *asked.not_learnt))


async def test_whoever_opens_a_page_has_no_authority_asked_and_waits_for_none(place: DeskPlace) -> None:
    link = await make_link(place.office, NewLink.model_validate({"title": "Welders", "question": WELDER}))
    before, host = await question_words(place, link.id), place.employer.host
    place.employer.now += timedelta(days=30)  # what is known of the authority is not fresh any more
    host.down, asked = True, len(host.asked)
    assert (await question_words(place, link.id), len(host.asked)) == (before, asked)


async def test_what_is_gone_or_never_was_is_said_by_nobody(place: DeskPlace) -> None:
    made = await put_in_words(place.office, WordedQuestion.model_validate(WELDER))
    assert await say_asked(place.office, made.invitation_id, "en") is not None
    await place.office.desk.remove(place.profile, made.id)
    for gone in (made.invitation_id, made.id, "0" * 32, f"{'0' * 32}.i", ".i", "", "no id at all"):
        assert await say_asked(place.office, gone, "en") is None


async def test_a_link_whose_question_cannot_be_read_any_more_says_nothing(place: DeskPlace) -> None:
    link = await make_link(place.office, NewLink.model_validate({"title": "Welders", "question": WELDER}))
    old = link.model_copy(update={"id": "0" * 31 + "1", "question": {"of": "another version"}})
    await place.office.links.add(old.model_copy(update={"closes_at": utc_now() + timedelta(days=1)}))
    assert await say_asked(place.office, old.id, "en") is None
