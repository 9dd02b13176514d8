"""The editor as an official reads it: sections, what a new statement begins with, no words of editors of files."""

import re
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from tests.unit.authority_pages.conftest import Browser, hidden
from tests.unit.authority_pages.forms import begun, fields_of, with_values
from tests.unit.authority_pages.place import (
    AUTHORITY,
    GALLE,
    HOTEL,
    KENYA,
    REDRESS,
    REFUSED,
    SHIPYARD,
    WELDERS,
    Place,
)

EDITORS_WORDS = re.compile(
    r"cred_def|\bttl\b|\broles?\b|\bCTE\b|\bmember\b|\bJSON\b|\.json|\bmin\b|\bmax\b|alpha-3|\bcrosswalk\b|dictionary|"
    r"characters|\b[a-z]+_[a-z_]+\b",
    re.IGNORECASE,
)


def read_by_people(text: str) -> str:
    """Return what a page shows: no tags, no values of fields, no addresses and identifiers."""
    main = text.partition('<main id="main"')[2].partition("</main>")[0]
    main = re.sub(r"<datalist.*?</datalist>|<textarea.*?</textarea>|<option.*?</option>", " ", main, flags=re.DOTALL)
    shown = unescape(re.sub(r"<[^>]+>", " ", main))
    return re.sub(r"\b(?:did:|https?:)\S+", " ", shown)


def sections(text: str) -> list[bool]:
    """Return whether each folded section stands open."""
    return [bool(opening) for opening in re.findall(r'<details class="part"( open)?>', text)]


async def saved(editor: Browser, draft: str, path: str, *more: tuple[str, str], **changes: str) -> str:
    page = await editor.ask(f"{draft}/statement?{path}")
    sent = [*with_values(fields_of(page.text), **changes), *more]
    answer = await editor.ask(f"{draft}/statement", method="POST", data=sent)
    return (await editor.ask(answer.target)).text


async def test_a_new_draft_is_not_greeted_by_a_mistake(editor: Browser) -> None:
    draft = await begun(editor)
    text = (await editor.ask(draft)).text
    assert "Mistake" not in text
    assert "Correct the mistakes first" not in text
    assert "There is nothing to hand in yet" in text
    assert "/submit" not in text
    await saved(editor, draft, f"did={GALLE}&kind=accreditations&at=0", title="Plumbers")
    text = (await editor.ask(draft)).text
    assert "There is nothing to hand in yet" not in text
    assert "/submit" in text


async def test_an_empty_draft_cannot_be_handed_in_all_the_same(editor: Browser) -> None:
    draft = await begun(editor)
    answer = await editor.send(f"{draft}/submit")
    assert answer.status == 409
    assert "the draft changes nothing" in answer.text


async def test_what_is_the_same_in_most_is_filled_in_and_the_decision_is_not(editor: Browser) -> None:
    draft = await begun(editor)
    page = await editor.ask(f"{draft}/statement?did={HOTEL}&kind=accreditations&at=new")
    values = dict(reversed(fields_of(page.text)))  # of several of one name, the first
    assert values["intervals.0.start"] == "2026-11-22"
    assert values["redress"] == REDRESS
    assert values["level_range.framework"] == "LK-NVQ"
    assert values["jurisdictions"] == "Sri Lanka (LKA)"
    assert values["accreditingAgent.name"] == "Training Authority of Sri Lanka (example)"
    for name in ("id", "occupations", "level_range.min", "level_range.max", "decision"):
        assert values[name] == ""
    assert "zQmCredDef" not in page.text
    assert sections(page.text) == [False, False]
    other = dict(fields_of((await editor.ask(f"{draft}/statement?did={REFUSED}&kind=refusals&at=new")).text))
    assert (other["decided_on"], other["redress"]) == ("2026-11-22", REDRESS)
    programme = dict(fields_of((await editor.ask(f"{draft}/statement?did={GALLE}&kind=programmes&at=new")).text))
    assert programme["accreditation"] == "TA-2019-0088"


async def test_a_country_named_twice_is_one(editor: Browser, place: Place) -> None:
    draft = await begun(editor)
    await saved(
        editor,
        draft,
        f"did={GALLE}&kind=accreditations&at=0",
        ("jurisdictions", "Sri Lanka"),
        ("occupations", "7126"),
        title="Plumbers",
    )
    record = await place.desk.drafts.record(draft.rpartition("/")[2], GALLE)
    assert record is not None
    assert record["accreditations"][0]["jurisdictions"] == ["LKA", "MLT"]
    assert record["accreditations"][0]["occupations"] == ["C7126", "C7411"]


async def test_a_mistake_opens_its_section_and_is_linked_from_the_top(editor: Browser) -> None:
    draft = await begun(editor)
    place = f"did={WELDERS}&kind=accreditations&at=0"
    page = (await editor.ask(f"{draft}/statement?{place}")).text
    assert sections(page) == [False, True]  # it has an exception
    text = await saved(editor, draft, place, status__0__status="withdrawn", status__0__reason="Closed")
    assert sections(text) == [True, True]
    summary = text.partition('id="problems"')[2].partition("</div>")[0]
    for target in ("status.0.decided_on", "status.0.effective_from"):
        assert f'href="#{target}"' in summary
        assert f'id="{target}"' in text
    text = await saved(editor, draft, f"did={GALLE}&kind=accreditations&at=0", accreditingAgent__name="")
    assert sections(text) == [True, True]


NEW = {
    "accreditations": GALLE,
    "programmes": GALLE,
    "refusals": REFUSED,
    "recognitions": KENYA,
    "verifications": SHIPYARD,
    "regulations": AUTHORITY,
    "successions": AUTHORITY,
}


@pytest.mark.parametrize("kind", NEW)
async def test_officials_read_no_words_of_editors_of_files(editor: Browser, kind: str) -> None:
    draft = await begun(editor)
    did = NEW[kind]
    page = await editor.ask(f"{draft}/statement?did={did}&kind={kind}&at=new")
    assert EDITORS_WORDS.search(read_by_people(page.text)) is None
    empty = [(name, value if name in _HIDDEN else "") for name, value in fields_of(page.text)]
    answer = await editor.ask(f"{draft}/statement", method="POST", data=empty)
    for path in (answer.target, draft, f"{draft}/record?did={did}"):
        text = (await editor.ask(path)).text
        assert (match := EDITORS_WORDS.search(read_by_people(text))) is None, match
    assert "Fill this in." in (await editor.ask(answer.target)).text


@pytest.mark.parametrize("page", ["record", "statement"])
async def test_who_saves_is_led_back_to_the_same_institution_whatever_its_did_is(editor: Browser, page: str) -> None:
    draft = await begun(editor)
    did = f"{GALLE}%3A8443"  # at a host with a port
    path = f"{draft}/{page}?{urlencode({'did': did, 'kind': 'refusals', 'at': 'new'})}"
    sent = [(name, value) for name, value in fields_of((await editor.ask(path)).text) if name in _HIDDEN]
    answer = await editor.ask(f"{draft}/{page}", method="POST", data=sent)
    assert dict(parse_qsl(urlsplit(answer.target).query))["did"] == did


_HIDDEN = ("form_token", "revision", "digest", "did", "kind", "at")

SPOILT = {
    "level_range__min": "9",
    "level_range__max": "1",
    "level_range__framework": "SADCQF",
    "jurisdictions": "Narnia",
    "occupations": "dragons",
    "sources": "nothing",
    "credential_types": "nothing",
    "decision": "the office",
    "id": "a number",
    "accreditingAgent__did": "nobody",
    "intervals__0__start": "soon",
}


@pytest.mark.parametrize("name", SPOILT)
async def test_each_mistake_is_told_in_plain_words(editor: Browser, name: str) -> None:
    draft = await begun(editor)
    text = await saved(editor, draft, f"did={GALLE}&kind=accreditations&at=0", **{name: SPOILT[name]})
    shown = read_by_people(text)
    assert "Please correct" in shown
    assert (match := EDITORS_WORDS.search(shown)) is None, match
    assert "What to do:" not in shown


@pytest.mark.parametrize("language", ["si", "ta", "ar", "fr", "es"])
async def test_a_mistake_is_told_in_the_language_of_the_page(editor: Browser, language: str) -> None:
    draft = await begun(editor)
    await saved(editor, draft, f"did={GALLE}&kind=accreditations&at=0", decision="")
    page = await editor.ask(f"{draft.replace('/en/', f'/{language}/')}/statement?did={GALLE}&kind=accreditations&at=0")
    summary = page.text.partition('id="problems"')[2].partition("</div>")[0]
    assert 'href="#decision"' in summary
    assert 'lang="en"' not in summary


async def test_a_change_of_the_whole_register_is_named_in_words(editor: Browser, place: Place) -> None:
    draft = await begun(editor)
    me = await place.desk.officials.get("e.perera")
    name = draft.rpartition("/")[2]
    roles = {**(await place.desk.drafts.header(name))["roles"], "other": {"issue": [], "verify": []}}
    await place.desk.drafts.edit(name, me, header={"ttl": 7200, "roles": roles})
    text = read_by_people((await editor.ask(draft)).text)
    assert "How long copies of it are kept" in text
    assert "what programs see that read the basic part alone changed" in text
    assert hidden((await editor.ask(draft)).text, "key") in {"ttl", "roles"}
    assert (match := EDITORS_WORDS.search(text)) is None, text[match.start() - 90 : match.end() + 90]


async def test_what_ties_a_certificate_to_its_holder_is_chosen_in_words(editor: Browser, place: Place) -> None:
    draft = await begun(editor)
    accreditation = f"did={GALLE}&kind=accreditations&at=0"
    page = (await editor.ask(f"{draft}/statement?{accreditation}")).text
    for label in ("A secret that only the holder’s wallet knows", "Nothing: anybody who has a copy can show it"):
        assert label in read_by_people(page)
    assert sections(page)[1] is False
    text = await saved(editor, draft, accreditation, ("bindings", "key"), ("bindings", "none"))
    assert sections(text)[1] is True
    assert "link-secret" not in read_by_people(text)
    told = unescape((await editor.ask(draft)).text)
    assert "no longer counts when what ties it to its holder is a secret of the holder's wallet" in told
    assert "now also counts when what ties it to its holder is nothing, so that anybody with a copy can show it" in told
    record = await place.desk.drafts.record(draft.rpartition("/")[2], GALLE)
    assert record is not None
    assert record["accreditations"][0]["bindings"] == ["key", "none"]


async def test_who_ticks_no_binding_says_nothing_about_it(editor: Browser, place: Place) -> None:
    draft = await begun(editor)
    await saved(editor, draft, f"did={GALLE}&kind=accreditations&at=0", title="Plumbers")
    record = await place.desk.drafts.record(draft.rpartition("/")[2], GALLE)
    assert record is not None
    assert "bindings" not in record["accreditations"][0]
