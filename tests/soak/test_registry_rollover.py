"""Many offers accepted at once, with registries that hold only a few credentials."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.soak.village import Village

OFFERS = 60
REGISTRY_SIZE = 12


@pytest.fixture
async def village(tmp_path: Path) -> AsyncIterator[Village]:
    village = Village(tmp_path / "village", centre={"registry_size": REGISTRY_SIZE})
    try:
        await village.open()
        yield village
    finally:
        await village.machine.stop()


async def test_sixty_credentials_at_once_each_take_a_place_of_their_own(
    village: Village, tell: Callable[[str], None]
) -> None:
    offers = [await village.offer(deadline_s=900) for _ in range(OFFERS)]
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(village.worker.post(f"/offers/{received}/accept") for _, received in offers))
    async with asyncio.timeout(600):
        while await open_offers(village):  # noqa: ASYNC110 (the API has no events)
            await asyncio.sleep(0.5)
    took = asyncio.get_running_loop().time() - began
    shown = [await village.centre.get(f"/offers/{made}") for made, _ in offers]
    counted = Counter((offer["state"], offer["receipt"]) for offer in shown)
    places = Counter((offer["registry"], offer["index"]) for offer in shown)
    registries = (await village.centre.get("/standing"))["registries"]
    tell(
        f"{dict(counted)} in {took:.0f} s, in {len({offer['registry'] for offer in shown})} registries; "
        f"now {[(registry['state'], registry['used']) for registry in registries]}"
    )
    assert counted == {("ISSUED", "KEPT"): OFFERS}
    assert [place for place, number in places.items() if number > 1] == []
    assert None not in {index for _, index in places}
    assert len({registry for registry, _ in places}) >= OFFERS // (REGISTRY_SIZE - 1)
    in_wallet = [await village.worker.get(f"/offers/{received}") for _, received in offers]
    assert {offer["state"] for offer in in_wallet} == {"RECEIVED"}
    wallet = (await village.worker.get("/credentials"))["items"]
    assert len({credential["id"] for credential in wallet}) == OFFERS


async def open_offers(village: Village) -> int:
    """Return how many offers are neither over nor confirmed."""
    items = (await village.worker.get("/offers"))["items"]
    waiting = sum(item["state"] in {"OPEN", "ACCEPTED"} for item in items)
    return waiting + len((await village.centre.get("/offers", state="OPEN"))["items"])
