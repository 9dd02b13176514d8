"""What the desk's pages ask of the authority beside drafts: approving, suspending, reviewing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wanderbuch.agents.authority.officials import Official
from wanderbuch.governance.identifiers import Did


@dataclass(frozen=True, slots=True)
class OpenReview:
    """A suspension by one official that a second person has not looked at yet."""

    id: str
    issuer: Did
    name: str | None
    who: str
    at: datetime
    why: str


class DeskWork(Protocol):
    """The authority, as far as officials act on it."""

    async def approve(self, draft_id: str, approver: Official, *, revision: int) -> object:
        """Approve a draft and publish it when it is due and signed."""
        ...

    async def suspend(self, issuer: Did, official: Official, *, why: str, registries: Sequence[str]) -> object:
        """Suspend an issuer at once."""
        ...

    async def open_reviews(self) -> Sequence[OpenReview]:
        """Return the suspensions that wait for a second person."""
        ...

    async def review(self, review_id: str, official: Official, *, why: str) -> object:
        """Say, as a second person, that a suspension was right."""
        ...
