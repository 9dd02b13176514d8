"""Which tests `make test` runs, and which it leaves to `make system`: each test belongs to one of the two.

    pytestmark = pytest.mark.system         # a file of tests/flow, tests/abuse or tests/unit that is dear

`make test` is for before a commit: it needs Python alone, and less than six minutes on two slow cores. The system's are
the tests that need more of the machine (`tests.needs`: PostgreSQL, Node.js, a browser, …), those that meet wallets and
providers of others, and those whose agents take long. The first two kinds need no mark: they are known by what they
need, or by their folder. `make test-all` runs both at once, as CI does. See docs/adr/0132.
"""

from collections.abc import Iterable
from typing import Final

import pytest
from tests.shared_town import SHARED

SYSTEM: Final = "system"
"""The mark."""
FOLDERS: Final = ("tests/interop/", "tests/browser/")
"""Where every test is the system's; `make test` does not even look into them."""


def mark_system(item: pytest.Item) -> None:
    """Mark a test that is the system's by its folder, or by what it needs."""
    if item.nodeid.startswith(FOLDERS) or item.get_closest_marker("needs"):
        item.add_marker(SYSTEM)


def refuse_divided_towns(items: Iterable[pytest.Item]) -> None:
    """See to it that the modules of a town belong together: else each of the two would open it.

    Raises:
        pytest.UsageError: some do not; it says which town.
    """
    tiers: dict[str, set[bool]] = {}
    for item in items:
        file = item.nodeid.partition("::")[0]
        for fixture, modules in SHARED.items():
            if file in modules:
                tiers.setdefault(fixture, set()).add(item.get_closest_marker(SYSTEM) is not None)
    if divided := sorted(fixture for fixture, marked in tiers.items() if len(marked) > 1):
        raise pytest.UsageError(f"mark all modules of {', '.join(divided)} as {SYSTEM}, or none")
