"""Live connections at hand: found without a look-up, and gone with ACA-Py's record, whoever removes that."""

import pytest
from acapy_agent.connections.models.conn_record import ConnRecord
from aries_askar import Session

from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.plugins.exchange.connecting import acapy_entries as acapy
from wanderbuch.plugins.exchange.connecting.at_hand import ConnectionsAtHand
from wanderbuch.plugins.exchange.connecting.connections import acapy_connection, find_connection, keep_connection
from wanderbuch.plugins.exchange.connection import Connection


def connection_named(number: int) -> Connection:
    return Connection(
        id=f"key {number}",
        connection_id=f"connection {number}",
        own_did="did:example:us",
        their_did="did:example:them",
        their_key="their key",
        endpoint="",
        invitation_id="invitation",
        request_id="request",
        protocol="didexchange/1.1",
    )


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def at_hand(wallet: WalletProfile) -> ConnectionsAtHand:
    made = ConnectionsAtHand()
    wallet.context.injector.bind_instance(ConnectionsAtHand, made)
    return made


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The categories that were looked into."""
    categories: list[str] = []
    fetch = Session.fetch

    async def noted(self: Session, category: str, name: str, **how: bool) -> object:
        categories.append(category)
        return await fetch(self, category, name, **how)

    monkeypatch.setattr(Session, "fetch", noted)
    return categories


async def kept(wallet: WalletProfile, number: int = 1) -> Connection:
    connection = connection_named(number)
    async with wallet.session() as session:
        await keep_connection(session, connection)
        await acapy.add_record(session, acapy_connection(connection), acapy.COMPLETED)
    return connection


async def test_the_second_look_costs_none(wallet: WalletProfile, at_hand: ConnectionsAtHand, looked: list[str]) -> None:
    connection = await kept(wallet)
    assert await find_connection(wallet, connection.id, adopts=False) == connection
    assert len(looked) == 2
    assert await find_connection(wallet, connection.id, adopts=False) == connection
    assert len(looked) == 2
    assert await find_connection(wallet, "key 2", adopts=False) is None


async def test_without_a_place_for_them_each_look_is_one(wallet: WalletProfile, looked: list[str]) -> None:
    connection = await kept(wallet)
    for _ in range(2):
        assert await find_connection(wallet, connection.id, adopts=False) == connection
    assert len(looked) == 4


async def test_a_key_without_a_connection_is_looked_for_once(
    wallet: WalletProfile, at_hand: ConnectionsAtHand, looked: list[str]
) -> None:
    for _ in range(2):
        assert await find_connection(wallet, "key 1", adopts=False) is None
    assert len(looked) == 1
    assert await find_connection(wallet, "key 2", adopts=False) is None
    assert len(looked) == 2


@pytest.mark.parametrize("how", ["at once", "in a transaction"])
async def test_a_connection_that_is_kept_for_a_key_without_one_is_found(
    wallet: WalletProfile, at_hand: ConnectionsAtHand, how: str
) -> None:
    assert await find_connection(wallet, "key 1", adopts=False) is None
    connection = connection_named(1)
    async with wallet.transaction() if how == "in a transaction" else wallet.session() as session:
        await keep_connection(session, connection)
        await acapy.add_record(session, acapy_connection(connection), acapy.COMPLETED)
        if how == "in a transaction":  # whoever looks before the end sees none, and that is not believed afterwards
            assert await find_connection(wallet, "key 1", adopts=False) is None
            await session.commit()
    assert await find_connection(wallet, "key 1", adopts=False) == connection


async def test_that_a_key_has_none_is_not_noted_where_one_was_kept_meanwhile() -> None:
    at_hand = ConnectionsAtHand()
    since = at_hand.made
    at_hand.kept("default", "key 1")
    at_hand.put_none("default", "key 1", since=since)
    assert not at_hand.has_none("default", "key 1")
    at_hand.put_none("default", "key 1", since=at_hand.made)
    assert at_hand.has_none("default", "key 1")
    assert not at_hand.has_none("another tenant", "key 1")


async def test_of_the_keys_without_one_the_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wanderbuch.plugins.exchange.connecting.at_hand._MOST", 2)
    at_hand = ConnectionsAtHand()
    for number in range(3):
        at_hand.put_none("default", f"key {number}", since=0)
    assert [at_hand.has_none("default", f"key {number}") for number in range(3)] == [False, True, True]


@pytest.mark.parametrize("how", ["delete", "abandon", "all", "in a transaction"])
async def test_a_connection_that_acapy_ends_is_found_no_more(
    wallet: WalletProfile, at_hand: ConnectionsAtHand, how: str
) -> None:
    connection, other = await kept(wallet), await kept(wallet, 2)
    for known in (connection, other):
        assert await find_connection(wallet, known.id, adopts=False) == known
    async with wallet.transaction() if how == "in a transaction" else wallet.session() as session:
        if how == "all":
            await session.handle.remove_all(ConnRecord.RECORD_TYPE, {"request_id": "request"})
        else:
            record = await ConnRecord.retrieve_by_id(session, connection.connection_id)
            if how == "abandon":
                record.state = ConnRecord.State.ABANDONED.rfc160
                await record.save(session)
            else:
                await record.delete_record(session)
        if how == "in a transaction":
            # Whoever looks before the end sees it as it was.
            assert await find_connection(wallet, connection.id, adopts=False) == connection
            await session.commit()
    assert await find_connection(wallet, connection.id, adopts=False) is None
    assert (await find_connection(wallet, other.id, adopts=False) == other) is (how != "all")


async def test_what_was_read_before_a_write_is_not_kept() -> None:
    at_hand, connection = ConnectionsAtHand(), connection_named(1)
    for written in (connection.connection_id, None):
        since = at_hand.changes
        at_hand.written("default", written)
        at_hand.put("default", connection, since=since)
        assert at_hand.get("default", connection.id) is None
    since = at_hand.changes
    at_hand.written("default", "another")
    at_hand.written("another tenant", connection.connection_id)
    at_hand.put("default", connection, since=since)
    assert at_hand.get("default", connection.id) == connection
    at_hand.written("default", connection.connection_id)
    assert at_hand.get("default", connection.id) is None
    at_hand.put("default", connection, since=at_hand.changes)
    assert at_hand.get("default", connection.id) == connection
    assert at_hand.get("another tenant", connection.id) is None


async def test_nothing_is_believed_for_longer_than_a_minute() -> None:
    clock = Clock()
    at_hand, connection = ConnectionsAtHand(clock=clock), connection_named(1)
    at_hand.put("default", connection, since=0)
    clock.now = 59.0
    assert at_hand.get("default", connection.id) == connection
    clock.now = 60.0
    assert at_hand.get("default", connection.id) is None


async def test_those_that_were_put_first_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wanderbuch.plugins.exchange.connecting.at_hand._MOST", 2)
    at_hand = ConnectionsAtHand()
    for number in range(3):
        at_hand.put("default", connection_named(number), since=0)
    assert [at_hand.get("default", f"key {number}") is not None for number in range(3)] == [False, True, True]
    at_hand.written("default", "connection 1")
    assert at_hand.get("default", "key 1") is None
