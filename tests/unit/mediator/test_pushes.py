"""Web Push: a wallet that is away is told that something waits, by a push service that learns nothing else."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.unit.mediator.conftest import LIMITS, Start
from tests.unit.mediator.phones import WAIT_S, Json, Phone, Site, attached, message, write
from tests.unit.mediator.push_service import (
    CURVE,
    HOST,
    PushService,
    Subscribed,
    b64,
    check_vapid,
    decrypt_push,
    push_service,
    unb64,
)

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.mediator.errors import MediationError
from wanderbuch.agents.mediator.office import MediatorOffice
from wanderbuch.agents.mediator.pushing import telling
from wanderbuch.agents.mediator.pushing.message import CONTENT, Services, Subscription
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.store.tables import tables_of

FAMILY = "push-notifications-webpush/1.0"


@pytest.fixture
async def service(
    machine: LocalMachine, handle: AgentHandle, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[PushService]:
    """A push service that the mediator, once begun, knows."""
    monkeypatch.setattr(telling, "PAUSE_S", 0.01)
    monkeypatch.setattr(telling, "_LEFT_ALONE_S", (0.01,))
    async with push_service(machine) as service:
        handle.configure(mediator={**LIMITS, "push_services": [HOST]})
        handle.write_config()
        yield service


def office_of(mediator: RunningAgent) -> MediatorOffice:
    office = mediator.tenant.offices["mediator"]
    assert isinstance(office, MediatorOffice)
    return office


async def ask(phone: Phone, kind: str, **members: object) -> Json:
    answer = await phone.ask(message(f"{FAMILY}/{kind}", **members))
    assert answer is not None
    return answer


async def subscribed(phone: Phone, service: PushService, name: str) -> Subscribed:
    subscription = service.subscribe(name)
    info = await ask(phone, "set-device-info", **subscription.members)
    assert info["endpoint"] == subscription.endpoint
    return subscription


def test_the_decryption_of_these_tests_is_that_of_the_rfc() -> None:
    """RFC 8291, section 5."""
    secret = int.from_bytes(unb64("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"))
    body = unb64(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
        "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    opened = decrypt_push(body, ec.derive_private_key(secret, CURVE), unb64("BTBZMqHH6r4Tts7J_aSIgg"))
    assert opened == b"When I grow up, I want to be a watermelon"


async def test_a_wallet_that_is_away_is_told_once_until_it_comes(
    service: PushService, begin: Start, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mediator = await begin()
    phone = await Phone.mediated(site)
    key, subscription = await phone.new_key(), await subscribed(phone, service, "a-phone")
    info = await ask(phone, "get-device-info")
    assert await write(phone, key) == 200
    path, headers, body = await service.next()
    assert path == "/a-phone"
    assert decrypt_push(body, subscription.key, subscription.auth) == CONTENT
    claims = check_vapid(headers["authorization"], info["server_key"])
    assert claims["aud"] == f"https://{HOST}"
    assert claims["sub"].startswith("https://mediator.")
    assert (headers["content-encoding"], headers["topic"], int(headers["ttl"]) > 0) == ("aes128gcm", "waiting", True)
    assert await write(phone, key) == 200  # it knows that something waits
    subscriptions = office_of(mediator).subscriptions
    wallets = [row[0] for row in await tables_of(mediator.profile).engine.run("SELECT id FROM mediated")]
    assert await subscriptions.take(wallets) == []  # nor does any other process tell it
    await phone.status()
    assert await write(phone, key) == 200
    await service.next()
    assert service.came.empty()
    log = "\n".join(json.dumps(record.__dict__, default=str) for record in caplog.records)
    rows = await tables_of(mediator.profile).engine.run("SELECT * FROM mediated_push")
    for text in (log, repr(rows)):
        assert "a-phone" not in text
        assert HOST not in text


async def test_a_wallet_that_is_there_is_not_told(service: PushService, begin: Start, site: Site) -> None:
    mediator = await begin()
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    await subscribed(phone, service, "a-phone")
    async with phone.live() as live:
        await live.next("status")
        await write(phone, key)
        ids = [ident for ident, _ in attached(await live.next("delivery"))]
        pushes = office_of(mediator).pushes
        assert pushes is not None
        assert pushes._wallets == {}
        await live.acknowledge(*ids)
        await live.next("status")
    await write(phone, key)
    await service.next()


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_is_over_is_removed(
    service: PushService, begin: Start, site: Site, status: int
) -> None:
    mediator = await begin()
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    await subscribed(phone, service, "a-phone")
    service.answers.append(status)
    await write(phone, key)
    await service.next()
    pushes = office_of(mediator).pushes
    assert pushes is not None
    if (task := pushes._task) is not None:
        await task
    assert (await ask(phone, "get-device-info"))["endpoint"] is None


async def test_who_could_not_be_told_is_told_later_by_the_next_process_too(
    service: PushService, begin: Start, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    mediator = await begin()
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    await subscribed(phone, service, "a-phone")
    service.answers += [503, 500]
    await write(phone, key)
    for _ in range(3):
        await service.next()
    await phone.status()
    monkeypatch.setattr(telling, "_LEFT_ALONE_S", (3600.0,))
    service.answers.append(503)
    await write(phone, key)
    await service.next()
    await mediator.stop()
    await begin()
    await service.next()


def pushes_of(mediator: RunningAgent) -> telling.Pushes:
    pushes = office_of(mediator).pushes
    assert pushes is not None
    return pushes


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not holds():  # noqa: ASYNC110 (a task of the agent's)
            await asyncio.sleep(0.01)


async def test_a_further_failure_does_not_put_off_the_second_chance(
    service: PushService, begin: Start, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushes = pushes_of(await begin())
    phones = [await Phone.mediated(site) for _ in range(2)]
    keys = [await phone.new_key() for phone in phones]
    for number, phone in enumerate(phones):
        await subscribed(phone, service, f"phone-{number}")
    await until(lambda: pushes._task is None)
    monkeypatch.setattr(telling, "_LEFT_ALONE_S", (3600.0, 7200.0))
    service.answers.append(503)
    await write(phones[0], keys[0])
    await service.next()
    await until(lambda: pushes._walk is not None)
    planned = pushes._walk_at
    missed = len(await waiting(pushes))
    await write(phones[1], keys[1])
    async with asyncio.timeout(WAIT_S):
        while len(await waiting(pushes)) == missed or pushes._wallets:  # noqa: ASYNC110 (a task of the agent's)
            await asyncio.sleep(0.01)
    assert pushes._walk_at == planned
    assert pushes._pauses == 1


async def waiting(pushes: telling.Pushes) -> Sequence[str]:
    return await pushes._subscriptions.waiting(after="", limit=10)


async def test_pauses_grow_while_somebody_is_missed_and_begin_anew_after_that(
    service: PushService, begin: Start, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushes = pushes_of(await begin())
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    await subscribed(phone, service, "a-phone")
    await until(lambda: pushes._task is None)
    service.answers.append(503)
    await write(phone, key)
    for _ in range(2):
        await service.next()
    await until(lambda: pushes._task is None)
    assert pushes._pauses == 0
    await phone.status()
    monkeypatch.setattr(telling, "_LEFT_ALONE_S", (0.01, 0.02, 3600.0))
    service.answers += [503, 503, 503]
    await write(phone, key)
    for _ in range(3):
        await service.next()
    await until(lambda: pushes._pauses == 3)
    assert pushes._walk_at > time.monotonic() + 3000


async def test_too_much_for_one_subscription_does_not_silence_the_others(
    service: PushService, begin: Start, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "_LEFT_ALONE_S", (3600.0,))
    pushes = pushes_of(await begin())
    loud, other = await Phone.mediated(site), await Phone.mediated(site)
    loud_key, other_key = await loud.new_key(), await other.new_key()
    for name, phone in (("loud", loud), ("other", other)):
        await subscribed(phone, service, name)
    service.answers.append(429)
    await write(loud, loud_key)
    assert (await service.next())[0] == "/loud"
    await until(lambda: pushes._task is None)
    await write(other, other_key)
    assert (await service.next())[0] == "/other"


async def test_a_wallet_is_told_no_more_when_it_says_so(service: PushService, begin: Start, site: Site) -> None:
    await begin()
    phone = await Phone.mediated(site)
    await subscribed(phone, service, "a-phone")
    assert (await ask(phone, "set-device-info", endpoint=None, p256dh=None, auth=None))["endpoint"] is None
    refused = await ask(phone, "set-device-info", **Subscribed("https://elsewhere.example/x").members)
    assert refused["@type"].endswith("/problem-report")
    assert "push service" in refused["description"]["en"]
    disclosed = await phone.ask(message("discover-features/1.0/query", query="*push*"))
    assert disclosed is not None
    assert [told["pid"].rpartition("org/")[2] for told in disclosed["protocols"]] == [FAMILY]


GOOD: dict[str, Any] = Subscribed(f"https://{HOST}/x").members
POINT = unb64(GOOD["p256dh"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": f"http://{HOST}/x"},
        {"endpoint": f"https://{HOST}:8443/x"},
        {"endpoint": f"https://user@{HOST}/x"},
        {"endpoint": f"https://{HOST}.evil.example/x"},
        {"endpoint": "https://127.0.0.1/x"},
        {"endpoint": "https://evil.example/#@push.example.test"},
        {"endpoint": f"https://{HOST}/" + "x" * 1_024},
        {"endpoint": ["https://push.example.test/x"]},
        {"p256dh": b64(POINT[:-1] + bytes([POINT[-1] ^ 1]))},  # no point of the curve
        {"p256dh": b64(POINT[:33])},
        {"p256dh": 7},
        {"auth": b64(b"short")},
        {"auth": "ä" * 16},
    ],
    ids=lambda wrong: str(next(iter(wrong))),
)
def test_refuses_what_is_no_subscription_at_a_push_service(wrong: dict[str, Any]) -> None:
    services = Services((HOST, "*.wild.example"))
    assert Subscription.read(GOOD, services=services).p256dh == POINT
    with pytest.raises(MediationError):
        Subscription.read(GOOD | wrong, services=services)
