"""What a verifier's agent answers, as far as most programs need it; `raw` has all of it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

type State = Literal["OPEN", "DECIDED", "DECLINED", "NO_ANSWER", "CANCELLED"]
type Verdict = Literal["TRUSTED", "NOT_TRUSTED", "UNKNOWN", "STALE"]
type Category = Literal["accepted", "refused", "not_checked", "too_old"]


class _Answered(BaseModel):
    """Frozen; members that are not known here are left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Reason(_Answered):
    """One finding: a stable code and a sentence."""

    code: str
    text: str


class Decision(_Answered):
    """A verdict, why, and whom to appeal to."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    decided_at: datetime
    redress: tuple[str, ...] = ()


class Fact(_Answered):
    """One fact of an answer, its outcome and what it rests on."""

    fact: str
    outcome: Literal["holds", "fails", "could_not_check", "not_looked_at", "not_asked", "left_out"]
    evidence: Mapping[str, str] = Field(default_factory=dict)
    credential: str | None = None


class Answer(_Answered):
    """What a decision comes to, for which day."""

    category: Category
    holds_on: date
    good_until: datetime | None = None
    facts: tuple[Fact, ...] = ()
    not_checked: tuple[str, ...] = ()
    redress: tuple[str, ...] = ()


class Summary(_Answered):
    """A request in a list; `ref` is that of an applicant of a link."""

    id: str
    state: State
    verdict: Verdict | None
    created_at: datetime
    deadline: datetime
    ended_at: datetime | None
    ref: str | None = None


class Request(_Answered):
    """A question that was put, and how it ended; `left_out`: what was asked, and left out as it allowed."""

    id: str
    state: State
    short_url: str
    invitation_url: str
    deadline: datetime
    ended_at: datetime | None
    ref: str | None
    decision: Decision | None
    answer: Answer | None
    left_out: tuple[str, ...] = ()
    raw: Mapping[str, Any] = Field(repr=False)

    @property
    def is_over(self) -> bool:
        """Whether nothing changes any more."""
        return self.state != "OPEN"

    @property
    def category(self) -> Category | None:
        """What the decision comes to; None if there is none."""
        return None if self.answer is None else self.answer.category


class Receipt(_Answered):
    """The receipt of a decision: the signed text, and the address of its page, which may be handed on."""

    receipt: str
    address: str | None
    content: Mapping[str, Any]


class Kept(_Answered):
    """What a law keeps of an answer, until when."""

    what: str
    law: str
    purpose: str
    until: date


class Erasure(_Answered):
    """What was erased of an answer, and what is kept for a law."""

    id: str
    asked_by: Literal["worker", "verifier"]
    asked_at: datetime
    erased_at: datetime | None
    erased: tuple[str, ...]
    kept: tuple[Kept, ...]


class Event(_Answered):
    """An event of the tenant's log; `docs/events.md` lists the kinds."""

    number: int
    at: datetime
    kind: str
    subject: str
    body: Mapping[str, str | int | bool | None]
