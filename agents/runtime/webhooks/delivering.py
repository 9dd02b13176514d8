"""Delivering: one piece of a webhook's work sends what the log has beyond its cursor, as far as it gets in 20 s.

1. Events of one subject are sent in order, the next only when the last was taken; different subjects, four at once.
2. Taken is what the receiver answers with 2xx within 10 s. Nothing of the answer is read, no redirect is followed.
3. After a failure a piece begins with one event alone. Where nobody answers, it ends with that; a receiver that answers
   with another status may refuse one event: the other subjects go on, until five were refused.
4. Failures in a row are followed by growing pauses, up to an hour; after three days, or 410 Gone, the webhook has
   FAILED, and the log says so. Whoever resumes it loses nothing that the log still has.
"""

import asyncio
import json
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.events.streaming import event_json
from wanderbuch.agents.runtime.webhooks.signing import signed_headers
from wanderbuch.agents.runtime.webhooks.webhook import WEBHOOK_WORK, Attempt, Cursor, Webhook
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import HttpError, StatusError
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.events import EventLog, LoggedEvent
from wanderbuch.store.records import RecordStore
from wanderbuch.store.tables import DEFAULT_TENANT
from wanderbuch.store.work import Piece, Work, WorkState
from wanderbuch.store.working import WorkKind

_LOG = logging.getLogger(__name__)

_BATCH: Final = 100
_SUBJECTS_AT_ONCE: Final = 4
_ATTEMPT_S: Final = 10.0
_BEGIN_S: Final = 20.0
_STEP_S: Final = 35.0
_MAX_REFUSED: Final = 5
_GONE: Final = 410  # RFC 9110 §15.5.11
_BEING_MADE_S: Final = 600.0  # clocks of processes may differ by a minute
_PAUSES_S: Final = (1.0, 5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0)
_GIVE_UP_S: Final = 3 * 24 * 3600.0


def webhook_work(log: EventLog, edge: HttpEdge) -> WorkKind:
    """Return the kind of work that delivers to webhooks."""
    return WorkKind(
        WEBHOOK_WORK,
        step=_Deliveries(log, edge).step,
        step_s=_STEP_S,
        pauses_s=_PAUSES_S,
        give_up_s=_GIVE_UP_S,
        at_once=16,
        at_once_a_tenant=4,
        tells=_tells,
    )


def _tells(work: Work) -> Sequence[Event]:
    if work.state is not WorkState.FAILED or work.ended_at is None:
        return ()
    return [Event(EventKind.WEBHOOK_FAILED, work.id, occasion=str(int(work.ended_at.timestamp() * 1000)))]


@dataclass(slots=True)
class _Round:
    """One piece under way."""

    webhook: Webhook
    tenant: str
    began: float = field(default_factory=time.monotonic)
    taken: set[int] = field(default_factory=set)
    attempts: list[Attempt] = field(default_factory=list)
    refused: int = 0
    is_dead: bool = False
    is_gone: bool = False

    @property
    def goes_on(self) -> bool:
        """Return whether another delivery may begin."""
        late = time.monotonic() - self.began > _BEGIN_S
        return not (late or self.is_dead or self.is_gone or self.refused >= _MAX_REFUSED)

    @property
    def failure(self) -> str | None:
        """Return why something was not taken."""
        return next((attempt.error for attempt in reversed(self.attempts) if attempt.error), None)


class _Deliveries:
    def __init__(self, log: EventLog, edge: HttpEdge) -> None:
        self._log = log
        self._edge = edge

    async def step(self, profile: Profile, work: Work) -> Piece:
        """Send what can be sent now."""
        cursor, done = Cursor.read(work.position), work.done
        webhook = await RecordStore(profile, Webhook).get_or_none(work.id)
        if webhook is None:  # it is being made, and its maker wakes us; or it was removed
            is_new = (datetime.now(UTC) - work.started_at).total_seconds() < _BEING_MADE_S
            return Piece(work.position, done, again_s=None, is_last=not is_new)
        extent = await self._log.extent(work.tenant)
        if done < extent.pruned:
            cursor, done = replace(cursor, missed=cursor.missed + extent.pruned - done), extent.pruned
        batch = await self._log.read(work.tenant, done, _BATCH)
        wanted = [
            logged_event
            for logged_event in batch
            if webhook.wants(logged_event.kind) and logged_event.number not in cursor.ahead
        ]
        sending = _Round(webhook, work.tenant)
        await self._send(sending, wanted, carefully=work.failures > 0)
        open_numbers = {logged_event.number for logged_event in wanted} - sending.taken
        done = max(_upto(batch, open_numbers), done)
        ahead = frozenset(number for number in cursor.ahead | sending.taken if number > done)
        recent = (*reversed(sending.attempts), *cursor.recent)
        again_s = 0.0 if open_numbers or len(batch) == _BATCH else None
        return Piece(
            replace(cursor, ahead=ahead, recent=recent).position(),
            done=done,
            total=extent.last,
            again_s=again_s,
            failure=sending.failure,
            give_up=sending.is_gone,
        )

    async def _send(self, sending: _Round, wanted: Sequence[LoggedEvent], *, carefully: bool) -> None:
        subjects: dict[str, list[LoggedEvent]] = {}
        for logged_event in wanted:
            subjects.setdefault(logged_event.subject, []).append(logged_event)
        waiting = list(subjects.values())
        if carefully and waiting:
            await self._in_order(sending, waiting[0][:1])
            if waiting[0][0].number in sending.taken:
                waiting[0] = waiting[0][1:]
            else:
                waiting = waiting[1:]
        queue = iter(waiting)

        async def lane(of: Iterable[Sequence[LoggedEvent]]) -> None:
            for events in of:
                await self._in_order(sending, events)

        async with asyncio.TaskGroup() as lanes:
            for _ in range(_SUBJECTS_AT_ONCE):
                lanes.create_task(lane(queue))

    async def _in_order(self, sending: _Round, events: Sequence[LoggedEvent]) -> None:
        for event in events:
            if not sending.goes_on or not await self._attempt(sending, event):
                return

    async def _attempt(self, sending: _Round, event: LoggedEvent) -> bool:
        """Send one event and return whether it was taken."""
        at, began = datetime.now(UTC), time.monotonic()
        body = message_body(sending.tenant, event)
        headers = signed_headers(
            sending.webhook.keys_at(at), f"evt_{sending.webhook.id}_{event.number}", int(at.timestamp()), body
        )
        status, error = None, None
        try:
            status = await self._edge.push(
                sending.webhook.url,
                body,
                headers=headers,
                timeout_s=_ATTEMPT_S,
                is_operators=sending.tenant == DEFAULT_TENANT,
            )
        except StatusError as err:
            status, error = err.status, f"status {err.status}"
            sending.refused += 1
            sending.is_gone = err.status == _GONE
        except HttpError as err:  # its text may hold the address, which is the receiver's secret
            error = err.code
            sending.is_dead = True
        ms = round((time.monotonic() - began) * 1000)
        sending.attempts.append(Attempt(event.number, at, ms, status, error))
        if error is not None:
            _LOG.info("webhook %s: event %d was not taken: %s", sending.webhook.id, event.number, error)
            return False
        sending.taken.add(event.number)
        return True


def message_body(tenant: str, event: LoggedEvent) -> bytes:
    """Return what is sent (Standard Webhooks, "Payload structure")."""
    shown = event_json(event)
    message = {"type": event.kind, "timestamp": shown["at"], "data": {"tenant": tenant, **shown}}
    return json.dumps(message, separators=(",", ":")).encode()


def _upto(batch: Sequence[LoggedEvent], open_numbers: set[int]) -> int:
    """Return the number up to which there is nothing left to do."""
    done = 0
    for logged_event in batch:
        if logged_event.number in open_numbers:
            break
        done = logged_event.number
    return done
