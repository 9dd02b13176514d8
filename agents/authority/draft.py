"""A draft as data: a case whose content are changes of the governance file. The rules are those of `work.rules`."""

import hashlib
from collections.abc import Iterable
from enum import Enum
from typing import Any, ClassVar

import msgspec
from pydantic import model_validator

from wanderbuch.agents.authority.changes import Change, PartKind
from wanderbuch.agents.work.case import Case, Course
from wanderbuch.agents.work.content import content_digest
from wanderbuch.governance.signed.history import Action
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
    DISCARDED = "DISCARDED"


class Draft(Case[DraftState]):
    """A draft, without its changes.

    `base_version` is the version that was current when it was opened or rebased. `version` is the one it became.
    `action` tells a suspension, which was decided by one approver in one step, and a rotation of the key
    `rotated_from`, from what went the usual way; once rebased, it goes the usual way too.
    """

    category: ClassVar[str] = "wanderbuch.authority-draft"
    noun: ClassVar[str] = "draft"
    course: ClassVar[Course[Any]] = Course(
        open=DraftState.OPEN,
        submitted=DraftState.SUBMITTED,
        approved=DraftState.APPROVED,
        scheduled=DraftState.SCHEDULED,
        done=DraftState.PUBLISHED,
        rejected=DraftState.REJECTED,
        discarded=DraftState.DISCARDED,
        on_the_way=frozenset({DraftState.SIGNING}),
        returned=frozenset({DraftState.OUTDATED}),
    )

    state: DraftState = DraftState.OPEN
    action: Action = Action.PUBLICATION
    rotated_from: str | None = None
    base_version: int | None = None
    version: int | None = None
    conflicts: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _of_one_approver(cls, kept: Any) -> Any:
        """Read what was kept before there could be several approvals."""
        if not isinstance(kept, dict) or "approved_by" not in kept:
            return kept
        who, revision = kept["approved_by"], kept.get("approved_revision")
        steps = [step for step in kept.get("trail", ()) if step["who"] == who]
        read = {name: value for name, value in kept.items() if name not in ("approved_by", "approved_revision")}
        if who is not None and steps:
            decided = next((step for step in reversed(steps) if step["what"] == "approve"), steps[0])
            read["approvals"] = [{**decided, "revision": revision}]
        return read


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

    def as_read(self) -> Change:
        """Return what will be read of it: plain JSON values, whatever it was made of."""
        return DraftChange.model_validate_json(self.model_dump_json()).change

    @property
    def change(self) -> Change:
        """Return what it says."""
        return Change(self.kind, self.key, self.value, self.was)


def change_id(draft_id: str, kind: PartKind, key: str) -> str:
    """Return the id under which the change of a part is kept."""
    return f"{draft_id}.{hashlib.sha256(f'{kind.value} {key}'.encode()).hexdigest()[:40]}"


def changes_digest(changes: Iterable[Change]) -> str:
    """Return the digest of changes, in whichever order they come."""
    listed = sorted(changes, key=lambda change: (change.kind.value, change.key))
    return content_digest(
        msgspec.json.encode([change.kind.value, change.key, change.value, change.was], order="deterministic")
        for change in listed
    )
