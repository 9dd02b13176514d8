"""An open session of Askar's, watched: its failing calls are told to the guard, and say what failed."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode, Session

from wanderbuch.plugins.exchange.connecting.at_hand import ConnectionsAtHand
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.store.category_writes import COUNTED, CategoryWrites
from wanderbuch.store.fence import refuse_late
from wanderbuch.store.tables import tables_of, tenant_of

# Calls whose failure cannot mean that a name is taken or not there: Askar told another call's error.
_NEVER_SO: Final = frozenset(
    {"fetch", "fetch_all", "count", "fetch_key", "fetch_all_keys", "remove_all", "commit", "rollback", "close"}
)
_NOT_MEANT: Final = frozenset({AskarErrorCode.SUCCESS, AskarErrorCode.DUPLICATE, AskarErrorCode.NOT_FOUND})
# What a failed write of these means if the name is there (True) or not (False).
_MEANT: Final[Mapping[str, tuple[AskarErrorCode, bool]]] = {
    "insert": (AskarErrorCode.DUPLICATE, True),
    "replace": (AskarErrorCode.NOT_FOUND, False),
    "remove": (AskarErrorCode.NOT_FOUND, False),
}

_CALLS: Final = frozenset(name for name, _ in inspect.getmembers(Session, inspect.iscoroutinefunction))
"""Of Askar's sessions; looked up once."""

# After these a session is as it was before.
_NAMES_ONLY: Final = frozenset({AskarErrorCode.DUPLICATE, AskarErrorCode.NOT_FOUND})

_CHANGES: Final = frozenset({"replace", "remove", "remove_all"})
_WRITES: Final = frozenset({*_MEANT, "remove_all", "insert_key", "update_key", "remove_key", "commit"})


class Guard(Protocol):
    """Learns of errors of the store."""

    def look(self, err: BaseException) -> None:
        """Look at an error and its causes."""

    def is_fatal(self, err: AskarError) -> bool:
        """Return whether the store cannot be relied on after an error."""


class WatchedHandle:
    """An Askar session whose failing calls are told to the guard, and say what failed.

    Askar keeps the last error of the whole process in one place: of two calls that fail at once, one may be told what
    became of the other, or nothing (code 0, "None"). Who inserts a name that is taken must be told so, whoever else
    fails, so what a failed write was about is looked up.
    """

    def __init__(self, handle: Session, profile: Profile, guard: Guard) -> None:
        self.session = handle
        self._unended = 0
        self._handle = handle
        self._guard = guard
        self._profile = profile
        self._connections: list[str | None] = []  # whose records this transaction has written
        self._kept: list[str] = []  # our keys for which it has kept connections
        self._counted: set[tuple[str, str | None]] = (
            set()
        )  # what it has written of what is counted, by category and name

    @property
    def is_clean(self) -> bool:
        """Return whether all calls have come to an end, and none failed but for a name that is there, or is not."""
        return not self._unended

    async def insert_key(self, name: str, *args: Any, is_noted: bool = False, **kwargs: Any) -> None:
        """Keep a key; whose it is is noted before, so that envelopes find it: a crash leaves a note of no key.

        Who keeps it in a transaction notes it before that begins, and says so: others wait for its end.
        """
        if not is_noted:
            await tables_of(self._profile).keys.add(name, tenant_of(self._profile))
        await self.__getattr__("insert_key")(name, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._handle, name)
        if name not in _CALLS:
            return attribute

        async def watched(*args: Any, **kwargs: Any) -> Any:
            if name in _WRITES:
                refuse_late()
            self._count(name, args)
            self._tell_at_hand(name, args)
            self._unended += 1
            try:
                result = await attribute(*args, **kwargs)
            except AskarError as err:
                self._guard.look(err)
                own = await self._own_error(name, args, err)
                if own.code in _NAMES_ONLY:
                    self._unended -= 1
                if own is err:
                    raise
                raise own from err
            finally:
                self._tell_at_hand(name, args)
                self._count(name, args)
            self._unended -= 1
            return result

        return watched

    def _count(self, name: str, args: Sequence[Any]) -> None:
        """Count a write to a category for which that is done, before it and after it; in a transaction, once more."""
        if name == "commit":
            counted = frozenset(self._counted)
        elif name in _WRITES and (not args or args[0] is None or args[0] in COUNTED):
            entry = args[1] if name in _MEANT and len(args) > 1 else None
            counted = frozenset(
                (category, entry) for category in (COUNTED if not args or args[0] is None else args[:1])
            )
            self._counted |= counted
        else:
            return
        writes = self._profile.inject_or(CategoryWrites) if counted else None
        if writes is not None:
            for category, entry in counted:
                writes.note(tenant_of(self._profile), category, entry)

    def _tell_at_hand(self, name: str, args: Sequence[Any]) -> None:
        """Say which connections are not as they were, before a write and after it; in a transaction, once more."""
        told: list[str | None] = []
        kept: list[str] = []
        if name == "commit":
            told, kept = self._connections, self._kept
        elif name == "insert" and args and args[0] == Connection.category:
            kept = [args[1]]
            self._kept += kept
        elif name in _CHANGES and (not args or args[0] in (None, ConnRecord.RECORD_TYPE)):
            told = [args[1] if name != "remove_all" and len(args) > 1 else None]
            self._connections += told
        else:
            return
        at_hand = self._profile.inject_or(ConnectionsAtHand) if told or kept else None
        if at_hand is not None:
            for connection_id in told:
                at_hand.written(tenant_of(self._profile), connection_id)
            for own_key in kept:
                at_hand.kept(tenant_of(self._profile), own_key)

    async def _own_error(self, name: str, args: Sequence[Any], err: AskarError) -> AskarError:
        """Return the error of a failed call, which may have been told another call's."""
        if self._guard.is_fatal(err):
            return err
        is_not_its_own = err.code == AskarErrorCode.SUCCESS or (name in _NEVER_SO and err.code in _NOT_MEANT)
        if name not in _MEANT or len(args) < 2:
            return _unsaid(name) if is_not_its_own else err
        code, when_there = _MEANT[name]
        try:
            is_there = await self._handle.fetch(args[0], args[1]) is not None
        except AskarError:  # the connection is lost, or the transaction can do nothing more
            return _unsaid(name) if err.code in _NOT_MEANT else err
        if is_there is when_there:
            return AskarError(code, f"{name}: {code.name.lower().replace('_', ' ')}")
        return _unsaid(name) if err.code in _NOT_MEANT else err


def _unsaid(name: str) -> AskarError:
    """Return the error of a call that was told another call's: the store failed, and what the call asked is open."""
    return AskarError(AskarErrorCode.BACKEND, f"{name} failed; Askar does not say why")
