"""What was read of immutable records and of their markers, kept at hand: neither ever changes.

All `Markers` of one kind and tenant in a process share it, whoever of them writes. So where no other process has the
store, parts that are *whole* need no look-up: every marker that came since was noted here. Parts are whole if nothing
was noted of them while they were read, and nobody failed in the middle of writing a marker: whether that one is there,
or still comes, is not known then.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from acapy_agent.core.profile import Profile

from wanderbuch.store.changes import Changes
from wanderbuch.store.record import Record
from wanderbuch.store.tables import tenant_of

_MOST_DOUBTED: Final = 1_000


@dataclass(slots=True)
class Parts[R: Record]:
    """A record and the values of the markers that it was seen to have.

    Args:
        record: without them.
        markers: by name; grows.
        is_whole: whether these are all, as far as this process writes them.
        merged: the record with them, if that was worked out since the last one came.
    """

    record: R
    markers: dict[str, dict[str, Any]]
    is_whole: bool = False
    merged: R | None = None


class AtHand[R: Record]:
    """The parts that were used last."""

    def __init__(self) -> None:
        self._parts: OrderedDict[str, Parts[R]] = OrderedDict()
        self._doubted: set[str] | None = set()  # None: too many
        self._changes = Changes()

    @property
    def changes(self) -> int:
        """Return what grows with all that is noted or forgotten."""
        return self._changes.count

    def __contains__(self, record_id: str) -> bool:
        return record_id in self._parts

    def get(self, record_id: str) -> Parts[R] | None:
        """Return the parts of a record, None if they are not at hand."""
        parts = self._parts.get(record_id)
        if parts is not None:
            self._parts.move_to_end(record_id)
        return parts

    def keep(self, parts: Parts[R], *, most: int, since: int | None) -> None:
        """Have parts at hand.

        Args:
            parts: what was read.
            most: of so many records.
            since: `changes` before they were read; None: there may be more, of which nobody tells us.
        """
        record_id = parts.record.id
        is_sure = self._doubted is not None and record_id not in self._doubted
        parts.is_whole = is_sure and since is not None and not self._changes.came(record_id, since)
        self._parts[record_id] = parts
        self._parts.move_to_end(record_id)
        while len(self._parts) > most:
            self._parts.popitem(last=False)

    def note(self, record_id: str, name: str, value: dict[str, Any], merged: R | None = None) -> None:
        """Note a marker that is there now, and what the record is with it, if that is known."""
        self._changes.note(record_id)
        if (parts := self._parts.get(record_id)) is not None:
            parts.markers[name] = value
            parts.merged = merged

    def forget(self, record_id: str, *, is_in_doubt: bool = False) -> None:
        """Have a record at hand no more.

        Args:
            record_id: which.
            is_in_doubt: whether a marker of it may still come, of which nobody will tell.
        """
        self._changes.note(record_id)
        self._parts.pop(record_id, None)
        if is_in_doubt and self._doubted is not None:
            self._doubted.add(record_id)
            if len(self._doubted) > _MOST_DOUBTED:
                self._doubted = None


_OF_STORE: Final[WeakKeyDictionary[object, dict[tuple[str, str], AtHand[Any]]]] = WeakKeyDictionary()
"""By Askar's store; by tenant and category."""


def at_hand_of(profile: Profile, category: str) -> AtHand[Any]:
    """Return what is at hand of a profile's records of one kind."""
    return _OF_STORE.setdefault(profile.store, {}).setdefault((tenant_of(profile), category), AtHand())
