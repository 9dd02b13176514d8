"""How often the entries of a category were written, for whoever has something of them at hand.

    since = writes_of(profile, CATEGORY)      # before reading; None: another process may write
    ...
    if writes_of(profile, CATEGORY) == since: # what was read is what there is

Bound only where no other process has the store. Each write counts before it and after it, in a transaction also after
its end (`agents.runtime.store_handle` sees to that, for whatever writes to the wallet): so what was read while somebody
wrote is never taken for what there is.
"""

from collections import Counter
from typing import Final

from acapy_agent.anoncreds.holder import CATEGORY_CREDENTIAL
from acapy_agent.core.profile import Profile

from wanderbuch.store.changes import Changes
from wanderbuch.store.tables import tenant_of

BATCHES: Final = "wanderbuch.batch"
"""What an issuer keeps of its batches: read at each visit to a slip, written when one is made, started or stopped."""

BATCH_ROWS: Final = "wanderbuch.batch_row"
"""What has become of a row: read at each visit to its slip, written when somebody claims it."""

COUNTED: Final = frozenset({CATEGORY_CREDENTIAL, BATCHES, BATCH_ROWS})


class CategoryWrites:
    """The writes to the categories that are counted, of all tenants of a process."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._changes = Changes()

    @property
    def all(self) -> int:
        """Return how often any entry of any of them was written."""
        return self._changes.count

    def came(self, tenant: str, category: str, name: str, since: int) -> bool:
        """Return whether an entry may have been written after `all` was `since`."""
        return self._changes.came((tenant, category, name), since)

    def of(self, tenant: str, category: str) -> int:
        """Return how often a tenant's entries of a category were written."""
        return self._counts[tenant, category]

    def note(self, tenant: str, category: str, name: str | None = None) -> None:
        """Count a write to an entry; None: to any of the category."""
        self._counts[tenant, category] += 1
        self._changes.note(None if name is None else (tenant, category, name))


def writes_of(profile: Profile, category: str) -> int | None:
    """Return how often entries of a category were written so far; None: nobody knows."""
    writes = profile.inject_or(CategoryWrites)
    return None if writes is None else writes.of(tenant_of(profile), category)
