"""The desk's rules: who gets in, for how long, with which forms; and a draft's way to a version."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.authority_pages.conftest import APPROVER, EDITOR, Browser, hidden
from tests.unit.authority_pages.forms import begun, fields_of, with_values
from tests.unit.authority_pages.place import AUTHORITY, GALLE, KENYA, NAME, SHIPYARD, WELDERS, Place, full_payload

from wanderbuch.agents.authority.draft import DraftState
from wanderbuch.agents.authority.officials import OfficialRole
from wanderbuch.agents.authority.pages.desk_sessions import COOKIE
from wanderbuch.agents.authority.reviews import ReviewState
from wanderbuch.agents.site.sessions import IDLE, LONGEST
from wanderbuch.governance.facts.file import Status
from wanderbuch.governance.form.model import RECOGNITION


async def test_nobody_sees_the_desk_without_signing_in(browser: Browser, tokens: dict[str, str]) -> None:
    for path in ("/desk/en/", "/desk/en/draft/1", "/desk/en/draft/1/record", "/desk/en/suspend", "/desk/en/nothing"):
        answer = await browser.ask(path)
        assert (answer.status, answer.target) == (303, "/desk/en/sign-in")
    assert (await browser.ask("/desk/en/drafts", method="POST", data={"why": "x"})).status == 303
    assert (await browser.sign_in("x" * 43)).status == 403
    assert (await browser.sign_in("")).status == 403
    assert browser.cookie == ""
    assert (await browser.ask("/desk", Accept_Language="si")).target == "/desk/si/"


async def test_whose_desk_it_is_stands_above_every_page(browser: Browser, editor: Browser) -> None:
    before = [await browser.ask(f"/desk/en/{path}") for path in ("sign-in", "recover", "invitation/nobody")]
    inside = [await editor.ask(f"/desk/en/{path}") for path in ("", "lists", "people", "means", "nothing")]
    for page in (*before, *inside):
        assert f'<span dir="auto">{NAME}</span>' in page.text
        assert f"· {NAME}</title>" in page.text


async def test_no_other_authority_is_said_to_name_us_where_none_does(editor: Browser) -> None:
    for path in ("", "party"):
        assert "If another authority names you as a party" in (await editor.ask(f"/desk/en/{path}")).text


async def test_an_official_signs_in_with_their_token_and_out_again(browser: Browser, tokens: dict[str, str]) -> None:
    answer = await browser.sign_in(tokens[EDITOR])
    assert (answer.status, answer.target) == (303, "/desk/en/")
    cookie = answer.headers["Set-Cookie"]
    for attribute in (f"{COOKIE}=", "HttpOnly", "Secure", "SameSite=Strict", "Path=/"):
        assert attribute in cookie
    assert "Domain" not in cookie
    assert tokens[EDITOR] not in cookie
    page = await browser.ask("/desk/en/")
    assert "Esha Perera" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    kept_cookie = browser.cookie
    assert (await browser.send("/desk/en/sign-out")).status == 303
    browser.cookie = kept_cookie
    assert (await browser.ask("/desk/en/")).status == 303


async def test_a_session_ends_when_nobody_uses_it(editor: Browser, place: Place) -> None:
    place.clock.now += IDLE - timedelta(minutes=1)
    assert (await editor.ask("/desk/en/")).status == 200
    place.clock.now += IDLE - timedelta(minutes=1)
    assert (await editor.ask("/desk/en/")).status == 200
    place.clock.now += IDLE
    answer = await editor.ask("/desk/en/")
    assert answer.target == "/desk/en/sign-in?ended=1"
    assert "not signed in any more" in (await editor.ask(answer.target)).text


async def test_a_session_ends_after_a_working_day_in_any_case(editor: Browser, place: Place) -> None:
    began = place.clock.now
    while place.clock.now - began < LONGEST - timedelta(minutes=15):
        place.clock.advance(minutes=15)
        assert (await editor.ask("/desk/en/")).status == 200
    place.clock.advance(minutes=15)
    assert (await editor.ask("/desk/en/")).status == 303


async def test_who_is_removed_or_has_a_new_token_is_signed_out(
    editor: Browser, approver: Browser, place: Place
) -> None:
    await place.desk.officials.renew_token(EDITOR)
    assert (await editor.ask("/desk/en/")).status == 303
    assert (await approver.ask("/desk/en/")).status == 200
    await place.desk.officials.remove(APPROVER)
    assert (await approver.ask("/desk/en/")).status == 303


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        (None, {}),
        ("", {}),
        ("0" * 64, {}),
        ("own", {"Sec_Fetch_Site": "cross-site"}),
        ("own", {"Sec_Fetch_Site": "same-site"}),
        ("own", {"Origin": "https://evil.example"}),
        ("own", {"Origin": "null"}),
        ("other", {}),
    ],
)
async def test_a_form_of_another_site_or_session_does_nothing(
    editor: Browser, approver: Browser, place: Place, token: str | None, headers: dict[str, str]
) -> None:
    known = {"own": await editor.form_token(), "other": await approver.form_token()}
    data = {"why": "forged", "new_id": "0" * 32}
    if token is not None:
        data["form_token"] = known.get(token, token)
    answer = await editor.ask("/desk/en/drafts", method="POST", data=data, **headers)
    assert answer.status == 403
    assert await place.desk.drafts.all() == []
    data["form_token"] = known["own"]
    assert (await editor.ask("/desk/en/drafts", method="POST", data=data, Sec_Fetch_Site="same-origin")).status == 303
    assert len(await place.desk.drafts.all()) == 1


async def test_a_sign_in_from_another_site_is_refused(browser: Browser, tokens: dict[str, str]) -> None:
    data = {"token": tokens[EDITOR]}
    answer = await browser.ask("/desk/en/sign-in", method="POST", data=data, Origin="https://evil.example")
    assert answer.status == 403
    assert browser.cookie == ""


async def test_a_form_sent_twice_begins_one_draft(editor: Browser, place: Place) -> None:
    for _ in range(2):
        answer = await editor.send("/desk/en/drafts", why="Once", new_id="a" * 32)
        assert answer.target == f"/desk/en/draft/{'a' * 32}"
    assert len(await place.desk.drafts.all()) == 1
    assert (await editor.send("/desk/en/drafts", why="Once", new_id="../x")).status == 400


async def test_a_draft_goes_from_one_person_to_the_other_and_is_published(
    editor: Browser, approver: Browser, place: Place
) -> None:
    draft = await begun(editor)
    statement = f"{draft}/statement?did={GALLE}&kind=accreditations&at=0"
    page = await editor.ask(statement)
    sent = with_values(fields_of(page.text), level_range__max="5")
    sent.append(("occupations", "welders"))
    saved = await editor.ask(f"{draft}/statement", method="POST", data=sent)
    assert saved.target == f"{statement}&saved=1"
    assert "mistakes" not in (await editor.ask(saved.target)).text.partition("<form")[0]
    words = (await editor.ask(draft)).text
    assert "now also counts for C7212" in words
    assert "levels were LK-NVQ 2 to 4 and are now LK-NVQ 2 to 5" in words
    assert (await editor.send(f"{draft}/submit")).status == 303
    own = await editor.ask(draft)
    assert "Approve and publish" not in own.text
    refused = await editor.send(f"{draft}/approve", revision="1")
    assert refused.status == 403
    page = await approver.ask(draft)
    assert "Approve and publish" in page.text
    assert (await approver.send(f"{draft}/approve", revision="99")).status == 409
    assert (await approver.send(f"{draft}/approve", revision=hidden(page.text, "revision"))).status == 303
    facts = await place.register.facts()
    assert facts is not None
    (accreditation,) = facts.file.index.by_issuer[GALLE]
    assert accreditation.occupations == ("C7126", "C7411", "C7212")
    assert accreditation.level_range.highest == "5"
    assert facts.file.version == 2
    assert accreditation.status is Status.SUSPENDED
    history = (await approver.ask("/registry/en/file")).text
    assert "Galle after the review" in history
    assert "a.silva" in history


async def test_where_four_eyes_are_not_asked_for_one_person_does_it_all_at_the_desk(
    empty_place: Place, tmp_path: Path, open_site: Any
) -> None:
    place = Place(empty_place.profile, tmp_path / "public", four_eyes=False)
    await place.publish(full_payload())
    roles = {OfficialRole.EDITOR, OfficialRole.APPROVER}
    _, token = await place.desk.officials.add("m.perera", name="Malini Perera", roles=roles)
    alone = await open_site(place)
    await alone.sign_in(token)
    draft = await begun(alone)
    sent = with_values(
        fields_of((await alone.ask(f"{draft}/statement?did={GALLE}&kind=accreditations&at=0")).text),
        level_range__max="5",
    )
    await alone.ask(f"{draft}/statement", method="POST", data=sent)
    await alone.send(f"{draft}/submit")
    page = (await alone.ask(draft)).text
    assert "Approve and publish" in page
    assert (await alone.send(f"{draft}/approve", revision=hidden(page, "revision"))).status == 303
    facts = await place.register.facts()
    assert facts is not None
    assert facts.file.version == 2


async def test_saving_what_was_not_changed_changes_nothing(editor: Browser, place: Place) -> None:
    draft = await begun(editor)
    draft_id = draft.rpartition("/")[2]
    for did, kind in (
        (GALLE, "accreditations"),
        (WELDERS, "accreditations"),
        (WELDERS, "programmes"),
        (KENYA, "recognitions"),
        (SHIPYARD, "verifications"),
        (AUTHORITY, "regulations"),
        (AUTHORITY, "successions"),
    ):
        page = await editor.ask(f"{draft}/statement?did={did}&kind={kind}&at=0")
        answer = await editor.ask(f"{draft}/statement", method="POST", data=fields_of(page.text))
        assert answer.status == 303, answer.text
        assert await place.desk.drafts.changes(draft_id) == []


async def test_a_mistake_stands_at_its_field_with_what_to_do(editor: Browser) -> None:
    draft = await begun(editor)
    page = await editor.ask(f"{draft}/statement?did={GALLE}&kind=accreditations&at=0")
    sent = [*with_values(fields_of(page.text), redress="appeals office"), ("occupations", "plumbrs")]
    saved = await editor.ask(f"{draft}/statement", method="POST", data=sent)
    text = (await editor.ask(saved.target)).text
    summary = text.partition('id="problems"')[2].partition("</div>")[0]
    assert 'href="#occupations"' in summary
    assert 'href="#redress"' in summary
    assert 'id="redress-problem"' in text
    assert 'aria-describedby="redress-hint redress-problem" aria-invalid="true"' in text
    assert 'value="plumbrs"' in text
    assert "No occupation has this name or code. Choose one from the list." in summary
    assert "Plumbers and pipe fitters (C7126)" in text.partition("Perhaps you mean")[2].partition("</p>")[0]
    refused = await editor.send(f"{draft}/submit")
    assert refused.status == 409
    whole = (await editor.ask(draft)).text
    assert "cannot be put into words yet" in whole
    assert f"statement?did={GALLE}&amp;kind=accreditations&amp;at=0" in whole


async def test_a_row_is_added_without_saving(editor: Browser, place: Place) -> None:
    draft = await begun(editor)
    page = await editor.ask(f"{draft}/statement?did={GALLE}&kind=accreditations&at=0")
    sent = [*with_values(fields_of(page.text), title="Not saved"), ("add", "intervals")]
    more = await editor.ask(f"{draft}/statement", method="POST", data=sent)
    assert more.status == 200
    assert 'name="intervals.1.start"' in more.text
    assert "Not saved" in more.text
    assert await place.desk.drafts.changes(draft.rpartition("/")[2]) == []


async def test_nobody_overwrites_what_another_wrote_meanwhile(editor: Browser, place: Place) -> None:
    draft = await begun(editor)
    page = await editor.ask(f"{draft}/statement?did={GALLE}&kind=accreditations&at=0")
    other = await editor.send(f"{draft}/record", did=GALLE, name="Galle Institute", revision="0")
    assert other.status == 303
    late = await editor.ask(f"{draft}/statement", method="POST", data=fields_of(page.text))
    assert late.status == 409
    record = await place.desk.drafts.record(draft.rpartition("/")[2], GALLE)
    assert record is not None
    assert record["description"]["name"] == "Galle Institute"


async def test_a_new_institution_gets_its_first_accreditation(editor: Browser, place: Place) -> None:
    draft = await begun(editor)
    did = str(WELDERS).replace("centre.", "new.")
    assert (await editor.send(f"{draft}/record", did=did, name="New Centre", website="", revision="0")).status == 303
    page = await editor.ask(f"{draft}/statement?did={did}&kind=accreditations&at=new")
    sent = with_values(
        fields_of(page.text),
        id="TA-2026-1",
        level_range__framework="LK-NVQ",
        level_range__min="1",
        level_range__max="3",
        intervals__0__start="2026-12-01",
        sources=f"{did}/resources/zQmCredDefCoLomboWeLding11111111111111111111111",
        decision="https://authority.wanderbuch.test/d/1",
    )
    sent += [
        ("occupations", "7126"),
        ("jurisdictions", "sri lanka"),
        ("jurisdictions", "Malta (MLT)"),
        ("jurisdictions", "UK"),
    ]
    saved = await editor.ask(f"{draft}/statement", method="POST", data=sent)
    assert 'id="problems"' not in (await editor.ask(saved.target)).text
    record = await place.desk.drafts.record(draft.rpartition("/")[2], did)
    assert record is not None
    (made,) = record["accreditations"]
    assert made["occupations"] == ["C7126"]
    assert made["jurisdictions"] == ["LKA", "MLT", "GBR"]
    assert made["intervals"] == [{"start": "2026-12-01"}]
    assert made["redress"] == "https://authority.wanderbuch.test/appeals"
    assert "status" not in made
    assert record["description"] == {"name": "New Centre"}
    assert record["roles"] == [{"start": "2026-12-01T00:00:00Z", "role": "issue_qualification"}]


async def test_a_recognition_is_edited_where_the_file_keeps_it(editor: Browser, place: Place) -> None:
    draft = await begun(editor)
    page = await editor.ask(f"{draft}/statement?did={KENYA}&kind=recognitions&at=0")
    sent = [*with_values(fields_of(page.text), intervals__0__end=""), ("purposes", "regulated-profession")]
    await editor.ask(f"{draft}/statement", method="POST", data=sent)
    recognitions = (await place.desk.drafts.header(draft.rpartition("/")[2]))["participants"]["entries"][RECOGNITION]
    assert recognitions[KENYA]["recognitions"][0]["intervals"] == [{"start": "2019-01-01"}]
    assert recognitions[KENYA]["recognitions"][0]["purposes"] == ["employment", "study", "regulated-profession"]
    assert len(recognitions) == 2


async def test_another_authority_is_recognised_with_the_address_of_its_file(editor: Browser, place: Place) -> None:
    draft = await begun(editor)
    did = str(KENYA).replace("kenya.", "nepal.")
    await editor.send(f"{draft}/trusted", did=did, uri="https://nepal.wanderbuch.test/current.jws", revision="0")
    header = await place.desk.drafts.header(draft.rpartition("/")[2])
    assert header["trusted_governance"][-1] == {"publisher": did, "uri": "https://nepal.wanderbuch.test/current.jws"}
    assert "https://nepal.wanderbuch.test/current.jws" in (await editor.ask(f"{draft}/record?did={did}")).text
    await editor.send(f"{draft}/trusted", did=did, uri="", revision="1")
    assert await place.desk.drafts.changes(draft.rpartition("/")[2]) == []


async def test_a_draft_is_planned_rejected_and_taken_up_again(editor: Browser, approver: Browser, place: Place) -> None:
    draft = await begun(editor)
    draft_id = draft.rpartition("/")[2]
    await editor.send(f"{draft}/record", did=GALLE, name="Galle Institute", revision="0")
    assert (await editor.send(f"{draft}/schedule", day="2026-02-31", time="")).status == 400
    assert (await editor.send(f"{draft}/schedule", day="2027-01-04", time="08:30")).status == 303
    assert "4 January 2027, 08:30 UTC" in (await editor.ask(draft)).text
    await editor.send(f"{draft}/submit")
    assert (await editor.send(f"{draft}/reject", why="no")).status == 403
    assert (await approver.send(f"{draft}/reject", why="Name is not the official one")).status == 303
    assert "Name is not the official one" in (await editor.ask(draft)).text
    assert (await editor.send(f"{draft}/rebase")).status == 303
    assert (await place.desk.drafts.get(draft_id)).state is DraftState.OPEN
    assert (await editor.send(f"{draft}/undo", key=GALLE)).status == 303
    assert await place.desk.drafts.changes(draft_id) == []
    assert (await editor.send(f"{draft}/explode")).status == 400


async def test_an_editor_discards_an_own_draft_and_nobody_else_does(
    editor: Browser, approver: Browser, place: Place
) -> None:
    draft = await begun(editor)
    await editor.send(f"{draft}/record", did=GALLE, name="Galle Institute", revision="0")
    assert "/discard" not in (await approver.ask(draft)).text
    assert (await approver.send(f"{draft}/discard", sure="yes")).status == 403
    assert (await editor.send(f"{draft}/discard")).status == 400
    assert (await place.desk.drafts.get(draft.rpartition("/")[2])).state is DraftState.OPEN
    assert "/discard" in (await editor.ask(draft)).text
    assert (await editor.send(f"{draft}/discard", sure="yes")).status == 303
    assert (await place.desk.drafts.get(draft.rpartition("/")[2])).state is DraftState.DISCARDED


async def test_a_published_draft_still_says_what_it_changed(editor: Browser, approver: Browser, place: Place) -> None:
    draft = await begun(editor)
    await editor.send(f"{draft}/record", did=GALLE, name="Galle Institute of Trades", revision="0")
    await editor.send(f"{draft}/submit")
    read = (await approver.ask(draft)).text
    before = read[read.index('id="words"') : read.index('id="touched"')]
    form = {"revision": hidden(read, "revision"), "digest": hidden(read, "digest")}
    assert (await approver.send(f"{draft}/approve", revision=form["revision"], digest="0" * 64)).status == 409
    assert (await approver.send(f"{draft}/approve", **form)).status == 303
    assert (await place.desk.drafts.get(draft.rpartition("/")[2])).state is DraftState.PUBLISHED
    after = (await editor.ask(draft)).text
    assert "difference-" in before
    assert after[after.index('id="words"') : after.index('id="touched"')] == before


async def test_a_suspension_is_confirmed_published_and_looked_at_by_another(
    editor: Browser, approver: Browser, place: Place, tokens: dict[str, str]
) -> None:
    page = await approver.ask(f"/desk/en/suspend?did={WELDERS}")
    form = {"did": WELDERS, "why": "No supervision", "statuses": "", "new_id": hidden(page.text, "new_id")}
    unsure = await approver.send("/desk/en/suspend", **form)
    assert unsure.status == 400
    both = {**form, "statuses": "x", "nothing_counts": "yes"}
    assert (await approver.send("/desk/en/suspend", sure="yes", **both)).status == 400
    assert 'name="nothing_counts"' in page.text
    assert (await editor.send("/desk/en/suspend", sure="yes", **form)).status == 403
    facts = await place.register.facts()
    assert facts is not None
    assert facts.file.version == 1
    for _ in range(2):
        assert (await approver.send("/desk/en/suspend", sure="yes", **form)).status == 303
    facts = await place.register.facts()
    assert facts is not None
    assert facts.file.version == 2
    assert facts.file.index.by_issuer[WELDERS][0].status is Status.SUSPENDED
    (review,) = await place.desk.reviews.all(state=ReviewState.OPEN)
    assert "Another official who approves must look at it." in (await approver.ask("/desk/en/")).text
    own = await approver.send("/desk/en/review", id=review.id, finding="upheld", why="It was right")
    assert own.status == 403
    _, token = await place.desk.officials.add("s.raj", name="Selvi Raj", roles={*_roles(place)})
    second = Browser(approver.server, approver.session)
    await second.sign_in(token)
    assert "No supervision" in (await second.ask("/desk/en/")).text
    assert (await second.send("/desk/en/review", id=review.id, why="It was right")).status == 400
    done = await second.send("/desk/en/review", id=review.id, finding="upheld", why="It was right")
    assert done.status == 303
    assert await place.desk.reviews.all(state=ReviewState.OPEN) == []


def _roles(place: Place) -> Any:
    from wanderbuch.agents.authority.officials import OfficialRole

    return (OfficialRole.APPROVER,)


@pytest.mark.parametrize(
    "path",
    [
        "draft/none",
        "draft/{id}/statement?did={did}&kind=accreditations&at=7",
        "draft/{id}/statement?did={did}&kind=nothing&at=0",
        "draft/{id}/statement?did=nobody&kind=refusals&at=new",
        "draft/{id}/record?did=",
        "suspend?did=x",
        "suspend",
        "nothing",
    ],
)
async def test_what_is_not_there_is_a_page_and_no_failure(editor: Browser, path: str) -> None:
    draft = await begun(editor)
    answer = await editor.ask("/desk/en/" + path.format(id=draft.rpartition("/")[2], did=GALLE))
    assert answer.status in {400, 404, 422}
    assert "Back to the overview" in answer.text


async def test_a_draft_that_was_given_up_is_still_a_page_and_no_longer_on_the_overview(
    editor: Browser, place: Place
) -> None:
    draft = await begun(editor)
    draft_id = draft.rpartition("/")[2]
    assert draft_id in (await editor.ask("/desk/en/")).text
    kept = await place.desk.drafts.get(draft_id)
    await place.desk.drafts.discard(draft_id, await place.desk.officials.get(kept.opened_by))
    page = await editor.ask(f"/desk/en/draft/{draft_id}")
    assert page.status == 200
    assert page.text.count("Discarded") >= 2  # its state, and the step
    assert draft_id not in (await editor.ask("/desk/en/")).text
