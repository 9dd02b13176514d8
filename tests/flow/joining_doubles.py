"""The cases of `test_doubles` that are about a centre's joining."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.flow.doubles import Calls, Case, Effect, Place

TOLD = {"country": "LKA"}


async def listed(place: Place) -> str:
    """Return the number of an institution that is listed from now on."""
    number = f"T/{secrets.token_hex(4)}"
    draft = await place.at_desk("POST", "/drafts", {"why": "a list"})
    listing = {"register_id": number, "listing": {"name": f"School {number}"}}
    await place.at_desk("PATCH", f"/drafts/{draft['id']}", {"records": {number: listing}})
    submitted = await place.at_desk("POST", f"/drafts/{draft['id']}/submit")
    approval = {"revision": submitted["revision"], "digest": submitted["digest"]}
    await place.at_desk("POST", f"/drafts/{draft['id']}/approve", approval)
    return number


async def invitation(place: Place) -> dict[str, Any]:
    return {"register_ids": [await listed(place)], "ends_at": (datetime.now(UTC) + timedelta(days=30)).isoformat()}


async def invite(place: Place) -> Calls:
    return Calls("/invitations", await invitation(place), Effect.EACH, place.official)


async def withdraw(place: Place) -> Calls:
    [made] = (await place.at_desk("POST", "/invitations", await invitation(place)))["items"]
    return Calls(f"/invitations/{made['invitation']['id']}/withdraw", None, Effect.SAME, place.official)


async def check_in(place: Place) -> Calls:
    [made] = (await place.at_desk("POST", "/invitations", await invitation(place)))["items"]

    async def check() -> None:
        invitations = (await place.at_desk("GET", "/invitations"))["items"]
        [used] = [one for one in invitations if one["id"] == made["invitation"]["id"]]
        assert used["state"] == "USED"

    return Calls("/joining/check-in", TOLD | {"code": made["code"]}, Effect.ONCE, check=check)


async def apply(_: Place) -> Calls:
    return Calls("/joining/apply", TOLD, Effect.EACH)


async def look(_: Place) -> Calls:
    return Calls("/joining/look", effect=Effect.EACH)


async def answer(place: Place) -> Calls:
    own = (await place.centre.post("/joining/apply", TOLD))["application"]
    await place.at_desk(
        "POST", f"/applications/{own['standing']['id']}/ask-back", {"question": "What has changed?", "revision": 0}
    )
    return Calls(f"/joining/applications/{own['id']}/answer", {"answer": "A new key"}, Effect.SAME)


JOINING_CASES: list[tuple[str, str, str, Case]] = [
    ("authority", "POST", "/invitations", invite),
    ("authority", "POST", "/invitations/{id}/withdraw", withdraw),
    ("centre", "POST", "/joining/check-in", check_in),
    ("centre", "POST", "/joining/apply", apply),
    ("centre", "POST", "/joining/look", look),
    ("centre", "POST", "/joining/applications/{id}/answer", answer),
]
