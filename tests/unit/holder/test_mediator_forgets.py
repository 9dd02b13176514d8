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
from wanderbuch.agents.holder.mediation.silence import Silence
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


HEARD, SILENT, CLOSED = (
    cast(Talk, SimpleNamespace(has_heard=has_heard, is_silent=is_silent))
    for has_heard, is_silent in ((True, False), (False, True), (False, False))
)


class Hours:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return 3600.0 * self.now


@pytest.mark.parametrize(
    ("talks", "apart", "is_long"),
    [
        ([SILENT] * 23, 1.0, False),
        ([SILENT] * 24, 1.0, True),
        ([SILENT] * 300, 0.05, False),  # 15 hours
        ([CLOSED] * 300, 1.0, False),
        ([SILENT] * 23 + [CLOSED] * 30, 1.0, False),
        ([SILENT] * 12 + [CLOSED] * 30 + [SILENT] * 12, 1.0, True),
        ([SILENT] * 23 + [HEARD] + [SILENT] * 23, 1.0, False),
        ([SILENT] * 2, 48.0, False),
    ],
)
def test_a_day_of_silence_is_24_hours_in_which_a_mediator_did_not_answer(
    talks: list[Talk], apart: float, is_long: bool
) -> None:
    silence = Silence(hours := Hours())
    for talk in talks:
        silence.note(talk)
        hours.now += apart
    assert silence.is_long(granted=True) is is_long
    assert silence.is_long(granted=False) is (SILENT in talks)
    silence.shorten(granted=True)
    assert not silence.is_long(granted=True)


class Wandering:
    """A wallet whose way connects with a mediator that is there, or is not."""

    def __init__(self, wallet: End, mediator: End, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wallet, self.mediator = wallet, mediator
        self.hours = Hours()
        self.way = MediatedWay(wallet.profile, cast(HttpEdge, wallet.bag), _MEDIATOR)
        self.way._silence = Silence(self.hours)
        self.is_away = False
        self.invitation: Invitation | None = None
        monkeypatch.setattr(way_module, "fetch_invitation", self.fetched)
        monkeypatch.setattr(way_module, "read_invitation_message", lambda read: read)

    async def fetched(self, *_: object) -> Invitation:
        if self.is_away:
            raise MediatorError("away")
        if self.invitation is None:
            self.invitation = await self.mediator.invite("mediate", reusable=True)
        return self.invitation

    async def connection(self) -> Connection:
        """Return what the next talk goes over."""
        making = asyncio.create_task(self.way._connection())
        while not making.done():
            for _, packed in await self.wallet.posted():
                if (answer := await self.mediator.receive(packed, waits=True)) is not None:
                    await self.wallet.receive(answer)
            while self.wallet.book.told:
                assert self.way.connected(self.wallet.book.told.pop()[0])
            await asyncio.sleep(0.01)
        return await making

    async def talk(self, talk: Talk) -> str:
        """Have a talk end so, an hour after the one before, and return our key of its connection."""
        connection = await self.connection()
        self.way._note_talk(talk)
        self.hours.now += 1
        return connection.own_key

    async def grant(self) -> str:
        """Have the next talk begin well."""
        connection, mediator = await self.connection(), Mediator()
        mediator.grant = message(
            "coordinate-mediation/1.0/mediate-grant", endpoint="https://one.test", routing_keys=[fresh_peer("").name]
        )
        await self.way._granted(mediator.talk, connection)
        self.way._note_talk(HEARD)
        return connection.own_key

    async def kept_key(self) -> str | None:
        kept = await RecordStore(self.wallet.profile, Mediation).get_or_none(mediation_id(_MEDIATOR))
        return None if kept is None else kept.own_key


@pytest.fixture
async def wandering(
    wallet: End, agent_config: AgentConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Wandering]:
    mediator = End(agent_config.model_copy(update={"data": tmp_path / "mediator"}), "mediator")
    await mediator.start()
    yield Wandering(wallet, mediator, monkeypatch)
    await mediator.stop()


async def test_talks_that_somebody_closes_for_days_part_a_wallet_from_no_mediator(wandering: Wandering) -> None:
    first = await wandering.grant()
    for _ in range(30):
        assert await wandering.talk(CLOSED) == first
    assert await wandering.kept_key() == first
    assert await wandering.wallet.connection(first) is not None


async def test_a_wallet_leaves_a_mediator_only_when_it_answers_others_and_not_this_wallet(
    wandering: Wandering,
) -> None:
    wallet, first = wandering.wallet, await wandering.grant()
    for _ in range(24):
        assert await wandering.talk(SILENT) == first
    wandering.is_away = True
    for _ in range(3):
        assert await wandering.talk(SILENT) == first  # nothing answers there
    wandering.is_away = False
    assert await wandering.talk(HEARD) == first  # its store was away
    assert wandering.way._fresh is not None
    fresh = wandering.way._fresh.own_key
    assert await wandering.talk(SILENT) == first
    assert await wallet.connection(fresh) is None
    for _ in range(23):
        assert await wandering.talk(SILENT) == first
    assert await wandering.talk(CLOSED) == first  # that it does not answer is not told by that
    assert await wandering.talk(SILENT) == first
    assert await wandering.talk(SILENT) == first
    assert await wandering.talk(CLOSED) not in (first, fresh)  # the new one was not granted anything
    assert await wandering.kept_key() == first
    assert await wallet.connection(first) is not None
    assert await wandering.talk(SILENT) == first
    assert await wandering.talk(SILENT) == first
    second = await wandering.grant()
    assert second not in (first, fresh)
    assert await wandering.kept_key() == second
    assert await wallet.connection(first) is None
    assert await wandering.talk(HEARD) == second


async def test_a_wallet_that_was_forgotten_before_its_first_grant_connects_anew(wandering: Wandering) -> None:
    first = await wandering.talk(CLOSED)
    assert await wandering.talk(CLOSED) == first
    assert await wandering.talk(SILENT) == first
    assert await wandering.talk(SILENT) == first
    second = await wandering.grant()
    assert second != first
    assert await wandering.kept_key() == second
    assert await wandering.wallet.connection(first) is None
