"""What a centre does with what it has issued, ten times at once."""

from tests.flow.doubles import Calls, Case, Effect, Place, call


async def search(_: Place) -> Calls:
    return Calls("/register/search", {"name": "perera", "limit": 5}, Effect.EACH)


async def export(_: Place) -> Calls:
    return Calls("/register/export", {"number": "LK-1"}, Effect.EACH)


async def revoke_many(place: Place) -> Calls:
    offer_id, _ = await place.village.issue()

    async def check() -> None:
        offer = await place.centre.wait_for(f"/offers/{offer_id}", "state", "REVOKED")
        assert offer["revocation"]["reason"] == "mistake"

    body = {"credentials": [offer_id, "nobody"], "reason": "mistake"}
    return Calls("/revocations", body, Effect.EACH, check=check)


async def publish_counts(_: Place) -> Calls:
    return Calls("/counts/2024-02/publish", effect=Effect.ANY)


async def erase(place: Place) -> Calls:
    offer_id, _ = await place.village.issue(given_names="Erased")  # its number is never given again

    async def check() -> None:
        status, _ = await call(place.centre, "GET", f"/offers/{offer_id}", None, None)
        assert status == 404

    return Calls(f"/register/{offer_id}/erase", effect=Effect.ANY, check=check)


async def access(place: Place) -> Calls:
    offer_id, _ = await place.village.issue()
    return Calls(f"/register/{offer_id}/access", effect=Effect.EACH)


async def revoke_erased(_: Place) -> Calls:
    return Calls("/register/erased/revoke", {"number": "none", "reason": "mistake"}, Effect.ANY)


REGISTER_CASES: list[tuple[str, str, str, Case]] = [
    ("centre", "POST", "/register/search", search),
    ("centre", "POST", "/register/export", export),
    ("centre", "POST", "/revocations", revoke_many),
    ("centre", "POST", "/counts/{period}/publish", publish_counts),
    ("centre", "POST", "/register/{id}/erase", erase),
    ("centre", "POST", "/register/{id}/access", access),
    ("centre", "POST", "/register/erased/revoke", revoke_erased),
]
