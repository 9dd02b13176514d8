"""Where no other process has the store, credentials are looked up after a write to them, and else not."""

import json
from typing import Any

import pytest
from acapy_agent.anoncreds.holder import CATEGORY_CREDENTIAL
from aries_askar import Session

from wanderbuch.agents.holder.wallet import credentials_at_hand, fetch_credential
from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.store.category_writes import CategoryWrites
from wanderbuch.store.records import NotFoundError

TAGS = dict.fromkeys(
    ("schema_id", "cred_def_id", "issuer_did", "schema_issuer_did", "schema_name", "schema_version"), "x"
)


@pytest.fixture(autouse=True)
def writes(wallet: WalletProfile) -> CategoryWrites:
    made = CategoryWrites()
    wallet.context.injector.bind_instance(CategoryWrites, made)
    return made


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was looked up of credentials."""
    names_read: list[str] = []

    def note(name: str) -> None:
        inner = getattr(Session, name)

        async def noted(self: Session, category: str, *args: Any, **how: Any) -> object:
            if category == CATEGORY_CREDENTIAL:
                names_read.append(name)
            return await inner(self, category, *args, **how)

        monkeypatch.setattr(Session, name, noted)

    for name in ("fetch", "fetch_all", "count"):
        note(name)
    return names_read


async def put(handle: Any, name: str) -> None:
    signed = {"values": {"family_name": {"raw": name, "encoded": "1"}}, "signature": {}}
    await handle.insert(CATEGORY_CREDENTIAL, name, json.dumps(signed), TAGS)


async def put_one(wallet: WalletProfile, name: str) -> None:
    async with wallet.session() as session:
        await put(session.handle, name)


async def names(wallet: WalletProfile) -> list[str]:
    return [credential.id for credential in await credentials_at_hand(wallet)]


async def signed(wallet: WalletProfile, name: str) -> str:
    async with wallet.session() as session:
        _, credential = await fetch_credential(session, wallet, name)
    return str(json.loads(credential)["values"]["family_name"]["raw"])


async def test_the_second_look_costs_none(wallet: WalletProfile, looked: list[str]) -> None:
    await put_one(wallet, "one")
    assert await names(wallet) == ["one"]
    assert await signed(wallet, "one") == "one"
    looked.clear()
    assert await names(wallet) == ["one"]
    assert await signed(wallet, "one") == "one"
    assert looked == []


async def test_an_empty_wallet_is_looked_into_once(wallet: WalletProfile, looked: list[str]) -> None:
    assert [await names(wallet), await names(wallet)] == [[], []]
    assert looked == ["count"]


async def test_where_another_process_may_write_each_look_asks(wallet: WalletProfile, looked: list[str]) -> None:
    wallet.context.injector.clear_binding(CategoryWrites)
    await put_one(wallet, "one")
    for _ in range(2):
        looked.clear()
        assert await names(wallet) == ["one"]
        assert await signed(wallet, "one") == "one"
        assert looked == ["count", "fetch_all", "fetch"]


@pytest.mark.parametrize("how", ["remove", "remove_all", "all of everything", "in a transaction"])
async def test_a_credential_that_went_is_found_no_more(wallet: WalletProfile, how: str) -> None:
    await put_one(wallet, "one")
    assert (await names(wallet), await signed(wallet, "one")) == (["one"], "one")
    async with wallet.transaction() if how == "in a transaction" else wallet.session() as session:
        match how:
            case "remove_all":
                await session.handle.remove_all(CATEGORY_CREDENTIAL, {"schema_id": "x"})
            case "all of everything":
                await session.handle.remove_all()
            case _:
                await session.handle.remove(CATEGORY_CREDENTIAL, "one")
        if how == "in a transaction":  # whoever looks before the end sees it as it was, and that is not believed after
            assert (await names(wallet), await signed(wallet, "one")) == (["one"], "one")
            await session.commit()
    assert await names(wallet) == []
    with pytest.raises(NotFoundError):
        await signed(wallet, "one")


async def test_a_credential_that_is_replaced_is_read_anew(wallet: WalletProfile) -> None:
    await put_one(wallet, "one")
    assert await signed(wallet, "one") == "one"
    other = {"values": {"family_name": {"raw": "other", "encoded": "1"}}, "signature": {}}
    async with wallet.session() as session:
        await session.handle.replace(CATEGORY_CREDENTIAL, "one", json.dumps(other), TAGS)
    assert await signed(wallet, "one") == "other"


async def test_what_comes_in_a_transaction_is_found_after_its_end(wallet: WalletProfile) -> None:
    assert await names(wallet) == []
    async with wallet.transaction() as session:
        await put(session.handle, "one")
        assert await names(wallet) == []
        await session.commit()
    assert await names(wallet) == ["one"]


async def test_other_entries_change_nothing(wallet: WalletProfile, writes: CategoryWrites, looked: list[str]) -> None:
    await put_one(wallet, "one")
    assert await names(wallet) == ["one"]
    looked.clear()
    async with wallet.session() as session:
        await session.handle.insert("another", CATEGORY_CREDENTIAL, "value")
    assert await names(wallet) == ["one"]
    assert looked == []
