"""The cases of `test_doubles` that are about a centre's batches."""

import base64
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from tests.flow.desk_doubles import people_cases
from tests.flow.doubles import Calls, Case, Effect, Place

from wanderbuch.agents.demo.example import example_claim

NO_SERVER = {"host": "localhost", "port": 1, "security": "none", "sender": "slips@centre.example"}
"""A mail server at which nobody listens."""
OWN = ("credential_id", "family_name", "given_names", "birth_date")


def class_list() -> dict[str, Any]:
    """Return a class list as it is sent, of two people whom no other list has."""
    text = "Certificate No,Surname,First names,Date of birth\r\n" + "".join(
        f"{secrets.token_hex(6)},Perera,{given},1991-03-05\r\n" for given in ("Nimal", "Amal")
    )
    for_all = {name: value for name, value in example_claim().items() if name not in (*OWN, "award_year")}
    return {"list": base64.b64encode(text.encode()).decode(), "for_all": for_all}


async def made(place: Place, *steps: str) -> str:
    """Return the id of a batch with which some steps were taken."""
    batch = await place.centre.post("/batches", {"title": "Class", "list": class_list(), "access": "in-person"})
    for step in steps:
        await place.centre.post(f"/batches/{batch['batch']['id']}/{step}")
    return str(batch["batch"]["id"])


async def read_list(_: Place) -> Calls:
    return Calls("/class-lists/read", class_list(), Effect.EACH)


async def make(_: Place) -> Calls:
    return Calls("/batches", {"title": "Class", "list": class_list(), "access": "in-person"}, Effect.ONCE)


def moving(step: str, *before: str) -> Callable[[Place], Awaitable[Calls]]:
    """Return the case of a step with a batch."""
    states = {"start": "RUNNING", "pause": "PAUSED", "resume": "RUNNING", "cancel": "CANCELLED"}

    async def case(place: Place) -> Calls:
        batch = await made(place, *before)

        async def check() -> None:
            assert (await place.centre.get(f"/batches/{batch}"))["batch"]["state"] == states[step]
            events = (await place.centre.get("/v1/events", limit="500"))["items"]
            told = [event["body"]["state"] for event in events if event["subject"] == batch]
            assert told == ["READY", *(states[one] for one in (*before, step))]

        return Calls(f"/batches/{batch}/{step}", effect=Effect.SAME, check=check)

    return case


async def extend(place: Place) -> Calls:
    return Calls(f"/batches/{await made(place)}/extend", {"claim_until": "2099-01-01T00:00:00Z"})


async def remove(place: Place) -> Calls:
    return Calls(f"/batches/{await made(place, 'cancel')}", effect=Effect.ANY)


async def retry(place: Place) -> Calls:
    return Calls(f"/batches/{await made(place, 'start')}/rows/2/retry")


async def leave_out(place: Place) -> Calls:
    return Calls(f"/batches/{await made(place, 'start')}/rows/2/leave-out")


async def edit(place: Place) -> Calls:
    batch = await made(place, "start")
    row = f"/batches/{batch}/rows/2"
    claim = {**(await place.centre.get(row))["claim"], "family_name": "Pereira"}

    async def check() -> None:
        assert (await place.centre.get(row))["claim"] == claim

    return Calls(f"{row}/edit", {"claim": claim}, check=check)


CONSENT = {"because": "under-age", "relation": "guardian", "consenting": "both", "given_on": "2026-01-05"}


async def consent(place: Place) -> Calls:
    row = f"/batches/{await made(place, 'start')}/rows/2"

    async def check() -> None:
        told = await place.centre.get(f"{row}/consent")
        assert {name: told[name] for name in CONSENT} == CONSENT

    return Calls(f"{row}/consent", CONSENT, Effect.ANY, check=check)


async def consent_taken_back(place: Place) -> Calls:
    row = f"/batches/{await made(place, 'start')}/rows/2"
    await place.centre.post(f"{row}/consent", CONSENT)
    return Calls(f"{row}/consent/withdraw", effect=Effect.ANY)


async def renew(place: Place) -> Calls:
    batch = await made(place, "start")

    async def check() -> None:
        assert (await place.centre.get(f"/batches/{batch}/rows/2"))["slip"]["slips"] == 2

    return Calls(f"/batches/{batch}/rows/2/renew", {"slips": 1}, check=check)


async def written_to(place: Place) -> str:
    """Return the id of a batch whose people can be reached."""
    sent = class_list()
    lines = base64.b64decode(sent["list"]).decode().splitlines()
    mailed = "\r\n".join([f"{lines[0]},Mail", *(f"{line},p{at}@example.org" for at, line in enumerate(lines[1:]))])
    sent |= {"list": base64.b64encode(mailed.encode()).decode(), "mapping": {"Mail": "contact_email"}}
    batch = await place.centre.post("/batches", {"title": "Class", "list": sent, "access": "pin"})
    await place.centre.post(f"/batches/{batch['batch']['id']}/start")
    return str(batch["batch"]["id"])


async def mail(place: Place) -> Calls:
    batch = await written_to(place)

    async def check() -> None:
        assert (await place.centre.get(f"/batches/{batch}/mail"))["is_on"]

    return Calls(f"/batches/{batch}/mail", {"remind_days": 7}, Effect.ANY, check=check)


async def end_mail(place: Place) -> Calls:
    batch = await written_to(place)
    await place.centre.post(f"/batches/{batch}/mail", {})

    async def check() -> None:
        assert not (await place.centre.get(f"/batches/{batch}/mail"))["is_on"]

    return Calls(f"/batches/{batch}/mail/end", effect=Effect.ANY, check=check)


async def mail_again(place: Place) -> Calls:
    batch = await written_to(place)
    await place.centre.post(f"/batches/{batch}/mail", {})
    return Calls(f"/batches/{batch}/rows/2/mail", effect=Effect.ANY)


async def hand_over(place: Place) -> Calls:
    """Nobody is named to go on: it is refused, and the batch goes on."""
    batch = await made(place, "start")

    async def check() -> None:
        assert (await place.centre.get(f"/batches/{batch}"))["batch"]["state"] == "RUNNING"

    return Calls(f"/batches/{batch}/hand-over", {"after": 0}, Effect.ANY, check=check)


async def hand_over_anew(place: Place) -> Calls:
    """It was never handed over: it is refused, and the batch goes on."""
    batch = await made(place, "start")

    async def check() -> None:
        assert (await place.centre.get(f"/batches/{batch}"))["batch"]["state"] == "RUNNING"

    return Calls(f"/batches/{batch}/hand-over-anew", {"it_has_none": True}, Effect.ANY, check=check)


async def rows_here(place: Place) -> Calls:
    return Calls("/take-overs/rows-here", {"centre": (await place.centre.get("/standing"))["did"]}, Effect.ANY)


async def read_open_rows(_: Place) -> Calls:
    return Calls("/take-overs/read", {"file": "{}"}, Effect.ANY)


async def take_over(_: Place) -> Calls:
    return Calls("/take-overs", {"file": "{}", "access": "pin"}, Effect.ANY)


BATCH_CASES: list[tuple[str, str, str, Case]] = [
    ("centre", "POST", "/class-lists/read", read_list),
    ("centre", "POST", "/batches", make),
    ("centre", "POST", "/batches/{id}/start", moving("start")),
    ("centre", "POST", "/batches/{id}/pause", moving("pause", "start")),
    ("centre", "POST", "/batches/{id}/resume", moving("resume", "start", "pause")),
    ("centre", "POST", "/batches/{id}/cancel", moving("cancel", "start")),
    ("centre", "POST", "/batches/{id}/extend", extend),
    ("centre", "DELETE", "/batches/{id}", remove),
    ("centre", "POST", "/batches/{id}/mail", mail),
    ("centre", "POST", "/batches/{id}/mail/end", end_mail),
    ("centre", "POST", "/batches/{id}/hand-over", hand_over),
    ("centre", "POST", "/batches/{id}/hand-over-anew", hand_over_anew),
    ("centre", "POST", "/take-overs/rows-here", rows_here),
    ("centre", "POST", "/take-overs/read", read_open_rows),
    ("centre", "POST", "/take-overs", take_over),
    ("centre", "POST", "/batches/{id}/rows/{number}/mail", mail_again),
    ("centre", "POST", "/batches/{id}/rows/{number}/retry", retry),
    ("centre", "POST", "/batches/{id}/rows/{number}/leave-out", leave_out),
    ("centre", "POST", "/batches/{id}/rows/{number}/edit", edit),
    ("centre", "POST", "/batches/{id}/rows/{number}/renew", renew),
    ("centre", "POST", "/batches/{id}/rows/{number}/consent", consent),
    ("centre", "POST", "/batches/{id}/rows/{number}/consent/withdraw", consent_taken_back),
    *people_cases("centre", "clerk"),
]
