"""One row a record: its place in listings, its state, when it is due. The records themselves are in Askar.

**Two writes.** A record and its row cannot be written in one transaction, so:

1. `add` the row that the record will need (with its words),
2. write the record in Askar,
3. `settle`: rows and words that are stale go, the due time becomes exact.

(For a record that is new the third step is `inserted`, which costs nothing unless its writer slept. One that goes is
`touch`ed, removed in Askar, then its rows are `remove`d. Who knows that nothing was written says so: `failed`.)
A crash anywhere leaves at most a superfluous row, or a due time that is too early: never a record without its row,
never work that is late. Readers compare each row with the record it names; who meets a superfluous row says so
(`doubt`), and it goes once it is ten minutes old.

**Several writers.** Each `add` raises the *fence* of all rows of the record and marks them *held*. `settle` cleans up
only if nobody else was in the middle when we began, and nobody began since: only then do we know how the record ended.
Otherwise it leaves everything, and the next writer who is alone cleans up. Held rows cannot be claimed (`due.py`), and
marks end by themselves after a minute.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Final

from wanderbuch.store.cursors import Listing, open_cursor, seal_cursor
from wanderbuch.store.due import DueClaim
from wanderbuch.store.elapsing import elapsing
from wanderbuch.store.engine import Engine, Statement, Value
from wanderbuch.store.hashing import KeyedHash
from wanderbuch.store.schema import LIST, LIST_OF_STATE, list_of
from wanderbuch.store.words import Words

HELD_S: Final = 60.0
"""So long a writer may take from `add` to `settle` before others stop minding it (who is later still loses nothing)."""

DOUBTED_S: Final = 600.0
"""A row without its record goes once it is so old; its writer may be about to write the record."""

MOST_ROWS: Final = 1000
"""Bound of one page."""

_THIS: Final = "tenant = ? AND kind = ? AND id = ?"

# Marks all rows of a record as held by one writer more.
_HOLD: Final = (
    f"UPDATE row SET fence = fence + 1, held = store_now() + {HELD_S},"  # noqa: S608
    f" writers = CASE WHEN held > store_now() THEN writers + 1 ELSE 1 END WHERE {_THIS} RETURNING fence, writers"
)

# Marks them once more for a writer who has, and is still alone.
_HOLD_AGAIN: Final = (
    f"UPDATE row SET fence = greatest(fence, ?) + 1, held = store_now() + {HELD_S}, writers = 1 WHERE {_THIS}"  # noqa: S608
    f" AND NOT EXISTS (SELECT 1 FROM row WHERE {_THIS} AND fence > ?) RETURNING fence"
)


@dataclass(frozen=True, slots=True)
class Indexed:
    """What the plain tables hold of a record."""

    id: str
    state: str = ""
    """What listings filter by; no personal data."""
    due: datetime | None = None
    """When somebody must look at it."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What it can be found by, by name of the field; only keyed hashes are kept."""


@dataclass(frozen=True, slots=True)
class Written:
    """That a writer is in the middle: between `add` or `touch` and `settle` or `remove`."""

    tenant: str
    kind: str
    indexed: Indexed
    fence: int
    is_alone: bool
    began: float = field(default_factory=elapsing)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a listing."""

    number: int
    id: str
    state: str


@dataclass(frozen=True, slots=True)
class RowPage:
    """Part of a listing; it may be shorter than asked for, only `next_cursor` tells whether more follows."""

    rows: tuple[Row, ...]
    next_cursor: str | None


class How(Enum):
    """Why a row is written."""

    NEW = "new"
    """Before a record that nobody knows yet."""
    CHANGED = "changed"
    """Before a record that may be there; its rows are held until we settle."""
    LATE = "late"
    """After the record, since others wrote meanwhile: so that our row is there, and that they notice."""
    READ = "read"
    """From the record itself; nobody needs to notice."""


class Rows:
    """The rows of all records of a store."""

    def __init__(self, engine: Engine, hashes: KeyedHash, words: Words) -> None:
        self._engine = engine
        self._hashes = hashes
        self._words = words

    async def add(
        self, tenant: str, kind: str, indexed: Indexed, *, is_new: bool = False, also: Sequence[Statement] = ()
    ) -> Written:
        """Write the row that a record will need, before the record.

        Args:
            tenant: whose record.
            kind: which kind of record.
            indexed: the record as it will be.
            is_new: nobody else can know the record yet: its due time counts at once, and `inserted` follows.
            also: is run in the same transaction.
        """
        return (await self.add_all(tenant, [(kind, indexed, is_new)], also=also))[0]

    async def add_all(
        self, tenant: str, wanted: Sequence[tuple[str, Indexed, bool]], *, also: Sequence[Statement] = ()
    ) -> list[Written]:
        """Write the rows that records will need in one transaction, as `add` does that of one.

        Args:
            tenant: whose records.
            wanted: of each its kind, the record as it will be, and whether it is new, as with `add`; those that are
                changed by several writers at once in an order that is the same for all.
            also: as with `add`.
        """
        statements: list[Statement] = []
        places: list[int] = []
        for kind, indexed, is_new in wanted:
            places.append(len(statements) + (not is_new))
            statements += self.adding(tenant, kind, indexed, How.NEW if is_new else How.CHANGED)
        statements += also
        if len(statements) == 1:
            results = [await self._engine.run(statements[0].sql, *statements[0].args)]
        else:
            results = await self._engine.together(*statements)
        numbers = [results[place][0] for place in places]
        return [
            Written(tenant, kind, indexed, fence, writers <= 1)
            for (kind, indexed, _), (fence, writers) in zip(wanted, numbers, strict=True)
        ]

    async def settle(self, written: Written, indexed: Indexed | None = None, *, also: Sequence[Statement] = ()) -> None:
        """Clean up after the record was written.

        Args:
            written: what `add` returned, or `touch`.
            indexed: the record as it was read *after* that; None: as it was added. So what somebody left unsettled is
                set right: `touch`, read the record, `settle` (or `remove`, if there is none).
            also: is run in the same transaction.
        """
        await self.settle_all([written if indexed is None else replace(written, indexed=indexed)], also=also)

    async def settle_all(self, all_written: Sequence[Written], *, also: Sequence[Statement] = ()) -> None:
        """Clean up after several records, as `settle` does after one, in one transaction where nobody else wrote."""
        late = [written for written in all_written if not written.is_alone]
        alone = [written for written in all_written if written.is_alone]
        if alone:
            settling = [self._settling(written) for written in alone]
            results = await self._engine.together(
                *(statement for statements in settling for statement in statements), *also
            )
            also, at = (), 0
            for written, statements in zip(alone, settling, strict=True):
                if not results[at]:
                    late.append(written)
                at += len(statements)
        # Somebody else wrote in between and may have taken our row for stale: it is there again, whoever was last.
        for written in late:
            again = self.adding(written.tenant, written.kind, written.indexed, How.LATE)
            await self._engine.together(*again, *also)
            also = ()

    async def inserted(self, written: Written) -> None:
        """Say that a new record was written; asks the database only if that took so long that its row may be gone."""
        if elapsing() - written.began > HELD_S / 2:
            await self.settle(written)

    async def failed(self, written: Written) -> Written | None:
        """Begin to clean up after a record was certainly not written; then read it, and `settle` or `remove`.

        Returns:
            What these two want; None if others wrote meanwhile: then there is nothing to do.
        """
        if not written.is_alone:
            return None
        this = (written.tenant, written.kind, written.indexed.id)
        rows = await self._engine.run(_HOLD_AGAIN, written.fence, *this, *this, written.fence)
        fence = written.fence + 1
        return replace(written, fence=fence) if rows and all(row[0] == fence for row in rows) else None

    async def touch(self, tenant: str, kind: str, record_id: str) -> Written:
        """Say that a record is about to be removed."""
        rows = await self._engine.run(_HOLD, tenant, kind, record_id)
        fence = max((row[0] for row in rows), default=0)
        return Written(tenant, kind, Indexed(record_id), fence, all(row[1] <= 1 for row in rows))

    async def remove(self, written: Written) -> None:
        """Remove the rows of a record that is gone."""
        if not written.is_alone:
            return  # superfluous now; they go by themselves
        this = (written.tenant, written.kind, written.indexed.id)
        await self._engine.together(
            Statement(f"DELETE FROM row WHERE {_THIS} AND fence <= ?", (*this, written.fence)),  # noqa: S608
            Statement(
                f"DELETE FROM word WHERE {_THIS} AND NOT EXISTS (SELECT 1 FROM row WHERE {_THIS})",  # noqa: S608
                (*this, *this),
            ),
        )

    async def sooner(
        self, tenant: str, kind: str, record_id: str, state: str, due: datetime, *, also: Sequence[Statement] = ()
    ) -> bool:
        """Make a row due earlier, before the record says so; nothing is to be settled. False: there is no such row.

        `also` is run in the same transaction, whether or not there is.
        """
        # The fence grows: who has claimed the row, or is writing it, does not put back what he knew before.
        sql = f"UPDATE row SET fence = fence + 1, due = least(due, ?) WHERE {_THIS} AND state = ? RETURNING id"  # noqa: S608
        made = Statement(sql, (_seconds(due), tenant, kind, record_id, state))
        return bool((await self._engine.together(made, *also))[0])

    async def postpone(self, tenant: str, kind: str, record_id: str, state: str, due: datetime | None) -> None:
        """Move the due time of a row alone, unless a writer is in the middle: then what that one says counts."""
        await self._engine.run(
            f"UPDATE row SET due = ? WHERE {_THIS} AND state = ? AND held <= store_now()",  # noqa: S608
            *(None if due is None else _seconds(due), tenant, kind, record_id, state),
        )

    def putting_off(self, tenant: str, kind: str, before: Indexed, after: Indexed) -> Statement:
        """Return what moves the due time of a row alone, if nobody has moved it and no writer is in the middle."""
        due = None if after.due is None else _seconds(after.due)
        was = None if before.due is None else _seconds(before.due)
        return Statement(
            f"UPDATE row SET due = ? WHERE {_THIS} AND state = ? AND due = ? AND held <= store_now()",  # noqa: S608
            (due, tenant, kind, after.id, after.state, was),
        )

    async def doubt(self, tenant: str, kind: str, row: Row | DueClaim) -> bool:
        """Remove a row that does not fit the record it names, if it is old enough; tell whether it went."""
        gone = await self._engine.run(
            f"DELETE FROM row WHERE {_THIS} AND state = ? AND at < store_now() - ?"  # noqa: S608
            " AND held < store_now() RETURNING id",
            *(tenant, kind, row.id, row.state, DOUBTED_S),
        )
        return bool(gone)

    async def unsettled_of(self, tenant: str, kind: str, *, limit: int) -> list[str]:
        """Return the ids of records of a kind whose writer did not come back; for a sweep."""
        rows = await self._engine.run(
            f"SELECT DISTINCT id FROM row WHERE {LIST} = ? AND held > 0 AND held < store_now() - ? LIMIT ?",  # noqa: S608
            *(list_of(tenant, kind), DOUBTED_S - HELD_S, limit),
        )
        return [row[0] for row in rows]

    async def page(
        self,
        tenant: str,
        kind: str,
        *,
        states: Collection[str] | None = None,
        limit: int = 50,
        cursor: str | None = None,
        newest_first: bool = True,
    ) -> RowPage:
        """Return a part of the rows of a kind in the order in which the records were made.

        Args:
            tenant: whose.
            kind: of which kind.
            states: only rows of these states; None: of any.
            limit: at most so many, 1 to 1,000.
            cursor: `next_cursor` of the part before; None: the first part.
            newest_first: or else oldest first.

        Raises:
            CursorError: the cursor is of another listing, or none of ours.
        """
        if not 1 <= limit <= MOST_ROWS:
            raise ValueError(f"a page has 1 to {MOST_ROWS} rows, not {limit}")
        listing = Listing(tenant, kind, None if states is None else sorted(set(states)), newest_first)
        after = None if cursor is None else open_cursor(self._hashes, listing, cursor)
        if listing.states is not None and not listing.states:
            return RowPage((), None)
        sql, args = _page_sql(listing, after, limit + 1)
        page_rows = [Row(*columns) for columns in await self._engine.run(sql, *args)]
        more = len(page_rows) > limit
        shown = page_rows[:limit]
        # A record that is being changed may have two rows, side by side: both have its one number.
        rows = tuple(row for row, before in zip(shown, [None, *shown], strict=False) if not _is_same(row, before))
        return RowPage(rows, seal_cursor(self._hashes, listing, shown[-1].number) if more else None)

    async def count(self, tenant: str, kind: str, *, states: Collection[str] | None = None) -> int:
        """Return how many rows a kind has; superfluous rows count until they go."""
        if states is None:
            # A record that is being changed may have two rows; both are held then.
            twice = f"SELECT count(*) - count(DISTINCT number) FROM row WHERE held > 0 AND {LIST} = ?"  # noqa: S608
            sql = f"SELECT count(*) - ({twice}) FROM row WHERE {LIST} = ?"  # noqa: S608
            args = [list_of(tenant, kind)] * 2
        elif not (wanted := sorted(set(states))):
            return 0
        else:
            marks = ", ".join("?" * len(wanted))
            sql = f"SELECT count(*) FROM row WHERE {LIST_OF_STATE} IN ({marks})"  # noqa: S608
            args = [list_of(tenant, kind, state) for state in wanted]
        return int((await self._engine.run(sql, *args))[0][0])

    def adding(self, tenant: str, kind: str, indexed: Indexed, how: "How") -> list[Statement]:
        """Return what writes a record's row and words; the row's own statement is the first that returns rows."""
        this = (tenant, kind, indexed.id)
        due = None if indexed.due is None else _seconds(indexed.due)
        insert = Statement(_INSERT[how], (*this, indexed.state, due, *this))
        words = self._words.adding(tenant, kind, indexed.id, indexed.words)
        match how:
            case How.CHANGED:
                return [Statement(_HOLD, this), insert, *words]
            case How.LATE:
                return [Statement(f"UPDATE row SET fence = fence + 1 WHERE {_THIS}", this), insert, *words]  # noqa: S608
            case How.NEW | How.READ:
                return [insert, *words]

    def _settling(self, written: Written) -> tuple[Statement, ...]:
        """Return what cleans up if nobody wrote since we began; the first returns rows if nobody did."""
        indexed = written.indexed
        this = (written.tenant, written.kind, indexed.id)
        ours = (*this, indexed.state, written.fence)
        # Each statement asks again: whoever makes the record anew adds a row without waiting for us.
        nobody_since = f"NOT EXISTS (SELECT 1 FROM row WHERE {_THIS} AND fence > ?)"  # noqa: S608
        is_ours = f"EXISTS (SELECT 1 FROM row WHERE {_THIS} AND state = ? AND fence = ?)"  # noqa: S608
        hashes = self._words.hashes(written.tenant, written.kind, indexed.words)
        but = f" AND hash NOT IN ({', '.join('?' * len(hashes))})" if hashes else ""
        due = None if indexed.due is None else _seconds(indexed.due)
        return (
            Statement(
                f"UPDATE row SET due = ?, held = 0, writers = 0, at = store_now() WHERE {_THIS}"  # noqa: S608
                f" AND state = ? AND fence = ? AND {nobody_since} RETURNING fence",
                (due, *ours, *this, written.fence),
            ),
            Statement(
                f"DELETE FROM word WHERE {_THIS}{but} AND {is_ours} AND {nobody_since}",  # noqa: S608
                (*this, *hashes, *ours, *this, written.fence),
            ),
            Statement(
                f"DELETE FROM row WHERE {_THIS} AND state <> ? AND fence <= ? AND {is_ours}",  # noqa: S608
                (*this, indexed.state, written.fence, *ours),
            ),
        )


def _insert(how: How) -> str:
    """Return what writes one row, given all rows that the record has."""
    is_new = how is How.NEW
    until = f"CASE WHEN count(*) > 0 THEN store_now() + {HELD_S} ELSE 0 END" if is_new else "coalesce(max(held), 0)"
    writers = "coalesce(max(writers) + 1, 0)" if is_new else "coalesce(max(writers), 0)"
    fence = {How.NEW: "coalesce(max(fence), 0) + 1", How.READ: "coalesce(max(fence), 0)"}.get(
        how, "coalesce(max(fence), 1)"
    )
    also = ", held = excluded.held, writers = CASE WHEN row.held > store_now() THEN row.writers + 1 ELSE 1 END"
    return (
        "INSERT INTO row (number, tenant, kind, id, state, due, held, writers, fence, at)"  # noqa: S608
        f" SELECT coalesce(min(number), store_next()), ?, ?, ?, ?, CAST(? AS DOUBLE PRECISION), {until}, {writers},"
        f" {fence}, store_now() FROM row WHERE {_THIS}"
        " ON CONFLICT (tenant, kind, id, state) DO UPDATE SET due = least(row.due, excluded.due), at = excluded.at,"
        f" fence = {'row' if how is How.READ else 'excluded'}.fence{also if is_new else ''} RETURNING fence, writers"
    )


_INSERT: Final = {how: _insert(how) for how in How}


def _page_sql(listing: Listing, after: int | None, limit: int) -> tuple[str, list[Value]]:
    """Return the query of a page: one walk along the index for each state, of which the first `limit` are taken."""
    order = "DESC" if listing.newest_first else "ASC"
    beyond = "" if after is None else f" AND number {'<' if listing.newest_first else '>'} ?"
    states: Sequence[str | None] = [None] if listing.states is None else listing.states
    walks: list[str] = []
    args: list[Value] = []
    for state in states:
        walks.append(
            "SELECT * FROM (SELECT number, id, state FROM row"  # noqa: S608
            f" WHERE {LIST if state is None else LIST_OF_STATE} = ?{beyond}"
            f" ORDER BY number {order} LIMIT ?) AS walk{len(walks)}"
        )
        args.append(list_of(listing.tenant, listing.kind, *(() if state is None else (state,))))
        args += [] if after is None else [after]
        args.append(limit)
    return f"{' UNION ALL '.join(walks)} ORDER BY 1 {order} LIMIT ?", [*args, limit]


def _is_same(row: Row, before: Row | None) -> bool:
    return before is not None and before.number == row.number


def _seconds(due: datetime) -> float:
    if due.tzinfo is None:
        raise ValueError("a due time is aware")
    return due.astimezone(UTC).timestamp()
