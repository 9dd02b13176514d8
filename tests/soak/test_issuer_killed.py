"""Power cuts at the issuer: while it becomes ready, while it signs, and while it revokes."""

import asyncio
import base64
import itertools
import json
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.soak.power import cuts, patiently
from tests.soak.relay import Relay, thread
from tests.soak.village import Village, ready_to_issue

from wanderbuch.agents.machine import AppError

OFFERS = 24
REVOKED = 16
CUTS = 7
DEADLINE_S = 100


@pytest.fixture
async def village(tmp_path: Path) -> AsyncIterator[Village]:
    village = Village(tmp_path / "village", centre={"registry_size": 16}, worker={"offer_deadline_s": 200})
    try:
        yield village
    finally:
        await village.machine.stop()


@pytest.fixture
async def relays(village: Village) -> AsyncIterator[tuple[Relay, Relay]]:
    """Before the wallet, and before the centre, which answers on the wallet's own connections too."""
    relays = Relay(village.machine, village.worker), Relay(village.machine, village.centre)
    for relay in relays:
        await relay.start()
    yield relays
    for relay in relays:
        await relay.close()


async def test_one_credential_for_one_offer_whenever_the_power_fails(
    village: Village, relays: tuple[Relay, Relay], rng: random.Random, tell: Callable[[str], None]
) -> None:
    await village.open()
    offers = [await village.offer(deadline_s=DEADLINE_S) for _ in range(OFFERS)]

    async def accept() -> None:
        async with asyncio.TaskGroup() as group:
            for _, received in offers:
                group.create_task(accepted(village, received))
                await asyncio.sleep(rng.uniform(0, 2.2))

    async with asyncio.TaskGroup() as group:
        group.create_task(accept())
        group.create_task(cuts(village.centre, rng, times=CUTS, within_s=(0.5, 7.0)))
    await settled(village, offers)
    shown = [await village.centre.get(f"/offers/{made}") for made, _ in offers]
    in_wallet = [await village.worker.get(f"/offers/{received}") for _, received in offers]
    used = sum(registry["used"] for registry in (await village.centre.get("/standing"))["registries"])
    await village.worker.stop()
    sent = await credentials_sent(village, *relays)

    counted = Counter(
        (ours["state"], ours["receipt"], theirs["state"]) for ours, theirs in zip(shown, in_wallet, strict=True)
    )
    tell(f"{dict(counted)}; {used} places used; most sendings of one credential: {max(map(len, sent.values()))}")
    assert {thread_id: len(set(of_thread)) for thread_id, of_thread in sent.items() if len(set(of_thread)) > 1} == {}
    places = Counter((offer["registry"], offer["index"]) for offer in shown if offer["state"] == "ISSUED")
    assert [place for place, number in places.items() if number > 1] == []
    places_sent = Counter(place for of_thread in sent.values() for place in set(of_thread))
    assert set(places_sent) == set(places)
    assert max(places_sent.values()) == 1
    assert set(counted) <= {("ISSUED", "KEPT", "RECEIVED"), ("NO_ANSWER", "NONE", "ACCEPTED")}
    assert counted["ISSUED", "KEPT", "RECEIVED"] >= OFFERS // 2


async def test_revocations_are_published_once_whenever_the_power_fails(
    village: Village, rng: random.Random, tell: Callable[[str], None]
) -> None:
    await village.open()
    issued = [await village.issue() for _ in range(OFFERS)]
    chosen = rng.sample(issued, REVOKED)
    answers: dict[str, dict[str, Any]] = {}

    async def revoke(offer_id: str) -> None:
        while offer_id not in answers:
            answer = await patiently(lambda: village.centre.post(f"/credentials/{offer_id}/revoke"))
            if answer["published"]:
                answers[offer_id] = answer

    async def revoke_all() -> None:
        async with asyncio.TaskGroup() as group:
            for made, _ in chosen:
                group.create_task(revoke(made))
                await asyncio.sleep(rng.uniform(0, 2.5))

    async with asyncio.TaskGroup() as group:
        group.create_task(revoke_all())
        group.create_task(cuts(village.centre, rng, times=CUTS, within_s=(0.5, 6.0)))
    revoked = {credential for _, credential in chosen}
    shown = {
        credential_id: (await village.worker.get(f"/credentials/{credential_id}"))["revocation"]
        for _, credential_id in issued
    }
    for made, _ in chosen:
        view = await village.centre.get(f"/offers/{made}")
        assert (view["state"], view["revocation"]["state"]) == ("REVOKED", "PUBLISHED")
        assert view["revocation"]["listed_at"] == answers[made]["listed_at"]
    lists = status_lists(village.centre.data / "public")
    tell(f"{len(chosen)} revoked in {sum(map(len, lists.values()))} lists of {len(lists)} registries")
    assert {credential_id for credential_id, state in shown.items() if state == "revoked"} == revoked
    assert {credential_id for credential_id, state in shown.items() if state == "valid"} == set(shown) - revoked
    for history in lists.values():
        stamps = [stamp for stamp, _ in history]
        assert len(set(stamps)) == len(stamps)
        for (_, before), (_, after) in itertools.pairwise(history):
            assert before < after  # each list revokes more than the one before, and takes nothing back
    assert sum(len(history[-1][1]) for history in lists.values()) == REVOKED


async def test_coming_to_stand_goes_on_where_the_power_failed(
    village: Village, rng: random.Random, tell: Callable[[str], None]
) -> None:
    await village.open_authority()
    centre = village.centre
    await centre.start(wait=False)
    seen: set[tuple[str, str | None]] = set()
    for _ in range(10):
        await asyncio.sleep(rng.uniform(0.8, 4.5))
        try:
            standing = await centre.get("/standing")
            seen.add((standing["did"], standing["cred_def_id"]))
        except (AppError, OSError):
            pass
        await centre.kill()
        await centre.start(wait=False)
    await centre.wait_ready()
    standing = await ready_to_issue(centre)
    await village.employer.start()
    await village.publish_first()
    await village.worker.start()
    await village.issue()
    states = Counter(registry["state"] for registry in (await centre.get("/standing"))["registries"])
    kinds = Counter(kind for kind, _ in resources(centre.data / "public"))
    tell(f"registries {dict(states)}; published {dict(kinds)}")
    assert {did for did, _ in seen} <= {standing["did"]}
    assert {cred_def_id for _, cred_def_id in seen} - {None} <= {standing["cred_def_id"]}
    assert states["ACTIVE"] == 1
    assert states["SPARE"] >= 1


async def accepted(village: Village, received: str) -> None:
    """Accept an offer; while the issuer is away the wallet may not be able to check it, and says so."""
    async with asyncio.timeout(120):
        while True:
            try:
                await patiently(lambda: village.worker.post(f"/offers/{received}/accept"))
            except AppError as err:
                if err.problem.get("judgement", {}).get("verdict") != "UNKNOWN":
                    raise
                await asyncio.sleep(1)
            else:
                return


async def settled(village: Village, offers: list[tuple[str, str]]) -> None:
    """Wait until each offer has ended with the issuer, and the wallet's word has come for what was issued."""
    async with asyncio.timeout(DEADLINE_S + 90):
        for made, _ in offers:
            while not await has_ended(village, made):  # noqa: ASYNC110 (the API has no events)
                await asyncio.sleep(0.5)


async def has_ended(village: Village, made: str) -> bool:
    """Whether nothing more is expected of an offer."""
    view = await patiently(lambda: village.centre.get(f"/offers/{made}"))
    return view["state"] != "OPEN" and (view["state"], view["receipt"]) != ("ISSUED", "NONE")


async def credentials_sent(village: Village, to_worker: Relay, to_centre: Relay) -> dict[str, list[tuple[str, int]]]:
    """Return thread -> the place of each credential that was sent to the wallet, delivered or not."""
    places_by_thread = defaultdict(list)
    for message in [*await to_worker.messages(acknowledged=False), *await to_centre.answers(village.worker)]:
        if message["@type"].endswith("/issue-credential"):
            credential = json.loads(base64.b64decode(message["credentials~attach"][0]["data"]["base64"]))
            index = credential["signature"]["r_credential"]["i"]
            places_by_thread[thread(message)].append((credential["rev_reg_id"], index))
    return places_by_thread


def resources(public: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the kind and content of every published resource."""
    contents = []
    for path in public.glob("**/resources/*"):
        resource = json.loads(path.read_text())
        contents.append((str(resource["metadata"]["resourceType"]), resource["content"]))
    return contents


def status_lists(public: Path) -> dict[str, list[tuple[int, frozenset[int]]]]:
    """Return registry -> its published lists, oldest first: the timestamp and the places revoked."""
    lists_by_registry = defaultdict(list)
    for _, content in resources(public):
        if "revocationList" in content:
            revoked = frozenset(index for index, bit in enumerate(content["revocationList"]) if bit)
            lists_by_registry[content["revRegDefId"]].append((int(content["timestamp"]), revoked))
    return {registry: sorted(lists) for registry, lists in lists_by_registry.items()}
