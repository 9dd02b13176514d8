"""Issuing to one person at the console: words become codes, nothing is offered before the last button, and once."""

import re

import pytest
from tests.unit.issuer.console.place import ADMINISTRATOR, CLERK, ConsolePlace
from tests.unit.trust.ecosystem import TYPE
from tests.unit.verifier_pages.conftest import Browser, hidden

from wanderbuch.agents.issuer.offers import OfferState

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIELDS = {
    "once": "a-page",
    "credential_id": "",
    "family_name": "Perera",
    "given_names": "Nimal Ruwan",
    "birth_date": "1991-03-05",
    "occupation_isco08": "Welders and flamecutters",
    "qualification_title": "National Certificate for Welder",
    "awarding_body": "Colombo Welding Centre",
    "framework_level": "EQF:3",
    "learning_setting": "formal",
    "awarded_on": "2024-06-10",
    "country_of_award": "Sri Lanka",
    "lifetime": "hour",
}


async def count(place: ConsolePlace) -> int:
    return len([offer async for offer in place.workshop.desk.book.offers.every()])


async def test_one_certificate_goes_from_words_to_a_code_once(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk, before = browsers[CLERK], await count(place)
    blank = await clerk.ask("/desk/en/issue")
    assert (blank.status, 'name="occupation_isco08"' in blank.text) == (200, True)
    preview = await clerk.send("/desk/en/issue", **FIELDS)
    assert (preview.status, await count(place)) == (200, before)
    number = hidden(preview.text, "credential_id")
    assert re.fullmatch(r"[A-Z2-7]{5}-[A-Z2-7]{5}", number)
    assert "Welders and flamecutters" in preview.text
    assert "C7212</dd>" not in preview.text
    offered = [
        await clerk.send("/desk/en/issue", **{**FIELDS, "credential_id": number, "step": "offer"}) for _ in range(2)
    ]
    assert [answer.status for answer in offered] == [303, 303]
    assert offered[0].target == offered[1].target
    assert await count(place) == before + 1
    offer = await place.workshop.desk.get(offered[0].target.rpartition("/")[2])
    assert (offer.values["occupation_isco08"], offer.values["framework"]) == ("C7212", "EQF")
    page = await clerk.ask(offered[0].target)
    assert (page.status, "<svg" in page.text, str(offer.short_url) in page.text) == (200, True, True)
    slip = await clerk.ask(f"{offered[0].target}/slip")
    assert (slip.status, "Nimal Ruwan Perera" in slip.text) == (200, True)
    assert number not in slip.text  # it may be what somebody is asked for
    withdrawn = await clerk.send(f"{offered[0].target}/withdraw")
    assert withdrawn.status == 303
    assert (await place.workshop.desk.get(offer.id)).state is OfferState.WITHDRAWN
    again = await clerk.send(f"{offered[0].target}/again", once="another")
    assert (await place.workshop.desk.get(again.target.rpartition("/")[2])).state is OfferState.OPEN


async def test_what_is_wrong_stands_at_its_field_and_what_was_written_stays(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk, before = browsers[CLERK], await count(place)
    cases = {
        "family_name": ("", "Write something here"),
        "occupation_isco08": ("xyzzy", "no occupation is known"),
        "country_of_award": ("Atlantis", "Atlantis"),
        "framework_level": ("EQF:9", "choose one"),
        "birth_date": ("1991", "a whole day that exists"),
        "awarded_on": ("1980-01-01", "expected"),
    }
    wrong = {}
    for name, (text, told) in cases.items():
        answer = await clerk.send("/desk/en/issue", **{**FIELDS, name: text, "step": "offer"})
        problem = answer.text.partition(f'id="{name}-problem"')[2].partition("</p>")[0].lower()
        kept = (not text) or text in answer.text or name == "framework_level"
        if answer.status != 422 or told.lower() not in (problem if name != "country_of_award" else answer.text.lower()):
            wrong[name] = (answer.status, problem)
        if not kept:
            wrong[name] = (answer.status, "what was written is gone")
        answer = await clerk.send("/desk/ar/issue", **{**FIELDS, name: text, "step": "offer"})
        if (
            name != "awarded_on"
            and 'lang="en"' in answer.text.partition(f'id="{name}-problem"')[2].partition("</p>")[0]
        ):
            wrong[name] = (answer.status, "told in English on an Arabic page")
    answer = await clerk.send("/desk/en/issue", **{**FIELDS, "occupation_isco08": "engineer", "step": "offer"})
    assert "These words mean several occupations" in answer.text
    assert wrong == {}
    assert await count(place) == before


async def test_what_may_not_be_attested_is_said_before_anything_is_offered(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk, before = browsers[CLERK], await count(place)
    cook = {**FIELDS, "occupation_isco08": "Cooks (C5120)", "once": "cook"}
    preview = await clerk.send("/desk/en/issue", **cook)
    assert (preview.status, 'value="offer"' in preview.text) == (200, False)
    offered = await clerk.send("/desk/en/issue", **cook, step="offer")
    assert (offered.status, await count(place)) == (409, before)


async def test_a_paper_certificate_is_judged_at_its_day_and_says_so(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    paper = {**FIELDS, "once": "paper", "from_paper": "1", "credential_id": "000123", "step": "offer"}
    offered = await browsers[CLERK].send("/desk/en/issue", **paper)
    offer = await place.workshop.desk.get(offered.target.rpartition("/")[2])
    assert "Written from a paper certificate on" in offer.values["details"]
    assert offer.values["credential_id"].removeprefix("#") == "000123"
    longest = TYPE.attribute("details")
    told = "w" * longest.max_bytes  # alone it fits; with what is added it does not
    for step in ("preview", "offer"):
        answer = await browsers[CLERK].send(
            "/desk/en/issue", **{**paper, "once": "long", "details": told, "step": step}
        )
        assert (answer.status, answer.text.count('aria-invalid="true"'), told in answer.text) == (422, 1, True)
    too_early = await browsers[CLERK].send("/desk/en/issue", **{**paper, "once": "old", "awarded_on": "2009-06-10"})
    assert too_early.status == 409


async def test_what_went_to_the_wrong_person_is_revoked_once_the_clerk_is_sure(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk, offer = browsers[CLERK], await place.workshop.issue()
    page = f"/desk/en/issued/{offer.id}"
    assert (await clerk.send(f"{page}/revoke")).status == 400
    assert await place.office.revocations.get_or_none(offer.id) is None
    assert (await clerk.send(f"{page}/revoke", sure="yes")).status == 303
    assert await place.office.revocations.get_or_none(offer.id) is not None
    assert "Its revocation was asked for" in (await clerk.ask(page)).text
    assert (await browsers[ADMINISTRATOR].send(f"{page}/revoke", sure="yes")).status == 403


async def test_who_may_not_issue_sees_no_form_and_no_certificate(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    other = browsers[ADMINISTRATOR]
    offer = await place.workshop.make()
    for path in ("issue", f"issued/{offer.id}", f"issued/{offer.id}/slip", "issue?like=" + offer.id):
        assert (await other.ask(f"/desk/en/{path}")).status == 403, path
    assert (await other.send("/desk/en/issue", **FIELDS)).status == 403
    assert (await other.send(f"/desk/en/issued/{offer.id}/withdraw")).status == 403
    assert (await place.workshop.desk.get(offer.id)).state is OfferState.OPEN
    assert (await other.ask("/desk/en/")).status == 200
    for page in ("standing", "keys", "people", "means"):
        assert (await other.ask(f"/desk/en/{page}")).status == 200, page
