"""A fixture of the session is made once: where a module imports it from another, pytest makes it once more for each.

What patches something would then patch it twice, and what starts something would start it as often as it is imported.
Such a fixture belongs into a conftest.py above all who ask for it.
"""

from collections import defaultdict
from collections.abc import Iterable

import pytest


def refuse_copies(items: Iterable[pytest.Item]) -> None:
    """See to it that no fixture of the session is one of several modules.

    Raises:
        pytest.UsageError: one is; it says which, and who would have one of their own.
    """
    copies: defaultdict[object, dict[object, str]] = defaultdict(dict)
    for item in items:
        if (info := getattr(item, "_fixtureinfo", None)) is None:
            continue
        for definitions in info.name2fixturedefs.values():
            for definition in definitions:
                if definition.scope == "session":
                    copies[definition.func].setdefault(definition, f"{definition.argname} in {item.path.name}")
    if twice := [", ".join(users.values()) for users in copies.values() if len(users) > 1]:
        raise pytest.UsageError(f"made more than once; import it in one conftest.py: {'; '.join(twice)}")
