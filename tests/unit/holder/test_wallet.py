"""Credentials are read once and found again for nothing, whoever else writes to the wallet; revocation is looked up."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from acapy_agent.anoncreds.holder import CATEGORY_CREDENTIAL
from acapy_agent.core.profile import Profile
from tests.memory_wallet import memory_wallet
from tests.unit.holder.asked_wallet import AskedWallet
from tests.unit.holder.offered import CONFIG

from wanderbuch.agents.holder import requests, wallet
from wanderbuch.agents.holder.fitting import Revocation
from wanderbuch.agents.holder.wallet import credentials_at_hand, get_credential, list_credentials
from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.exchange.anoncreds.objects import Objects
from wanderbuch.store.records import NotFoundError

TAGS = dict.fromkeys(
    ("schema_id", "cred_def_id", "issuer_did", "schema_issuer_did", "schema_name", "schema_version"), "x"
)


class Lists(Objects):
    """Status lists whose hosts are silent, but for those that `answering` names, which have nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.answering: set[str] = set()

    async def status_list(self, profile: Profile, registry_id: str, *, at: int | None = None) -> Any:
        self.asked.append(registry_id)
        if registry_id not in self.answering:
            await asyncio.Event().wait()
        raise ResolutionError("there is none")


@pytest.fixture
def lists() -> Lists:
    return Lists()


@pytest.fixture
async def profile(lists: Lists) -> AsyncIterator[Profile]:
    made = await memory_wallet()
    made.context.injector.bind_instance(Objects, lists)
    yield made
    await made.close()


async def put(profile: Profile, name: str, *, registry: str | None = None, index: int = 1, **tags: str) -> None:
    signed: dict[str, Any] = {"values": {"family_name": {"raw": name, "encoded": "1"}}, "signature": {}}
    if registry is not None:
        signed |= {"rev_reg_id": registry, "signature": {"r_credential": {"i": index}}}
    async with profile.session() as session:
        await session.handle.insert(CATEGORY_CREDENTIAL, name, json.dumps(signed), TAGS | tags)


async def remove(profile: Profile, name: str) -> None:
    async with profile.session() as session:
        await session.handle.remove(CATEGORY_CREDENTIAL, name)


async def names(profile: Profile) -> list[str]:
    return [credential.id for credential in await credentials_at_hand(profile)]


async def test_what_came_and_went_since_is_seen(profile: Profile) -> None:
    assert await names(profile) == []
    for number in range(20):
        await put(profile, f"c{number}")
        assert await names(profile) == [f"c{index}" for index in range(number + 1)]
    await remove(profile, "c3")
    expected = [f"c{number}" for number in range(20) if number != 3]
    assert await names(profile) == expected
    await remove(profile, "c5")  # as many as before, and another one is the newest
    await put(profile, "new")
    assert await names(profile) == [name for name in expected if name != "c5"] + ["new"]
    await remove(profile, "new")
    await put(profile, "new2")
    assert (await names(profile))[-2:] == ["c19", "new2"]
    for number in range(40):
        await put(profile, f"more{number}")
    assert len(await names(profile)) == 18 + 1 + 40


async def test_a_credential_is_read_once(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        await put(profile, f"c{number}")
    await names(profile)
    read: list[str] = []
    inner = wallet._held

    def noted(entry: Any) -> Any:
        read.append(entry.name)
        return inner(entry)

    monkeypatch.setattr(wallet, "_held", noted)
    await names(profile)
    await get_credential(profile, "c7")
    assert read == []
    await put(profile, "new")
    await names(profile)
    assert read == ["new"]


async def test_the_wallet_of_one_tenant_is_not_anothers(profile: Profile, lists: Lists) -> None:
    await put(profile, "mine")
    other = await memory_wallet()
    assert (await names(profile), await names(other)) == (["mine"], [])
    await other.close()


async def test_many_wallets_at_hand_are_bounded(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wallet, "_MOST_AT_HAND", 3)
    for number in range(5):
        await put(profile, f"c{number}")
    assert len(await names(profile)) == 5
    assert wallet._AT_HAND[profile.store] == {}
    assert len(await names(profile)) == 5


async def test_knows_no_credential_that_is_not_there(profile: Profile) -> None:
    with pytest.raises(NotFoundError):
        await get_credential(profile, "none")


async def test_revocation_is_looked_up_at_once_and_in_time(
    profile: Profile, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wallet, "_LOOK_UP_S", 0.1)
    for number in range(5):
        await put(profile, str(number), registry=f"registry-{number}")
    await put(profile, "lasting")
    held_credentials = await asyncio.wait_for(list_credentials(profile, check_revocation=True), 60)
    assert [credential.revocation for credential in held_credentials] == [Revocation.UNCHECKED] * 5 + [
        Revocation.NOT_REVOCABLE
    ]
    assert sorted(lists.asked) == [f"registry-{number}" for number in range(5)]


async def test_a_list_without_revocation_asks_nobody(profile: Profile, lists: Lists) -> None:
    await put(profile, "one", registry="registry-1")
    (credential,) = await list_credentials(profile, check_revocation=False)
    assert (credential.revocation, lists.asked) == (Revocation.UNCHECKED, [])


async def test_a_place_that_is_not_on_the_list_is_revoked(profile: Profile) -> None:
    await put(profile, "one", registry="r", index=9)
    (credential,) = await credentials_at_hand(profile)
    status: Any = SimpleNamespace(is_revoked=lambda index: not 0 <= index < 9)
    assert wallet.with_revocation(credential, {"r": status}).revocation is Revocation.REVOKED


async def test_those_that_fit_come_first_and_of_those_the_newest(asked: AskedWallet) -> None:
    made = [await asked.credential_id() for _ in range(3)]
    async with asked.profile.session() as session:
        entry = await session.handle.fetch(CATEGORY_CREDENTIAL, made[0])
        tags = dict(entry.tags) | {"cred_def_id": "another"}
        await session.handle.insert(CATEGORY_CREDENTIAL, "misfit", bytes(entry.value), tags)
    request = await asked.asked()
    shown = await requests.get_request(asked.profile, CONFIG, request.id)
    assert [fit.credential_id for fit in shown.fits] == [*made[::-1], "misfit"]
    assert [fit.misfits for fit in shown.fits[:-1]] == [()] * 3
    assert shown.fits[-1].misfits


async def test_of_many_only_the_nearest_are_shown_and_how_many_there_are(asked: AskedWallet) -> None:
    made = [await asked.credential_id() for _ in range(3)]
    await put(asked.profile, "misfit")
    request = await asked.asked()
    shown = await requests.get_request(asked.profile, CONFIG, request.id, most=2)
    assert [(fit.credential_id, fit.misfits) for fit in shown.fits] == [(name, ()) for name in made[:0:-1]]
    assert (shown.fitting, shown.total) == (3, 4)


async def test_only_the_issuers_of_what_could_answer_are_asked(
    asked: AskedWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request is no reason to tell other issuers' hosts that this wallet has something of theirs."""
    await asked.credential_id()
    await put(asked.profile, "of-another", registry="did:webvh:another/registry")
    looked: list[str] = []
    inner = Objects.status_list

    async def noted(self: Objects, profile: Profile, registry_id: str, **options: Any) -> Any:
        looked.append(registry_id)
        return await inner(self, profile, registry_id, **options)

    monkeypatch.setattr(Objects, "status_list", noted)
    request = await asked.asked()
    shown = await requests.get_request(asked.profile, CONFIG, request.id)
    assert set(looked) == {asked.issuer.registry_id}
    assert [reason.code for reason in shown.fits[1].misfits] == ["fit.attribute_missing", "fit.issuer"]
    assert datetime.now(UTC) < shown.deadline
