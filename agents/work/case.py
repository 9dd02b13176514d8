"""A case as data: its states, its steps, who had a hand in it and who approved it. The rules are those of `rules`.

A kind of case names its own states; its `Course` says what each means here:

    OPEN ──submit──► SUBMITTED ──approve──► APPROVED ──► (states of the kind, SCHEDULED) ──► DONE
      ▲                  │ reject              │
      └──── reopen ── REJECTED (and others from which it is taken up again) ◄──┘

Whatever is not approved can be discarded, for good; nothing of it is deleted.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict

from wanderbuch.agents.runtime.problems import MalformedError, RefusedError
from wanderbuch.store.records import Record

MAX_WHY: Final = 2000
"""The longest reason, in characters."""


class Stage(Enum):
    """What a state means to this floor."""

    OPEN = "open"
    """People edit it."""
    SUBMITTED = "submitted"
    """It stays as it is until others have approved it."""
    APPROVED = "approved"
    """The agent goes on with it by itself."""
    RETURNED = "returned"
    """It was sent back; people may take it up again."""
    DONE = "done"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Course[S: Enum]:
    """The states of a kind of case.

    Args:
        open, submitted, approved, scheduled, done, rejected, discarded: where the steps of this floor lead.
        on_the_way: further states of what is approved and not done.
        returned: further states of what was sent back.
    """

    open: S
    submitted: S
    approved: S
    scheduled: S
    done: S
    rejected: S
    discarded: S
    on_the_way: frozenset[S] = frozenset()
    returned: frozenset[S] = frozenset()

    def stage(self, state: S) -> Stage:
        """Return what a state means."""
        named = {
            self.open: Stage.OPEN,
            self.submitted: Stage.SUBMITTED,
            self.approved: Stage.APPROVED,
            self.scheduled: Stage.APPROVED,
            self.done: Stage.DONE,
            self.rejected: Stage.RETURNED,
            self.discarded: Stage.DISCARDED,
        }
        if state in self.on_the_way:
            return Stage.APPROVED
        return Stage.RETURNED if state in self.returned else named[state]

    @property
    def approved_states(self) -> tuple[S, ...]:
        """The states in which the agent goes on by itself."""
        return (self.approved, *sorted(self.on_the_way, key=lambda state: str(state.value)), self.scheduled)

    def leads(self, now: S, to: S) -> bool:
        """Tell whether there is a way from one state to another."""
        match self.stage(now):
            case Stage.OPEN:
                return to in (self.submitted, self.rejected, self.discarded)
            case Stage.SUBMITTED:
                return to in (self.open, self.approved, self.rejected, self.discarded)
            case Stage.APPROVED:
                onward = self.stage(to) in (Stage.APPROVED, Stage.DONE, Stage.RETURNED)
                return onward and to not in (self.approved, now)
            case Stage.RETURNED:
                return to in (self.open, self.discarded)
            case Stage.DONE | Stage.DISCARDED:
                return False


class Step(BaseModel):
    """One step of a case: who did what, when, and why.

    `revision` and `digest` say of which content, where that matters: when it is submitted and approved.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: datetime
    who: str
    what: str
    why: str | None = None
    revision: int | None = None
    digest: str | None = None


class Case[S: Enum](Record):
    """A case without its content.

    `revision` grows with every edit. `digest` is that of the content, from when it is submitted until it is taken up
    again. `editors` are all who had a hand in it. `approvals` are the steps that count now; each stands in the trail
    too, to which steps are only ever added. Before `not_before` nothing is done.
    """

    noun: ClassVar[str]
    """What people call a case of this kind, such as "draft"."""

    course: ClassVar[Course[Any]]
    """The states of this kind."""

    why: str
    state: S
    revision: int = 0
    digest: str | None = None
    opened_by: str
    editors: tuple[str, ...]
    not_before: datetime | None = None
    approvals: tuple[Step, ...] = ()
    trail: tuple[Step, ...] = ()

    def index_state(self) -> str:
        """Return its state."""
        return str(self.state.value)

    def due_at(self) -> datetime | None:
        """Return when the agent goes on with it: at once, but for what is scheduled."""
        if not self.is_approved:
            return None
        return self.not_before if self.state is self.course.scheduled else self.trail[-1].at

    @property
    def stage(self) -> Stage:
        """What its state means."""
        return self.course.stage(self.state)

    @property
    def is_approved(self) -> bool:
        """Whether the agent goes on with it by itself."""
        return self.stage is Stage.APPROVED

    @property
    def approved_by(self) -> str | None:
        """Who approved it last, None if nobody has."""
        return self.approvals[-1].who if self.approvals else None

    def is_asked_again(self, asked: "Case[S]") -> bool:
        """Tell whether this is what the same person asked for before with the same id."""
        return (self.opened_by, self.why) == (asked.opened_by, asked.why)

    def is_early(self, at: datetime) -> bool:
        """Tell whether it is to wait for its day."""
        return self.not_before is not None and at < self.not_before

    def must_be(self, *states: S) -> None:
        """Go on only in one of these states.

        Raises:
            RefusedError: it is in another.
        """
        if self.state not in states:
            wanted = " or ".join(str(state.value) for state in states)
            raise RefusedError(f"the {self.noun} is {self.state.value}; this needs one that is {wanted}")

    def with_editor(self, person_id: str) -> tuple[str, ...]:
        """Return its editors, this one among them."""
        return tuple(dict.fromkeys((*self.editors, person_id)))

    def with_step(self, step: Step, **update: Any) -> Self:
        """Return the case in the same state, with a step more."""
        return self.model_copy(update={"trail": (*self.trail, step), **update})

    def moved(self, to: S, step: Step, **update: Any) -> Self:
        """Return the case in another state.

        Raises:
            RefusedError: there is no way from its state to that one.
        """
        if not self.course.leads(self.state, to):
            raise RefusedError(f"the {self.noun} is {self.state.value}; it cannot become {to.value}")
        return self.with_step(step, state=to, **update)


def check_why(why: str) -> str:
    """Return a reason without blanks around it.

    Raises:
        MalformedError: it is empty or too long. Nothing else is checked: what it says is for people to judge.
    """
    reason = " ".join(why.split())
    if not 0 < len(reason) <= MAX_WHY:
        raise MalformedError(f"expected a reason of 1 to {MAX_WHY} characters")
    return reason
