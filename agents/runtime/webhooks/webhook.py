"""A webhook as it is kept: address and secrets encrypted in the tenant's wallet, where it stands in a plain row.

The row (`store/work`, kind `webhook`, the webhook's id) has in `done` the number up to which everything was delivered,
in `position` what is known beyond that (`Cursor`). So ten thousand events that wait for a dead receiver cost one row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, Field

from wanderbuch.agents.runtime.webhooks.signing import new_secret
from wanderbuch.store.event_kinds import EventKind
from wanderbuch.store.records import Record

WEBHOOK_WORK: Final = "webhook"
OLD_SECRET_LASTS: Final = timedelta(hours=24)
_RECENT: Final = 10


class Secret(BaseModel):
    """A secret with which deliveries are signed.

    Args:
        key: as Standard Webhooks writes it.
        until: when it is not used any more; None: it is the newest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(repr=False)
    until: datetime | None = None


class Webhook(Record):
    """Where a tenant wants to be told, and of what.

    Args:
        url: https; it may hold a token of the receiver's, so it is never logged.
        kinds: the kinds of events; empty: all.
        secrets: the newest last.
    """

    category: ClassVar[str] = "wanderbuch.webhook"

    url: str = Field(repr=False)
    kinds: tuple[EventKind, ...] = ()
    secrets: tuple[Secret, ...] = Field(default_factory=lambda: (Secret(key=new_secret()),), repr=False)

    def keys_at(self, at: datetime) -> tuple[str, ...]:
        """Return the secrets to sign with, the newest first."""
        return tuple(secret.key for secret in reversed(self.secrets) if secret.until is None or at < secret.until)

    def rotated(self, at: datetime) -> Self:
        """Return it with a new secret; the last one is used beside it for a day, so that the receiver can follow."""
        kept = [secret for secret in self.secrets if secret.until is None or at < secret.until]
        old = [Secret(key=secret.key, until=secret.until or at + OLD_SECRET_LASTS) for secret in kept[-1:]]
        return self.model_copy(update={"secrets": (*old, Secret(key=new_secret()))})

    def wants(self, kind: str) -> bool:
        """Return whether events of this kind are sent."""
        return not self.kinds or any(kind == event_kind.value for event_kind in self.kinds)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver.

    Args:
        status: the receiver's; None if there was no answer.
        error: why it counts as failed, None if it does not.
    """

    number: int
    at: datetime
    ms: int
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """What is known of a webhook's deliveries beyond the number up to which there is nothing left to do.

    Args:
        ahead: numbers beyond it that were delivered too: those of other subjects do not wait for one that fails.
        recent: the last attempts, the newest first.
        missed: how many numbers the log had pruned before they could be delivered.
    """

    ahead: frozenset[int] = frozenset()
    recent: tuple[Attempt, ...] = ()
    missed: int = 0

    @classmethod
    def read(cls, position: Mapping[str, Any]) -> Self:
        """Return what a row says."""
        recent = tuple(
            Attempt(number, datetime.fromisoformat(at), ms, status, error)
            for number, at, ms, status, error in position.get("recent", ())
        )
        return cls(frozenset(position.get("ahead", ())), recent, position.get("missed", 0))

    def position(self) -> dict[str, Any]:
        """Return it for the row."""
        recent = [
            [attempt.number, attempt.at.isoformat(timespec="milliseconds"), attempt.ms, attempt.status, attempt.error]
            for attempt in self.recent[:_RECENT]
        ]
        return {"ahead": sorted(self.ahead), "recent": recent, "missed": self.missed}
