"""Drafts: changes of the governance file that several people see before they are published.

    OPEN ──submit──► SUBMITTED ──approve──► APPROVED ──► SIGNING ──► SCHEDULED ──► PUBLISHED
      ▲                  │ reject               │  (SIGNING only where parties must sign, SCHEDULED only if not due)
      └──── rebase ── REJECTED, OUTDATED ◄──────┘          (DISCARDED: given up for good before it was approved)

Drafts are cases (`agents.work`): who may do what, four eyes, the revision that was read, schedule and lost answers are
the rules of `work.rules`. What is a draft's own:

1. A draft holds changes of parts (`changes`), not a copy of the file. Changes published meanwhile stay; where they
   touch the same part, that is told, and the draft becomes OUTDATED instead of being published. Nothing is lost:
   `rebase` takes it back to OPEN, and a person decides part by part whose value stands.
2. A draft with errors or conflicts is not submitted; it is checked again when it is published.
3. Who works a change out of the published file gives `edit` the version that they read (`base`): what is published
   between the two is then a conflict, and not undone in silence.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.authority.changes import (
    Change,
    PartKind,
    apply_header,
    header_change,
    in_conflict,
    record_change,
)
from wanderbuch.agents.authority.draft import Draft, DraftChange, changes_digest
from wanderbuch.agents.authority.draft_changes import (
    Base,
    PartDifference,
    beside,
    conflicting,
    insert_change,
    make_against,
    put_change,
    read_changes,
    take_out,
)
from wanderbuch.agents.authority.findings import finding_json
from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.authority.telling import draft_events
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.agents.work.case import Step, check_why
from wanderbuch.agents.work.cases import Cases
from wanderbuch.agents.work.rules import Rules
from wanderbuch.governance.form.findings import Finding, Severity, error
from wanderbuch.governance.form.records import ParticipantRecord, Payload
from wanderbuch.governance.signed.history import Action
from wanderbuch.store.records import Record, new_id
from wanderbuch.store.writing import writing

__all__ = ["NOTHING_CHANGED", "Base", "Drafts", "PartDifference"]

NOTHING_CHANGED: Final = "draft-changes-something"
"""Rule of the finding that says so."""


class Drafts(Cases[Draft]):
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
        rules = Rules(edits=OfficialRole.EDITOR, approves=OfficialRole.APPROVER, four_eyes=four_eyes)
        super().__init__(profile, Draft, rules, clock=clock, events_of=draft_events)
        self._base = base
        self._check = check
        self._redress = redress

    async def open(
        self, editor: Official, why: str, *, draft_id: str | None = None, also: Collection[str] = ()
    ) -> Draft:
        """Open a draft on the version that is published now.

        Args:
            editor: who opens it.
            why: the reason; it will stand in the public history, so nothing about workers.
            draft_id: chosen by the caller so that a repeated request opens no second draft; by default made here.
            also: ids of others who had a hand in what it will change: they are its editors, too.

        Raises:
            ForbiddenError: they are no editor.
            RefusedError: the id is another draft's.
        """
        editor.must(OfficialRole.EDITOR)
        checked, now = check_why(why), self.clock()
        draft = Draft(
            id=draft_id or new_id(),
            created_at=now,
            why=checked,
            base_version=(await self._base()).version,
            opened_by=editor.id,
            editors=tuple(dict.fromkeys((editor.id, *also))),
            trail=(Step(at=now, who=editor.id, what="open", why=checked),),
        )
        return await self.open_case(draft, editor)

    async def insert_decided(self, draft: Draft, changes: Sequence[Change], *, also: Sequence[Record] = ()) -> Draft:
        """Keep a draft that was decided in one step, with its changes and what belongs to it: all or nothing.

        Raises:
            DuplicateError: its id is taken.
        """
        digest = changes_digest([DraftChange.of(draft.id, change).as_read() for change in changes])
        approvals = tuple(step.model_copy(update={"digest": digest}) for step in draft.approvals)
        decided = draft.model_copy(update={"digest": digest, "approvals": approvals})
        async with writing(self.profile, new=[decided, *also]) as store:
            await store.insert(decided)
            for change in changes:
                await insert_change(store, draft.id, change)
            for record in also:
                await store.insert(record)
        return decided

    async def changes(self, draft_id: str) -> list[Change]:
        """Return the changes of a draft, in the order in which their parts were first changed."""
        return await read_changes(self.profile, draft_id)

    async def digest(self, case: Draft) -> str:
        """Return the digest of the changes of a draft."""
        return await asyncio.to_thread(changes_digest, await self.changes(case.id))

    async def base(self) -> Base:
        """Return the file that is published now, to read of it and give to `edit` (3)."""
        return await self._base()

    async def record(self, draft_id: str, did: str, *, base: Base | None = None) -> ParticipantRecord | None:
        """Return the record of a participant as the draft has it: changed, or as in `base` (published now)."""
        for change in await self.changes(draft_id):
            if (change.kind, change.key) == (PartKind.RECORD, did):
                return None if change.value is None else dict(change.value)
        return await (base or await self._base()).record(did)

    async def header(self, draft_id: str, *, base: Base | None = None) -> Payload:
        """Return the header as the draft has it: changed, or as in `base` (published now)."""
        return apply_header((base or await self._base()).header, await self.changes(draft_id))

    async def edit(
        self,
        draft_id: str,
        editor: Official,
        *,
        header: Mapping[str, Any] | None = None,
        records: Mapping[str, ParticipantRecord | None] | None = None,
        undo: Collection[str] = (),
        revision: int | None = None,
        base: Base | None = None,
    ) -> Draft:
        """Change parts of an open draft: all of them or, if one is refused, none.

        Args:
            draft_id: which draft.
            editor: who edits; they cannot approve it any more.
            header: new values by the name of the part (see `changes`), None to remove the part.
            records: whole new records by DID, None to remove the record.
            undo: names of parts (DIDs too) whose change is taken out of the draft.
            revision: the revision that the editor saw; None to edit whatever stands there.
            base: the version out of which the new values were made (3); by default the one that is published now.

        Raises:
            ForbiddenError: they are no editor.
            ChangeError: a part or value is not one.
            RefusedError: the draft is not OPEN, or has another revision.
        """
        editor.must(OfficialRole.EDITOR)
        base = base or await self._base()
        wanted = [header_change(key, value, base.header) for key, value in (header or {}).items()]
        before = await base.records_of(records or ())
        for did, value in (records or {}).items():
            wanted.append(record_change(did, value, before.get(did), redress=self._redress))

        def step(draft: Draft) -> Draft:
            return self.rules.edited(draft, editor, read=revision).model_copy(update={"conflicts": ()})

        async with self.changing(draft_id, step) as (store, draft):
            await take_out(store, draft_id, undo)
            for change in wanted:
                await put_change(store, draft_id, change)
        return draft

    async def diff(self, draft_id: str, *, base: Base | None = None) -> list[PartDifference]:
        """Return what the draft makes of each part that it changes.

        Args:
            draft_id: which draft.
            base: compared with which version; by default with the one that is published now. For a published draft
                see `desk.Desk.compared_with`.
        """
        pairs = await beside(base or await self._base(), await self.changes(draft_id))
        return [
            PartDifference(change.kind, change.key, before, change.value, conflict=in_conflict(change, before))
            for change, before in pairs
        ]

    async def findings(self, draft_id: str) -> list[Finding]:
        """Return everything that is wrong, or worth a second look, with the file that the draft would make.

        Conflicts with what was published meanwhile are errors of the rule "changed-meanwhile".
        """
        await self.get(draft_id)
        base, changes = await self._base(), await self.changes(draft_id)
        findings = [_conflict(change) for change in await conflicting(base, changes)]
        if not changes:
            findings.append(error("", NOTHING_CHANGED, "the draft changes nothing", "edit it first"))
        return [*findings, *(await self._check(base, changes))]

    async def must_be_ready(self, case: Draft) -> None:
        """Go on only with a draft that changes something and has no errors or conflicts.

        Raises:
            RefusedError: it has, or changes nothing (`members["findings"]`).
        """
        errors = [finding for finding in await self.findings(case.id) if finding.severity is Severity.ERROR]
        if errors:
            raise RefusedError(
                f"the draft has {len(errors)} mistake(s): {errors[0].message}",
                members={"findings": [finding_json(finding) for finding in errors]},
                hint="correct it, then submit it again",
            )

    async def rebase(
        self, draft_id: str, editor: Official, *, keep: Collection[str] = (), drop: Collection[str] = ()
    ) -> Draft:
        """Take a draft that is not approved back to OPEN, on the version published now.

        From here on it goes the usual way, so it is published as an ordinary change: what was decided in one step as a
        suspension or rotation is decided anew, as one.

        Args:
            draft_id: which draft.
            editor: who does it; they cannot approve it any more.
            keep: names of parts in conflict for which the draft's value shall stand.
            drop: names of parts whose change is taken out, so that the published value stands. Parts in conflict that
                are in neither stay so, and keep the draft from being submitted.

        Raises:
            ForbiddenError: they are no editor.
            RefusedError: the draft is approved, published or discarded.
        """
        editor.must(OfficialRole.EDITOR)
        base, now = await self._base(), self.clock()
        why = f"on version {base.version}" if base.version else None
        fresh = {
            "base_version": base.version,
            "conflicts": (),
            "action": Action.PUBLICATION,
            "rotated_from": None,
        }

        def step(draft: Draft) -> Draft:
            return self.rules.reopened(draft, editor, what="rebase", why=why, at=now).model_copy(update=fresh)

        step(await self.get(draft_id))  # refused before the file is read
        pairs = await beside(base, await self.changes(draft_id))
        async with self.changing(draft_id, step) as (store, draft):  # at once: nobody approves what is about to change
            await take_out(store, draft_id, drop)
            for change, published in pairs:
                if change.key in keep and change.key not in drop:
                    await make_against(store, draft_id, change, published)
        return draft


def _conflict(change: Change) -> Finding:
    message = f"{change.key} was changed in a version that was published after this draft was begun"
    fix = "compare both, then rebase the draft: keep yours, or drop it"
    return error(f"/{change.kind.value}/{change.key}", "changed-meanwhile", message, fix)
