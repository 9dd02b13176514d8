"""Signing, as a party, another authority's next version at our desk: brought, looked at, signed, given back."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import aiohttp
import pytest
from tests.unit.authority_pages.conftest import Answer, Browser, hidden
from tests.unit.authority_pages.place import AUTHORITY, Place
from tests.unit.trust.ecosystem import AUTHORITY as OTHER
from tests.unit.trust.ecosystem import Authority, FileHost, payload, webvh

from wanderbuch.agents.authority.changes import canonical
from wanderbuch.agents.authority.party_memory import Doubt
from wanderbuch.agents.authority.party_signing import PartySigning
from wanderbuch.agents.authority.rounds import checked_signature
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.errors import ResolutionError
from wanderbuch.governance.divided.division import divide, part_name
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import SIGNATORIES
from wanderbuch.governance.signed.signing import SignedGovernanceFile, combine, digest_of, sign_as_party, verify_file
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.store.entries import fetch_entries

CENTRE = webvh("centre")
URI = "https://other.wanderbuch.test/governance/skills/current.jws"
ELSEWHERE = "https://thief.wanderbuch.test/skills/current.jws"
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

    async def publish(self, made: dict[str, Any], *, minutes: int = 60, at: str = URI) -> SignedGovernanceFile:
        """Have a version in force that it signed, and we too where the file asks for that."""
        body, key = canonical(made), self.place.key
        signatures = [await sign_as_party(body, self.authority.kid, self.authority.sign)]
        if SIGNATORIES in made["participants"]["entries"]:
            signatures.append(await sign_as_party(body, await key.kid(), key.sign))
        signed = await verify_file(combine(signatures), author=OTHER, resolve_key=self.place.resolve_key)
        statement = await self.authority.statement(signed, at=self.place.clock(), lifetime=timedelta(minutes=minutes))
        beside = at.removesuffix("current.jws")
        self.web.files |= {at: signed.jws, f"{beside}freshness.jws": statement}
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


def party_signing(place: Place, edge: Any = None) -> PartySigning:
    """Return what another process of the same authority has."""
    own_file, resolve_key = place.register.file, place.resolve_key
    way_out = cast(HttpEdge, edge or place.hosts)
    return PartySigning(
        place.profile, way_out, place.key, resolve_key, own_file=own_file, four_eyes=True, clock=place.clock
    )


async def sign(browser: Browser, at: str, *looked_into: str) -> Answer:
    """Sign what the page shows, with these warnings ticked."""
    compared = hidden((await browser.ask(at)).text, "compared")
    form = [("form_token", await browser.form_token()), ("compared", compared), ("sure", "yes")]
    return await browser.ask(
        f"{at}/sign", method="POST", data=[*form, *(("looked_into", doubt) for doubt in looked_into)]
    )


async def signed_here(editor: Browser, approver: Browser, made: dict[str, Any], *looked_into: str) -> str:
    """Bring a version and sign it; return its page."""
    at = (await bring(editor, canonical(made))).target
    assert (await sign(approver, at, *looked_into)).status == 303
    return at


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
    assert (await sign(approver, at, "address_new")).target == at
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
    assert "a part that is new in this version is not public yet" in page
    changed = {URI.replace("current.jws", part_name(digest)): body for digest, body in new.items()}
    place.hosts.files |= {url: body.replace(b"New Name", b"Bad Name") for url, body in changed.items()}
    page = (await approver.ask(at)).text  # it is not the one that is named
    assert ("answer-not_trusted" in page, 'name="sure"' in page) == (True, False)
    place.hosts.files |= changed
    page = (await approver.ask(at)).text
    assert ("New Name" in page, 'name="sure"' in page) == (True, True)
    assert (await sign(approver, at, "address_new")).target == at


async def test_only_so_many_are_kept(editor: Browser, place: Place, other: Other) -> None:
    for version in range(1, 23):
        await bring(editor, canonical(document(version)))
    signing = place.parts.party_signing
    kept = await signing.all()
    assert (len(kept), json.loads(await signing.body_of(kept[0]))["version"]) == (20, 22)
    assert not any("accreditations" in one.model_dump_json() for one in kept)  # a list holds none of the files
    async with place.profile.session() as session:
        assert len(await fetch_entries(session, "wanderbuch.authority-party-body")) == 20


async def test_what_was_signed_is_not_pushed_out_by_what_is_brought(
    editor: Browser, approver: Browser, place: Place, other: Other
) -> None:
    at = (await bring(editor, canonical(document(1)))).target
    assert (await sign(approver, at, "address_new")).target == at
    for version in range(2, 24):
        await bring(editor, canonical(document(version)))
    assert "Download the signature" in (await editor.ask(at)).text
    assert len(await place.parts.party_signing.all()) == 20


async def test_an_address_that_nobody_knows_is_looked_into(editor: Browser, approver: Browser, other: Other) -> None:
    await other.publish(document(1))
    at = (await bring(editor, canonical(document(2)))).target
    page = (await approver.ask(at)).text
    assert URI in page
    assert "does not say where it lies" in page
    assert 'value="address_new"' in page
    refused = await sign(approver, at)
    assert (refused.status, "look into every warning" in refused.text) == (409, True)
    assert (await sign(approver, at, "address_other")).status == 409
    assert (await sign(approver, at, "address_new")).target == at
    await other.publish(document(2))
    later = (await bring(editor, canonical(document(3)))).target
    assert 'id="doubts"' not in (await approver.ask(later)).text  # from now on it is known
    assert (await sign(approver, later)).target == later


async def test_another_address_than_the_known_one_is_shown_first(
    editor: Browser, approver: Browser, place: Place, other: Other
) -> None:
    await other.publish(document(1))
    await signed_here(editor, approver, document(2), "address_new")
    await other.publish(document(2))
    await other.publish(document(2), at=ELSEWHERE)
    moved = {**document(3, title="Galle School", parties=False), "uri": ELSEWHERE}
    at = (await bring(editor, canonical(moved))).target
    page = (await approver.ask(at)).text
    assert "not the address that you know" in page
    assert page.index("Where it lay until now") < page.index(URI)
    first = page.partition('<li class="difference')[2].partition("</li>")[0]
    assert (ELSEWHERE in first, URI in first) == (True, True)
    assert (await sign(approver, at)).status == 409
    assert (await sign(approver, at, "address_other")).target == at


async def test_an_old_version_held_up_from_elsewhere_hides_nothing(
    editor: Browser, approver: Browser, place: Place, other: Other
) -> None:
    """With the author's key alone: version 6 is 3 again, and 3 is held up as in force: nothing seems changed."""
    await other.publish(document(4))
    at = await signed_here(editor, approver, document(5, title="Suspended"), "address_new")
    await other.publish(document(5, title="Suspended"))
    assert (await editor.send(f"{at}/remove")).target == PARTY  # what is remembered outlasts it
    await other.publish(document(3), at=ELSEWHERE)
    for uri in (ELSEWHERE, URI):
        if uri == URI:  # or the site is theirs too
            await other.publish(document(3))
        brought = (await bring(editor, canonical({**document(6), "uri": uri}))).target
        page = (await approver.ask(brought)).text
        assert ("an older version may be held up" in page, 'name="sure"' in page) == (True, False)
        assert (await sign(approver, brought, "address_other")).status == 409
    older = (await bring(editor, canonical(document(4)))).target
    page = (await approver.ask(older)).text
    assert ("version 5, which this authority signed last" in page, 'name="sure"' in page) == (True, False)
    assert len(await place.parts.party_signing.signed(limit=10)) == 1


async def test_a_round_that_begins_anew_is_told_apart_from_an_older_version(
    editor: Browser, approver: Browser, place: Place, other: Other
) -> None:
    await other.publish(document(4))
    at = await signed_here(editor, approver, document(5, title="First"), "address_new")
    assert (await editor.send(f"{at}/remove")).target == PARTY
    again = (await bring(editor, canonical(document(5, title="First")))).target
    assert 'id="doubts"' not in (await approver.ask(again)).text  # the same bytes
    anew = (await bring(editor, canonical(document(5, title="Second")))).target
    assert "another file with this version number" in (await approver.ask(anew)).text
    assert (await sign(approver, anew)).status == 409
    assert (await sign(approver, anew, "signed_other")).target == anew
    assert (await sign(approver, again)).status == 409  # by now the other one was signed
    await other.publish(document(3))
    third = (await bring(editor, canonical(document(5, title="Third")))).target
    assert "an older version may be held up" in (await approver.ask(third)).text  # 4 was in force already


async def test_of_two_that_are_signed_at_once_the_second_is_warned_of(
    editor: Browser, place: Place, other: Other
) -> None:
    await other.publish(document(4))
    pages = [(await bring(editor, canonical(document(5, title=title)))).target for title in ("First", "Second")]
    one, again = place.parts.party_signing, party_signing(place)  # of two processes
    compared = (await one.look(await one.get(pages[0].rpartition("/")[2]))).compared
    official = await place.desk.officials.get("a.silva")
    answers = await asyncio.gather(
        *(
            signing.sign(at.rpartition("/")[2], official, compared=compared, looked_into=[Doubt.ADDRESS_NEW])
            for signing, at in zip((one, again), pages, strict=True)
        ),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers if isinstance(answer, BaseException)] == [RefusedError]
    assert len(await one.signed(limit=10)) == 1


@dataclass
class SlowHost:
    """The hosts, which answer when they are told to."""

    host: FileHost
    go_on: asyncio.Event
    counted: frozenset[str] | None = None  # None: all
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    most: int = 0

    async def get(self, url: str, **options: Any) -> Any:
        self.asked.set()
        if self.counted is not None and url not in self.counted:
            return await self.host.get(url, **options)
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await self.go_on.wait()
        await asyncio.sleep(0)
        self.waiting -= 1
        return await self.host.get(url, **options)


async def test_a_look_ends_and_one_is_taken_at_a_time(
    editor: Browser, place: Place, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    await other.publish(document(1))
    at = (await bring(editor, canonical(document(2)))).target
    kept = await place.parts.party_signing.get(at.rpartition("/")[2])
    slow = SlowHost(place.hosts, asyncio.Event())
    signing = party_signing(place, slow)
    first = asyncio.create_task(signing.look(kept))
    await slow.asked.wait()
    with pytest.raises(RefusedError, match="looked at just now"):
        await signing.look(kept)
    slow.go_on.set()
    assert (await first).file.version == 2
    slow.go_on.clear()
    monkeypatch.setattr("wanderbuch.agents.authority.party_signing._LOOK_S", 0.05)
    with pytest.raises(ResolutionError, match="could not be had within"):
        await signing.look(kept)
    slow.go_on.set()
    assert (await signing.look(kept)).file.version == 2  # the next one may


async def test_new_parts_are_fetched_a_few_at_a_time(editor: Browser, place: Place, other: Other) -> None:
    before, old = divide(document(1), 4)
    made = document(2, title="New Name")
    entries = made["participants"]["entries"]
    entries[DESCRIPTION] |= {webvh(f"place{number}"): {"name": f"Place {number}"} for number in range(40)}
    after, new = divide(made, 4)
    beside = URI.removesuffix("current.jws")
    place.hosts.files |= {f"{beside}{part_name(digest)}": body for digest, body in {**old, **new}.items()}
    await other.publish(before)
    at = (await bring(editor, canonical(after))).target
    kept = await place.parts.party_signing.get(at.rpartition("/")[2])
    asked = frozenset(f"{beside}{part_name(digest)}" for digest in new.keys() - old.keys())
    slow = SlowHost(place.hosts, asyncio.Event(), asked)
    slow.go_on.set()
    looked = await party_signing(place, slow).look(kept)
    assert looked.file.is_complete
    assert len(asked) > 4
    assert slow.most == 4


async def test_what_is_in_force_is_what_was_signed_under_its_number(
    editor: Browser, approver: Browser, other: Other
) -> None:
    await other.publish(document(4))
    await signed_here(editor, approver, document(5, title="Suspended"), "address_new")
    await other.publish(document(5, parties=False))  # by the author alone
    at = (await bring(editor, canonical(document(6)))).target
    assert "knows under that number" in (await approver.ask(at)).text
    assert (await sign(approver, at)).status == 409
    assert (await sign(approver, at, "in_force_other")).target == at


async def test_who_signed_what_when_stays_when_the_file_is_removed(
    editor: Browser, approver: Browser, place: Place, other: Other
) -> None:
    await other.publish(document(1))
    body = canonical(document(2))
    at = await signed_here(editor, approver, document(2), "address_new")
    assert (await editor.send(f"{at}/remove")).target == PARTY
    page = (await editor.ask(PARTY)).text
    assert "What this authority has signed for others" in page
    assert digest_of(body) in page
    assert "Amal Silva" in page
    [entry] = await place.parts.party_signing.signed(limit=10)
    assert (entry.author, entry.version, entry.address) == (OTHER, 2, URI)
    assert (entry.signed_by, entry.created_at) == ("a.silva", place.clock())


async def test_where_our_own_file_says_that_it_lies_is_known(
    editor: Browser, approver: Browser, place: Place, other: Other
) -> None:
    own = await (await place.publication.published()).payload() or {}
    listed = [*own.get("trusted_governance", []), {"publisher": str(OTHER), "uri": URI}]
    await place.publish({**own, "version": own["version"] + 1, "trusted_governance": listed})
    await other.publish(document(1))
    at = (await bring(editor, canonical(document(2)))).target
    assert 'id="doubts"' not in (await approver.ask(at)).text
    await other.publish(document(1), at=ELSEWHERE)
    moved = (await bring(editor, canonical({**document(2), "uri": ELSEWHERE}))).target
    assert "not the address that you know" in (await approver.ask(moved)).text


async def test_nobody_brings_anything_without_a_session(browser: Browser, place: Place) -> None:
    assert (await browser.ask(PARTY)).status in (302, 303)
    answer = await browser.ask(PARTY, method="POST", data={"file": "x"})
    assert answer.status in (302, 303, 400, 403)
    assert await place.parts.party_signing.all() == []
