"""The engine under the plain tables: SQLite in a file of its own, or PostgreSQL.

One SQL serves both: `?` for arguments (never `?` inside a literal), `ON CONFLICT`, `RETURNING`, and these functions:

- `store_now()`: the database's clock in seconds since 1970; the one clock of leases and claims;
- `store_next()`: a number greater than all that it gave before: the order of listings;
- `store_tell(topic, text)`: `announce` as part of a transaction: heard if that commits, and only then;
- `least(a, b)`, `greatest(a, b)`: NULL counts as absent.

What differs stays in here: `skip_locked` is empty where nobody else can hold a lock.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

_LOG = logging.getLogger(__name__)

type Value = str | int | float | bytes | None
type Rows = list[tuple[Any, ...]]

MAX_TOLD_BYTES: Final = 4000
"""Bound of a topic and a text together (PostgreSQL's NOTIFY carries less than 8,000 bytes)."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement and its arguments."""

    sql: str
    args: tuple[Value, ...] = ()


class Engine(Protocol):
    """Runs SQL and tells the other processes."""

    @property
    def is_shared(self) -> bool:
        """Tell whether other processes may use the same tables."""

    @property
    def skip_locked(self) -> str:
        """Return what ends a SELECT of rows that are about to be claimed."""

    async def run(self, sql: str, *args: Value) -> Rows:
        """Run one statement, committed when this returns, and return its rows.

        Raises:
            DuplicateError: a unique name is taken.
            StoreUnreachableError: no answer; a write may have happened or not.
        """

    async def together(self, *statements: Statement) -> list[Rows]:
        """Run statements in one transaction, all or nothing, and return the rows of each.

        Raises:
            DuplicateError: a unique name is taken; nothing was written.
            StoreUnreachableError: no answer; all of it may have happened, or nothing.
        """

    async def announce(self, topic: str, text: str) -> None:
        """Tell every process that hears this topic, this one too; heard within 2 s."""

    def hear(self, topic: str, told: Callable[[str], None]) -> Callable[[], None]:
        """Call `told(text)` for each announcement, and `told("")` when some may have been missed.

        Returns:
            What ends it.
        """

    async def clock(self) -> float:
        """Return the database's clock, in seconds since 1970."""

    async def close(self) -> None:
        """Close it; what was not answered fails."""


class Hearers:
    """Who hears which topic, in this process."""

    def __init__(self) -> None:
        self._by_topic: dict[str, dict[object, Callable[[str], None]]] = {}

    def hear(self, topic: str, told: Callable[[str], None]) -> Callable[[], None]:
        """Add a hearer and return what ends it."""
        token = object()
        self._by_topic.setdefault(topic, {})[token] = told

        def end() -> None:
            left = self._by_topic.get(topic, {})
            left.pop(token, None)
            if not left:
                self._by_topic.pop(topic, None)

        return end

    def tell(self, topic: str, text: str) -> None:
        """Call the hearers of a topic."""
        for told in list(self._by_topic.get(topic, {}).values()):
            try:
                told(text)
            except Exception:  # noqa: BLE001 - the others hear it all the same
                _LOG.exception("who hears %s failed", topic)

    def tell_all_missed(self) -> None:
        """Tell every hearer that something may have been missed."""
        for topic in list(self._by_topic):
            self.tell(topic, "")


def check_told(topic: str, text: str) -> None:
    """Refuse what no engine can carry.

    Raises:
        ValueError: a topic that is no plain word, an empty text, or too much.
    """
    if not topic.replace("-", "").isalnum() or not text or "\0" in text:
        raise ValueError("an announcement has a topic of letters, digits and hyphens, and a text")
    if len(topic.encode()) + len(text.encode()) > MAX_TOLD_BYTES:
        raise ValueError(f"an announcement has at most {MAX_TOLD_BYTES} bytes")
