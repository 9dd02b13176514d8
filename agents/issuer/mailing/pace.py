"""How many e-mails a tenant may still give to the mail server now: one budget for all its batches and processes.

What was taken of it in the last minute stands in the wallet's store, before anything is sent.
"""

from datetime import datetime, timedelta
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.records import Record, RecordStore

_MINUTE: Final = timedelta(minutes=1)
_STEP: Final = timedelta(seconds=10)
_FEW: Final = 2  # so many a step at least: whether a server refuses all or some is seen in one talk


class MailPace(Record):
    """When so many e-mails were begun.

    Args:
        taken: in the last minute; when, and how many.
    """

    category: ClassVar[str] = "wanderbuch.mail-pace"
    is_listed: ClassVar[bool] = False

    taken: tuple[tuple[datetime, int], ...] = ()

    def left(self, a_minute: int, now: datetime) -> int:
        """Return how many may be begun now, if there are so many in a minute at most, and a sixth of it in a step."""
        a_step = min(a_minute, max(_FEW, -(-a_minute // 6)))
        return max(0, min(a_minute - self._since(_MINUTE, now), a_step - self._since(_STEP, now)))

    def free_at(self, a_minute: int, now: datetime) -> datetime:
        """Return the first instant from now on at which one may be begun."""
        ends = sorted(at + span for at, _ in self.taken for span in (_STEP, _MINUTE))
        return next(at for at in (now, *(end for end in ends if end > now)) if self.left(a_minute, at))

    def with_taken(self, count: int, now: datetime) -> "MailPace":
        """Return it with so many more."""
        kept = tuple(one for one in self.taken if abs(now - one[0]) < _MINUTE)
        return self.model_copy(update={"taken": (*kept, (now, count))})

    def _since(self, span: timedelta, now: datetime) -> int:
        return sum(count for at, count in self.taken if abs(now - at) < span)  # clocks of processes differ


class MailBudget:
    """The budget of one tenant.

    Args:
        profile: whose.
        a_minute: so many e-mails at most.
    """

    def __init__(self, profile: Profile, a_minute: int) -> None:
        self._kept = RecordStore(profile, MailPace)
        self._a_minute = a_minute

    async def left(self, now: datetime) -> int:
        """Return how many may be begun now."""
        return (await self._get()).left(self._a_minute, now)

    async def free_at(self, now: datetime) -> datetime:
        """Return the first instant from now on at which one may be begun."""
        return (await self._get()).free_at(self._a_minute, now)

    async def take(self, wanted: int, now: datetime) -> int:
        """Take so many of the budget, or as many as are left, and return how many."""
        granted = 0

        def step(kept: MailPace) -> MailPace | None:
            nonlocal granted
            granted = min(wanted, kept.left(self._a_minute, now))
            return kept.with_taken(granted, now) if granted else None

        await self._kept.change((await self._get()).id, step)
        return granted

    async def _get(self) -> MailPace:
        if (kept := await self._kept.get_or_none("pace")) is not None:
            return kept
        try:
            return await self._kept.insert(MailPace(id="pace"))
        except DuplicateError:
            return await self._kept.get("pace")
