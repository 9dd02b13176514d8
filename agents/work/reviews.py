"""Second looks: what one person decided at once, in an emergency, another looks at after.

A review stays OPEN until somebody who did not decide closes it: the decision stands, or shall be lifted, which a case
then does.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from enum import Enum

from wanderbuch.agents.runtime.problems import ForbiddenError, RefusedError
from wanderbuch.agents.work.case import check_why
from wanderbuch.agents.work.rules import Person
from wanderbuch.store.records import Record, RecordStore


class ReviewState(Enum):
    """Whether somebody has looked."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class ReviewFinding(Enum):
    """What the second person found."""

    UPHELD = "upheld"
    TO_BE_LIFTED = "to-be-lifted"


class Review(Record):
    """A second look at a decision. Its id is that of the case that was decided."""

    decided_by: str
    why: str
    state: ReviewState = ReviewState.OPEN
    closed_by: str | None = None
    closed_at: datetime | None = None
    finding: ReviewFinding | None = None
    note: str | None = None

    def index_state(self) -> str:
        """Return its state."""
        return self.state.value


class Reviews[R: Review](ABC):
    """The reviews of one kind of decision.

    Args:
        records: where they are kept.
        reviews: the role of who may close one.
        four_eyes: whether who decided may not review.
        decision: what is reviewed, in words, such as "a suspension".
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        records: RecordStore[R],
        *,
        reviews: Enum,
        four_eyes: bool,
        decision: str,
        clock: Callable[[], datetime],
    ) -> None:
        self.records = records
        self._role = reviews
        self._four_eyes = four_eyes
        self._decision = decision
        self._clock = clock

    @abstractmethod
    async def keep(self, review: R, closed: R) -> None:
        """Keep a closed review, with what is told of it, if it still is as it was read; else leave it."""

    async def get(self, review_id: str) -> R:
        """Return a review.

        Raises:
            NotFoundError: there is none with this id.
        """
        return await self.records.get(review_id)

    async def all(self, *, state: ReviewState | None = None) -> list[R]:
        """Return all reviews (in this state), the oldest first."""
        return [review async for review in self.records.every(state=state and state.value)]

    async def close(self, review_id: str, person: Person, *, finding: ReviewFinding, note: str) -> R:
        """Close a review; of two who close it at once the first one stands.

        Raises:
            ForbiddenError: they may not review, or they decided themselves.
            RefusedError: somebody closed it with another finding.
        """
        person.must(self._role)
        reason = check_why(note)
        review = await self.get(review_id)
        if self._four_eyes and review.decided_by == person.id:
            raise ForbiddenError(
                f"four eyes: who decided {self._decision} does not review it", hint="ask another approver"
            )
        if review.state is ReviewState.OPEN:
            closed = review.model_copy(
                update={
                    "state": ReviewState.CLOSED,
                    "closed_by": person.id,
                    "closed_at": self._clock(),
                    "finding": finding,
                    "note": reason,
                }
            )
            await self.keep(review, closed)
            review = await self.get(review_id)
        if (review.closed_by, review.finding, review.note) != (person.id, finding, reason):
            raise RefusedError("this review was closed already", hint="read what was found")
        return review
