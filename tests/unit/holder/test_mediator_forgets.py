"""What a wallet does when its mediator knows less than it did: keys, the mediation, where the mediator is."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.unit.exchange.connecting.ends import End
from tests.unit.mediator.phones import message

from wanderbuch.agents.holder.mediation import way as way_module
from wanderbuch.agents.holder.mediation.granted import Mediation, MediatorError, mediation_id
from wanderbuch.agents.holder.mediation.keys import KeysThere
from wanderbuch.agents.holder.mediation.talk import Talk
from wanderbuch.agents.holder.mediation.way import MediatedWay
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.gate.received import Received
from wanderbuch.plugins.exchange.connecting.invitations import Invitation
from wanderbuch.plugins.exchange.connecting.own_keys import note_key
from wanderbuch.plugins.exchange.connecting.peer_dids import fresh_peer
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.store.records import RecordStore

_MEDIATOR = "https://mediator.wanderbuch.test/mediator"


class Mediator:
    """Answers as ours does; knows at most so many keys."""

    def __init__(self, *, most: int = 10) -> None:
        self.keys = list[str]()
        self.most = most
        self.asked = list[str]()
        self.grant = message("coordinate-mediation/1.0/mediate-deny")

    async def ask(self, kind: str, **members: Any) -> Received:
        self.asked.append(kind.rpartition("/")[2])
        if kind.endswith("/mediate-request"):
            return Received.of(self.grant, size=0)
        if kind.endswith("/keylist-query"):
            page = members["paginate"]
            listed = self.keys[page["offset"] :][: page["limit"]]
            return Received.of(message("x/keylist", keys=[{"recipient_key": key} for key in listed]), size=0)
        updated = [{"result": self._update(update["action"], update["recipient_key"])} for update in members["updates"]]
        return Received.of(message("x/keylist-update-response", updated=updated), size=0)

    def _update(self, action: str, key: str) -> str:
        if action == "remove":
            self.keys.remove(key)
        elif key not in self.keys:
            if len(self.keys) >= self.most:
                return "client_error"
            self.keys.append(key)
        return "success"

    @property
    def talk(self) -> Talk:
        return cast(Talk, self)


@pytest.fixture
async def wallet(agent_config: AgentConfig, tmp_path: Path) -> AsyncIterator[End]:
    made = End(agent_config.model_copy(update={"data": tmp_path / "wallet"}), "wallet")
    await made.start()
    yield made
    await made.stop()


async def noted(wallet: End) -> str:
    peer = fresh_peer("")
    await note_key(wallet.profile, peer)
    return peer.name


async def test_a_key_that_the_mediator_lost_is_registered_again(wallet: End) -> None:
    mediator, keys = Mediator(), KeysThere(wallet.profile)
    ours = [await noted(wallet) for _ in range(2)]
    for key in ours:
        await keys.add(mediator.talk, key)
    mediator.keys.remove(ours[0])  # by a copy of this wallet
    await keys.tidy(mediator.talk)
    assert sorted(mediator.keys) == sorted(ours)
    assert all(keys.has(key) for key in ours)
    mediator.keys.remove(ours[0])
    mediator.most = 1
    await keys.tidy(mediator.talk)
    assert [keys.has(key) for key in ours] == [False, True]


async def test_a_key_that_is_over_is_not_registered_again(wallet: End) -> None:
    mediator, keys = Mediator(), KeysThere(wallet.profile)
    await keys.add(mediator.talk, over := fresh_peer("").name)  # of no exchange that is there
    await keys.tidy(mediator.talk)
    assert (mediator.keys, keys.has(over)) == ([], False)


async def test_keys_that_are_over_make_room_in_the_middle_of_a_talk(wallet: End) -> None:
    mediator, keys = Mediator(most=1), KeysThere(wallet.profile)
    await keys.add(mediator.talk, fresh_peer("").name)
    await keys.add(mediator.talk, ours := await noted(wallet))
    assert mediator.keys == [ours]
    asked = len(mediator.asked)
    with pytest.raises(MediatorError, match="no further key"):
        await keys.add(mediator.talk, await noted(wallet))
    assert "keylist-query" not in mediator.asked[asked:]  # it was looked just now


async def test_mediation_is_asked_for_in_each_talk_and_what_is_granted_last_counts(wallet: End) -> None:
    way, own = MediatedWay(wallet.profile, cast(HttpEdge, wallet.bag), _MEDIATOR), fresh_peer("")
    kept = RecordStore(wallet.profile, Mediation)
    mediator, key = Mediator(), fresh_peer("").name
    connection = Connection(
        id=own.name,
        connection_id="mediator",
        own_did=own.did,
        their_did=own.did,
        their_key=key,
        endpoint=_MEDIATOR,
        invitation_id="1",
        request_id="2",
        protocol="didexchange/1.1",
    )
    with pytest.raises(MediatorError):
        await way._granted(mediator.talk, connection)
    for endpoint in ("https://one.test/didcomm", "https://two.test/didcomm"):
        mediator.grant = message("coordinate-mediation/1.0/mediate-grant", endpoint=endpoint, routing_keys=[key])
        assert (await way._granted(mediator.talk, connection)).endpoint == endpoint
        assert (await kept.get(mediation_id(_MEDIATOR))).endpoint == endpoint
    mediator.grant = message("coordinate-mediation/1.0/problem-report")  # it was granted before
    assert (await way._granted(mediator.talk, connection)).endpoint == "https://two.test/didcomm"
    assert mediator.asked == ["mediate-request"] * 4


def test_only_a_talk_that_lasted_lets_the_next_one_begin_at_once(wallet: End) -> None:
    way = MediatedWay(wallet.profile, cast(HttpEdge, wallet.bag), _MEDIATOR)
    told = [way._worked()]
    for since in (time.monotonic(), time.monotonic() - 61.0):
        way._live_since = since
        told.append(way._worked())
    assert told == [False, False, True]


async def test_while_somebody_waits_talks_are_not_begun_every_second(
    wallet: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    way, slept = MediatedWay(wallet.profile, cast(HttpEdge, wallet.bag), _MEDIATOR), list[float]()

    async def sleep(pause_s: float) -> None:
        slept.append(pause_s)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    way._wanted.set()
    for _ in range(20):
        await way._rest(300.0)
    monkeypatch.undo()
    assert len(set(slept)) > 1
    assert min(slept) >= 5.0


async def test_after_a_day_of_silence_and_not_before_a_wallet_connects_anew(
    wallet: End, agent_config: AgentConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mediator = End(agent_config.model_copy(update={"data": tmp_path / "mediator"}), "mediator")
    await mediator.start()
    try:
        invitation = await mediator.invite("mediate", reusable=True)

        async def fetched(*_: object) -> Invitation:
            return invitation

        monkeypatch.setattr(way_module, "fetch_invitation", fetched)
        monkeypatch.setattr(way_module, "read_invitation_message", lambda read: read)
        way = MediatedWay(wallet.profile, cast(HttpEdge, wallet.bag), _MEDIATOR)

        async def connection() -> Connection:
            making = asyncio.create_task(way._connection())
            while not making.done() and not wallet.book.told:
                for _, packed in await wallet.posted():
                    if (answer := await mediator.receive(packed, waits=True)) is not None:
                        await wallet.receive(answer)
                await asyncio.sleep(0.01)
            while wallet.book.told:
                assert way.connected(wallet.book.told.pop()[0])
            return await making

        first = await connection()
        grant = Mediation(
            id=mediation_id(_MEDIATOR),
            own_key=first.own_key,
            endpoint="https://one.test",
            routing_keys=(first.own_key,),
        )
        await RecordStore(wallet.profile, Mediation).put(grant)
        silent, heard = cast(Talk, SimpleNamespace(has_heard=False)), cast(Talk, SimpleNamespace(has_heard=True))
        for _ in range(24):
            way._note_talk(silent)
        assert (await connection()).own_key == first.own_key  # its store may be away
        way._silent_since -= 24 * 3600
        way._note_talk(heard)
        way._note_talk(silent)
        way._silent_since -= 24 * 3600
        assert (await connection()).own_key == first.own_key
        for _ in range(24):
            way._note_talk(silent)
        second = await connection()
        assert second.own_key != first.own_key
        assert await wallet.connection(first.own_key) is None
        assert await RecordStore(wallet.profile, Mediation).get_or_none(mediation_id(_MEDIATOR)) is None
    finally:
        await mediator.stop()
