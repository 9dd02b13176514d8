"""A revocation that was asked for: an immutable record, and how far it has come as markers.

marker      says
published   the public status list revokes the credential
told        the wallet has acknowledged the notice
given_up    it did not for a week: the notice is sent no more
"""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.plugins.exchange.sending_again import FIRST_PAUSE, SEND_FOR, next_try
from wanderbuch.store.markers import Markers
from wanderbuch.store.records import Record

GIVE_UP: Final = SEND_FOR
"""So long the wallet is told again. The status list is what counts: who cannot be told loses nothing by it."""
_THREAD: Final = re.compile(r"([A-Za-z0-9-]{1,64})\.r")


class RevocationState(Enum):
    """How far a revocation has come."""

    REQUESTED = "REQUESTED"
    PUBLISHED = "PUBLISHED"


class RevocationIntent(Record):
    """A credential that is to be revoked. Its id is the offer's.

    Args:
        registry, index: the credential's place.
        reason: why; None: nobody said.
        call_id: of the call that was the first to ask for it; None: it asked for this one alone.
        listed_at: the timestamp of the status list that first revoked it.
        told_at: when the wallet acknowledged the notice.
        given_up_at: since when it is sent no more, though nobody acknowledged it.
    """

    category: ClassVar[str] = "wanderbuch.revocation"
    index_version: ClassVar[int] = 2
    registry: str
    index: int
    reason: RevocationReason | None = None
    call_id: str | None = None
    state: RevocationState = RevocationState.REQUESTED
    listed_at: datetime | None = None
    published_at: datetime | None = None
    told_at: datetime | None = None
    given_up_at: datetime | None = None

    @property
    def thread_id(self) -> str:
        """Return the id of the notice, on whose thread it is acknowledged."""
        return f"{self.id}.r"

    def index_state(self) -> str:
        """Return the state."""
        return self.state.value

    def due_at(self) -> datetime | None:
        """Return at once, until it is published; then when the wallet is first told again, until it has heard."""
        if self.published_at is None:
            return self.created_at
        return None if self.is_over else self.published_at + FIRST_PAUSE

    @property
    def is_over(self) -> bool:
        """Whether the notice is sent no more."""
        return self.told_at is not None or self.given_up_at is not None

    def due_again(self, now: datetime) -> datetime | None:
        """Return when the wallet is told next: after 30 s, 1 min, 2 min and so on, then every 12 hours, for a week."""
        if self.published_at is None or self.is_over:
            return self.due_at()
        over_at = self.published_at + GIVE_UP
        return None if now > over_at else min(over_at, next_try(now, since=self.published_at))


def open_intents(profile: Profile) -> Markers[RevocationIntent]:
    """Return the revocations of a profile."""
    follows = {
        "told": lambda values: values.get("published_at") is not None,
        "given_up": lambda values: values.get("published_at") is not None and values.get("told_at") is None,
    }
    return Markers(profile, RevocationIntent, names=("published", "given_up", "told"), follows=follows)


def intent_id_of(thread_id: str) -> str | None:
    """Return the id of the revocation that a thread would be about; None: of none of ours."""
    match = _THREAD.fullmatch(thread_id)
    return None if match is None else match[1]


def published(*, listed_at: datetime, at: datetime) -> Mapping[str, Any]:
    """Return the marker `published`."""
    state = RevocationState.PUBLISHED.value
    return {"state": state, "listed_at": listed_at.isoformat(), "published_at": at.isoformat()}
