"""Second looks: an emergency suspension is decided by one official and published at once; another looks at it after.

A review stays OPEN until an approver who did not decide the suspension closes it: it is upheld, or shall be lifted,
which a draft then does. Closing it is an entry of the history.
"""

import contextlib
from datetime import datetime
from enum import Enum
from typing import ClassVar

from wanderbuch.agents.authority.draft import check_why
from wanderbuch.agents.authority.history import ChangedMeanwhileError, Fact, HistoryLog
from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.runtime.problems import ForbiddenError, RefusedError
from wanderbuch.governance.history import Action
from wanderbuch.store.records import Record, RecordStore, utc_now


class ReviewState(Enum):
    """Whether somebody has looked."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class Finding(Enum):
    """What the second official found."""

    UPHELD = "upheld"
    TO_BE_LIFTED = "to-be-lifted"


class Review(Record):
    """A second look at the suspension of `issuer`. Its id is that of the draft that suspended."""

    category: ClassVar[str] = "wanderbuch.authority-review"
    tag_names: ClassVar[tuple[str, ...]] = ("issuer",)

    issuer: str
    decided_by: str
    why: str
    state: ReviewState = ReviewState.OPEN
    closed_by: str | None = None
    closed_at: datetime | None = None
    finding: Finding | None = None
    note: str | None = None

    def index_state(self) -> str:
        """Return its state."""
        return self.state.value


class Reviews:
    """The reviews of one authority.

    Args:
        records: where they are kept.
        history: learns of what was found.
        four_eyes: whether who decided may not review.
    """

    def __init__(self, records: RecordStore[Review], history: HistoryLog, *, four_eyes: bool) -> None:
        self._records = records
        self._history = history
        self._four_eyes = four_eyes

    async def get(self, review_id: str) -> Review:
        """Return a review.

        Raises:
            NotFoundError: there is none with this id.
        """
        return await self._records.get(review_id)

    async def all(self, *, state: ReviewState | None = None) -> list[Review]:
        """Return all reviews (in this state), the oldest first."""
        return [each async for each in self._records.every(state=state and state.value)]

    async def of_issuer(self, issuer: str) -> list[Review]:
        """Return the reviews of suspensions of one issuer, the oldest first."""
        return await self._records.find(issuer=issuer)

    async def close(self, review_id: str, approver: Official, *, finding: Finding, note: str) -> Review:
        """Close a review.

        Raises:
            ForbiddenError: they are no approver, or they decided the suspension themselves.
            RefusedError: somebody closed it with another finding.
        """
        approver.must(OfficialRole.APPROVER)
        reason = check_why(note)
        held = await self.get(review_id)
        if self._four_eyes and held.decided_by == approver.id:
            raise ForbiddenError("four eyes: who decided a suspension does not review it", hint="ask another approver")
        closed = held.model_copy(
            update={
                "state": ReviewState.CLOSED,
                "closed_by": approver.id,
                "closed_at": utc_now(),
                "finding": finding,
                "note": reason,
            }
        )
        if held.state is ReviewState.OPEN:
            # Of two who close it at once the first one stands: a fact is told once, with what belongs to it.
            fact = Fact(f"review:{review_id}", approver.id, Action.REVIEW, f"{finding.value}: {reason}")
            with contextlib.suppress(ChangedMeanwhileError):
                await self._history.append(fact, changed=[(held, closed)])
            held = await self.get(review_id)
        if (held.closed_by, held.finding, held.note) != (approver.id, finding, reason):
            raise RefusedError("this review was closed already", hint="read what was found")
        return held
