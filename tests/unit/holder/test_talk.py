"""A wallet's talk with its mediator: what counts as the mediator's word, and when something is acknowledged."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.unit.mediator.phones import message, opened

from wanderbuch.agents.holder.mediation import talk as talking
from wanderbuch.agents.holder.mediation.granted import MediatorError, TalkEndedError, read_grant
from wanderbuch.agents.holder.mediation.talk import Talk
from wanderbuch.errors import WanderbuchError
from wanderbuch.plugins.exchange.connecting.peer_dids import OwnPeer, fresh_peer
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.packing import pack

type Json = dict[str, Any]


class EndedError(WanderbuchError):
    """The socket of these tests ends like that."""


class Line:
    """Both ends of a web socket, in memory."""

    def __init__(self, takes_in: Callable[[bytes], Awaitable[bool]]) -> None:
        self.ours, self.theirs = fresh_peer(""), fresh_peer("")
        self._to_us: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self._from_us: asyncio.Queue[bytes] = asyncio.Queue()
        connection = Connection(
            id=self.ours.name,
            connection_id="mediator",
            own_did=self.ours.did,
            their_did=self.theirs.did,
            their_key=self.theirs.name,
            endpoint="https://mediator.wanderbuch.test/didcomm",
            invitation_id="1",
            request_id="2",
            protocol="didexchange/1.1",
        )
        self.talk = Talk(self, connection, self.ours.key, takes_in)

    async def receive(self) -> bytes:
        """The wallet reads."""
        frame = await self._to_us.get()
        if isinstance(frame, Exception):
            raise frame
        return frame

    async def send(self, message: bytes) -> None:
        """The wallet writes."""
        self._from_us.put_nowait(message)

    def says(self, said: Json, *, by: OwnPeer | None = None, to: str | None = None) -> None:
        """The mediator writes, or somebody else."""
        self._to_us.put_nowait(pack(said, to=to or self.ours.name, own=(by or self.theirs).key))

    def ends(self, frame: bytes | Exception) -> None:
        """What comes last."""
        self._to_us.put_nowait(frame)

    async def heard(self) -> Json:
        """What the mediator reads next."""
        async with asyncio.timeout(30):
            return opened(self.theirs.key, await self._from_us.get())

    @property
    def is_silent(self) -> bool:
        """Whether the wallet has said nothing more."""
        return self._from_us.empty()

    def delivers(self, **messages: bytes) -> None:
        """The mediator delivers."""
        attached = [
            {"@id": ident, "data": {"base64": base64.b64encode(envelope).decode()}}
            for ident, envelope in messages.items()
        ]
        self.says(message("messagepickup/2.0/delivery", **{"~attach": attached}))


async def takes_all(_: bytes) -> bool:
    return True


async def test_what_is_delivered_is_acknowledged_once_it_is_taken_and_not_before() -> None:
    taken, begun, may_go_on = list[bytes](), asyncio.Event(), asyncio.Event()

    async def takes(envelope: bytes) -> bool:
        taken.append(envelope)
        begun.set()
        await may_go_on.wait()
        return True

    line = Line(takes)
    running = asyncio.create_task(line.talk.run())
    line.delivers(one=b"1", two=b"2")
    async with asyncio.timeout(30):
        await begun.wait()
    assert line.is_silent
    may_go_on.set()
    heard = await line.heard()
    assert (heard["@type"].rpartition("/")[2], heard["message_id_list"], taken) == (
        "messages-received",
        ["one", "two"],
        [b"1", b"2"],
    )
    running.cancel()


async def test_a_wallet_that_ends_while_it_takes_something_has_not_acknowledged_it() -> None:
    begun = asyncio.Event()

    async def takes(_: bytes) -> bool:
        begun.set()
        await asyncio.Event().wait()
        return True

    line = Line(takes)
    running = asyncio.create_task(line.talk.run())
    line.delivers(one=b"1")
    async with asyncio.timeout(30):
        await begun.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert line.is_silent


async def test_what_cannot_be_taken_now_is_tried_again_and_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talking, "_LONGEST_PAUSE_S", 0.0)
    tries = list[bytes]()

    async def takes(envelope: bytes) -> bool:
        tries.append(envelope)
        return envelope == b"fine" or tries.count(envelope) > 2

    line = Line(takes)
    running = asyncio.create_task(line.talk.run())
    line.delivers(flood=b"flood", fine=b"fine")
    assert [(await line.heard())["message_id_list"] for _ in range(2)] == [["fine"], ["flood"]]
    running.cancel()


async def test_a_message_that_always_fails_does_not_stay_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talking, "_LONGEST_PAUSE_S", 0.0)
    tries = list[bytes]()

    async def takes(envelope: bytes) -> bool:
        tries.append(envelope)
        raise RuntimeError("a fault of ours")

    line = Line(takes)
    running = asyncio.create_task(line.talk.run())
    line.delivers(one=b"1")
    assert (await line.heard())["message_id_list"] == ["one"]
    assert len(tries) == 3
    running.cancel()


async def test_answers_find_who_asked() -> None:
    line = Line(takes_all)
    running = asyncio.create_task(line.talk.run())
    first = asyncio.create_task(line.talk.ask("coordinate-mediation/1.0/mediate-request"))
    second = asyncio.create_task(line.talk.ask("messagepickup/2.0/status-request"))
    asked = [await line.heard(), await line.heard()]
    assert [each["~transport"] for each in asked] == [{"return_route": "all"}] * 2
    line.says(message("messagepickup/2.0/status", message_count=7))  # asked for by nobody
    for each, kind in zip(
        reversed(asked), ("messagepickup/2.0/status", "coordinate-mediation/1.0/mediate-grant"), strict=True
    ):
        line.says(message(kind, **{"~thread": {"thid": each["@id"]}}))
    assert [(await task).type.rpartition("/")[2] for task in (first, second)] == ["mediate-grant", "status"]
    running.cancel()


async def test_the_talk_ends_with_whatever_is_no_word_of_the_mediators() -> None:
    thief, told = fresh_peer(""), list[str]()

    def stranger(line: Line) -> None:
        line.says(message("messagepickup/2.0/status"), by=thief)

    def for_another(line: Line) -> None:
        line.says(message("messagepickup/2.0/status"), to=thief.name)

    def no_envelope(line: Line) -> None:
        line.ends(b"{}")

    def no_base64(line: Line) -> None:
        line.says(message("messagepickup/2.0/delivery", **{"~attach": [{"@id": "1", "data": {"base64": "!"}}]}))

    def no_ids(line: Line) -> None:
        line.says(message("messagepickup/2.0/delivery", **{"~attach": [{"data": {"base64": ""}}]}))

    def no_list(line: Line) -> None:
        line.says(message("messagepickup/2.0/delivery"))

    def over(line: Line) -> None:
        line.ends(EndedError("over"))

    for end in (stranger, for_another, no_envelope, no_base64, no_ids, no_list, over):
        line = Line(takes_all)
        running = asyncio.create_task(line.talk.run())
        asking = asyncio.create_task(line.talk.ask("messagepickup/2.0/status-request"))
        await line.heard()
        end(line)
        async with asyncio.timeout(30):
            outcome, answer = await asyncio.gather(running, asking, return_exceptions=True)
        if not isinstance(outcome, WanderbuchError) or not isinstance(answer, TalkEndedError):
            told.append(f"{end.__name__}: {outcome!r}, {answer!r}")
    assert told == []


async def test_a_mediator_that_sends_without_end_is_left() -> None:
    async def takes(_: bytes) -> bool:
        return await asyncio.Event().wait()

    line = Line(takes)
    running = asyncio.create_task(line.talk.run())
    for number in range(40):
        line.delivers(**{f"{number}-{index}": bytes(16) for index in range(60)})
    with pytest.raises(MediatorError, match="more than we have acknowledged"):
        async with asyncio.timeout(60):
            await running


def test_a_grant_that_leads_nowhere_is_refused() -> None:
    key = fresh_peer("").name
    good = {"endpoint": "https://mediator.test/didcomm", "routing_keys": [key]}
    assert read_grant(good).routing_keys == (key,)
    told = []
    for wrong in (
        {"endpoint": "http://mediator.test"},
        {"endpoint": None},
        {"endpoint": f"https://{'m' * 4096}"},
        {"routing_keys": []},
        {"routing_keys": key},
        {"routing_keys": [key] * 5},
        {"routing_keys": [key, "did:key:z6Mk"]},
        {"routing_keys": [7]},
    ):
        try:
            read_grant(good | wrong)
        except MediatorError:
            continue
        told.append(wrong)
    assert told == []
