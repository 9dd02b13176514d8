"""A draft as data: its states, its steps, its changes. The rules are those of `drafts`."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict

from wanderbuch.agents.authority.changes import Change, PartKind
from wanderbuch.agents.runtime.problems import MalformedError, RefusedError
from wanderbuch.governance.history import MAX_WHY, Action
from wanderbuch.store.records import Record


class DraftState(Enum):
    """How far a draft has come."""

    OPEN = "OPEN"
    SUBMITTED = "SUBMITTED"
    APPROVED = "APPROVED"
    SIGNING = "SIGNING"
    SCHEDULED = "SCHEDULED"
    PUBLISHED = "PUBLISHED"
    REJECTED = "REJECTED"
    OUTDATED = "OUTDATED"


APPROVED_STATES: Final = (DraftState.APPROVED, DraftState.SIGNING, DraftState.SCHEDULED)
"""States in which the agent goes on by itself."""

_NEXT: Final[Mapping[DraftState, frozenset[DraftState]]] = {
    DraftState.OPEN: frozenset({DraftState.SUBMITTED, DraftState.REJECTED}),
    DraftState.SUBMITTED: frozenset({DraftState.OPEN, DraftState.APPROVED, DraftState.REJECTED}),
    DraftState.APPROVED: frozenset(
        {
            DraftState.SIGNING,
            DraftState.SCHEDULED,
            DraftState.PUBLISHED,
            DraftState.OUTDATED,
            DraftState.REJECTED,
        }
    ),
    DraftState.SIGNING: frozenset(
        {DraftState.SCHEDULED, DraftState.PUBLISHED, DraftState.OUTDATED, DraftState.REJECTED}
    ),
    DraftState.SCHEDULED: frozenset(
        {DraftState.SIGNING, DraftState.PUBLISHED, DraftState.OUTDATED, DraftState.REJECTED}
    ),
    DraftState.REJECTED: frozenset({DraftState.OPEN}),
    DraftState.OUTDATED: frozenset({DraftState.OPEN}),
    DraftState.PUBLISHED: frozenset(),
}


class Step(BaseModel):
    """One step of a draft: who did what, when, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: datetime
    who: str
    what: str
    why: str | None = None


class Draft(Record):
    """A draft, without its changes.

    `revision` grows with every edit. `editors` are all who had a hand in it. `base_version` is the version that was
    current when it was opened or rebased. `version` is the one it became. `action` tells a suspension, which was
    decided by one approver in one step, and a rotation of the key `rotated_from`, from what went the usual way; once
    rebased, it goes the usual way too.
    """

    category: ClassVar[str] = "wanderbuch.authority-draft"

    why: str
    state: DraftState = DraftState.OPEN
    action: Action = Action.PUBLICATION
    rotated_from: str | None = None
    revision: int = 0
    base_version: int | None = None
    opened_by: str
    editors: tuple[str, ...]
    not_before: datetime | None = None
    approved_by: str | None = None
    approved_revision: int | None = None
    version: int | None = None
    conflicts: tuple[str, ...] = ()
    trail: tuple[Step, ...] = ()

    def index_state(self) -> str:
        """Return its state."""
        return self.state.value

    def due_at(self) -> datetime | None:
        """Return when the agent goes on with it: at once, but for what is scheduled."""
        if not self.is_approved:
            return None
        return self.not_before if self.state is DraftState.SCHEDULED else self.trail[-1].at

    @property
    def is_approved(self) -> bool:
        """Whether the agent goes on with it by itself."""
        return self.state in APPROVED_STATES

    def must_be(self, *states: DraftState) -> None:
        """Go on only in one of these states.

        Raises:
            RefusedError: it is in another.
        """
        if self.state not in states:
            wanted = " or ".join(state.value for state in states)
            raise RefusedError(f"the draft is {self.state.value}; this needs one that is {wanted}")

    def with_editor(self, official_id: str) -> tuple[str, ...]:
        """Return its editors, this one among them."""
        return tuple(dict.fromkeys((*self.editors, official_id)))

    def moved(self, to: DraftState, step: Step, **update: Any) -> "Draft":
        """Return the draft in another state.

        Raises:
            RefusedError: there is no way from its state to that one.
        """
        if to not in _NEXT[self.state]:
            raise RefusedError(f"the draft is {self.state.value}; it can not become {to.value}")
        return self.model_copy(update={"state": to, "trail": (*self.trail, step), **update})


class DraftChange(Record):
    """One change of a draft. Its id in the store is made of the draft's and of the part's name.

    A draft may have many thousands, which are read and written all at once: they are found by Askar's tag, not by rows
    of the plain tables.
    """

    category: ClassVar[str] = "wanderbuch.authority-draft-change"
    tag_names: ClassVar[tuple[str, ...]] = ("draft_id",)

    draft_id: str
    kind: PartKind
    key: str
    value: Any
    was: str | None

    @classmethod
    def of(cls, draft_id: str, change: Change) -> "DraftChange":
        """Return the record of a change."""
        return cls(
            id=change_id(draft_id, change.kind, change.key),
            draft_id=draft_id,
            kind=change.kind,
            key=change.key,
            value=change.value,
            was=change.was,
        )

    @property
    def change(self) -> Change:
        """Return what it says."""
        return Change(self.kind, self.key, self.value, self.was)


def check_why(why: str) -> str:
    """Return a reason without blanks around it.

    Raises:
        MalformedError: it is empty or too long. Nothing else is checked: what it says is for people to judge.
    """
    reason = " ".join(why.split())
    if not 0 < len(reason) <= MAX_WHY:
        raise MalformedError(f"expected a reason of 1 to {MAX_WHY} characters")
    return reason


def change_id(draft_id: str, kind: PartKind, key: str) -> str:
    """Return the id under which the change of a part is kept."""
    return f"{draft_id}.{hashlib.sha256(f'{kind.value} {key}'.encode()).hexdigest()[:40]}"
