"""What an authority says of its own order, without JSON: how levels compare, who must sign, and signing."""

from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.authority_pages.conftest import Browser
from tests.unit.authority_pages.forms import begun, fields_of, with_values
from tests.unit.authority_pages.place import AUTHORITY, SHIPYARD, Place
from tests.unit.authority_pages.test_editing import EDITORS_WORDS, read_by_people

from wanderbuch.agents.authority.draft import DraftState
from wanderbuch.errors import ResolutionError
from wanderbuch.governance.facts.identifiers import DidUrl
from wanderbuch.governance.form.model import CROSSWALK, SIGNATORIES
from wanderbuch.governance.signed.signing import sign_as_party

TABLES = f"did={AUTHORITY}&kind=crosswalks"
SIGNING = f"did={AUTHORITY}&kind=signatories"


async def statement(place: Place, draft: str, schema: str) -> Any:
    header = await place.desk.drafts.header(draft.rpartition("/")[2])
    return header["participants"]["entries"].get(schema, {}).get(str(AUTHORITY))


async def sent(editor: Browser, draft: str, path: str, *more: tuple[str, str], **changes: str) -> str:
    """Fill in a statement's form, send it and return the page that follows."""
    fields = with_values(fields_of((await editor.ask(f"{draft}/statement?{path}")).text), **changes)
    answer = await editor.ask(f"{draft}/statement", method="POST", data=[*fields, *more])
    return answer.text if answer.status == 200 else (await editor.ask(answer.target)).text


async def test_a_table_of_levels_is_made_of_choices_alone(editor: Browser, place: Place) -> None:
    draft = await begun(editor)
    before = (await statement(place, draft, CROSSWALK))["crosswalks"]
    record = (await editor.ask(f"{draft}/record?did={AUTHORITY}")).text
    assert "Add a table of levels" in record
    assert '<option value="EQF">' not in record
    fields = dict(fields_of((await editor.ask(f"{draft}/statement?{TABLES}&at=new&framework=CEFR")).text))
    assert [fields[f"levels.{row}.level"] for row in range(6)] == ["A1", "A2", "B1", "B2", "C1", "C2"]
    assert {fields[f"levels.{row}.eqf"] for row in range(6)} == {"none"}
    text = await sent(editor, draft, f"{TABLES}&at=new&framework=CEFR", source="Council of Europe, 2020")
    assert "Please correct" not in text
    assert EDITORS_WORDS.search(read_by_people(text)) is None
    made = (await statement(place, draft, CROSSWALK))["crosswalks"]
    assert made[:-1] == before
    assert (made[-1]["version"], made[-1]["valid_from"]) == ("cefr-2026", "2026-11-22")
    assert made[-1]["levels"][0] == {"level": "A1", "eqf": None}
    text = read_by_people((await editor.ask(draft)).text)
    assert "there is a new table to EQF" in text
    assert "How levels compare" in text


async def test_a_table_that_is_there_is_shown_and_kept_as_it_is(editor: Browser, place: Place) -> None:
    draft = await begun(editor)
    before = (await statement(place, draft, CROSSWALK))["crosswalks"]
    for number, table in enumerate(before):
        fields = dict(fields_of((await editor.ask(f"{draft}/statement?{TABLES}&at={number}")).text))
        for row, level in enumerate(table["levels"]):
            assert fields[f"levels.{row}.level"] == level["level"]
            assert fields[f"levels.{row}.eqf"] == ("none" if level["eqf"] is None else str(level["eqf"]))
        await sent(editor, draft, f"{TABLES}&at={number}")
    assert (await statement(place, draft, CROSSWALK))["crosswalks"] == before


async def test_what_follows_a_table_begins_with_it_and_mistakes_stand_at_their_fields(
    editor: Browser, place: Place
) -> None:
    draft = await begun(editor)
    table = (await statement(place, draft, CROSSWALK))["crosswalks"][0]
    new = f"{TABLES}&at=new&framework={table['framework']}"
    fields = dict(fields_of((await editor.ask(f"{draft}/statement?{new}")).text))
    assert [fields[f"levels.{row}.level"] for row in range(len(table["levels"]))] == [
        level["level"] for level in table["levels"]
    ]
    text = await sent(editor, draft, new, source="Report of 2026", levels__0__eqf="")
    shown = read_by_people(text)
    assert 'href="#levels.0.eqf"' in text
    assert EDITORS_WORDS.search(shown) is None
    assert "What to do:" not in shown
    number = len((await statement(place, draft, CROSSWALK))["crosswalks"]) - 1
    text = await sent(editor, draft, f"{TABLES}&at={number}", levels__0__eqf="8")
    shown = read_by_people(text)
    assert "must not fall" in shown
    assert "Let the older one end the day before" in shown
    assert EDITORS_WORDS.search(shown) is None


async def test_who_must_sign_is_named_by_name_and_said_once(editor: Browser, place: Place) -> None:
    draft = await begun(editor)
    fields = dict(fields_of((await editor.ask(f"{draft}/statement?{SIGNING}&at=new")).text))
    assert fields["parties.0.did"] == str(AUTHORITY)
    assert fields["parties.0.kind"] == "authority"
    assert fields["threshold"] == ""
    name = await name_of(place, str(SHIPYARD))
    party = (("parties.1.name", name), ("parties.1.kind", "employers"), ("parties.1.did", name))
    text = await sent(editor, draft, f"{SIGNING}&at=new", *party, threshold="3")
    shown = read_by_people(text)
    assert "More must sign than can sign" in shown
    assert EDITORS_WORDS.search(shown) is None
    text = await sent(editor, draft, f"{SIGNING}&at=0", threshold="2")
    assert "Please correct" not in text
    signatories = await statement(place, draft, SIGNATORIES)
    assert signatories["threshold"] == 2
    assert signatories["parties"][1] == {"did": str(SHIPYARD), "name": name, "kind": "employers"}
    record = (await editor.ask(f"{draft}/record?did={AUTHORITY}")).text
    assert "Say who must sign" not in record
    assert "Who must sign" in record
    await sent(editor, draft, f"{SIGNING}&at=0", ("remove", "yes"))
    assert await statement(place, draft, SIGNATORIES) is None


async def test_no_other_institution_has_these_forms(editor: Browser) -> None:
    draft = await begun(editor)
    record = (await editor.ask(f"{draft}/record?did={SHIPYARD}")).text
    assert "Who must sign" not in record
    assert "Tables of levels" not in record
    for kind in ("crosswalks", "signatories"):
        assert (await editor.ask(f"{draft}/statement?did={SHIPYARD}&kind={kind}&at=new")).status == 400


async def test_a_version_that_parties_sign_is_signed_at_the_desk(
    editor: Browser, approver: Browser, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    party, stranger = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    kid, own = DidUrl.parse(f"{SHIPYARD}#key-1"), place.key.resolve

    async def resolve(did_url: DidUrl) -> bytes:
        if did_url.did == AUTHORITY:
            return await own(did_url)
        if did_url != kid:
            raise ResolutionError("there is no such key")
        return party.public_key().public_bytes_raw()

    monkeypatch.setattr(place.publication, "resolve_key", resolve)
    draft = await begun(editor, "Employers sign with us")
    name = await name_of(place, str(SHIPYARD))
    more = (("parties.1.name", name), ("parties.1.kind", "employers"), ("parties.1.did", name))
    await sent(editor, draft, f"{SIGNING}&at=new", *more, threshold="2")
    await editor.send(f"{draft}/submit")
    page = (await approver.ask(draft)).text
    fields = {key: page.partition(f'name="{key}" value="')[2].partition('"')[0] for key in ("revision", "digest")}
    await approver.send(f"{draft}/approve", **fields)
    text = (await editor.ask(draft)).text
    assert "Signatures of the parties" in text
    assert name in text
    to_sign = (await editor.ask(f"{draft}/to-sign")).text.encode()

    async def hand_in(key: Ed25519PrivateKey, body: bytes) -> int:
        async def sign(message: bytes) -> bytes:
            return key.sign(message)

        form = aiohttp.FormData({"form_token": await editor.form_token()})
        form.add_field("signed", await sign_as_party(body, kid, sign), filename="signed.jws")
        return (await editor.ask(f"{draft}/signature", method="POST", data=form)).status

    assert await hand_in(stranger, to_sign) >= 400
    assert await hand_in(party, to_sign.replace(name.encode(), name.upper().encode())) >= 400
    assert "These have signed" not in (await editor.ask(draft)).text
    assert await hand_in(party, to_sign) == 303
    kept = await place.desk.drafts.get(draft.rpartition("/")[2])
    assert (kept.state, kept.version) == (DraftState.PUBLISHED, 2)
    assert (await editor.ask(f"{draft}/to-sign")).status == 409


async def name_of(place: Place, did: str) -> str:
    record = await (await place.publication.published()).record(did)
    assert record is not None
    return str(record["description"]["name"])
