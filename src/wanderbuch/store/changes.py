"""Which of many names were written since something was read, for whoever has it at hand.

since = changes.count                # before reading
...
if not changes.came(name, since):    # what was read is what there is
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

_MOST: Final = 4096


class Changes:
    """Counts writes, and knows of the names that were written last which write that was.

    Args:
        most: of so many names; of all others it is believed that they were written with the last of those forgotten.
    """

    def __init__(self, *, most: int = _MOST) -> None:
        self._last: OrderedDict[Hashable, int] = OrderedDict()
        self._most = most
        self._others = 0
        self.count = 0
        """Grows with every write."""

    def note(self, name: Hashable | None) -> None:
        """Count a write to a name; None: to any."""
        self.count += 1
        if name is None:
            self._last.clear()
            self._others = self.count
            return
        self._last[name] = self.count
        self._last.move_to_end(name)
        if len(self._last) > self._most:
            _, self._others = self._last.popitem(last=False)

    def came(self, name: Hashable, since: int) -> bool:
        """Return whether a name may have been written after `count` was `since`."""
        return self._last.get(name, self._others) > since
