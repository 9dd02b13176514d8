"""Second looks at suspensions: decided by one official and published at once, looked at by another after.

The rules are those of `work.reviews`. Closing a review is an entry of the history.
"""

import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from wanderbuch.agents.authority.history import Fact, HistoryLog
from wanderbuch.agents.authority.officials import OfficialRole
from wanderbuch.agents.work.log import ChangedMeanwhileError
from wanderbuch.agents.work.reviews import Review, ReviewFinding, Reviews, ReviewState
from wanderbuch.governance.signed.history import SYSTEM, Action
from wanderbuch.store.records import RecordStore

__all__ = ["ReviewFinding", "ReviewState", "SuspensionReview", "SuspensionReviews"]


class SuspensionReview(Review):
    """A second look at the suspension of `issuer`. Its id is that of the draft that suspended."""

    category: ClassVar[str] = "wanderbuch.authority-review"
    tag_names: ClassVar[tuple[str, ...]] = ("issuer",)

    issuer: str


class SuspensionReviews(Reviews[SuspensionReview]):
    """The reviews of one authority.

    Args:
        records: where they are kept.
        history: learns of what was found.
        four_eyes: whether who decided may not review.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        records: RecordStore[SuspensionReview],
        history: HistoryLog,
        *,
        four_eyes: bool,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(
            records, reviews=OfficialRole.APPROVER, four_eyes=four_eyes, decision="a suspension", clock=clock
        )
        self._history = history

    async def of_issuer(self, issuer: str) -> list[SuspensionReview]:
        """Return the reviews of suspensions of one issuer, the oldest first."""
        return await self.records.find(issuer=issuer)

    async def keep(self, review: SuspensionReview, closed: SuspensionReview) -> None:
        """Keep a closed review with its entry of the history; of two at once the first one is told, once."""
        finding = closed.finding.value if closed.finding else ""
        fact = Fact(f"review:{review.id}", closed.closed_by or SYSTEM, Action.REVIEW, f"{finding}: {closed.note}")
        with contextlib.suppress(ChangedMeanwhileError):
            await self._history.append(fact, changed=[(review, closed)])
