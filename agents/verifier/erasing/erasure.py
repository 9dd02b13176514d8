"""What stays of an answer that was erased: that it was, when, who asked, and what a law still keeps.

    asked ──► erased ──► completed: of what a law kept, once its last day is over

Its id is that of the question. It says nothing of the worker but the key that asked, which was made for one exchange or
one connection, and nothing of what was shown or decided.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.errors import WanderbuchError
from wanderbuch.plugins.exchange.erasure_messages import ErasedPart, KeptPart
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.markers import Markers
from wanderbuch.store.records import Record

ERASED: Final = "erased"
COMPLETED: Final = "completed"
PROOF_KEPT: Final = timedelta(days=3 * 365)  # so long somebody may ask whether it was done


class ErasedError(WanderbuchError):
    """What is asked for was erased, since its worker asked for that."""

    code = "erased"


class Erasure(Record):
    """An erasure.

    Args:
        key: that asked, and had answered, base58; None: the verifier itself did it.
        signed: what it signed, a compact JWS.
        erased_at: when all that may be erased was.
        erased: what was.
        kept: what a law keeps.
        completed_at: when that was erased too.
    """

    category: ClassVar[str] = "wanderbuch.erasure"

    key: str | None
    signed: str | None
    erased_at: datetime | None = None
    erased: tuple[ErasedPart, ...] = ()
    kept: tuple[KeptPart, ...] = ()
    completed_at: datetime | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is kept any more."""
        return self.erased_at is not None and (not self.kept or self.completed_at is not None)

    @property
    def kept_until(self) -> date | None:
        """The last day on which something is kept."""
        return max((part.until for part in self.kept), default=None)

    def index_state(self) -> str:
        """Return the word under which it is listed."""
        return "ASKED" if self.erased_at is None else "ERASED" if self.is_whole else "KEPT"

    def due_at(self) -> datetime | None:
        """Return when it goes on: at once where a crash cut it, after the last day, and when its proof is forgotten."""
        if self.erased_at is None:
            return self.created_at
        if not self.is_whole and self.kept_until is not None:
            return datetime.combine(self.kept_until + timedelta(days=1), time(), UTC)
        return (self.completed_at or self.erased_at) + PROOF_KEPT


def erasures(profile: Profile) -> Markers[Erasure]:
    """Return the erasures of a verifier."""
    return Markers(profile, Erasure, names=(ERASED, COMPLETED), in_turn=True)


def erasure_events(erasure: Erasure) -> Sequence[Event]:
    """Return what an erasure tells the event log: whoever copied something elsewhere erases it there, too."""
    told: list[Event] = []
    if erasure.erased_at is not None:
        told.append(Event(EventKind.REQUEST_ERASED, erasure.id, {"is_kept": bool(erasure.kept)}))
    if erasure.completed_at is not None:
        told.append(Event(EventKind.REQUEST_ERASED, erasure.id, {"is_kept": False}, occasion=COMPLETED))
    return told


def erased_marker(erased: Sequence[ErasedPart], kept: Sequence[KeptPart], *, at: datetime) -> dict[str, Any]:
    """Return the marker `erased`."""
    return {
        "erased_at": at.isoformat(),
        "erased": [part.value for part in erased],
        "kept": [part.model_dump(mode="json") for part in kept],
    }
