"""How the agent goes on with what was decided, until it is published.

Whatever was decided is a draft in one of the states APPROVED, SIGNING, SCHEDULED. `advance` takes each, under the
lease of publication, as far as it can go now:

1. It became a version already (a crash came between): PUBLISHED.
2. Its changes are not those that were approved: it stays as it is, and that is told.
3. Parts that it changes were changed by a version published meanwhile: OUTDATED, and the parts are named.
4. The file has mistakes on top of what is published now: OUTDATED.
5. Parties must sign (the file, or the one before, names signatories): SIGNING, until enough have signed exactly the
   bytes of the next version. Parts of a divided file that are new are put on the public site first: each party looks
   at what it signs, and finds them by their digests. Of a round that an older version of this program began they are
   put there now. If another version came first, or the draft was taken back and changed, the round begins anew.
6. It is not due: SCHEDULED.
7. It rotates the key: a new key is put beside the old one now, unless that is done; if witnesses of the DID must
   approve that first, it waits.
8. It is published (`publication`), signed with the key of now; a key that was replaced is dropped after that, so that
   at no time the file served is signed with a key that the DID document does not have: PUBLISHED.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from acapy_agent.core.profile import Profile

from wanderbuch.agents.authority.changes import Change, Frame, PartKind
from wanderbuch.agents.authority.draft import Draft, DraftState, changes_digest
from wanderbuch.agents.authority.draft_changes import Base, conflicting
from wanderbuch.agents.authority.drafts import Drafts
from wanderbuch.agents.authority.history import Fact
from wanderbuch.agents.authority.publication import Publication, PublicationRefusedError, Turn
from wanderbuch.agents.authority.published import Published, read_root
from wanderbuch.agents.authority.rounds import SigningRound, still_holding
from wanderbuch.agents.authority.stages import Stage
from wanderbuch.agents.authority.versions import Cause, RefusalNote
from wanderbuch.agents.work.case import MAX_WHY
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.form.findings import Finding, Severity
from wanderbuch.governance.form.model import SIGNATORIES
from wanderbuch.governance.signed.history import SYSTEM, Action
from wanderbuch.store.records import RecordStore

LOGGER = logging.getLogger(__name__)


class Progress:
    """Takes drafts from their approval to their publication.

    Args:
        profile: in whose wallet store the rounds are kept.
        publication: publishes.
        drafts: what was decided.
        rotate_key, drop_old_key: see `desk.Desk`.
    """

    def __init__(
        self,
        profile: Profile,
        publication: Publication,
        drafts: Drafts,
        *,
        rotate_key: Callable[[], Awaitable[None]],
        drop_old_key: Callable[[], Awaitable[None]] | None,
    ) -> None:
        self.publication = publication
        self.rounds = RecordStore(profile, SigningRound)
        self._drafts = drafts
        self._rotate_key = rotate_key
        self._drop_old_key = drop_old_key

    async def advance(self, turn: Turn, draft: Draft) -> Draft:
        """Take a draft as far as it can go (the steps of this module)."""
        if not draft.is_approved:
            return draft
        if (version := await self.publication.of_draft(draft.id)) is not None:  # 1
            await self._end_rotation(draft)
            return await self._move(draft, DraftState.PUBLISHED, version=version.version)
        base = await self.publication.published()
        changes = await self._drafts.changes(draft.id)
        self._drafts.rules.must_be_as_approved(draft, await asyncio.to_thread(changes_digest, changes))  # 2
        if conflicts := tuple(change.key for change in await conflicting(base, changes)):  # 3
            why = f"changed meanwhile: {', '.join(conflicts)}"
            return await self._move(draft, DraftState.OUTDATED, why=why[:MAX_WHY], conflicts=conflicts)
        if draft.action is Action.ROTATION and base.version is None:
            return await self._only_rotate(draft)
        try:
            return await self._publish(turn, draft, base, changes)
        except PublicationRefusedError as err:  # 4
            await turn.check()  # while we slept another process may have published the very draft
            LOGGER.warning("the draft %s does not fit what is published now: %s", draft.id, err.message)
            return await self._move(draft, DraftState.OUTDATED, why=err.message[:MAX_WHY])

    async def _publish(self, turn: Turn, draft: Draft, base: Published, changes: Sequence[Change]) -> Draft:
        early = draft.is_early(self.publication.clock())
        frame = await frame_of(self.publication, base, draft)
        round_ = await self.rounds.get_or_none(draft.id)
        if round_ is not None and (round_.version, round_.revision) != (frame.version, draft.revision):
            round_ = None  # another version came first, or the draft was taken back and changed
        if early and draft.state is DraftState.SCHEDULED and (round_ is not None or not await self._had_round(draft)):
            return draft
        if round_ is not None:
            round_ = await self._with_what_holds(round_)
            laid_out = await round_.laid_out(self.publication.parts)
        else:
            turn.tell(Stage.LAYING_OUT, 0, 0)
            laid_out = await base.with_changes(changes, frame, divide_above_bytes=self.publication.divide_above_bytes)
            if any(finding.severity is Severity.ERROR for finding in laid_out.findings):
                raise PublicationRefusedError(laid_out.findings)
        signatures = round_.received if round_ is not None else ()
        if missing := await turn.missing(laid_out.body, signatures, laid_out.parsed):  # 5
            if round_ is None:
                await self.publication.parts.keep(laid_out.parts)
                await self.publication.parts.publish(laid_out.parts)
                await self.rounds.put(SigningRound.of(draft.id, draft.revision, frame.version, laid_out))
            elif not round_.parts_are_public:
                await self.publication.parts.publish(round_.parts)
                await self.rounds.put(round_.model_copy(update={"parts_are_public": True}))
            LOGGER.info("the draft %s waits for signatures; %d parties could sign", draft.id, len(missing))
            return await self._move(draft, DraftState.SIGNING)
        if early:  # 6
            return await self._move(draft, DraftState.SCHEDULED)
        if draft.action is Action.ROTATION and not await self._is_rotated(draft):  # 7
            return draft
        cause = Cause(
            who=draft.approved_by or SYSTEM,
            action=draft.action,
            why=draft.why,
            draft_id=draft.id,
            refusals=await _new_refusals(base, changes),
        )
        version = await turn.publish(laid_out, cause, signatures=signatures)  # 8
        await self._end_rotation(draft)
        await self.rounds.remove(draft.id)
        return await self._move(draft, DraftState.PUBLISHED, version=version.version)

    async def _only_rotate(self, draft: Draft) -> Draft:
        """Rotate the key where nothing is published yet."""
        if not await self._is_rotated(draft):
            return draft
        await self._end_rotation(draft)
        fact = Fact(f"rotation:{draft.id}", draft.approved_by or SYSTEM, Action.ROTATION, draft.why)
        await self.publication.history.append(fact)
        return await self._move(draft, DraftState.PUBLISHED)

    async def _is_rotated(self, draft: Draft) -> bool:
        """Rotate the key if it is still the old one; tell whether it is another now, or waits for witnesses."""
        if draft.rotated_from == str(await self.publication.key.kid()):
            await self._rotate_key()
        return draft.rotated_from != str(await self.publication.key.kid())

    async def _end_rotation(self, draft: Draft) -> None:
        """Drop the old key once everything is signed with the new one."""
        if draft.action is Action.ROTATION and self._drop_old_key is not None:
            await self._drop_old_key()

    async def _had_round(self, draft: Draft) -> bool:
        return await self.rounds.get_or_none(draft.id) is not None

    async def _with_what_holds(self, round_: SigningRound) -> SigningRound:
        """Return the round with those signatures only that still hold."""
        signatures = await still_holding(round_, await self.parties(round_), self.publication.resolve_key)
        if signatures == round_.signatures:
            return round_
        LOGGER.warning("a party has changed its key since it signed the draft %s; it must sign again", round_.id)
        return await self.rounds.put(round_.model_copy(update={"signatures": signatures}))

    async def parties(self, round_: SigningRound) -> tuple[Did, ...]:
        """Return the parties that the round's file, or the one before, names, without the author."""
        author = self.publication.place.author
        roots = (read_root(round_.body), (await self.publication.published()).root or {})
        stated = [root.get("participants", {}).get("entries", {}).get(SIGNATORIES, {}) for root in roots]
        named = [
            Did.parse(party["did"])
            for statement in stated
            for party in statement.get(str(author), {}).get("parties", ())
        ]
        return tuple(did for did in dict.fromkeys(named) if did != author)

    async def _move(self, draft: Draft, to: DraftState, *, why: str | None = None, **update: Any) -> Draft:
        return await self._drafts.move(draft.id, to, who=SYSTEM, why=why, **update)


async def frame_of(publication: Publication, base: Base, draft: Draft | None = None) -> Frame:
    """Return what the agent fills in by itself in the version that follows `base`."""
    place, at = publication.place, publication.clock()
    if draft is not None and draft.not_before is not None:
        at = max(at, draft.not_before)
    return Frame(
        author=place.author,
        url=place.url,
        version=(base.version or 0) + 1,
        previous=tuple(sorted(version.version for version in await publication.versions())),
        at=at,
    )


async def findings_of(publication: Publication, changes: Sequence[Change]) -> Sequence[Finding]:
    """Return everything that is wrong with the file that these changes would make of what is published now."""
    base = await publication.published()
    frame = await frame_of(publication, base)
    above = publication.divide_above_bytes
    return (await base.with_changes(changes, frame, divide_above_bytes=above)).findings


async def _new_refusals(base: Base, changes: Sequence[Change]) -> tuple[RefusalNote, ...]:
    """Return the refusals that these changes state for the first time."""
    listed = [change for change in changes if change.kind is PartKind.RECORD and change.value is not None]
    records = await base.records_of(change.key for change in listed)
    notes = []
    for change in listed:
        known = {refusal.get("id") for refusal in records.get(change.key, {}).get("refusals", ())}
        new = [refusal for refusal in change.value.get("refusals", ()) if refusal["id"] not in known]
        notes += [RefusalNote(id=refusal["id"], reason=refusal["reason"]) for refusal in new]
    return tuple(notes)
