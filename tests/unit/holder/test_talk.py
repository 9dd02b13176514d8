"""A wallet's talk with its mediator: what counts as the mediator's word, and when something is acknowledged."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.unit.mediator.phones import message, opened

from wanderbuch.agents.holder.mediation import talk as talking
from wanderbuch.agents.holder.mediation.granted import MediatorError, TalkEndedError, read_grant
from wanderbuch.agents.holder.mediation.talk import Talk
from wanderbuch.agents.runtime.logs import _JsonLines
from wanderbuch.agents.runtime.message_sockets import STRANGER_S
from wanderbuch.agents.runtime.store import StoreBusyError
from wanderbuch.errors import WanderbuchError
from wanderbuch.plugins.exchange.connecting.peer_dids import OwnPeer, fresh_peer
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.packing import pack
from wanderbuch.plugins.exchange.sending import TakenIn

type Json = dict[str, Any]


class EndedError(WanderbuchError):
    """The socket of these tests ends like that."""


class Line:
    """Both ends of a web socket, in memory."""

    def __init__(self, takes_in: Callable[[bytes], Awaitable[TakenIn]]) -> None:
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

    def says(self, words: Json, *, by: OwnPeer | None = None, to: str | None = None) -> None:
        """The mediator writes, or somebody else."""
        self._to_us.put_nowait(pack(words, to=to or self.ours.name, own=(by or self.theirs).key))

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


DONE, LATER = TakenIn(is_done=True), TakenIn(is_done=False)


async def takes_all(_: bytes) -> TakenIn:
    return DONE


async def test_what_is_delivered_is_acknowledged_once_it_is_taken_and_not_before() -> None:
    taken, begun, may_go_on = list[bytes](), asyncio.Event(), asyncio.Event()

    async def takes(envelope: bytes) -> TakenIn:
        taken.append(envelope)
        begun.set()
        await may_go_on.wait()
        return DONE

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

    async def takes(_: bytes) -> TakenIn:
        begun.set()
        await asyncio.Event().wait()
        return DONE

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

    async def takes(envelope: bytes) -> TakenIn:
        tries.append(envelope)
        return DONE if envelope == b"fine" or tries.count(envelope) > 2 else LATER

    line = Line(takes)
    running = asyncio.create_task(line.talk.run())
    line.delivers(flood=b"flood", fine=b"fine")
    assert [(await line.heard())["message_id_list"] for _ in range(2)] == [["fine"], ["flood"]]
    running.cancel()


async def test_a_message_that_always_fails_does_not_stay_for_ever_and_the_log_says_where_it_failed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(talking, "_LONGEST_PAUSE_S", 0.0)
    tries = list[bytes]()

    async def takes(envelope: bytes) -> TakenIn:
        tries.append(envelope)
        raise RuntimeError("Kamala")

    line = Line(takes)
    running = asyncio.create_task(line.talk.run())
    line.delivers(one=b"1")
    assert (await line.heard())["message_id_list"] == ["one"]
    assert len(tries) == 3
    running.cancel()
    lines = [
        json.loads(_JsonLines("phone", unsafe_acapy_details=False).format(record))
        for record in caplog.records
        if record.exc_info
    ]
    assert [line["event"] for line in lines] == ["holder.mediator.not_taken", "holder.mediator.given_up"]
    assert all(line["frames"][-1].endswith(" takes") and "Kamala" not in str(line) for line in lines)


async def test_many_messages_that_fail_alike_do_not_fill_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(talking, "_LONGEST_PAUSE_S", 0.0)

    async def takes(envelope: bytes) -> TakenIn:
        if envelope == b"0":
            raise StoreBusyError("no transaction could be begun")
        raise RuntimeError("Kamala")

    line = Line(takes)
    running = asyncio.create_task(line.talk.run())
    line.delivers(**{str(number): b"%d" % number for number in range(21)})
    acknowledged = set[str]()
    while len(acknowledged) < 20:
        acknowledged |= set((await line.heard())["message_id_list"])
    running.cancel()
    assert len([record for record in caplog.records if record.name == talking.__name__]) == 3


async def test_only_an_open_socket_over_which_nothing_comes_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talking, "_ANSWER_S", 0.2)
    ends: dict[str, Callable[[Line], None]] = {
        "closed": lambda line: line.ends(EndedError("over")),
        "heard": lambda line: line.says(message("messagepickup/2.0/status")),
        "silent": lambda _: None,
    }
    told = dict[str, bool]()
    for name, end in ends.items():
        line = Line(takes_all)
        running = asyncio.create_task(line.talk.run())
        asking = asyncio.create_task(line.talk.ask("coordinate-mediation/1.0/mediate-request"))
        await line.heard()
        end(line)
        await asyncio.gather(asking, return_exceptions=True)
        running.cancel()
        told[name] = line.talk.is_silent
    assert told == {"closed": False, "heard": False, "silent": True}


def test_silence_is_noticed_before_our_mediator_closes_a_strangers_socket() -> None:
    assert talking._ANSWER_S + 3 < STRANGER_S


async def test_a_store_that_does_not_answer_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talking, "_LONGEST_PAUSE_S", 0.0)
    tries = list[bytes]()

    async def takes(envelope: bytes) -> TakenIn:
        tries.append(envelope)
        if len(tries) <= 5:
            raise StoreBusyError("no transaction could be begun")
        return DONE

    line = Line(takes)
    running = asyncio.create_task(line.talk.run())
    line.delivers(one=b"1")
    assert (await line.heard())["message_id_list"] == ["one"]
    assert len(tries) == 6
    running.cancel()


class Mediator:
    """Has at most so many messages on the way that are not acknowledged, as ours."""

    WINDOW, WINDOW_BYTES = 32, 2 * 1024 * 1024

    def __init__(self, line: Line, waiting: dict[str, bytes]) -> None:
        self._line, self._waiting, self._on_the_way = line, waiting, dict[str, int]()
        self.acknowledged = list[str]()

    async def until(self, is_over: Callable[[list[str]], bool]) -> None:
        """Deliver until that is so of what was acknowledged."""
        while not is_over(self.acknowledged):
            while (
                self._waiting
                and len(self._on_the_way) < self.WINDOW
                and sum(self._on_the_way.values()) < self.WINDOW_BYTES
            ):
                ident = next(iter(self._waiting))
                envelope = self._waiting.pop(ident)
                self._on_the_way[ident] = len(envelope)
                self._line.delivers(**{ident: envelope})
            for ident in (await self._line.heard())["message_id_list"]:
                del self._on_the_way[ident]
                self.acknowledged.append(ident)


@pytest.mark.parametrize(("size", "number", "stay"), [(16, 40, 8), (300 * 1024, 9, 1), (1024 * 1024, 4, 1)])
async def test_one_sender_who_writes_too_much_holds_up_nobody_else(size: int, number: int, stay: int) -> None:
    async def takes(envelope: bytes) -> TakenIn:
        return TakenIn(is_done=False, over="theirs") if envelope.startswith(b"flood") else DONE

    line = Line(takes)
    running = asyncio.create_task(line.talk.run())
    flood = {f"a{index}": b"flood" + bytes(size) for index in range(number)}
    mediator = Mediator(line, {**flood, "b": b"fine"})
    await mediator.until(lambda acknowledged: len(acknowledged) == number + 1 - stay)
    assert "b" in mediator.acknowledged
    assert line.is_silent
    running.cancel()


async def test_many_senders_who_write_too_much_hold_up_nobody_else() -> None:
    async def takes(envelope: bytes) -> TakenIn:
        return DONE if envelope == b"fine" else TakenIn(is_done=False, over=envelope[:1].decode())

    line = Line(takes)
    running = asyncio.create_task(line.talk.run())
    floods = {f"{who}{number}": f"{who}{number}".encode() for number in range(20) for who in "xyzuv"}
    mediator = Mediator(line, {**floods, "b": b"fine"})
    await mediator.until(lambda acknowledged: "b" in acknowledged)
    running.cancel()


async def test_what_waits_for_the_store_is_never_dropped() -> None:
    is_away, taken = True, list[bytes]()

    async def takes(envelope: bytes) -> TakenIn:
        taken.append(envelope)
        return LATER if is_away else DONE

    line = Line(takes)
    running = asyncio.create_task(line.talk.run())
    line.delivers(**{str(number): b"%d" % number for number in range(40)})
    async with asyncio.timeout(30):
        while len(taken) < 40:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert line.is_silent
    is_away = False
    acknowledged = set[str]()
    while len(acknowledged) < 40:
        acknowledged |= set((await line.heard())["message_id_list"])
    running.cancel()


async def test_what_takes_long_holds_up_only_what_is_for_the_same_key() -> None:
    slow, other, sender = fresh_peer(""), fresh_peer(""), fresh_peer("")
    first, second, third = (pack({"n": n}, to=to.name, own=sender.key) for n, to in enumerate((slow, slow, other)))
    taken, may_go_on = list[bytes](), asyncio.Event()

    async def takes(envelope: bytes) -> TakenIn:
        if envelope == first:
            await may_go_on.wait()
        taken.append(envelope)
        return DONE

    line = Line(takes)
    running = asyncio.create_task(line.talk.run())
    line.delivers(one=first, two=second, three=third)
    assert (await line.heard())["message_id_list"] == ["three"]
    assert taken == [third]
    may_go_on.set()
    heard = list[str]()
    while len(heard) < 2:
        heard += (await line.heard())["message_id_list"]
    assert (heard, taken) == (["one", "two"], [third, first, second])
    running.cancel()


async def test_answers_find_who_asked() -> None:
    line = Line(takes_all)
    running = asyncio.create_task(line.talk.run())
    first = asyncio.create_task(line.talk.ask("coordinate-mediation/1.0/mediate-request"))
    second = asyncio.create_task(line.talk.ask("messagepickup/2.0/status-request"))
    asked = [await line.heard(), await line.heard()]
    assert [question["~transport"] for question in asked] == [{"return_route": "all"}] * 2
    line.says(message("messagepickup/2.0/status", message_count=7))  # asked for by nobody
    for question, kind in zip(
        reversed(asked), ("messagepickup/2.0/status", "coordinate-mediation/1.0/mediate-grant"), strict=True
    ):
        line.says(message(kind, **{"~thread": {"thid": question["@id"]}}))
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
    async def takes(_: bytes) -> TakenIn:
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
