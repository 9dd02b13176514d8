"""Drafts: changes of the governance file that several people see before they are published.

    OPEN ──submit──► SUBMITTED ──approve──► APPROVED ──► SIGNING ──► SCHEDULED ──► PUBLISHED
      ▲                  │ reject               │  (SIGNING only where parties must sign, SCHEDULED only if not due)
      └──── rebase ── REJECTED, OUTDATED ◄──────┘

Rules:

1. Only officials with the role editor open, edit, schedule, submit and rebase; only those with the role approver
   approve.
2. Four eyes: nobody approves what they had a hand in: who opened, edited, scheduled, submitted or rebased a draft is
   one of its editors. (Unless the authority has switched four eyes off.)
3. Who approves names the revision that they read; another one is not approved.
4. A draft is edited while it is OPEN only; what was submitted stays as it is until it is rejected or taken back.
5. A draft holds changes of parts (`changes`), not a copy of the file. Changes published meanwhile stay; where they
   touch the same part, that is told, and the draft becomes OUTDATED instead of being published. Nothing is lost:
   `rebase` takes it back to OPEN, and a person decides part by part whose value stands.
6. A draft with errors or conflicts is not submitted; it is checked again when it is published.
7. Every step can be repeated after a lost answer: the same step by the same person answers as before.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.agents.authority.changes import (
    Change,
    PartKind,
    apply_header,
    fingerprint,
    header_change,
    header_part,
    in_conflict,
    record_change,
)
from wanderbuch.agents.authority.draft import (
    APPROVED_STATES,
    Draft,
    DraftChange,
    DraftState,
    Step,
    change_id,
    check_why,
)
from wanderbuch.agents.authority.findings import finding_json
from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.authority.telling import draft_events
from wanderbuch.agents.runtime.problems import ForbiddenError, MalformedError, RefusedError
from wanderbuch.governance.findings import Finding, Severity, error
from wanderbuch.governance.history import Action
from wanderbuch.governance.records import ParticipantRecord, Payload
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.records import DuplicateError, Record, RecordStore, new_id
from wanderbuch.store.telling import Teller
from wanderbuch.store.writing import Writing, writing


class Base(Protocol):
    """The governance file that is published now; empty before the first version."""

    @property
    def version(self) -> int | None:
        """Its version, None if there is none yet."""
        ...

    @property
    def header(self) -> Payload:
        """Everything but the records."""
        ...

    async def record(self, did: str) -> ParticipantRecord | None:
        """Return the record of one participant, None if there is none."""
        ...

    async def records_of(self, dids: Iterable[str]) -> Mapping[str, ParticipantRecord]:
        """Return the records of these participants, as far as there are any."""
        ...

    async def records(self) -> Mapping[str, ParticipantRecord]:
        """Return all records by DID."""
        ...


@dataclass(frozen=True, slots=True)
class PartDifference:
    """What a draft makes of one part.

    Args:
        before, after: the part as published now and as the draft has it; None where there is none.
        conflict: whether the published value is not the one that the change was made against.
    """

    kind: PartKind
    key: str
    before: Any
    after: Any
    conflict: bool


class Drafts:
    """The drafts of one authority, in the wallet store.

    Args:
        profile: whose wallet store.
        base: gives the file that is published now.
        check: gives the findings about the file that changes would make of it.
        four_eyes: whether an approver must be somebody else than the editors.
        redress: whom to appeal to, for accreditations and refusals that do not say it.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        base: Callable[[], Awaitable[Base]],
        check: Callable[[Base, Sequence[Change]], Awaitable[Sequence[Finding]]],
        four_eyes: bool,
        redress: str | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._profile = profile
        self._drafts = RecordStore(profile, Draft)
        self._teller = Teller(profile, Draft, draft_events)
        self._base = base
        self._check = check
        self._four_eyes = four_eyes
        self._redress = redress
        self._clock = clock

    async def open(self, editor: Official, why: str, *, draft_id: str | None = None) -> Draft:
        """Open a draft on the version that is published now.

        Args:
            editor: who opens it.
            why: the reason; it will stand in the public history, so nothing about workers.
            draft_id: chosen by the caller so that a repeated request opens no second draft; by default made here.

        Raises:
            ForbiddenError: they are no editor.
            RefusedError: the id is another draft's.
        """
        editor.must(OfficialRole.EDITOR)
        checked = check_why(why)
        held = None if draft_id is None else await self._drafts.get_or_none(draft_id)
        if held is None:
            draft = Draft(
                id=draft_id or new_id(),
                created_at=self._clock(),
                why=checked,
                base_version=(await self._base()).version,
                opened_by=editor.id,
                editors=(editor.id,),
                trail=(self._step(editor.id, "open", checked),),
            )
            try:
                return await self._drafts.insert(draft)
            except DuplicateError:  # the same request, just now
                held = await self._drafts.get(draft.id)
        if (held.opened_by, held.why) != (editor.id, checked):
            raise RefusedError(f"the id {draft_id} is another draft's")
        return held

    async def insert_decided(self, draft: Draft, changes: Sequence[Change], *, also: Sequence[Record] = ()) -> Draft:
        """Keep a draft that was decided in one step, with its changes and what belongs to it: all or nothing.

        Raises:
            DuplicateError: its id is taken.
        """
        async with writing(self._profile) as records:
            await records.insert(draft)
            for change in changes:
                await _insert_change(records, DraftChange.of(draft.id, change))
            for record in also:
                await records.insert(record)
        return draft

    async def get(self, draft_id: str) -> Draft:
        """Return a draft.

        Raises:
            NotFoundError: there is none with this id.
        """
        return await self._drafts.get(draft_id)

    async def get_or_none(self, draft_id: str) -> Draft | None:
        """Return a draft, None if there is none with this id."""
        return await self._drafts.get_or_none(draft_id)

    async def all(self, *, state: DraftState | None = None) -> list[Draft]:
        """Return all drafts (in this state), the oldest first."""
        return [each async for each in self._drafts.every(state=state and state.value)]

    async def decided(self) -> list[Draft]:
        """Return all drafts that the agent goes on with by itself, the oldest first."""
        return [each async for each in self._drafts.every(state=[state.value for state in APPROVED_STATES])]

    async def changes(self, draft_id: str) -> list[Change]:
        """Return the changes of a draft, in the order in which their parts were first changed."""
        async with self._profile.session() as session:
            entries = await fetch_entries(session, DraftChange.category, {"draft_id": draft_id}, order_by="id")
        return await asyncio.to_thread(lambda: [DraftChange.read(entry).change for entry in entries])

    async def record(self, draft_id: str, did: str) -> ParticipantRecord | None:
        """Return the record of a participant as the draft has it: changed, or as it is published now."""
        for change in await self.changes(draft_id):
            if (change.kind, change.key) == (PartKind.RECORD, did):
                return None if change.value is None else dict(change.value)
        return await (await self._base()).record(did)

    async def header(self, draft_id: str) -> Payload:
        """Return the header as the draft has it."""
        return apply_header((await self._base()).header, await self.changes(draft_id))

    async def edit(
        self,
        draft_id: str,
        editor: Official,
        *,
        header: Mapping[str, Any] | None = None,
        records: Mapping[str, ParticipantRecord | None] | None = None,
        undo: Collection[str] = (),
        revision: int | None = None,
    ) -> Draft:
        """Change parts of an open draft: all of them or, if one is refused, none.

        Args:
            draft_id: which draft.
            editor: who edits; they can not approve it any more.
            header: new values by the name of the part (see `changes`), None to remove the part.
            records: whole new records by DID, None to remove the record.
            undo: names of parts (DIDs too) whose change is taken out of the draft.
            revision: the revision that the editor saw; None to edit whatever stands there.

        Raises:
            ForbiddenError: they are no editor.
            ChangeError: a part or value is not one.
            RefusedError: the draft is not OPEN, or has another revision.
        """
        editor.must(OfficialRole.EDITOR)
        base = await self._base()
        wanted = [header_change(key, value, base.header) for key, value in (header or {}).items()]
        held = await base.records_of(records or ())
        for did, value in (records or {}).items():
            wanted.append(record_change(did, value, held.get(did), redress=self._redress))
        async with writing(self._profile) as store:
            draft = await store.get(Draft, draft_id)
            draft.must_be(DraftState.OPEN)
            if revision is not None and revision != draft.revision:
                raise RefusedError(
                    f"the draft was changed meanwhile: it has revision {draft.revision}, not {revision}",
                    members={"revision": draft.revision},
                    hint="read it again, then repeat your change",
                )
            for kind in PartKind:
                for key in undo:
                    place = change_id(draft_id, kind, key)
                    if await store.handle.fetch(DraftChange.category, place) is not None:
                        await store.handle.remove(DraftChange.category, place)
            for change in wanted:
                place = change_id(draft_id, change.kind, change.key)
                found = await store.handle.fetch(DraftChange.category, place)
                if found is not None:
                    was = DraftChange.read(found).was  # a conflict is ended by `rebase` only
                elif fingerprint(change.value) == change.was:
                    continue
                else:
                    was = change.was
                kept = DraftChange.of(draft_id, replace(change, was=was))
                if found is None:
                    await _insert_change(store, kept)
                elif fingerprint(change.value) == was:
                    await store.handle.remove(kept.category, kept.id)
                else:
                    await store.handle.replace(kept.category, kept.id, kept.model_dump_json(), kept.tags())
            draft = draft.model_copy(
                update={"revision": draft.revision + 1, "editors": draft.with_editor(editor.id), "conflicts": ()}
            )
            await store.replace(draft)
        return draft

    async def schedule(self, draft_id: str, editor: Official, not_before: datetime | None) -> Draft:
        """Set the instant (aware) before which an open draft is not published; None: at once after approval.

        Raises:
            ForbiddenError: they are no editor.
            RefusedError: the draft is not OPEN.
        """
        editor.must(OfficialRole.EDITOR)
        if not_before is not None and not_before.tzinfo is None:
            raise MalformedError("expected an instant with a time zone")
        try:
            at = None if not_before is None else not_before.astimezone(UTC).replace(microsecond=0)
        except OverflowError as err:  # the first and the last day of the calendar, in another zone
            raise MalformedError("expected an instant between the years 1 and 9999") from err

        def step(held: Draft) -> Draft | None:
            held.must_be(DraftState.OPEN)
            if held.not_before == at:
                return None
            said = self._step(editor.id, "schedule", at.isoformat() if at else "at once")
            return held.model_copy(
                update={
                    "not_before": at,
                    "revision": held.revision + 1,
                    "editors": held.with_editor(editor.id),
                    "trail": (*held.trail, said),
                }
            )

        return await self._drafts.change(draft_id, step)

    async def diff(self, draft_id: str) -> list[PartDifference]:
        """Return what the draft makes of each part that it changes, against the version published now."""
        return [
            PartDifference(change.kind, change.key, now, change.value, conflict=in_conflict(change, now))
            for change, now in await _beside_now(await self._base(), await self.changes(draft_id))
        ]

    async def findings(self, draft_id: str) -> list[Finding]:
        """Return everything that is wrong, or worth a second look, with the file that the draft would make.

        Conflicts with what was published meanwhile are errors of the rule "changed-meanwhile".
        """
        await self.get(draft_id)
        base = await self._base()
        changes = await self.changes(draft_id)
        found = [_conflict(change) for change, now in await _beside_now(base, changes) if in_conflict(change, now)]
        if not changes:
            found.append(error("", "draft-changes-something", "the draft changes nothing", "edit it first"))
        return [*found, *(await self._check(base, changes))]

    async def submit(self, draft_id: str, editor: Official) -> Draft:
        """Give an open draft to the approvers.

        Raises:
            ForbiddenError: they are no editor.
            RefusedError: it is not OPEN, changes nothing, or has errors or conflicts (`members["findings"]`).
        """
        editor.must(OfficialRole.EDITOR)
        seen = await self.get(draft_id)
        if seen.state is DraftState.SUBMITTED and seen.trail[-1].who == editor.id:
            return seen  # the answer was lost
        seen.must_be(DraftState.OPEN)
        errors = [each for each in await self.findings(draft_id) if each.severity is Severity.ERROR]
        if errors:
            raise RefusedError(
                f"the draft has {len(errors)} mistake(s): {errors[0].message}",
                members={"findings": [finding_json(each) for each in errors]},
                hint="correct it, then submit it again",
            )

        def step(held: Draft) -> Draft:
            if held.revision != seen.revision:
                raise RefusedError("the draft was changed meanwhile", hint="read it again, then submit it")
            return held.moved(
                DraftState.SUBMITTED, self._step(editor.id, "submit"), editors=held.with_editor(editor.id)
            )

        return await self._drafts.change(draft_id, step)

    async def approve(self, draft_id: str, approver: Official, *, revision: int) -> Draft:
        """Approve a submitted draft; the desk then publishes it (see `desk.Desk.approve`, which is what to call).

        Raises:
            ForbiddenError: they are no approver, or one of the draft's editors.
            RefusedError: it is not SUBMITTED, or has another revision.
        """
        approver.must(OfficialRole.APPROVER)

        def step(held: Draft) -> Draft | None:
            if (held.approved_by, held.approved_revision) == (approver.id, revision) and (
                held.is_approved or held.state is DraftState.PUBLISHED
            ):
                return None  # the answer was lost
            if self._four_eyes and approver.id in held.editors:
                raise ForbiddenError(
                    "four eyes: who had a hand in a draft does not approve it", hint="ask another approver"
                )
            held.must_be(DraftState.SUBMITTED)
            if held.revision != revision:
                raise RefusedError(
                    f"expected the revision {held.revision} that was submitted, found {revision}",
                    members={"revision": held.revision},
                    hint="read it again, then approve what you read",
                )
            return held.moved(
                DraftState.APPROVED,
                self._step(approver.id, "approve"),
                approved_by=approver.id,
                approved_revision=revision,
            )

        return await self._drafts.change(draft_id, step)

    async def reject(self, draft_id: str, official: Official, why: str) -> Draft:
        """Reject a draft that is not published yet; its editors may take it up again.

        An approver rejects what was submitted or approved. Any of its editors may drop one that is OPEN.

        Raises:
            ForbiddenError: it is not theirs to reject.
            RefusedError: it is published, or was ended already.
        """
        reason = check_why(why)

        def step(held: Draft) -> Draft | None:
            if held.state is DraftState.OPEN and official.id in held.editors:
                official.must(OfficialRole.EDITOR)
            else:
                official.must(OfficialRole.APPROVER)
            said = self._step(official.id, "reject", reason)
            if held.state is DraftState.REJECTED and held.trail[-1].model_copy(update={"at": said.at}) == said:
                return None  # the answer was lost
            return held.moved(DraftState.REJECTED, said)

        return await self._teller.change(await self._drafts.get(draft_id), step)

    async def rebase(
        self, draft_id: str, editor: Official, *, keep: Collection[str] = (), drop: Collection[str] = ()
    ) -> Draft:
        """Take a draft that is not approved back to OPEN, on the version published now.

        From here on it goes the usual way, so it is published as an ordinary change: what was decided in one step as a
        suspension or rotation is decided anew, as one.

        Args:
            draft_id: which draft.
            editor: who does it; they can not approve it any more.
            keep: names of parts in conflict for which the draft's value shall stand.
            drop: names of parts whose change is taken out, so that the published value stands. Parts in conflict that
                are in neither stay so, and keep the draft from being submitted.

        Raises:
            ForbiddenError: they are no editor.
            RefusedError: the draft is approved or published.
        """
        editor.must(OfficialRole.EDITOR)
        base = await self._base()
        held_now = await self.get(draft_id)
        held_now.must_be(DraftState.OPEN, DraftState.SUBMITTED, DraftState.REJECTED, DraftState.OUTDATED)

        def step(held: Draft) -> Draft:
            said = self._step(editor.id, "rebase", f"on version {base.version}" if base.version else None)
            update = {
                "base_version": base.version,
                "revision": held.revision + 1,
                "editors": held.with_editor(editor.id),
                "conflicts": (),
                "approved_by": None,
                "approved_revision": None,
                "action": Action.PUBLICATION,
                "rotated_from": None,
            }
            if held.state is DraftState.OPEN:
                return held.model_copy(update={**update, "trail": (*held.trail, said)})
            return held.moved(DraftState.OPEN, said, **update)

        beside = await _beside_now(base, await self.changes(draft_id))
        async with writing(self._profile) as store:  # at once: nobody approves what is about to change
            draft = step(await store.get(Draft, draft_id))
            for change, now in beside:
                place = change_id(draft_id, change.kind, change.key)
                found = await store.handle.fetch(DraftChange.category, place)
                if found is None or change.key not in {*drop, *keep}:
                    continue
                if change.key in drop:
                    await store.handle.remove(DraftChange.category, place)
                else:
                    kept = DraftChange.read(found).model_copy(update={"was": fingerprint(now)})
                    await store.handle.replace(kept.category, kept.id, kept.model_dump_json(), kept.tags())
            await store.replace(draft)
        return draft

    async def conflicts(self, draft_id: str, base: Base) -> list[str]:
        """Return the names of the parts that were changed meanwhile in `base`, too."""
        changes = await self.changes(draft_id)
        return [change.key for change, now in await _beside_now(base, changes) if in_conflict(change, now)]

    async def move(self, draft_id: str, to: DraftState, *, who: str, why: str | None = None, **update: Any) -> Draft:
        """Move a draft as the agent goes on with it; from a state to itself nothing happens.

        Raises:
            RefusedError: there is no way from its state to that one.
        """
        said = self._step(who, to.value.lower(), why)
        return await self._teller.change(
            await self._drafts.get(draft_id), lambda held: None if held.state is to else held.moved(to, said, **update)
        )

    def _step(self, who: str, what: str, why: str | None = None) -> Step:
        return Step(at=self._clock(), who=who, what=what, why=why)


async def _insert_change(records: Writing, change: DraftChange) -> None:
    await records.handle.insert(change.category, change.id, change.model_dump_json(), change.tags())


async def _beside_now(base: Base, changes: Sequence[Change]) -> list[tuple[Change, Any]]:
    """Return each change beside the value that its part has in the version published now."""
    records = await base.records_of(change.key for change in changes if change.kind is PartKind.RECORD)
    return [
        (change, records.get(change.key) if change.kind is PartKind.RECORD else header_part(base.header, change.key))
        for change in changes
    ]


def _conflict(change: Change) -> Finding:
    message = f"{change.key} was changed in a version that was published after this draft was begun"
    fix = "compare both, then rebase the draft: keep yours, or drop it"
    return error(f"/{change.kind.value}/{change.key}", "changed-meanwhile", message, fix)
