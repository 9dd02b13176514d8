"""The way to a wallet without an address: by its mediator.

For as long as the wallet runs, it talks with its mediator; a talk that ends is begun again after growing pauses. Steps
of a talk, each of which finds what the ones before left, whatever cut them short:

1. there is a connection with the mediator (once; `invitee`), and a web socket;
2. the mediator grants mediation; what it granted last is kept;
3. the mediator sends what waits and what comes (live mode), and the wallet acknowledges what it has taken (`talk`);
4. the mediator is told which of its keys the wallet has no more, and which of the wallet's it lacks.

A key is registered before anybody is told that the wallet is reached with it; it is kept before that. So whatever is
written to a key that was given away arrives, or waits at the mediator.

A mediator that forgot this wallet answers nothing: it knows no such sender. But what waits at one that did not would be
lost with the connection. So that one goes last, each step after the one before:

a. the mediator has been silent for a day (`silence`); in one talk, if it has granted nothing yet;
b. it answers a new request to connect, so it is at work;
c. it is silent over the old connection even then;
d. it grants mediation over the new one; that is kept; the old one is removed.
"""

import asyncio
import logging
import random
import time
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.holder.invitations import fetch_invitation
from wanderbuch.agents.holder.mediation.granted import (
    Mediation,
    MediatorError,
    TalkEndedError,
    mediation_id,
    read_grant,
    socket_address,
)
from wanderbuch.agents.holder.mediation.keys import KeysThere
from wanderbuch.agents.holder.mediation.silence import Silence
from wanderbuch.agents.holder.mediation.talk import MAX_FRAME_BYTES, Talk
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.errors import WanderbuchError
from wanderbuch.faults import describe
from wanderbuch.plugins.exchange.channel import QUEUE
from wanderbuch.plugins.exchange.connecting.connections import find_connection
from wanderbuch.plugins.exchange.connecting.invitations import read_invitation_message
from wanderbuch.plugins.exchange.connecting.invitee import begin, forget_begun
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.own_way import OwnAddress, OwnSite, OwnWay
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import HttpError
from wanderbuch.store.once import own_id
from wanderbuch.store.records import RecordStore

_LOG = logging.getLogger(__name__)
_CONNECT_S: Final = 60.0
_REACH_S: Final = 15.0
_TRIES: Final = 3
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 300.0
_WANTED_S: Final = (5.0, 7.5)  # the pause while somebody waits
_WORKED_S: Final = 60.0


class MediatedWay(OwnWay):
    """The way to one wallet by its mediator.

    Args:
        profile: whose wallet.
        edge: the way out.
        mediator: where the mediator's invitation is, or the invitation itself, as a wallet is configured with it.
    """

    def __init__(self, profile: Profile, edge: HttpEdge, mediator: str) -> None:
        self._profile = profile
        self._edge = edge
        self._mediator = mediator
        self._keys = KeysThere(profile)
        self._talk: Talk | None = None
        self._address: OwnAddress | None = None
        self._changed = asyncio.Condition()
        self._connected = asyncio.Event()
        self._handshake_id: str | None = None
        self._live_since: float | None = None
        self._silence = Silence()
        self._fresh: Connection | None = None  # b
        self._is_silent_still = False  # c
        self._old: Connection | None = None
        self._wanted = asyncio.Event()
        self._waiting = 0

    def connected(self, handshake_id: str) -> bool:
        """Take note that an inviter has answered; False: it is not our mediator."""
        if handshake_id != self._handshake_id:
            return False
        self._connected.set()
        return True

    async def address(self) -> OwnAddress:
        """Return where others write to us, at our mediator's."""
        if self._address is None:
            kept = await self._kept()
            self._address = None if kept is None else kept.address
        if self._address is None:
            await self._in_touch()
        if self._address is None:
            raise _away()
        return self._address

    async def register(self, own_key: str) -> None:
        """Register a key with our mediator, unless that was done."""
        for _ in range(_TRIES):
            if self._keys.has(own_key):
                return
            talk = await self._in_touch()
            try:
                await self._keys.add(talk, own_key)
            except (TalkEndedError, HttpError):  # the next one goes on
                if talk is self._talk:
                    self._talk = None
        if not self._keys.has(own_key):
            raise _away()

    async def run(self) -> None:
        """Talk with the mediator, again and again, until cancelled."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self._talk_once()
            except (WanderbuchError, OSError, TimeoutError) as err:
                log_event(_LOG, logging.WARNING, "holder.mediator.away", reason=describe(err))
            except Exception as err:  # noqa: BLE001 (whatever it was: without a mediator the wallet hears nothing)
                _LOG.error("holder.mediator.failed", exc_info=err)
            if self._worked():
                pause_s = _FIRST_PAUSE_S
            await self._rest(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 (so that not all come back at once)
            pause_s = min(_LONGEST_PAUSE_S, 2 * pause_s)

    def _worked(self) -> bool:
        """Tell whether the talk that ended worked for a while, so that the next one may begin at once.

        Two copies of one wallet end each other's talks: they do that ever more rarely.
        """
        return self._live_since is not None and time.monotonic() >= self._live_since + _WORKED_S

    async def _rest(self, pause_s: float) -> None:
        """Wait before the next talk; not for long, where somebody waits for it."""
        least_s = min(pause_s, random.uniform(*_WANTED_S))  # noqa: S311 (so that not all come back at once)
        await asyncio.sleep(least_s)
        try:
            async with asyncio.timeout(pause_s - least_s):
                await self._wanted.wait()
        except TimeoutError:
            return

    async def _talk_once(self) -> None:
        self._live_since = None
        connection = await self._connection()  # 1
        own = await self._profile.inject(KeyRing).secret(self._profile, connection.own_key)
        address = await socket_address(self._profile, connection)
        takes_in = self._profile.inject(Sending).takes_in
        if takes_in is None:
            raise MediatorError("the wallet takes nothing now")
        async with self._edge.socket(address, max_bytes=MAX_FRAME_BYTES) as socket:
            talk = Talk(socket, connection, own, takes_in)
            running, opening = asyncio.create_task(talk.run()), asyncio.create_task(self._open(talk, connection))
            try:
                await asyncio.wait({running, opening}, return_when=asyncio.FIRST_COMPLETED)
                if not running.done():
                    await opening
                await running
            finally:
                if self._talk is talk:
                    self._talk = None
                for task in (running, opening):
                    task.cancel()
                await asyncio.gather(running, opening, return_exceptions=True)
                self._note_talk(talk)

    def _note_talk(self, talk: Talk) -> None:
        self._silence.note(talk)
        self._is_silent_still = talk.is_silent

    async def _open(self, talk: Talk, connection: Connection) -> None:
        mediation = await self._granted(talk, connection)  # 2
        status = await talk.ask("messagepickup/2.0/live-delivery-change", live_delivery=True)  # 3
        if status.members.get("live_delivery") is not True:
            raise MediatorError("the mediator has no live mode")
        log_event(_LOG, logging.INFO, "holder.mediator.live")
        async with self._changed:
            self._live_since, self._talk, self._address = time.monotonic(), talk, mediation.address
            self._changed.notify_all()
        try:
            await self._keys.tidy(talk)  # 4
        except TalkEndedError:
            raise
        except MediatorError as err:  # not every mediator tells
            log_event(_LOG, logging.INFO, "holder.mediator.keys_unknown", reason=describe(err))

    async def _connection(self) -> Connection:
        """Return the connection with the mediator to talk over now; it is made if there is none.

        Raises:
            ResolutionError: the mediator cannot be reached, or did not answer.
            ExchangeError: what it says is no invitation, or no answer to us.
        """
        kept, self._old = await self._kept(), None
        connection = None if kept is None else await find_connection(self._profile, kept.own_key, adopts=False)
        if kept is not None and connection is None:
            await self._records.remove(kept.id)  # there is no connection any more; a new one is made
            kept, self._address = None, None
        if connection is None:
            connection = await self._connect()
        fresh, self._fresh, granted = self._fresh, None, kept is not None
        if fresh is not None:
            self._silence.shorten(granted=granted)  # if this does not help, it is tried again after an hour
            if self._is_silent_still:  # c
                self._old = connection
                return fresh
            await self._forget(fresh, beside=connection)
        elif self._silence.is_long(granted=granted):  # a
            try:
                self._fresh, self._is_silent_still = await self._connect(beside=connection), False  # b
            except WanderbuchError as err:
                log_event(_LOG, logging.WARNING, "holder.mediator.away", reason=describe(err))
        return connection

    async def _connect(self, *, beside: Connection | None = None) -> Connection:
        """Return the connection on the mediator's invitation, or a new one beside a connection that is there."""
        invitation = read_invitation_message(await fetch_invitation(self._edge, self._mediator))
        handshake_id = invitation.handshake_id
        if beside is not None:
            handshake_id = own_id("mediator", handshake_id, beside.own_key)
        self._handshake_id = handshake_id
        for is_new in (beside is None, True):
            self._connected.clear()
            begun = await begin(
                self._profile, invitation, way=OwnSite(QUEUE), wants_reply=True, handshake_id=handshake_id
            )
            if begun.connection is None:
                break
            if is_new:
                return begun.connection
            await self._forget(begun.connection, beside=beside)  # of a try before, which may be forgotten as well
        try:
            async with asyncio.timeout(_CONNECT_S):
                await self._connected.wait()
        except TimeoutError as err:
            raise MediatorError("the mediator did not answer our request to connect") from err
        connection = await find_connection(self._profile, begun.own_key, adopts=False)
        if connection is None:
            raise MediatorError("the mediator refuses to connect with this wallet")
        return connection

    async def _forget(self, connection: Connection, *, beside: Connection | None) -> None:
        is_shared = beside is not None and beside.their_did == connection.their_did
        await forget_begun(self._profile, connection, with_their_key=not is_shared)

    async def _granted(self, talk: Talk, connection: Connection) -> Mediation:
        """Ask for mediation, which a mediator may have forgotten, and return what is granted now.

        Raises:
            ResolutionError: the mediator does not answer, or does not take this wallet.
        """
        kept = await self._kept()
        answer = await talk.ask("coordinate-mediation/1.0/mediate-request")
        if not answer.type.endswith("/mediate-grant"):
            if kept is None or kept.own_key != connection.own_key or answer.type.endswith("/mediate-deny"):
                raise MediatorError("the mediator does not take this wallet")
            return kept  # ACA-Py says only that it did grant it
        granted = read_grant(answer.members)
        fresh = Mediation(
            id=mediation_id(self._mediator),
            own_key=connection.own_key,
            endpoint=granted.endpoint,
            routing_keys=granted.routing_keys,
        )
        is_same = kept is not None and (kept.own_key, kept.address) == (fresh.own_key, fresh.address)
        mediation = kept if kept is not None and is_same else await self._records.put(fresh)
        if self._old is not None:  # d
            old, self._old = self._old, None
            log_event(_LOG, logging.WARNING, "holder.mediator.forgot_us")
            await self._forget(old, beside=connection)
        return mediation

    async def _kept(self) -> Mediation | None:
        return await self._records.get_or_none(mediation_id(self._mediator))

    @property
    def _records(self) -> RecordStore[Mediation]:
        return RecordStore(self._profile, Mediation)

    async def _in_touch(self) -> Talk:
        """Return the talk that there is; wait a little for one.

        Raises:
            MediatorError: there is none.
        """
        self._waiting += 1
        self._wanted.set()
        try:
            async with asyncio.timeout(_REACH_S), self._changed:
                await self._changed.wait_for(lambda: self._talk is not None)
        except TimeoutError as err:
            raise _away() from err
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._wanted.clear()
        if self._talk is None:
            raise _away()
        return self._talk


def _away() -> MediatorError:
    return MediatorError(
        "the wallet's mediator cannot be reached, so nobody could answer",
        hint="try again later: nothing is lost; check [holder] mediator if it lasts",
    )
