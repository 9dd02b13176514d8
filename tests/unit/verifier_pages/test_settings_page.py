"""The page of an employer's settings: what workers see of it, its name, and how long what was shown is kept."""

import pytest
from tests.unit.verifier_pages.conftest import Browser, hidden, put, save_settings
from tests.unit.verifier_pages.place import ADMINISTRATOR, ASKER, NAME, DeskPlace

from wanderbuch.store.records import utc_now

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_settings_that_were_not_taken_stand_in_the_form_as_they_were_typed(browsers: dict[str, Browser]) -> None:
    browser, path = browsers[ADMINISTRATOR], "/desk/en/settings"
    revision = hidden((await browser.ask(path)).text, "revision")
    typed = {"revision": revision, "place": "Malta", "name": "Ṭarzna tal-Belt", "answer_within_s": "3600"}

    def stands(text: str, *values: str) -> bool:
        return all(f'value="{value}"' in text for value in values) and '<option value="3600" selected' in text

    no_country = await browser.send(path, **typed | {"place": "Atlantis"})
    assert (no_country.status, stands(no_country.text, "Atlantis", typed["name"])) == (422, True)
    no_name = await browser.send(path, **typed | {"name": "Yard [1]"})
    assert (no_name.status, stands(no_name.text, "Malta", "Yard [1]")) == (422, True)
    assert "own-name-problem" in no_name.text
    no_number = await browser.send(path, **typed | {"revision": "x"})
    assert (no_number.status, "own-name-problem" in no_number.text) == (400, False)
    assert (await browser.send(path, **typed | {"place": "France"})).status == 303
    newer = await browser.send(path, **typed)
    assert (newer.status, stands(newer.text, "Malta", typed["name"])) == (409, True)
    await save_settings(browser, path, place="", name="", answer_within_s="")


async def test_the_settings_say_what_workers_see_and_what_to_do_about_it(browsers: dict[str, Browser]) -> None:
    page = (await browsers[ADMINISTRATOR].ask("/desk/en/settings")).text
    for part in (NAME, "did:webvh:", "unknown", "apply to the authority", "30 days"):
        assert part in page, part


async def test_what_was_shown_goes_as_soon_as_the_desk_says_and_never_later_than_the_operator(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    office, before = place.office, await put(browsers[ASKER], subject="name")
    answered = await place.answer(before)
    assert await office.desk.seen(place.profile, answered) is not None
    page = (await browsers[ADMINISTRATOR].ask("/desk/en/settings")).text
    assert 'value="7"' in page
    assert 'value="90"' not in page, "the operator's are 30 days"
    assert (
        await save_settings(browsers[ADMINISTRATOR], "/desk/en/settings", place="", keep_seen_days="2")
    ).status == 400
    assert (
        await save_settings(browsers[ADMINISTRATOR], "/desk/en/settings", place="", keep_seen_days="0")
    ).status == 303
    await office.sweep(utc_now())
    assert await office.desk.seen(place.profile, await office.desk.status(place.profile, before)) is None
    assert (
        await save_settings(browsers[ADMINISTRATOR], "/desk/en/settings", place="", keep_seen_days="365")
    ).status == 303
    assert office.seen_days(await office.settings.get()) == 30
    assert (await save_settings(browsers[ADMINISTRATOR], "/desk/en/settings", place="")).status == 303


async def test_its_own_people_say_how_it_is_called_and_workers_see_that(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    browser, path, office = browsers[ADMINISTRATOR], "/desk/en/settings", place.office
    for wrong in ("x" * 121, "Yard\u202e", "Ya\u200brd"):
        refused = await save_settings(browser, path, place="", name=wrong)
        assert (refused.status, "none that cannot be seen" in refused.text) == (422, True)
    assert office.name == NAME
    assert (await save_settings(browser, path, place="", name="  Sliema   Yard ")).status == 303
    assert (office.name, office.asker.title) == ("Sliema Yard", "Sliema Yard")
    asked = await office.desk.status(place.profile, await put(browsers[ASKER]))
    assert asked.proof_request["name"].startswith("Sliema Yard")
    assert "Sliema Yard" in (await browser.ask("/desk/en/")).text
    assert (await save_settings(browser, path, place="")).status == 303, "a page that does not ask for the name"
    assert (await office.settings.get()).name == "Sliema Yard"
    assert NAME in (await browser.ask(path)).text, "what the operator calls it"
    office.name = NAME  # as another process has it, which was told nothing
    await office.sweep(utc_now())
    assert office.name == "Sliema Yard"
    (line, *_) = await office.log.entries()
    assert (line.by, line.what) == (ADMINISTRATOR, "name")
    assert (await save_settings(browser, path, place="", name="")).status == 303
    assert office.name == NAME


async def test_who_saves_settings_of_before_undoes_nothing(browsers: dict[str, Browser], place: DeskPlace) -> None:
    browser, path = browsers[ADMINISTRATOR], "/desk/en/settings"
    seen = hidden((await browser.ask(path)).text, "revision")
    assert (await save_settings(browser, path, place="", keep_seen_days="7")).status == 303
    late = await browser.send(path, revision=seen, place="Malta", keep_seen_days="")
    assert (late.status, "Somebody changed this" in late.text) == (409, True)
    assert (await save_settings(browser, path, place="Malta")).status == 303, "a page that does not ask for the days"
    settings = await place.office.settings.get()
    assert (settings.place, settings.keep_seen_days) == ("MLT", 7)
    assert (await save_settings(browser, path, place="", keep_seen_days="")).status == 303
