"""ACA-Py's conductor, which also tells how the handling of a message ended.

ACA-Py calls a message processed whatever became of its handler. A handler that failed because the wallet store did not
answer in time has done nothing that lasts, and the message must be handled again.
"""

from collections.abc import Iterator
from typing import Any, Final
from weakref import WeakKeyDictionary

from acapy_agent.core.conductor import Conductor
from acapy_agent.transport.inbound.message import InboundMessage
from acapy_agent.utils.task_queue import CompletedTask
from aries_askar import AskarError, AskarErrorCode

_STORE_FAILURES: Final = frozenset({AskarErrorCode.BACKEND, AskarErrorCode.BUSY})
_MAX_CAUSES: Final = 20


class TellingConductor(Conductor):  # type: ignore[misc]  # acapy_agent has no types
    """Remembers which messages were not handled because the store failed."""

    def dispatch_complete(self, message: InboundMessage, completed: CompletedTask) -> None:
        """Take the end of a handler, before the message is called processed."""
        error = completed.exc_info[1] if completed.exc_info else None
        if error is not None and is_store_failure(error):
            _unhandled[message] = error
        super().dispatch_complete(message, completed)


def was_handled(message: InboundMessage) -> bool:
    """Return whether a message that ACA-Py calls processed need not be handled again."""
    return message not in _unhandled


def is_store_failure(error: BaseException) -> bool:
    """Return whether an error goes back to a store that did not answer, rather than to what was asked of it."""
    return any(isinstance(each, AskarError) and each.code in _STORE_FAILURES for each in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        if found is None:
            return
        yield found
        found = found.__cause__ or found.__context__


_unhandled: WeakKeyDictionary[Any, BaseException] = WeakKeyDictionary()
