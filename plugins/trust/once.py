"""What must happen once, however often it is asked for: a row with a name of its own, or one step at a time.

Two requests at once, and one request twice because a crash cut the first, are the same thing here. A row whose name
follows from what it stands for is refused a second time by the store itself, by whichever process. Where ACA-Py names
its rows by chance there is only the lock, which holds within this process.
"""

import asyncio
import hashlib
from uuid import UUID
from weakref import WeakValueDictionary

_steps: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


def one_step(name: str) -> asyncio.Lock:
    """Return the lock under which every step of this exchange is taken, so that of two clicks one comes second."""
    return _steps.setdefault(name, asyncio.Lock())


def own_id(kind: str, *parts: str | None) -> str:
    """Return the id of the one row that stands for `parts`, in the form that ACA-Py gives its ids (UUID version 4).

    >>> own_id("request", None, "thread") == own_id("request", None, "thread") != own_id("request", "", "thread")
    True
    """
    told = "".join("-" if part is None else f"{len(part)}:{part}" for part in (kind, *parts))
    return str(UUID(bytes=hashlib.sha256(told.encode()).digest()[:16], version=4))
