"""Live connections at hand, so that not every message costs two look-ups; only where no other process has the store.

A connection never changes, but it is live only as long as ACA-Py's record of it is. So whoever writes to those records
says so, before and after (`agents.runtime.store_handle` does, for whatever writes to the wallet), and nothing is
believed for longer than a minute. What is read is kept only if nobody wrote to it meanwhile.

Keys of ours that have no connection are at hand too (a question's, or that of our public DID, to which every answer
comes), until one is kept for them.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.store.changes import Changes
from wanderbuch.store.tables import tenant_of

_FRESH_S: Final = 60.0
_MOST: Final = 4096


class ConnectionsAtHand:
    """The live connections of all tenants of a process that were used last.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], tuple[Connection, float]] = OrderedDict()
        self._keys: dict[tuple[str, str], str] = {}
        self._without: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._changes = Changes()
        self.made = 0
        """Grows with every connection that is kept."""

    @property
    def changes(self) -> int:
        """Return what grows with every write to a record of a connection."""
        return self._changes.count

    def get(self, tenant: str, own_key: str) -> Connection | None:
        """Return the live connection of a tenant's key; None: it is not at hand."""
        entry = self._kept.get((tenant, own_key))
        if entry is None:
            return None
        if entry[1] <= self._clock():
            self._forget(tenant, own_key)
            return None
        return entry[0]

    def put(self, tenant: str, connection: Connection, *, since: int) -> None:
        """Have a live connection at hand, unless its record was written after `changes` was `since`."""
        if self._changes.came((tenant, connection.connection_id), since):
            return
        self._kept[tenant, connection.own_key] = connection, self._clock() + _FRESH_S
        self._kept.move_to_end((tenant, connection.own_key))
        self._keys[tenant, connection.connection_id] = connection.own_key
        while len(self._kept) > _MOST:
            self._forget(*next(iter(self._kept)))

    def written(self, tenant: str, connection_id: str | None) -> None:
        """Take note that ACA-Py's record of a connection is being written, or was; None: those of all of them."""
        self._changes.note(None if connection_id is None else (tenant, connection_id))
        if connection_id is not None:
            if (own_key := self._keys.get((tenant, connection_id))) is not None:
                self._forget(tenant, own_key)
            return
        for kept in [kept for kept in self._kept if kept[0] == tenant]:
            self._forget(*kept)

    def has_none(self, tenant: str, own_key: str) -> bool:
        """Return whether a key is known to have no connection that we keep."""
        return (tenant, own_key) in self._without

    def put_none(self, tenant: str, own_key: str, *, since: int) -> None:
        """Note that a key has no connection, unless one was kept after `made` was `since`."""
        if since != self.made:
            return
        self._without[tenant, own_key] = None
        self._without.move_to_end((tenant, own_key))
        if len(self._without) > _MOST:
            self._without.popitem(last=False)

    def kept(self, tenant: str, own_key: str) -> None:
        """Take note that a connection is being kept for a key, or was."""
        self.made += 1
        self._without.pop((tenant, own_key), None)

    def _forget(self, tenant: str, own_key: str) -> None:
        connection, _ = self._kept.pop((tenant, own_key))
        del self._keys[tenant, connection.connection_id]


def changes_of(profile: Profile) -> int:
    """Return how often the records of connections were written so far: before they are read, or made."""
    at_hand = profile.inject_or(ConnectionsAtHand)
    return 0 if at_hand is None else at_hand.changes


def connection_at_hand(profile: Profile, own_key: str) -> Connection | None:
    """Return the live connection of a key of ours; None: it is not at hand."""
    at_hand = profile.inject_or(ConnectionsAtHand)
    return None if at_hand is None else at_hand.get(tenant_of(profile), own_key)


def put_at_hand(profile: Profile, connection: Connection, *, since: int) -> None:
    """Have a live connection at hand, if nothing was written since."""
    at_hand = profile.inject_or(ConnectionsAtHand)
    if at_hand is not None:
        at_hand.put(tenant_of(profile), connection, since=since)


def made_of(profile: Profile) -> int:
    """Return how many connections were kept so far: before one is looked for, or a key is made."""
    at_hand = profile.inject_or(ConnectionsAtHand)
    return 0 if at_hand is None else at_hand.made


def has_no_connection(profile: Profile, own_key: str) -> bool:
    """Return whether a key of ours is known to have no connection; False: that has to be looked up."""
    at_hand = profile.inject_or(ConnectionsAtHand)
    return at_hand is not None and at_hand.has_none(tenant_of(profile), own_key)


def note_no_connection(profile: Profile, own_key: str, *, since: int) -> None:
    """Note that a key of ours has no connection, if none was kept since."""
    at_hand = profile.inject_or(ConnectionsAtHand)
    if at_hand is not None:
        at_hand.put_none(tenant_of(profile), own_key, since=since)
