"""The public register, as a browser without JavaScript sees it."""

import json
import re

import pytest
from tests.unit.authority_pages.conftest import Browser
from tests.unit.authority_pages.outline import Outline
from tests.unit.authority_pages.place import GALLE, MALTA, REFUSED, SHIPYARD, WELDERS

from wanderbuch.agents.site.languages import LANGUAGES

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = ("", "?occupation=welders", "occupations", "occupation/C7212", f"institution/{WELDERS}", "recognition", "file")


@pytest.mark.parametrize("tag", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
async def test_every_page_stands_in_every_language(reader: Browser, tag: str, page: str) -> None:
    answer = await reader.ask(f"/registry/{tag}/{page}")
    assert answer.status == 200
    assert f'<html lang="{tag}" dir="{LANGUAGES[tag].direction}">' in answer.text
    outline = Outline(answer.text)
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in zip(outline.headings, outline.headings[1:], strict=False))
    assert outline.inline == []
    assert len(outline.ids) == len(set(outline.ids))
    assert {"main", "nav", "header", "footer"} <= set(outline.tags)
    assert outline.targets[3:5] != []


async def test_a_page_brings_no_third_party_and_no_inline_code(reader: Browser) -> None:
    answer = await reader.ask("/registry/en/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    loaded = [target for target in Outline(answer.text).targets if target.startswith("http")]
    assert loaded == []


async def test_the_language_of_the_browser_is_met(reader: Browser) -> None:
    answer = await reader.ask("/registry", Accept_Language="ta;q=0.9, de")
    assert (answer.status, answer.target) == (303, "/registry/ta/")
    assert answer.headers["Vary"] == "Accept-Language"
    assert (await reader.ask("/registry/")).target == "/registry/en/"
    assert (await reader.ask("/registry/ar")).target == "/registry/ar/"


async def test_a_head_request_is_answered(reader: Browser) -> None:
    assert (await reader.ask("/registry/en/", method="HEAD")).status == 200


async def test_search_shows_who_counts_and_until_when(reader: Browser) -> None:
    answer = await reader.ask("/registry/en/?occupation=welders&country=MLT")
    assert "Colombo Welding Centre" in answer.text
    assert "1 institution found" in answer.text
    assert "no end date is set" in answer.text
    nobody = await reader.ask("/registry/en/?occupation=welders&country=KEN")
    assert "No institution was found" in nobody.text


@pytest.mark.parametrize("written", [WELDERS, f"{WELDERS}%23key-1", f"{WELDERS}/resources/x", f"%20{WELDERS}%20"])
async def test_search_finds_an_institution_by_its_did_and_by_links_into_it(reader: Browser, written: str) -> None:
    assert "Colombo Welding Centre" in (await reader.ask(f"/registry/en/?name={written}")).text


async def test_search_offers_a_choice_and_says_when_nothing_fits(reader: Browser) -> None:
    choice = await reader.ask("/registry/en/?occupation=metal&country=MLT")
    assert "Which occupation do you mean?" in choice.text
    assert "/registry/en/?occupation=C72&amp;country=MLT" in choice.text
    unknown = await reader.ask("/registry/en/?occupation=C7299")
    assert "/registry/en/?occupation=C7234" in unknown.text  # the nearest that exists
    assert "No occupation fits" in (await reader.ask("/registry/en/?occupation=xyzzy")).text


@pytest.mark.parametrize(
    "query",
    ["?page=abc", "?page=-1", "?page=99999", "?country=XYZ", "?name=%00", "?name=" + "a" * 5000, "?x=1", "?name=%FF"],
)
async def test_any_question_gets_a_page(reader: Browser, query: str) -> None:
    assert (await reader.ask(f"/registry/en/{query}")).status == 200


async def test_pages_of_results_are_linked(reader: Browser) -> None:
    first = await reader.ask("/registry/en/occupation/C71")
    assert "page=2" in first.text
    second = await reader.ask("/registry/en/occupation/C71?country=&page=2")
    assert 'rel="prev"' in second.text
    assert 'rel="next"' not in second.text


async def test_a_suspension_says_why_since_when_and_whom_to_appeal_to(reader: Browser) -> None:
    page = (await reader.ask(f"/registry/en/institution/{GALLE}")).text
    assert 'class="badge badge-suspended"' in page
    assert "since <time" in page
    assert "Assessments were not supervised" in page
    assert "15 September 2026" in page
    assert "1 September 2026" in page
    assert page.count('href="https://authority.wanderbuch.test/appeals"') >= 2


async def test_a_refused_application_names_whom_to_appeal_to(reader: Browser) -> None:
    page = (await reader.ask(f"/registry/en/institution/{REFUSED}")).text
    assert "No workshop for practice yet." in page
    assert 'href="https://authority.wanderbuch.test/appeals"' in page


async def test_programmes_and_what_a_verifier_may_ask_are_shown(reader: Browser) -> None:
    centre = (await reader.ask(f"/registry/en/institution/{WELDERS}")).text
    assert "Arc welding of ships&#39; plates" in centre
    assert "Weld in all positions" in centre
    shipyard = (await reader.ask(f"/registry/en/institution/{SHIPYARD}")).text
    assert "Year of award, Occupation" in shipyard
    assert "award_year" not in shipyard


@pytest.mark.parametrize(
    ("query", "answer_text"),
    [
        ("occupation=7212&country=MLT&on=2024-05-01", "Yes, it counts"),
        ("occupation=7212&country=MLT&on=2021-05-01", "No, it does not count"),
        ("occupation=7213&country=MLT&on=2024-05-01", "No, it does not count"),
        ("occupation=7212&country=KEN&on=2024-05-01", "No, it does not count"),
        ("occupation=7212&country=MLT&on=2024-05-01&level=5", "Yes, it counts"),
        ("occupation=7212&country=MLT&on=2024-05-01&level=6", "No, it does not count"),
        ("occupation=7212&country=", "Choose a country"),
        ("occupation=metal&country=MLT", "Which occupation do you mean?"),
        ("occupation=xyzzy&country=MLT", "No occupation fits"),
    ],
)
async def test_the_standing_question_is_answered_by_the_rules(reader: Browser, query: str, answer_text: str) -> None:
    page = await reader.ask(f"/registry/en/institution/{WELDERS}/answer?{query}")
    assert page.status == 200
    assert answer_text in page.text
    if answer_text.startswith("No, it"):
        assert "To appeal" in page.text.partition('id="answer"')[2].partition("</div>")[0]


async def test_recognition_is_a_list_first_and_a_drawing_beside_it(reader: Browser) -> None:
    page = (await reader.ask("/registry/en/recognition")).text
    assert page.index("Qualifications Agency of Malta") < page.index('<figure class="map"')
    assert '<title id="map-title">Map of recognition</title>' in page
    assert 'class="on"' in page
    assert 'class="off"' in page
    assert MALTA in page
    own, other = re.findall(r'<rect x="(\d+)"', page)[:2]
    mirrored = re.findall(r'<rect x="(\d+)"', (await reader.ask("/registry/ar/recognition")).text)[:2]
    assert [other, own] == mirrored


async def test_a_regulated_occupation_says_who_permits_it(reader: Browser) -> None:
    assert "Electrical Safety Board" in (await reader.ask("/registry/en/occupation/C7411")).text
    assert "Electrical Safety Board" not in (await reader.ask("/registry/en/occupation/C7212")).text
    for group in ("C741", "C74", "C7"):  # a part of it is regulated, and is named
        page = (await reader.ask(f"/registry/en/occupation/{group}")).text
        assert "Electrical Safety Board" in page
        assert "/registry/en/occupation/C7411" in page


@pytest.mark.parametrize(
    ("path", "explanation"),
    [
        ("nothing", "This page does not exist"),
        ("institution/did:webvh:QmUnknown:x.example:org", "This institution is not in the register"),
        ("institution/nobody", "This institution is not in the register"),
        (f"institution/{MALTA}", "This institution is not in the register"),
        ("occupation/C9999", "This occupation code does not exist"),
        ("occupation/7212", "This occupation code does not exist"),
        ("occupation/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "This occupation code does not exist"),
        ("occupation/%3Cscript%3E", "This occupation code does not exist"),
    ],
)
async def test_what_is_not_there_is_a_helpful_page(reader: Browser, path: str, explanation: str) -> None:
    answer = await reader.ask(f"/registry/en/{path}")
    assert answer.status == 404
    assert explanation in answer.text
    assert "/registry/en/occupations" in answer.text
    assert "<script>" not in answer.text
    assert "no-cache" in answer.headers["Cache-Control"]


async def test_an_unknown_language_is_a_page_in_the_readers(reader: Browser) -> None:
    answer = await reader.ask("/registry/xx/file", Accept_Language="fr")
    assert answer.status == 404
    assert "Cette page n’existe pas" in answer.text


async def test_assets_may_be_kept_for_ever_and_only_by_their_content(reader: Browser) -> None:
    page = (await reader.ask("/registry/en/")).text
    sheet = next(target for target in Outline(page).targets if target.endswith("site.css"))
    answer = await reader.ask(sheet)
    assert "immutable" in answer.headers["Cache-Control"]
    assert (await reader.ask(sheet.replace("assets/", "assets/0"))).status == 404
    assert (await reader.ask("/registry/assets/x/..%2f__init__.py")).status == 404


async def test_suggestions_are_titles_with_codes(reader: Browser) -> None:
    titles = json.loads((await reader.ask("/registry/en/occupations.json")).text)
    assert "Welders and flamecutters (C7212)" in titles
    assert len(titles) == 619


@pytest.mark.parametrize("path", ["/registry", "/registry/en/", "/registry/en/file", "/registry/nothing"])
async def test_below_a_tenants_path_there_is_no_register_for_its_links_would_lead_to_another(
    reader: Browser, path: str
) -> None:
    assert (await reader.ask(path)).status != 404 or path.endswith("nothing")
    assert (await reader.ask(f"/galle{path}")).status == 404
