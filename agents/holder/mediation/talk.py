"""A talk with a mediator over one web socket, from its first word to its end.

What comes is opened here: it is from the mediator's key, to ours, or it is no word of the mediator's and ends the talk.
Answers find who asked by their thread; deliveries wait, in bounded numbers, until the wallet has taken them, and each
is acknowledged only then. Several are taken at once; what is for one key of ours, one after the other.

What cannot be taken now is tried again after growing pauses, while others go on. What its sender writes beyond its
budget waits in little room (`again`), and is dropped beyond that: a mediator has a bounded number of messages on the
way, and would send us nothing of anybody else's. While the store does not answer, everything waits; nothing is dropped.
What was not acknowledged when the talk ends comes again with the next one.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol
from uuid import uuid4

from aries_askar import Key

from wanderbuch.agents.holder.mediation.again import AgainRoom
from wanderbuch.agents.holder.mediation.granted import MediatorError, TalkEndedError
from wanderbuch.agents.runtime.gate.envelope import decrypt, identify, read_envelope
from wanderbuch.agents.runtime.gate.received import MAX_DEPTH, Received
from wanderbuch.agents.runtime.gate.tally import Tally
from wanderbuch.agents.runtime.store import is_store_failure
from wanderbuch.base64_text import from_base64
from wanderbuch.errors import ExchangeError
from wanderbuch.faults import describe
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.packing import PREFIX, pack
from wanderbuch.plugins.exchange.sending import TakenIn, TakesIn
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_LOG = logging.getLogger(__name__)

MAX_FRAME_BYTES: Final = 4 * 1024 * 1024
"""A message of 1 MiB in an envelope, in a delivery, in an envelope: in base64 each time."""

_ANSWER_S: Final = 25.0  # our mediator closes a stranger's socket after 30 s: silence ends before, and is no close
_MAX_ATTACHED: Final = 64
_MAX_WAITING_BYTES: Final = 8 * 1024 * 1024
_OVERHEAD_BYTES: Final = 4 * 1024  # of each message that waits, so that many small ones are too many, too
_AT_ONCE: Final = 8
_LONGEST_PAUSE_S: Final = 30.0
_MOST_FAULTS: Final = 3
_PICKUP: Final = f"{PREFIX}messagepickup/2.0"
_DELIVERY: Final = f"{_PICKUP}/delivery"


class Socket(Protocol):
    """A web socket to the mediator; errors as with `plugins.http.web_sockets.WebSocket`."""

    async def receive(self) -> bytes:
        """Return the next frame."""

    async def send(self, message: bytes) -> None:
        """Send a frame."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message that the mediator kept for us.

    Args:
        id: the mediator's.
        envelope: as its sender made it.
        to: the key that it names as the first recipient's; "": it is no envelope.
        tries: how often it could not be taken.
        faults: how often that was a fault of ours.
    """

    id: str
    envelope: bytes = field(repr=False)
    to: str = ""
    tries: int = 0
    faults: int = 0


class Talk:
    """A talk with a mediator.

    Args:
        socket: over which; nobody else reads from it.
        connection: with the mediator.
        own: our secret key of the connection.
        takes_in: takes what the mediator kept for us.
    """

    def __init__(self, socket: Socket, connection: Connection, own: Key, takes_in: TakesIn) -> None:
        self._socket = socket
        self._connection = connection
        self._own = own
        self._takes_in = takes_in
        self._asked: dict[str, asyncio.Future[Received]] = {}
        self._delivered: asyncio.Queue[Delivered] = asyncio.Queue()
        self._lines: dict[str, deque[Delivered]] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._again = AgainRoom()
        self._taken: asyncio.Queue[str] = asyncio.Queue()
        self._waiting_bytes = 0
        self._tally = Tally(_LOG)
        self.has_heard = False
        """Whether the mediator said anything."""
        self._waited = False

    @property
    def is_silent(self) -> bool:
        """Whether the mediator was asked over an open socket, and has said nothing in time.

        A talk that somebody closed is not silent: a mediator whose store is away closes it, and so may the network.
        """
        return self._waited and not self.has_heard

    async def ask(self, kind: str, **members: object) -> Received:
        """Send a message, and return what the mediator answers.

        Args:
            kind: its type without prefix.
            members: of it.

        Raises:
            MediatorError: no answer came in time, or the talk has ended.
            HttpError: the web socket has ended.
        """
        asked_id = str(uuid4())
        answer: asyncio.Future[Received] = asyncio.get_running_loop().create_future()
        self._asked[asked_id] = answer
        try:
            await self._say({"@type": f"{PREFIX}{kind}", "@id": asked_id, **members})
            async with asyncio.timeout(_ANSWER_S):
                return await answer
        except TimeoutError as err:
            self._waited = True
            raise MediatorError(f"the mediator did not answer within {_ANSWER_S:g} s") from err
        finally:
            self._asked.pop(asked_id, None)

    async def run(self) -> None:
        """Hear what the mediator says, and take what it kept, until the talk ends.

        Raises:
            MediatorError: the mediator says what no mediator says.
            ExchangeError: a frame is no envelope of the mediator's.
            HttpError: the web socket has ended.
        """
        work = [asyncio.create_task(part) for part in (self._hear(), self._take(), self._acknowledge())]
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(TalkEndedError("the talk with the mediator has ended"))
                    answer.exception()  # whoever asked may be gone

    async def _hear(self) -> None:
        while True:
            received, members = self._opened(await self._socket.receive())
            self.has_heard = True
            asked = self._asked.get(received.thread_id)
            if asked is not None and not asked.done():
                asked.set_result(received)
            elif received.type == _DELIVERY:
                self._keep(read_delivery(members))

    def _keep(self, delivered: list[Delivered]) -> None:
        for message in delivered:
            self._waiting_bytes += len(message.envelope) + _OVERHEAD_BYTES
            if self._waiting_bytes > _MAX_WAITING_BYTES:
                raise MediatorError("the mediator sends more than we have acknowledged")
            self._delivered.put_nowait(message)

    async def _take(self) -> None:
        """Take what was delivered: several at once, and in its order what is for one key."""
        async with asyncio.TaskGroup() as group:
            while True:
                message = await self._delivered.get()
                line = self._lines.get(message.to)
                if line is None:
                    self._lines[message.to] = deque([message])
                    group.create_task(self._take_line(message.to))
                else:
                    line.append(message)

    async def _take_line(self, to: str) -> None:
        line = self._lines[to]
        while line:
            async with self._places:
                await self._take_one(line.popleft())
        del self._lines[to]

    async def _take_one(self, message: Delivered) -> None:
        """Have the wallet take a message; where it cannot now, it is tried again later."""
        try:
            taken = await self._takes_in(message.envelope)
        except Exception as err:  # noqa: BLE001 (one message must not keep the others from us for ever)
            taken = TakenIn(is_done=False)
            if is_store_failure(err):
                self._tally.note("holder.mediator.not_taken", describe(err), level=logging.WARNING)
            else:
                message = replace(message, faults=message.faults + 1)
                taken = TakenIn(is_done=message.faults >= _MOST_FAULTS)
                event = "holder.mediator.given_up" if taken.is_done else "holder.mediator.not_taken"
                # The log says where it failed, and nothing of the message; of many that fail alike, once now and again.
                self._tally.note(event, describe(err), level=logging.ERROR, error=err)
        if taken.is_done:
            self._done(message.id, len(message.envelope))
            return
        pause_s = min(_LONGEST_PAUSE_S, 2.0**message.tries)
        again = replace(message, tries=message.tries + 1)
        timer = asyncio.get_running_loop().call_later(pause_s, self._try_again, again)
        if taken.over is None:
            return
        for ident, size in self._again.add(message.id, len(message.envelope), taken.over, timer):
            self._tally.note("holder.mediator.dropped", "its sender wrote more than we take", level=logging.WARNING)
            self._done(ident, size)

    def _try_again(self, message: Delivered) -> None:
        self._again.leave(message.id)
        self._delivered.put_nowait(message)

    def _done(self, ident: str, size: int) -> None:
        self._waiting_bytes -= size + _OVERHEAD_BYTES
        self._taken.put_nowait(ident)

    async def _acknowledge(self) -> None:
        """Tell the mediator what it need not keep any more: several at once, where several were taken."""
        while True:
            taken = [await self._taken.get()]
            while len(taken) < _MAX_ATTACHED and not self._taken.empty():
                taken.append(self._taken.get_nowait())
            await self._say({"@type": f"{_PICKUP}/messages-received", "@id": str(uuid4()), "message_id_list": taken})

    async def _say(self, message: Mapping[str, Any]) -> None:
        asking = {**message, "~transport": {"return_route": "all"}}
        await self._socket.send(pack(asking, to=self._connection.their_key, own=self._own))

    def _opened(self, frame: bytes) -> tuple[Received, Mapping[str, Any]]:
        """Return what the mediator says in a frame, and all of its members: `Received` leaves out attachments.

        Raises:
            ExchangeError: it is not from the mediator to us.
        """
        envelope = read_envelope(frame, max_bytes=MAX_FRAME_BYTES)
        ours = [recipient for recipient in envelope.recipients if recipient.key == self._connection.own_key]
        if not ours:
            raise ExchangeError("expected an envelope for the key of the connection with the mediator")
        opened = identify(ours[0], self._own)
        if opened.sender != self._connection.their_key:
            raise ExchangeError("expected an envelope from the mediator, found another sender")
        content = decrypt(envelope, opened)
        try:
            members = read_strict_json(content, max_bytes=MAX_FRAME_BYTES, max_depth=MAX_DEPTH, fractions=True)
        except StrictJsonError as err:
            raise ExchangeError("expected strict JSON from the mediator") from err
        received = Received.of(members, size=len(content))
        return received, members if isinstance(members, dict) else {}


def read_delivery(members: Mapping[str, Any]) -> list[Delivered]:
    """Return what a `delivery` brings (Aries RFC 0685).

    Raises:
        MediatorError: it is not of the right form.
    """
    listed = members.get("~attach")
    if not isinstance(listed, list) or len(listed) > _MAX_ATTACHED:
        raise MediatorError("expected attachments in what the mediator delivers")
    return [_delivered(item) for item in listed]


def _delivered(item: object) -> Delivered:
    named = item if isinstance(item, Mapping) else {}
    ident, data = named.get("@id"), named.get("data")
    text = data.get("base64") if isinstance(data, Mapping) else None
    if not isinstance(ident, str) or not 0 < len(ident) <= 128 or not isinstance(text, str):
        raise MediatorError("expected messages in base64, each with an id, in what the mediator delivers")
    try:
        envelope = from_base64(text, url_too=True)
    except ValueError as err:
        raise MediatorError("expected messages in base64 in what the mediator delivers") from err
    return Delivered(ident, envelope, _first_recipient(envelope))


def _first_recipient(envelope: bytes) -> str:
    try:
        return read_envelope(envelope, max_bytes=MAX_FRAME_BYTES).recipients[0].key
    except ExchangeError:
        return ""
