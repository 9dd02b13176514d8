"""What offers and requests have in common: their ids, and how they are found."""

from collections.abc import Callable, Sequence

from wanderbuch.agents.holder.peers import Origin
from wanderbuch.store.markers import Markers
from wanderbuch.store.once import own_id
from wanderbuch.store.record import Record


def exchange_id(kind: str, origin: Origin, thread_id: str) -> str:
    """Return the id of the one exchange of a kind on a thread: whoever takes its message twice finds it.

    A thread is its sender's. Over a connection our key tells whose it is; what was attached to an invitation has a key
    that is fresh at each opening, so there the thread alone does.

    Args:
        kind: "offer" or "question".
        origin: where it came from.
        thread_id: of its messages.
    """
    return own_id(kind, None if origin.connection_id is None else origin.own_key, thread_id)


def ids_of(kind: str, recipient: str, thread_id: str) -> tuple[str, str]:
    """Return the ids of which one is that of the exchange that a message to a key of ours belongs to, if any is."""
    return own_id(kind, recipient, thread_id), own_id(kind, None, thread_id)


class Exchanges[R: Record](Markers[R]):
    """The offers, or the requests, of a wallet."""

    async def any_of(self, ids: Sequence[str], is_meant: Callable[[R], bool]) -> R | None:
        """Return the one of these that is meant, None if none is; what is at hand is looked at first."""
        for some in ([record_id for record_id in ids if record_id in self._at_hand], ids):
            for record in (await self._fetch(some)).values():
                if is_meant(record):
                    return record
        return None
