"""What is asked again and again: templates of a question, and links for many, at the employer's desk."""

import asyncio
import re
from datetime import timedelta

import pytest
from tests.unit.verifier_pages.conftest import Browser, hidden, save_settings
from tests.unit.verifier_pages.place import ADMINISTRATOR, ASKER, TWO, DeskPlace, fields

from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.agents.verifier.links.link import QuestionLink
from wanderbuch.agents.verifier.questions.document import WordedQuestion
from wanderbuch.agents.verifier.questions.templates import BUILT_IN, QuestionTemplate
from wanderbuch.store.records import RecordStore, utc_now

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_link_and_a_template_of_another_version_are_shown_and_ask_nobody(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    strange = {"place": "MLT", "credentials": [{"ask": "qualification", "occupation": "C7212", "colour": "red"}]}
    link = QuestionLink(
        title="Old", question=strange, invitation_url="https://a.test?oob=e30", short_url="https://a.test/i/x",
        closes_at=utc_now() + timedelta(days=1), most=5, offset=1,
    )  # fmt: skip
    await place.office.links.add(link)
    assert (await browsers[ASKER].ask(f"/desk/en/link/{link.id}")).status == 200
    old = await RecordStore(place.profile, QuestionTemplate).insert(QuestionTemplate(title="Old", question=strange))
    answer = await browsers[ASKER].send(f"/desk/en/template/{old.id}/ask")
    assert (answer.status, "another version" in answer.text) == (422, True)
    assert (await browsers[ASKER].send(f"/desk/en/template/{old.id}/remove")).status == 303


async def test_of_many_who_save_at_once_no_more_than_there_is_room_for_do(
    place: DeskPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates, question = place.office.templates, WordedQuestion.model_validate(TWO)
    own = [one.id for one in await templates.all() if not one.is_built_in]
    monkeypatch.setattr("wanderbuch.agents.verifier.questions.templates.MOST_TEMPLATES", len(own) + 1)
    saving = [templates.save(f"Number {number}", question, by=ASKER) for number in range(4)]
    made = await asyncio.gather(*saving, return_exceptions=True)
    assert sorted(isinstance(one, RefusedError) for one in made) == [False, True, True, True]
    for one in await templates.all():
        if not one.is_built_in and one.id not in own:
            await templates.remove(one.id, by=ASKER)


async def test_a_template_is_saved_used_with_one_click_and_removed(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    explained = await browsers[ASKER].preview(fields(ref="only once"))
    title = "Welders <b> for the yard"
    saved = await browsers[ASKER].send("/desk/en/ask/save", question=hidden(explained.text, "question"), title=title)
    assert saved.status == 303
    templates = await place.office.templates.all()
    own = next(one for one in templates if not one.is_built_in)
    assert (own.title, "ref" in own.question) == (title, False)
    assert "Welders &lt;b&gt; for the yard" in (await browsers[ASKER].ask("/desk/en/")).text
    asked = await browsers[ASKER].send(f"/desk/en/template/{own.id}/ask")
    question = await place.office.desk.status(place.profile, asked.target.rpartition("/")[2])
    assert question.requirement.occupation == "C7212"
    assert (await browsers[ASKER].send(f"/desk/en/template/{own.id}/remove")).status == 303
    assert (await browsers[ASKER].send(f"/desk/en/template/{own.id}/remove")).status == 404
    assert (await browsers[ASKER].send("/desk/en/template/welder/remove")).status == 409


@pytest.mark.parametrize("template", BUILT_IN)
async def test_each_template_of_the_product_fills_the_form(browsers: dict[str, Browser], template: str) -> None:
    form = await browsers[ASKER].ask(f"/desk/en/ask?template={template}")
    assert form.status == 200
    assert not re.search(r'name="c0.about" value="[^"]*\(C\d', form.text), "the title alone says what is meant"
    assert len(form.text.encode()) < 60_000


async def test_a_template_without_a_place_asks_for_it_until_one_is_set(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    settings = await place.office.settings.get()
    assert settings.place is None
    asked = await browsers[ASKER].send("/desk/en/template/welder/ask")
    assert asked.target == "/desk/en/ask?template=welder"
    wrong = await save_settings(browsers[ADMINISTRATOR], "/desk/en/settings", place="Atlantis")
    assert (wrong.status, 'value="Atlantis"' in wrong.text) == (422, True)
    assert (await save_settings(browsers[ADMINISTRATOR], "/desk/fr/settings", place="Malte")).target.endswith(
        "?saved=1"
    )
    assert "Malta" in (await browsers[ADMINISTRATOR].ask("/desk/en/settings?saved=1")).text
    await save_settings(browsers[ADMINISTRATOR], "/desk/en/settings", place="Malta", answer_within_s="3600")
    asked = await browsers[ASKER].send("/desk/en/template/welder/ask")
    question = await place.office.desk.status(place.profile, asked.target.rpartition("/")[2])
    assert (question.answer_by - question.created_at).total_seconds() == 3600


async def test_a_link_shows_its_address_is_widened_and_closed(browsers: dict[str, Browser], place: DeskPlace) -> None:
    explained = await browsers[ASKER].preview(fields())
    question = hidden(explained.text, "question")
    made = await browsers[ASKER].send("/desk/en/ask/link", question=question, title="Spring", days="30", most="5")
    link_id = made.target.removeprefix("/desk/en/link/")
    link = await place.office.links.get(link_id)
    assert link.made_by == ASKER
    page = await browsers[ASKER].ask(made.target)
    assert link.short_url in page.text
    assert re.fullmatch(r"https://[A-Za-z0-9./_-]+", link.short_url), "nothing in it breaks in an e-mail"
    assert (await browsers[ASKER].send(f"{made.target}/widen", most="4")).status == 409
    assert (await browsers[ASKER].send(f"{made.target}/widen", most="50")).status == 303
    assert (await browsers[ASKER].send(f"{made.target}/close")).status == 303
    closed = await place.office.links.get(link_id)
    assert (closed.most, closed.is_closed) == (50, True)
    assert "Spring" in (await browsers[ASKER].ask("/desk/en/links")).text
    bad = await browsers[ASKER].send("/desk/en/ask/link", question=question, title="x", days="31", most="5")
    assert bad.status == 400
