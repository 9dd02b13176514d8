"""What is kept of a question that was put without an account: while it is shown, and after that its count alone."""

import contextlib
from datetime import datetime
from typing import ClassVar

from acapy_agent.core.profile import Profile

from wanderbuch.plugins.trust.verifying.answer_terms import AnswerCategory
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.records import Record, RecordStore


class WalkInSession(Record):
    """One question that is shown to whoever put it.

    Args:
        id: follows from the secret in the page's address, which is not kept.
        question_id: of the verification.
        ends_at: when both go.
        network: who put it, hashed with a key.
    """

    category: ClassVar[str] = "wanderbuch.walk_in"

    question_id: str
    ends_at: datetime
    network: str = ""

    def due_at(self) -> datetime | None:
        """Return when it goes."""
        return self.ends_at


class WalkInCount(Record):
    """How many questions of a month ended how; the id is the month, such as "2026-11"."""

    category: ClassVar[str] = "wanderbuch.walk_in_count"
    is_listed: ClassVar[bool] = False

    accepted: int = 0
    refused: int = 0
    not_checked: int = 0
    declined: int = 0
    unanswered: int = 0


def outcome_of(verification: Verification) -> str:
    """Return under which name of a count a question that is over stands."""
    if verification.decision is None:
        return "declined" if verification.state is VerificationState.DECLINED else "unanswered"
    category = AnswerCategory.of(verification.decision)
    return {AnswerCategory.ACCEPTED: "accepted", AnswerCategory.REFUSED: "refused"}.get(category, "not_checked")


class WalkInCounts:
    """The counts of one verifier.

    Args:
        profile: whose.
    """

    def __init__(self, profile: Profile) -> None:
        self._records = RecordStore(profile, WalkInCount)

    async def add(self, month: str, outcome: str) -> None:
        """Count one question."""
        with contextlib.suppress(DuplicateError):
            await self._records.insert(WalkInCount(id=month))
        await self._records.change(month, lambda count: count.model_copy(update={outcome: getattr(count, outcome) + 1}))

    async def all(self) -> list[WalkInCount]:
        """Return the counts of all months, the newest first."""
        return sorted(await self._records.find(), key=lambda count: count.id, reverse=True)
