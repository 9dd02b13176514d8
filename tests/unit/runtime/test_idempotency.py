"""A call with an `Idempotency-Key` makes one thing, however often and wherever it is sent."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from acapy_agent.core.profile import Profile
from tests.processes import Process, Processes

from wanderbuch.agents.runtime import idempotency
from wanderbuch.agents.runtime.app import ApiModel, Call, MadeAndGoneError, Once
from wanderbuch.agents.runtime.idempotency import (
    KEPT_FOR,
    KeyReusedError,
    KeysFullError,
    UsedKey,
    answered_once,
    forget_keys,
    key_of,
)
from wanderbuch.agents.runtime.problems import MalformedError, NotReadyError, RefusedError
from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.store.records import RecordStore, utc_now

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


class Body(ApiModel):
    name: str


class Made(ApiModel):
    id: str


class Shop:
    """Makes things under the ids it gets, and shows what it has."""

    def __init__(self) -> None:
        self.made: list[str] = []

    async def make(self, once: Once) -> Made:
        if once.id not in self.made:
            self.made.append(Call({}, {}, None, once=once).new_id or "")
        return Made(id=once.id)


async def sent(
    profile: Profile,
    make: Callable[[Once], Awaitable[Made]],
    *,
    key: str = KEY,
    place: str = "POST shop /things",
    caller: str = "operator",
    name: str = "x",
) -> Made:
    return await answered_once(profile, key, place=place, caller=caller, body=Body(name=name), make=make)


@pytest.mark.parametrize("header", [KEY, f'"{KEY}"', f" {KEY} ", "order:2026/17~a"])
def test_reads_a_key(header: str) -> None:
    assert key_of(header) == header.strip().strip('"')


@pytest.mark.parametrize("header", ["", "short", "with space", "é" * 9, "x" * 201, 'a"b"cdefgh'])
def test_refuses_what_is_no_key(header: str) -> None:
    with pytest.raises(MalformedError):
        key_of(header)


async def test_the_same_call_makes_one_thing(wallet: WalletProfile) -> None:
    shop = Shop()
    first = await sent(wallet, shop.make)
    assert await sent(wallet, shop.make) == first
    assert shop.made == [first.id]


async def test_ten_at_once_make_one_thing(wallet: WalletProfile) -> None:
    shop = Shop()
    answers = await asyncio.gather(*(sent(wallet, shop.make) for _ in range(10)))
    assert shop.made == [answers[0].id]
    assert set(map(str, answers)) == {str(answers[0])}


async def test_another_body_is_refused_and_says_what_to_do(wallet: WalletProfile) -> None:
    shop = Shop()
    await sent(wallet, shop.make)
    with pytest.raises(KeyReusedError, match="another body") as caught:
        await sent(wallet, shop.make, name="y")
    assert "new key" in (caught.value.hint or "")
    assert len(shop.made) == 1


@pytest.mark.parametrize("other", [{"key": "another-key"}, {"place": "POST shop /others"}, {"caller": "clerk"}])
async def test_a_key_is_of_its_caller_and_its_route(wallet: WalletProfile, other: dict[str, str]) -> None:
    shop = Shop()
    await sent(wallet, shop.make)
    await sent(wallet, shop.make, name="y", **other)
    assert len(set(shop.made)) == 2


async def test_a_crash_after_it_was_made_makes_no_other(wallet: WalletProfile) -> None:
    shop = Shop()

    async def cut(once: Once) -> Made:
        await shop.make(once)
        raise asyncio.CancelledError  # as a process that is killed: nothing after it runs

    with pytest.raises(asyncio.CancelledError):
        await sent(wallet, cut)
    assert (await sent(wallet, shop.make)).id == shop.made[0]
    assert len(shop.made) == 1


async def test_what_failed_for_a_while_goes_on_under_its_id(wallet: WalletProfile) -> None:
    shop, ids = Shop(), []

    async def away(once: Once) -> Made:
        ids.append(once.id)
        raise NotReadyError("the store is away")

    with pytest.raises(NotReadyError):
        await sent(wallet, away)
    assert [(await sent(wallet, shop.make)).id] == ids


async def test_a_refused_call_leaves_its_key_free(wallet: WalletProfile) -> None:
    async def refuse(_: Once) -> Made:
        raise RefusedError("no")

    with pytest.raises(RefusedError):
        await sent(wallet, refuse)
    shop = Shop()
    await sent(wallet, shop.make, name="corrected")
    assert len(shop.made) == 1


async def test_what_was_made_and_removed_is_not_made_again(wallet: WalletProfile) -> None:
    shop = Shop()
    await sent(wallet, shop.make)
    shop.made.clear()
    with pytest.raises(MadeAndGoneError):
        await sent(wallet, shop.make)
    assert shop.made == []


async def test_a_key_is_forgotten_after_its_day_and_not_before(wallet: WalletProfile) -> None:
    shop = Shop()
    first = await sent(wallet, shop.make)
    await forget_keys([wallet], utc_now())
    assert await sent(wallet, shop.make) == first
    await forget_keys([wallet], utc_now() + KEPT_FOR + timedelta(seconds=1))
    assert await RecordStore(wallet, UsedKey).find() == []


async def test_keys_have_a_most(wallet: WalletProfile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "MOST_KEYS", 1)
    shop = Shop()
    await sent(wallet, shop.make)
    with pytest.raises(KeysFullError):
        await sent(wallet, shop.make, key="another-key")
    await sent(wallet, shop.make)
    assert len(shop.made) == 1


async def test_nothing_of_a_key_or_a_body_is_kept(wallet: WalletProfile) -> None:
    await sent(wallet, Shop().make, key="order-of-nimal-perera", name="secret")
    (used,) = await RecordStore(wallet, UsedKey).find()
    assert "nimal" not in used.model_dump_json()
    assert "secret" not in used.model_dump_json()


@pytest.mark.needs("postgresql")
async def test_two_processes_make_one_thing(processes: Processes) -> None:
    shop = Shop()

    async def step(process: Process) -> None:
        await sent(process.profile, shop.make)

    assert set(await processes.at_once(step)) == {None}
    assert len(shop.made) == 1
