"""The public register when something about it changes, or is not as it should be."""

import asyncio
import re
from typing import Any

from tests.unit.authority_pages.conftest import Browser
from tests.unit.authority_pages.outline import Outline
from tests.unit.authority_pages.place import GALLE, MALTA, URL, WELDERS, Place, full_payload
from tests.vectors.make_listing_vectors import SOUND

from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION, LISTING


async def test_a_page_that_is_known_is_not_sent_again(browser: Browser, place: Place) -> None:
    first = await browser.ask("/registry/en/file")
    again = await browser.ask("/registry/en/file", If_None_Match=f'"x", W/{first.headers["ETag"]}')
    assert (again.status, again.text) == (304, "")
    assert "max-age" in first.headers["Cache-Control"]
    place.clock.advance(hours=2)
    stale = await browser.ask("/registry/en/file", If_None_Match=first.headers["ETag"])
    assert stale.status == 200
    assert "Not confirmed at the moment" in stale.text


async def test_what_is_not_confirmed_is_not_called_trusted(browser: Browser, place: Place) -> None:
    place.clock.advance(hours=2)
    page = await browser.ask(f"/registry/en/institution/{WELDERS}/answer?occupation=7212&country=MLT&on=2024-05-01")
    assert "Yes, it counts" not in page.text
    assert "has not been confirmed lately" in page.text


async def test_the_file_page_says_who_signed_and_how_long_it_is_good(browser: Browser, place: Place) -> None:
    page = (await browser.ask("/registry/en/file")).text
    current = await place.publication.current()
    assert current is not None
    for words in (
        current.digest,
        f"{URL}/current.jws",
        f"{URL}/versions/1.jws",
        "Checked, holds",
        "#key-1",
        "10:00 UTC",
    ):
        assert words in page
    assert f"{URL}/history/entries.jsonl" in page


async def test_a_signature_that_does_not_hold_is_not_called_good(place: Place, open_site: Any) -> None:
    place.key.replace()
    browser = await open_site(place)
    page = (await browser.ask("/registry/en/file")).text
    assert "Checked, holds" not in page
    assert "Does not hold" in page


async def test_a_key_that_cannot_be_looked_up_is_not_called_good(place: Place, open_site: Any) -> None:
    place.key.is_reachable = False
    page = (await (await open_site(place)).ask("/registry/en/file")).text
    assert "Checked, holds" not in page
    assert "Could not be checked" in page


async def test_a_new_version_is_shown_at_once(browser: Browser, place: Place) -> None:
    await browser.ask("/registry/en/")
    payload = full_payload()
    payload["version"] = 2
    payload["participants"]["version"] = 2
    payload["participants"]["entries"][DESCRIPTION][WELDERS]["name"] = "Colombo College of Welding"
    await place.publish(payload)
    assert "Colombo College of Welding" in (await browser.ask("/registry/en/?name=college")).text
    assert "version 2" in (await browser.ask("/registry/en/")).text


async def test_that_nothing_ties_a_certificate_to_its_holder_is_shown_and_what_is_usual_is_not(
    empty_place: Place, open_site: Any
) -> None:
    payload = full_payload()
    entries = payload["participants"]["entries"][ACCREDITATION]
    entries[WELDERS]["accreditations"][0]["bindings"] = ["key", "none"]
    await empty_place.publish(payload)
    browser = await open_site(empty_place)
    page = (await browser.ask(f"/registry/en/institution/{WELDERS}")).text
    assert "Nothing: anybody who has a copy can show it" in page
    usual = (await browser.ask(f"/registry/en/institution/{GALLE}")).text
    assert "What ties a certificate to its holder" not in usual


async def test_nothing_published_yet_is_said(empty_place: Place, open_site: Any) -> None:
    answer = await (await open_site(empty_place)).ask("/registry/en/")
    assert answer.status == 503
    assert "Nothing is published yet" in answer.text


HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)> {{ 7*7 }}'


async def test_hostile_names_are_text(empty_place: Place, open_site: Any) -> None:
    payload = full_payload()
    entries = payload["participants"]["entries"]
    entries[DESCRIPTION][WELDERS]["name"] = HOSTILE
    entries[DESCRIPTION][MALTA]["name"] = HOSTILE
    accreditation = entries[ACCREDITATION][WELDERS]["accreditations"][0]
    accreditation["title"] = HOSTILE
    accreditation["redress"] = "mailto:x@y.example?subject=<b>"
    await empty_place.publish(payload)
    browser = await open_site(empty_place)
    for page in ("?name=script", f"institution/{WELDERS}", "recognition", "occupation/C7212"):
        text = (await browser.ask(f"/registry/en/{page}")).text
        assert "&lt;script&gt;" in text
        assert "<script>" not in text
        assert "<img src=x" not in text
        assert "49" not in re.sub(r"/assets/[0-9a-f]{16}/", "", text)
        assert Outline(text).inline == []


async def test_facts_are_read_once_a_version(place: Place) -> None:
    facts = await asyncio.gather(*(place.register.facts() for _ in range(5)))
    assert len({id(fact) for fact in facts}) == 1
    await place.publication.reissue()
    place.clock.advance(minutes=10)
    await place.publication.reissue()
    again = await place.register.facts()
    assert again is not None
    assert facts[0] is not None
    assert again.tables is facts[0].tables
    assert again.snapshot.fresh_until is not None
    assert facts[0].snapshot.fresh_until is not None
    assert again.snapshot.fresh_until > facts[0].snapshot.fresh_until


async def test_an_institution_without_a_did_is_found_and_never_called_trusted(browser: Browser, place: Place) -> None:
    payload = full_payload()
    payload["version"] = payload["participants"]["version"] = 2
    entries = payload["participants"]["entries"]
    entries[LISTING] = {"P01/0142": SOUND, "P01/0143": {"name": "Colombo Welding Centre", "did": WELDERS}}
    await place.publish(payload)
    for query in ("name=matara", "name=0142", "name=plumb&occupation=C7126&country=LKA"):
        row = (await browser.ask(f"/registry/en/?{query}")).text.partition("Matara Plumbing School")
        assert "/registry/en/listed/P01%2F0142" in row[0]
        assert "does not issue digitally yet" in row[2]
    page = await browser.ask("/registry/en/listed/P01%2F0142")
    assert (page.status, Outline(page.text).headings[:2]) == (200, [1, 2])
    assert "no digital certificate in its name counts" in page.text
    assert "badge-counts" not in page.text
    assert "TVEC-2026-0901" in page.text
    connected = await browser.ask("/registry/en/listed/P01/0143")
    assert connected.target == f"/registry/en/institution/{WELDERS}"
    assert WELDERS in (await browser.ask("/registry/en/?name=0143")).text.replace("%3A", ":")
    assert (await browser.ask("/registry/en/listed/P01/0199")).status == 404
