"""A process that slept in the middle of a step writes nothing of it any more.

Whoever works under a lease, or on something that was claimed for a time, says so here; whoever writes to the store asks
first. What is late is refused with `LeaseLostError`: another process may have the lease by then, and goes on from what
was saved. A task that the step began inherits what holds for the step.

The question costs no round trip: a lease knows by the clock of this process until when it is ours. So between asking
and writing there is a moment that nothing guards; what must hold even then is written on a condition (a unique name, a
transaction, a number that only grows).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Protocol

from wanderbuch.store.errors import LeaseBusyError, LeaseLostError, StoreUnreachableError

PASSING: Final = (StoreUnreachableError, LeaseBusyError, LeaseLostError)
"""What says nothing about what was asked: it is to be done again, by this process or by another."""


class Held(Protocol):
    """Something that is ours for a time."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def is_lost(self) -> bool:
        """Whether it may be somebody else's by now; False for what was given back in time."""


_HELD: Final[ContextVar[tuple[Held, ...]]] = ContextVar("wanderbuch.held", default=())


@contextmanager
def working_under(lease: Held) -> Iterator[None]:
    """Refuse what is written in this context once `lease` is lost."""
    token = _HELD.set((*_HELD.get(), lease))
    try:
        yield
    finally:
        _HELD.reset(token)


def refuse_late() -> None:
    """Refuse to write if anything under which this task works is lost.

    Raises:
        LeaseLostError: it is.
    """
    for lease in _HELD.get():
        if lease.is_lost:
            raise LeaseLostError(f"{lease.name} was lost meanwhile: another process may go on with it")
