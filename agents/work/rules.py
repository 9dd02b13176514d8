"""The rules of cases, without I/O: who may take which step, and what becomes of the case.

1. Only people with the role that edits open, edit, schedule, submit, reopen and discard; only those with the role that
   approves approve.
2. Four eyes: nobody approves what they had a hand in: who opened, edited, scheduled, submitted or reopened a case is
   one of its editors. (Unless four eyes are switched off.)
3. Who approves names the revision that they read, and may name its digest; another one is not approved.
4. A case is edited while it is open only; what was submitted stays as it is until it is rejected or taken back.
5. It is approved once as many different people have approved as the kind asks for. What is taken back, or rejected, is
   approved anew by all of them.
6. What is done is what was approved: the content still has the digest that it had then.
7. Every step can be repeated after a lost answer: the same step by the same person answers as before.

A step that changes nothing, since it was taken before, returns None.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Protocol

from wanderbuch.agents.runtime.problems import ForbiddenError, MalformedError, RefusedError
from wanderbuch.agents.work.case import Case, Stage, Step, check_why

SUBMIT, APPROVE, REJECT = "submit", "approve", "reject"


class Person(Protocol):
    """Somebody who works on cases, with the roles that they have now."""

    @property
    def id(self) -> str:
        """Names one person for ever."""
        ...

    def must(self, role: Any) -> None:
        """Go on only if they have this role now.

        Raises:
            ForbiddenError: they have not.
        """
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules for one kind of case.

    Args:
        edits: the role of who may edit.
        approves: the role of who may approve.
        four_eyes: whether an approver must be somebody else than the editors.
        approvals: how many different people must approve.
    """

    edits: Enum
    approves: Enum
    four_eyes: bool = True
    approvals: int = 1

    def __post_init__(self) -> None:
        if self.approvals < 1:
            raise ValueError("expected at least one who approves")

    def edited[C: Case[Any]](self, case: C, person: Person, *, read: int | None = None) -> C:
        """Return the case with a new revision (rules 1, 2 and 4).

        Args:
            case: as it is.
            person: who edits.
            read: the revision that they saw; None to edit whatever stands there.

        Raises:
            ForbiddenError: they may not.
            RefusedError: it is not open, or has another revision.
        """
        person.must(self.edits)
        case.must_be(case.course.open)
        if read is not None and read != case.revision:
            raise RefusedError(
                f"the {case.noun} was changed meanwhile: it has revision {case.revision}, not {read}",
                members={"revision": case.revision},
                hint="read it again, then repeat your change",
            )
        return case.model_copy(update={"revision": case.revision + 1, "editors": case.with_editor(person.id)})

    def scheduled[C: Case[Any]](self, case: C, person: Person, not_before: datetime | None, at: datetime) -> C | None:
        """Return the case with the instant before which nothing is done; None: at once after approval.

        Raises:
            ForbiddenError: they may not edit.
            MalformedError: the instant has no time zone, or no calendar has it.
            RefusedError: the case is not open.
        """
        wanted = _instant(not_before)
        if case.not_before == wanted:
            person.must(self.edits)
            case.must_be(case.course.open)
            return None
        step = Step(at=at, who=person.id, what="schedule", why=wanted.isoformat() if wanted else "at once")
        return self.edited(case, person).with_step(step, not_before=wanted)

    def was_submitted(self, case: Case[Any], person: Person) -> bool:
        """Tell whether this person has submitted the case as it is (rule 7)."""
        step = case.trail[-1] if case.trail else None
        return case.stage is Stage.SUBMITTED and step is not None and (step.what, step.who) == (SUBMIT, person.id)

    def submitted[C: Case[Any]](self, case: C, person: Person, *, read: int, digest: str, at: datetime) -> C:
        """Return the case, given to the approvers.

        Args:
            case: as it is.
            person: who submits.
            read: the revision that was found to be ready.
            digest: of its content.
            at: now.

        Raises:
            ForbiddenError: they may not edit.
            RefusedError: it is not open, or has another revision.
        """
        person.must(self.edits)
        case.must_be(case.course.open)
        if case.revision != read:
            raise RefusedError(f"the {case.noun} was changed meanwhile", hint="read it again, then submit it")
        step = Step(at=at, who=person.id, what=SUBMIT, revision=read, digest=digest)
        return case.moved(case.course.submitted, step, digest=digest, approvals=(), editors=case.with_editor(person.id))

    def approved[C: Case[Any]](
        self, case: C, person: Person, *, read: int, digest: str | None = None, at: datetime
    ) -> C | None:
        """Return the case with an approval more (rules 2, 3, 5 and 7).

        Args:
            case: as it is.
            person: who approves.
            read: the revision that they read.
            digest: of the content that they read, if they have it.
            at: now.

        Raises:
            ForbiddenError: they may not approve, or had a hand in it.
            RefusedError: it is not submitted, or has other content.
        """
        person.must(self.approves)
        is_repeated = any((approval.who, approval.revision) == (person.id, read) for approval in case.approvals)
        if is_repeated and case.stage in (Stage.SUBMITTED, Stage.APPROVED, Stage.DONE):
            return None
        if self.four_eyes and person.id in case.editors:
            raise ForbiddenError(
                f"four eyes: who had a hand in this {case.noun} does not approve it", hint="ask another approver"
            )
        case.must_be(case.course.submitted)
        if case.revision != read:
            raise RefusedError(
                f"expected the revision {case.revision} that was submitted, found {read}",
                members={"revision": case.revision},
                hint="read it again, then approve what you read",
            )
        if digest is not None and digest != case.digest:
            raise RefusedError(
                f"the revision {read} has other content than what you read",
                members={"revision": case.revision},
                hint="read it again, then approve what you read",
            )
        step = Step(at=at, who=person.id, what=APPROVE, revision=read, digest=case.digest)
        approvals = (*case.approvals, step)
        if len({approval.who for approval in approvals}) < self.approvals:
            return case.with_step(step, approvals=approvals)
        return case.moved(case.course.approved, step, approvals=approvals)

    def rejected[C: Case[Any]](self, case: C, person: Person, why: str, at: datetime) -> C | None:
        """Return the case, sent back: by an approver, or by one of its editors while it is open.

        Raises:
            ForbiddenError: it is not theirs to reject.
            MalformedError: the reason is none.
            RefusedError: it is done, or was ended already.
        """
        step = Step(at=at, who=person.id, what=REJECT, why=check_why(why))
        if case.state is case.course.rejected and case.trail[-1].model_copy(update={"at": at}) == step:
            return None
        may_edit = case.stage is Stage.OPEN and person.id in case.editors
        person.must(self.edits if may_edit else self.approves)
        return case.moved(case.course.rejected, step)

    def discarded[C: Case[Any]](self, case: C, person: Person, at: datetime) -> C | None:
        """Return the case, given up for good by one of its editors; what is approved is rejected first.

        Raises:
            ForbiddenError: they may not edit, or it is not theirs.
            RefusedError: it is approved or done.
        """
        person.must(self.edits)
        if person.id not in case.editors:
            raise ForbiddenError(
                f"only who had a hand in this {case.noun} discards it",
                hint="ask one of them, or an approver to reject it",
            )
        if case.stage is Stage.DISCARDED:
            return None
        return case.moved(case.course.discarded, Step(at=at, who=person.id, what="discard"))

    def reopened[C: Case[Any]](
        self, case: C, person: Person, *, what: str = "reopen", why: str | None = None, at: datetime
    ) -> C:
        """Return the case, taken back to be edited: what was submitted, or sent back.

        Args:
            case: as it is.
            person: who does it.
            what: name of the step in the trail.
            why: what the trail says of it.
            at: now.

        Raises:
            ForbiddenError: they may not edit.
            RefusedError: it is approved, done or discarded.
        """
        person.must(self.edits)
        step = Step(at=at, who=person.id, what=what, why=why)
        update: dict[str, Any] = {
            "revision": case.revision + 1,
            "editors": case.with_editor(person.id),
            "approvals": (),
            "digest": None,
        }
        if case.stage is Stage.OPEN:
            return case.with_step(step, **update)
        if case.stage not in (Stage.SUBMITTED, Stage.RETURNED):
            raise RefusedError(
                f"the {case.noun} is {case.state.value}; it is taken up again only when open, submitted or sent back"
            )
        return case.moved(case.course.open, step, **update)

    def must_be_as_approved(self, case: Case[Any], digest: str) -> None:
        """Go on only with the content that was approved (rule 6).

        Raises:
            RefusedError: it is other content.
        """
        if any(approval.digest is not None and approval.digest != digest for approval in case.approvals):
            raise RefusedError(
                f"the content of the {case.noun} is not what was approved",
                hint="reject it, and look at the store: nobody changes what was submitted",
            )


def _instant(given: datetime | None) -> datetime | None:
    if given is None:
        return None
    if given.tzinfo is None:
        raise MalformedError("expected an instant with a time zone")
    try:
        return given.astimezone(UTC).replace(microsecond=0)
    except OverflowError as err:  # the first and the last day of the calendar, in another zone
        raise MalformedError("expected an instant between the years 1 and 9999") from err
