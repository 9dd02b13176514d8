"""What a role has open for one tenant."""

from datetime import datetime
from typing import Protocol, runtime_checkable


@runtime_checkable
class Office(Protocol):
    """The work of one role for one tenant: its routes, its sweep and its end. Made by `Role.open`.

    An office keeps no task and no timer while there is nothing to do: there may be a thousand of them.
    """

    async def sweep(self, now: datetime) -> None:
        """Repair what a crash left and end what is overdue; called at start and every minute, never twice at once."""

    async def close(self) -> None:
        """End what is still running; the wallet is still open."""


@runtime_checkable
class KeepsOpen(Protocol):
    """An office that can tell whether somebody outside may still come back to what it began."""

    async def has_open(self, now: datetime) -> bool:
        """Return whether something of it is open: an idle tenant that has anything open does not go."""

    async def has_dealt(self) -> bool:
        """Return whether somebody outside has ever dealt with it, in a way that its own people cannot make up."""

    async def worked_at(self) -> datetime | None:
        """Return when its own people last made or set something that they would lose with it; None: never."""


class EmptyOffice:
    """The office of a role that has no work of its own."""

    async def sweep(self, now: datetime) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""
