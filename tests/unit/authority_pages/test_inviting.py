"""Invitations at the desk: letters and lists with codes that are shown once, and who may make them."""

import csv
import io
import re

import pytest
from tests.unit.authority_pages.conftest import Browser
from tests.unit.authority_pages.place import Place, full_payload
from tests.vectors.make_listing_vectors import SOUND

from wanderbuch.governance.form.model import LISTING
from wanderbuch.governance.signed.check_in import CheckInCode

LISTED = {"P01/0142": SOUND, "P01/0143": {"name": "=cmd()", "email": "office@galle.test"}}


@pytest.fixture(autouse=True)
async def listed(place: Place) -> None:
    payload = full_payload()
    payload["version"] = payload["participants"]["version"] = 2
    payload["participants"]["entries"][LISTING] = LISTED
    await place.publish(payload)


async def test_letters_with_codes_are_shown_once(editor: Browser, place: Place) -> None:
    page = (await editor.ask("/desk/en/invitations")).text
    assert page.count(" checked> ") >= 2
    letters = await editor.send(
        "/desk/en/invitations", register_id="P01/0142", ends_on="2026-12-31", **{"as": "letters"}
    )
    assert letters.status == 200
    [code] = re.findall(r"(?:[0-9A-Z]{4}-){4}[0-9A-Z]{4}", letters.text)
    assert CheckInCode.parse(code).shown == code
    assert "no-store" in letters.headers["Cache-Control"]
    after = (await editor.ask("/desk/en/invitations")).text
    assert code not in after
    assert "Open" in after
    [made] = await place.applications.invitations.all()
    assert (made.register_id, made.invited_by) == ("P01/0142", "e.perera")


async def test_a_list_for_the_own_mailing_holds_no_formula(editor: Browser) -> None:
    sent = await editor.ask(
        "/desk/en/invitations",
        method="POST",
        data=[
            ("form_token", await editor.form_token()),
            ("register_id", "P01/0142"),
            ("register_id", "P01/0143"),
            ("ends_on", "2026-12-31"),
            ("as", "csv"),
        ],
    )
    assert sent.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(sent.text.removeprefix("\ufeff"))))
    assert [row[0] for row in rows] == ["register_id", "P01/0142", "P01/0143"]
    assert rows[2][1:3] == ["'=cmd()", "office@galle.test"]
    assert all(CheckInCode.parse(row[3]) for row in rows[1:])


async def test_an_approver_sees_them_and_invites_nobody(approver: Browser, place: Place) -> None:
    page = (await approver.ask("/desk/en/invitations")).text
    assert 'name="register_id"' not in page
    refused = await approver.send("/desk/en/invitations", register_id="P01/0142", ends_on="2026-12-31")
    assert refused.status == 403
    assert await place.applications.invitations.all() == []


async def test_the_desk_says_who_withdrew_an_invitation(editor: Browser, approver: Browser, place: Place) -> None:
    page = "/desk/en/invitations"
    assert (await editor.send(page, register_id="P01/0142", ends_on="2026-12-31", **{"as": "letters"})).status == 200
    [open_one] = await place.applications.invitations.all()
    assert "<p>Withdrawn: " not in (await approver.ask(page)).text
    assert (await editor.send(f"{page}/withdraw", id=open_one.id)).status == 303
    [withdrawn] = await place.applications.invitations.all()
    editors = [one.name for one in await place.desk.officials.all() if one.id == withdrawn.withdrawn_by]
    assert f"<p>Withdrawn: <bdi>{editors[0]}</bdi>, " in (await approver.ask(page)).text
