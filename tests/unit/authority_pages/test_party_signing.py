"""Signing, as a party, another authority's next version at our desk: brought, looked at, signed, given back."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from tests.unit.authority_pages.conftest import Answer, Browser, hidden
from tests.unit.authority_pages.place import AUTHORITY, Place
from tests.unit.trust.ecosystem import AUTHORITY as OTHER
from tests.unit.trust.ecosystem import Authority, FileHost, payload, webvh

from wanderbuch.agents.authority.changes import canonical
from wanderbuch.agents.authority.rounds import checked_signature
from wanderbuch.governance.divided.division import divide, part_name
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import SIGNATORIES
from wanderbuch.governance.signed.signing import SignedGovernanceFile, combine, sign_as_party, verify_file

CENTRE = webvh("centre")
URI = "https://other.wanderbuch.test/governance/skills/current.jws"
PARTY = "/desk/en/party"


def document(version: int, *, parties: bool = True, title: str = "Welder") -> dict[str, Any]:
    """Return a version of the other authority's file; by default it asks for our signature beside its own."""
    made = payload({CENTRE: []})
    entries = made["participants"]["entries"]
    entries[DESCRIPTION] |= {OTHER: {"name": "Authority of the other country"}, CENTRE: {"name": title}}
    if parties:
        named = [{"did": did, "name": name, "kind": "authority"} for did, name in ((OTHER, "Other"), (AUTHORITY, "Us"))]
        entries[SIGNATORIES] = {OTHER: {"threshold": 2, "parties": named}}
    made["version"] = made["participants"]["version"] = version
    return {**made, "uri": URI}


@dataclass
class Other:
    """The other authority, and what it has in force."""

    place: Place
    authority: Authority

    @property
    def web(self) -> FileHost:
        return self.place.hosts

    async def publish(self, made: dict[str, Any], *, minutes: int = 60) -> SignedGovernanceFile:
        """Have a version in force that it signed, and we too where the file asks for that."""
        body, key = canonical(made), self.place.key
        signatures = [await sign_as_party(body, self.authority.kid, self.authority.sign)]
        if SIGNATORIES in made["participants"]["entries"]:
            signatures.append(await sign_as_party(body, await key.kid(), key.sign))
        signed = await verify_file(combine(signatures), author=OTHER, resolve_key=self.place.resolve_key)
        statement = await self.authority.statement(signed, at=self.place.clock(), lifetime=timedelta(minutes=minutes))
        beside = URI.removesuffix("current.jws")
        self.web.files |= {URI: signed.jws, f"{beside}freshness.jws": statement}
        return signed


@pytest.fixture
def other(place: Place) -> Other:
    """The other authority, whose key we can look up."""
    authority = Authority(OTHER)
    place.others[OTHER] = authority.resolve_key
    return Other(place, authority)


async def bring(browser: Browser, content: bytes) -> Answer:
    """Bring a file to the desk."""
    form = aiohttp.FormData({"form_token": await browser.form_token()})
    form.add_field("file", content, filename="to-sign-version-2.json", content_type="application/json")
    return await browser.ask(PARTY, method="POST", data=form)


async def test_what_changes_is_read_and_signed_and_the_signature_counts(
    editor: Browser, approver: Browser, place: Place, other: Other
) -> None:
    before = await other.publish(document(1, parties=False))
    body = canonical(document(2, title="Galle School"))
    assert "Sign for another authority" in (await editor.ask("/desk/en/")).text
    brought = await bring(editor, body)
    assert brought.status == 303
    at = brought.target
    for language in ("fr", "ar"):
        assert (await editor.ask(at.replace("/en/", f"/{language}/"))).status == 200
    page = (await editor.ask(at)).text
    assert "Skills" in page
    assert str(OTHER) in page
    assert "does not name this authority" in page
    assert "Galle School" in page  # what changes
    assert 'name="sure"' not in page  # an editor does not sign
    seen = (await approver.ask(at)).text
    assert 'name="sure"' in seen
    assert (await approver.send(f"{at}/sign", compared=hidden(seen, "compared"))).status == 400  # not confirmed
    assert (await editor.send(f"{at}/sign", compared=hidden(seen, "compared"), sure="yes")).status == 409
    assert (await editor.ask(f"{at}/signature")).status == 400
    assert (await approver.send(f"{at}/sign", compared=hidden(seen, "compared"), sure="yes")).target == at
    signature = await editor.ask(f"{at}/signature")
    assert signature.headers["Content-Disposition"].startswith("attachment")

    # as the other authority takes it in, and as everybody checks what it publishes
    jws = signature.text.encode()
    did, _ = await checked_signature(body, jws, [AUTHORITY], place.resolve_key)
    assert did == AUTHORITY
    own = await sign_as_party(body, other.authority.kid, other.authority.sign, previous=before.file)
    both = await verify_file(combine([own, jws]), author=OTHER, resolve_key=place.resolve_key, previous=before.file)
    assert both.signers == (OTHER, AUTHORITY)

    other.web.down = True
    assert "Download the signature" in (await approver.ask(at)).text
    assert (await approver.send(f"{at}/sign", compared="", sure="yes")).target == at  # again changes nothing
    assert (await editor.ask(f"{at}/signature")).text == signature.text
    assert (await editor.send(f"{at}/remove")).target == PARTY
    assert (await editor.ask(at)).status == 404


async def test_what_is_in_force_is_what_was_looked_at(
    editor: Browser, approver: Browser, place: Place, other: Other
) -> None:
    await other.publish(document(1))
    at = (await bring(editor, canonical(document(3)))).target
    compared = hidden((await approver.ask(at)).text, "compared")
    await other.publish(document(2, parties=False), minutes=5)
    refused = await approver.send(f"{at}/sign", compared=compared, sure="yes")
    assert (refused.status, "has changed since you looked" in refused.text) == (409, True)
    place.clock.advance(minutes=10)  # its statement has ended: an older version may be held up to us
    assert "is not fresh" in (await approver.ask(at)).text
    other.web.down = True
    page = (await approver.ask(at)).text
    assert ("answer-not_trusted" in page, 'name="sure"' in page) == (True, False)
    assert not (await place.parts.party_signing.get(at.rpartition("/")[2])).jws


async def test_who_brought_it_does_not_sign_it(approver: Browser, other: Other) -> None:
    await other.publish(document(1))
    at = (await bring(approver, canonical(document(2)))).target
    page = (await approver.ask(at)).text
    assert ("another official than the one who brought it" in page, 'name="sure"' in page) == (True, False)
    assert (await approver.send(f"{at}/sign", compared=hidden(page, "compared"), sure="yes")).status == 409


@pytest.mark.parametrize(
    ("brought", "expected"),
    [
        (document(1), "later version than 1"),
        (document(2, parties=False), None),
        ({**document(2), "id": "another"}, "later version than 1"),
        ({name: value for name, value in document(2).items() if name != "uri"}, "says where it lies"),
        ({**document(2), "uri": "http://other.wanderbuch.test/current.jws"}, "says where it lies"),
        ({"version": 2}, "answer-not_trusted"),
    ],
    ids=["not later", "the version in force names us", "another file", "no address", "no https", "no file"],
)
async def test_what_is_not_for_us_to_sign(
    editor: Browser, approver: Browser, other: Other, brought: dict[str, Any], expected: str | None
) -> None:
    await other.publish(document(1))
    answer = await bring(editor, json.dumps(brought).encode())
    page = answer.text if answer.status == 422 else (await approver.ask(answer.target)).text
    if expected is None:
        assert 'name="sure"' in page
    else:
        assert expected in page
        assert 'name="sure"' not in page


async def test_our_own_file_is_signed_where_its_draft_is(editor: Browser, place: Place) -> None:
    answer = await bring(editor, canonical(await (await place.publication.published()).payload() or {}))
    assert (answer.status, "our own file" in answer.text) == (422, True)


async def test_who_is_no_party_signs_nothing(editor: Browser, approver: Browser, other: Other) -> None:
    await other.publish(document(1, parties=False))
    at = (await bring(editor, canonical(document(2, parties=False)))).target
    page = (await approver.ask(at)).text
    assert ("names us as a party" in page, 'name="sure"' in page) == (True, False)


async def test_a_first_version_is_compared_with_nothing(editor: Browser, approver: Browser, other: Other) -> None:
    at = (await bring(editor, canonical(document(1)))).target
    page = (await approver.ask(at)).text
    assert ("this would be the first" in page, 'name="sure"' in page) == (True, True)
    later = (await bring(editor, canonical(document(2)))).target
    assert 'name="sure"' not in (await approver.ask(later)).text  # of a second one the first must be had


async def test_of_a_divided_file_the_parts_are_looked_at(
    editor: Browser, approver: Browser, place: Place, other: Other
) -> None:
    before, old = divide(document(1, title="Old Name"), 1)
    after, new = divide(document(2, title="New Name"), 1)
    place.hosts.files |= {URI.replace("current.jws", part_name(digest)): body for digest, body in old.items()}
    await other.publish(before)
    at = (await bring(editor, canonical(after))).target
    page = (await approver.ask(at)).text  # its new part is nowhere
    assert ("answer-not_trusted" in page, 'name="sure"' in page) == (True, False)
    changed = {URI.replace("current.jws", part_name(digest)): body for digest, body in new.items()}
    place.hosts.files |= {url: body.replace(b"New Name", b"Bad Name") for url, body in changed.items()}
    page = (await approver.ask(at)).text  # it is not the one that is named
    assert ("answer-not_trusted" in page, 'name="sure"' in page) == (True, False)
    place.hosts.files |= changed
    page = (await approver.ask(at)).text
    assert ("New Name" in page, 'name="sure"' in page) == (True, True)
    assert (await approver.send(f"{at}/sign", compared=hidden(page, "compared"), sure="yes")).target == at


async def test_only_so_many_are_kept(editor: Browser, place: Place, other: Other) -> None:
    for version in range(1, 23):
        await bring(editor, canonical(document(version)))
    kept = await place.parts.party_signing.all()
    assert (len(kept), json.loads(kept[0].payload)["version"]) == (20, 22)


async def test_what_was_signed_is_not_pushed_out_by_what_is_brought(
    editor: Browser, approver: Browser, place: Place, other: Other
) -> None:
    at = (await bring(editor, canonical(document(1)))).target
    assert (await approver.send(f"{at}/sign", compared="", sure="yes")).target == at
    for version in range(2, 24):
        await bring(editor, canonical(document(version)))
    assert "Download the signature" in (await editor.ask(at)).text
    assert len(await place.parts.party_signing.all()) == 20


async def test_nobody_brings_anything_without_a_session(browser: Browser, place: Place) -> None:
    assert (await browser.ask(PARTY)).status in (302, 303)
    answer = await browser.ask(PARTY, method="POST", data={"file": "x"})
    assert answer.status in (302, 303, 400, 403)
    assert await place.parts.party_signing.all() == []
