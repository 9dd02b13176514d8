"""What takes the place of a certificate, and what its worker says is wrong, ten times at once."""

from tests.flow.doubles import Calls, Case, Effect, Place


async def supersede(place: Place) -> Calls:
    offer_id, _ = await place.village.issue()

    async def check() -> None:
        offer = await place.centre.get(f"/offers/{offer_id}")
        successor = await place.centre.get(f"/credentials/{offer_id}/successor")
        assert (successor["state"], successor["past"]) == ("OFFERED", [])
        assert offer["superseded_by"] == successor["offer"]
        assert (await place.centre.get(f"/offers/{successor['offer']}"))["supersedes"] == offer_id

    return Calls(f"/credentials/{offer_id}/supersede", {"why": "lost-phone"}, check=check)


async def superseded(place: Place) -> str:
    """Return a certificate of which another one takes the place."""
    offer_id, _ = await place.village.issue()
    await place.centre.post(f"/credentials/{offer_id}/supersede", {"why": "lost-phone"})
    return offer_id


async def again(place: Place) -> Calls:
    return Calls(f"/credentials/{await superseded(place)}/successor/again")


async def drop(place: Place) -> Calls:
    return Calls(f"/credentials/{await superseded(place)}/successor/drop")


async def close(place: Place) -> Calls:
    made, received = await place.village.offer()
    await place.worker.post(f"/offers/{received}/wrong", {"wrong": ["name", "birth"]})
    await place.centre.wait_for(f"/offers/{made}", "state", "DECLINED")
    (report,) = (await place.centre.get("/reports?state=OPEN"))["items"]
    assert (report["id"], report["what"], report["next_steps"]) == (made, ["name", "birth"], ["correct"])

    async def check() -> None:
        assert (await place.centre.get("/reports?state=OPEN"))["items"] == []

    return Calls(f"/reports/{made}/close", check=check)


async def wrong(place: Place) -> Calls:
    made, received = await place.village.offer()

    async def check() -> None:
        await place.centre.wait_for(f"/offers/{made}", "state", "DECLINED")
        await place.centre.post(f"/reports/{made}/close")

    return Calls(f"/offers/{received}/wrong", {"wrong": ["other"]}, check=check)


CONSENT = {"because": "assisted", "relation": "helper", "consenting": "both", "given_on": "2026-01-05"}


async def consent(place: Place) -> Calls:
    offer_id, _ = await place.village.issue()

    async def check() -> None:
        told = await place.centre.get(f"/offers/{offer_id}/consent")
        assert {name: told[name] for name in CONSENT} == CONSENT

    return Calls(f"/offers/{offer_id}/consent", CONSENT, Effect.ANY, check=check)


async def consent_taken_back(place: Place) -> Calls:
    offer_id, _ = await place.village.issue()
    await place.centre.post(f"/offers/{offer_id}/consent", CONSENT)
    return Calls(f"/offers/{offer_id}/consent/withdraw", effect=Effect.ANY)


HOLDING_CASES: list[tuple[str, str, str, Case]] = [
    ("centre", "POST", "/credentials/{id}/supersede", supersede),
    ("centre", "POST", "/credentials/{id}/successor/again", again),
    ("centre", "POST", "/credentials/{id}/successor/drop", drop),
    ("centre", "POST", "/reports/{id}/close", close),
    ("centre", "POST", "/offers/{id}/consent", consent),
    ("centre", "POST", "/offers/{id}/consent/withdraw", consent_taken_back),
    ("worker", "POST", "/offers/{id}/wrong", wrong),
]
