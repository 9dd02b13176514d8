"""Long work as leased rows: it goes on after a kill, in whatever process, from where its last piece was saved.

    RUNNING ──last piece──► DONE          RUNNING ◄─resume── PAUSED, FAILED
       ├──pause──► PAUSED                 RUNNING, PAUSED ──cancel──► CANCELLED
       └──given up──► FAILED

Rules:

1. A row is claimed by one process for a time, under a name that nobody else has. What it saves counts only while the
   row bears that name: a late owner changes nothing. So a piece may be done twice, and must come to the same.
2. Who pauses or cancels waits for nobody: the piece under way is finished and saved, and no other begins.
3. A row says when it is due; without that it waits until it is woken. One that is woken while its piece is under way is
   due again at once.
4. `position` is the kind's own: ids and numbers, nothing personal, at most 8 KB.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final
from uuid import uuid4

from wanderbuch.store.engine import Engine, Statement, Value
from wanderbuch.store.errors import NotFoundError

TOPIC: Final = "work"
_MAX_POSITION: Final = 8 * 1024
_MAX_ERROR: Final = 300
_KEEP_S: Final = 30 * 24 * 3600.0

_COLUMNS: Final = (
    "tenant, kind, id, state, position, done, total, due, failures, failing_since, error, at, ended, owner, woken"
)


class WorkState(Enum):
    """Where long work stands."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    DONE = "DONE"
    FAILED = "FAILED"  # given up; can be resumed
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Work:
    """Long work as its row has it.

    Args:
        position: where it stands, in the kind's own terms.
        done, total: how much of how much, for whoever watches; None: nobody knows how much there is.
        due: when its next piece may begin; None: it waits to be woken.
        failures: how many pieces have failed one after the other, the first of them at `failing_since`.
        error: why the last one did.
        owner: the name under which it is claimed.
        woken: how often it was woken, when it was claimed.
    """

    tenant: str
    kind: str
    id: str
    state: WorkState
    position: Mapping[str, Any]
    done: int
    total: int | None
    due: datetime | None
    failures: int
    failing_since: datetime | None
    error: str | None
    started_at: datetime
    ended_at: datetime | None
    owner: str | None = field(default=None, repr=False)
    woken: int = field(default=0, repr=False)


@dataclass(frozen=True, slots=True)
class Piece:
    """What one piece of work came to.

    Args:
        position: where the work stands now.
        done, total: see `Work`.
        again_s: when the next piece may begin, in seconds from now; None: when it is woken.
        is_last: there is nothing left to do.
        failure: why it did not come to an end; what was done of it is saved all the same.
        give_up: nothing more is to be tried; with `failure`.
    """

    position: Mapping[str, Any]
    done: int
    total: int | None = None
    again_s: float | None = 0.0
    is_last: bool = False
    failure: str | None = None
    give_up: bool = False


class Works:
    """The long work of all tenants of one store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._none_runs: set[tuple[str, str]] = set()  # by kind and tenant; only where no other process starts any
        self._changes = 0

    async def start(
        self,
        tenant: str,
        kind: str,
        work_id: str,
        *,
        position: Mapping[str, Any] | None = None,
        done: int = 0,
        total: int | None = None,
    ) -> Work:
        """Begin; if work with this id is there, it stays as it is and is returned."""
        self._note_start()
        await self._engine.run(
            "INSERT INTO work (tenant, kind, id, state, position, done, total, due, at) "
            "VALUES (?, ?, ?, 'RUNNING', ?, ?, ?, store_now(), store_now()) ON CONFLICT DO NOTHING",
            tenant,
            kind,
            work_id,
            _text(position or {}),
            done,
            total,
        )
        self._note_start()
        await self._engine.announce(TOPIC, kind)
        return await self.get(tenant, kind, work_id)

    async def get(self, tenant: str, kind: str, work_id: str) -> Work:
        """Return work as it stands.

        Raises:
            NotFoundError: there is none with this id.
        """
        return _one(await self._engine.run(f"SELECT {_COLUMNS} FROM work WHERE {_THIS}", tenant, kind, work_id), kind)  # noqa: S608

    async def every(self, tenant: str, kind: str) -> list[Work]:
        """Return all work of a kind, the oldest first."""
        rows = await self._engine.run(
            f"SELECT {_COLUMNS} FROM work WHERE tenant = ? AND kind = ? ORDER BY at, id",  # noqa: S608 (constants)
            tenant,
            kind,
        )
        return [_read(row) for row in rows]

    async def pause(self, tenant: str, kind: str, work_id: str) -> Work:
        """Begin no further piece; asking again changes nothing, nor does it where the work has ended."""
        return await self._set(tenant, kind, work_id, "state = 'PAUSED'", ("RUNNING",))

    async def resume(self, tenant: str, kind: str, work_id: str) -> Work:
        """Go on now, also where it was given up: what failed before is forgotten."""
        change = "state = 'RUNNING', due = store_now(), failures = 0, failing_since = NULL, error = NULL, ended = NULL"
        self._note_start()
        work = await self._set(tenant, kind, work_id, change, ("PAUSED", "FAILED"))
        self._note_start()
        await self._engine.announce(TOPIC, kind)
        return work

    async def cancel(self, tenant: str, kind: str, work_id: str) -> Work:
        """End it; what is done stays done."""
        change = "state = 'CANCELLED', ended = store_now()"
        return await self._set(tenant, kind, work_id, change, ("RUNNING", "PAUSED", "FAILED"))

    async def remove(self, tenant: str, kind: str, work_id: str) -> bool:
        """Remove the row and return whether it was there."""
        return bool(await self._engine.run(f"DELETE FROM work WHERE {_THIS} RETURNING id", tenant, kind, work_id))  # noqa: S608

    async def wake(self, kind: str, tenant: str) -> bool:
        """Make the work of a kind due now, and return whether there is any.

        What has failed and is to be tried again later stays so. Most tenants have none: where no other process can
        start any, that is remembered until some is started here.
        """
        if (kind, tenant) in self._none_runs:
            return False
        changes = self._changes
        rows = await self._engine.run(
            "UPDATE work SET woken = woken + 1, "
            "due = CASE WHEN due IS NULL OR failures = 0 THEN store_now() ELSE due END "
            "WHERE kind = ? AND tenant = ? AND state = 'RUNNING' RETURNING id",
            kind,
            tenant,
        )
        if rows:
            await self._engine.announce(TOPIC, kind)
        elif not self._engine.is_shared and changes == self._changes:
            self._none_runs.add((kind, tenant))
        return bool(rows)

    async def wake_behind(self, kind: str) -> int:
        """Wake waiting work whose `done` is behind its tenant's event log, and return how much of it there was."""
        rows = await self._engine.run(
            "UPDATE work SET woken = woken + 1, due = store_now() WHERE kind = ? AND state = 'RUNNING' "
            "AND due IS NULL AND EXISTS "
            "(SELECT 1 FROM counter WHERE counter.tenant = work.tenant AND counter.number > work.done) RETURNING id",
            kind,
        )
        if rows:
            await self._engine.announce(TOPIC, kind)
        return len(rows)

    async def claim(self, kind: str, *, for_s: float, not_of: Collection[str] = ()) -> Work | None:
        """Claim the work of a kind that has been due longest; None if nothing is due.

        Args:
            kind: which.
            for_s: how long nobody else may have it.
            not_of: tenants whose work is left alone.
        """
        others = f"AND tenant NOT IN ({', '.join('?' for _ in not_of)})" if not_of else ""
        rows = await self._engine.run(
            f"""WITH next AS (
                SELECT tenant AS t, id AS i FROM work
                WHERE kind = ? AND state = 'RUNNING' AND due <= store_now()
                AND until < store_now() {others}
                ORDER BY due LIMIT 1 {self._engine.skip_locked}
            )
            UPDATE work SET owner = ?, until = store_now() + ?
            WHERE kind = ? AND tenant = (SELECT t FROM next) AND id = (SELECT i FROM next)
            RETURNING {_COLUMNS}""",  # noqa: S608 (constants and marks)
            kind,
            *not_of,
            uuid4().hex,
            for_s,
            kind,
        )
        return _read(rows[0]) if rows else None

    async def save(self, claimed: Work, piece: Piece) -> Work | None:
        """Save what a piece came to, and let go; None if the row is no longer ours, and nothing was saved.

        Args:
            claimed: as `claim` returned it.
            piece: what became of it.
        """
        state = WorkState.DONE if piece.is_last else WorkState.FAILED if piece.give_up else WorkState.RUNNING
        ended = (
            "CASE WHEN state = 'RUNNING' THEN store_now() ELSE ended END" if state is not WorkState.RUNNING else "ended"
        )
        due: str
        values: list[Value] = []
        if piece.again_s is None:
            due, values = "CASE WHEN woken > ? THEN store_now() ELSE NULL END", [claimed.woken]
        else:
            due, values = "store_now() + ?", [piece.again_s]
        failed = (
            "failures = failures + 1, failing_since = COALESCE(failing_since, store_now()), error = ?"
            if piece.failure is not None
            else "failures = 0, failing_since = NULL, error = ?"
        )
        rows = await self._engine.run(
            f"""UPDATE work SET position = ?, done = ?, total = ?, due = {due}, {failed},
                ended = {ended}, state = CASE WHEN state = 'RUNNING' THEN ? ELSE state END, owner = NULL, until = 0
            WHERE {_THIS} AND owner = ? RETURNING {_COLUMNS}""",  # noqa: S608 (constants)
            _text(piece.position),
            piece.done,
            piece.total,
            *values,
            piece.failure and piece.failure[:_MAX_ERROR],
            state.value,
            claimed.tenant,
            claimed.kind,
            claimed.id,
            claimed.owner,
        )
        return _read(rows[0]) if rows else None

    async def release(self, claimed: Work, *, again_s: float = 0.0) -> None:
        """Let go of what was claimed without having done anything.

        Args:
            claimed: as `claim` returned it.
            again_s: when it is due again, in seconds from now.
        """
        await self._engine.run(
            f"UPDATE work SET owner = NULL, until = 0, due = store_now() + ? WHERE {_THIS} AND owner = ?",  # noqa: S608
            again_s,
            claimed.tenant,
            claimed.kind,
            claimed.id,
            claimed.owner,
        )

    async def release_all(self) -> None:
        """Let go of everything: only where no other process can have claimed any of it."""
        await self._engine.run("UPDATE work SET owner = NULL, until = 0 WHERE owner IS NOT NULL")

    async def prune(self, *, keep_s: float = _KEEP_S) -> None:
        """Remove what ended long ago; what was given up stays until somebody sees to it."""
        await self._engine.run(
            "DELETE FROM work WHERE state IN ('DONE', 'CANCELLED') AND ended < store_now() - ?", keep_s
        )

    def _note_start(self) -> None:
        """Say, before and after, that some work is started: who asked meanwhile whether there is any does not know."""
        self._changes += 1
        self._none_runs.clear()

    async def _set(self, tenant: str, kind: str, work_id: str, change: str, states: Collection[str]) -> Work:
        marks = ", ".join("?" for _ in states)
        update = Statement(
            f"UPDATE work SET {change} WHERE {_THIS} AND state IN ({marks})",  # noqa: S608 (constants and marks)
            (tenant, kind, work_id, *states),
        )
        look = Statement(f"SELECT {_COLUMNS} FROM work WHERE {_THIS}", (tenant, kind, work_id))  # noqa: S608
        return _one((await self._engine.together(update, look))[1], kind)


_THIS: Final = "tenant = ? AND kind = ? AND id = ?"


def _one(rows: list[tuple[Any, ...]], kind: str) -> Work:
    if not rows:
        raise NotFoundError(f"there is no {kind} with this id")
    return _read(rows[0])


def _read(row: tuple[Any, ...]) -> Work:
    tenant, kind, work_id, state, position, done, total, due, failures, since, error, at, ended, owner, woken = row
    return Work(
        tenant=tenant,
        kind=kind,
        id=work_id,
        state=WorkState(state),
        position=json.loads(position),
        done=int(done),
        total=None if total is None else int(total),
        due=_instant(due),
        failures=int(failures),
        failing_since=_instant(since),
        error=error,
        started_at=datetime.fromtimestamp(at, UTC),
        ended_at=_instant(ended),
        owner=owner,
        woken=int(woken),
    )


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _text(position: Mapping[str, Any]) -> str:
    text = json.dumps(dict(position), separators=(",", ":"))
    if len(text) > _MAX_POSITION:
        raise ValueError(f"expected a position of at most {_MAX_POSITION} characters, found {len(text)}")
    return text
