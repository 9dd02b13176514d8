"""The desk: what officials decide becomes the next version of the governance file.

Whatever was decided is a draft in one of the states APPROVED, SIGNING, SCHEDULED. `go_on` takes each of them, under the
lease of publication, as far as it can go now (`progress`).

An approval goes on at once; a sweep goes on with everything every minute and at start, so a crash at any step is made
good. An emergency suspension and a rotation are drafts too, decided in one step.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import date

from acapy_agent.core.profile import Profile

from wanderbuch.agents.authority.changes import record_change
from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.authority.draft_changes import Base
from wanderbuch.agents.authority.drafts import Drafts
from wanderbuch.agents.authority.history import HistoryLog
from wanderbuch.agents.authority.officials import Official, OfficialRole, Officials
from wanderbuch.agents.authority.pins import listed_by, pins
from wanderbuch.agents.authority.progress import Progress, findings_of
from wanderbuch.agents.authority.publication import Publication, PublicationRefusedError
from wanderbuch.agents.authority.published import Published
from wanderbuch.agents.authority.reviews import SuspensionReview, SuspensionReviews
from wanderbuch.agents.authority.rounds import (
    SigningRound,
    checked_signature,
    signing_input,
    with_bare_signature,
)
from wanderbuch.agents.authority.stages import Stage, TellStage, tell_nobody
from wanderbuch.agents.authority.suspension import is_active, suspended
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.agents.work.case import Step, check_why
from wanderbuch.governance.facts.identifiers import DidUrl
from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.signed.history import OPERATOR, SYSTEM, Action
from wanderbuch.store.records import RecordStore, new_id

LOGGER = logging.getLogger(__name__)


class Desk:
    """Where the officials of one authority work.

    What pages and the REST API use: `officials`, `drafts`, `reviews`, `history`, `publication`, and the methods here.
    """

    def __init__(
        self,
        profile: Profile,
        publication: Publication,
        *,
        four_eyes: bool,
        redress: str | None,
        rotate_key: Callable[[], Awaitable[None]],
        drop_old_key: Callable[[], Awaitable[None]] | None = None,
        find_statuses: Callable[[str], Awaitable[Sequence[str]]] | None = None,
    ) -> None:
        """Prepare; nothing is read or written yet.

        Args:
            profile: in whose wallet store everything is kept.
            publication: publishes.
            four_eyes: whether an approver must be somebody else than the editors.
            redress: whom to appeal to, for accreditations and refusals that do not say it.
            rotate_key: puts a new signing key beside the old one, or asks the witnesses of the authority's DID to
                approve that; may be called again while they have not, and after a crash.
            drop_old_key: leaves the new one alone, where `rotate_key` does not; nothing to do is no error.
            find_statuses: gives the ids of the revocation registries that an issuer lists.
        """
        self.publication = publication
        self.history: HistoryLog = publication.history
        self.four_eyes = four_eyes
        self.redress = redress
        self.officials = Officials(RecordStore(profile, Official), self.history, clock=publication.clock)
        self.reviews = SuspensionReviews(
            RecordStore(profile, SuspensionReview), self.history, four_eyes=four_eyes, clock=publication.clock
        )
        self.drafts = Drafts(
            profile,
            base=publication.published,
            check=lambda _, changes: findings_of(publication, changes),
            four_eyes=four_eyes,
            redress=redress,
            clock=publication.clock,
        )
        self._progress = Progress(profile, publication, self.drafts, rotate_key=rotate_key, drop_old_key=drop_old_key)
        self._drop_old_key = drop_old_key
        self._find_statuses = find_statuses
        self._clock = publication.clock

    async def approve(self, draft_id: str, approver: Official, *, revision: int, digest: str | None = None) -> Draft:
        """Approve a submitted draft and go on with it at once.

        Args:
            draft_id: which draft.
            approver: none of its editors.
            revision: the one that they read.
            digest: of what they read (`Draft.digest`), if they have it.

        Raises:
            ForbiddenError: they are no approver, or one of the draft's editors.
            RefusedError: it is not SUBMITTED, or has another revision.
            ConfigurationError: it is approved, but could not be published now; it will be, as soon as that is possible.
        """
        await self.drafts.approve(draft_id, approver, revision=revision, digest=digest)
        return await self.go_on_with(draft_id)

    async def compared_with(self, draft: Draft) -> Published:
        """Return the version that a draft is compared with, to see what it changes, or changed.

        For a published draft that is the version before it; for any other the one that is published now.
        """
        if draft.version is None:
            return await self.publication.published()
        return await self.publication.before(draft.version)

    async def reject(self, draft_id: str, official: Official, why: str) -> Draft:
        """Reject a draft that is not published yet; see `Cases.reject`."""
        async with self.publication.turn():
            if (version := await self.publication.of_draft(draft_id)) is not None:
                raise RefusedError(f"the draft was published as version {version.version}")
            return await self.drafts.reject(draft_id, official, why)

    async def suspend(
        self,
        issuer: str,
        official: Official,
        *,
        why: str,
        effective_from: date | None = None,
        statuses: Sequence[str] = (),
        nothing_counts: bool = False,
        decision: str | None = None,
        draft_id: str | None = None,
        tell: TellStage = tell_nobody,
    ) -> Draft:
        """Suspend an issuer in one action: every active accreditation, published at once, reviewed after.

        Args:
            issuer: DID of the issuer.
            official: an approver; one is enough.
            why: public; nothing about workers.
            effective_from: from which award date on; by default today. Not later than today.
            statuses: the issuer's revocation registries and status lists that exist; what was awarded earlier counts
                only from these. Empty: those that the issuer itself lists, which is a suspect's word: a crooked one may
                list registries that it has prepared, and backdate awards into them. If they cannot be found, or are
                more than `pins.MAX_PINS`, an emergency does not wait: then nothing that the issuer ever signed counts
                any more, until a draft names them. The draft's trail says which it was.
            nothing_counts: name no registry on purpose.
            decision: address where the decision can be read.
            draft_id: chosen by the caller, so that a repeated request suspends once.
            tell: told how far it is.

        Returns:
            The draft: PUBLISHED, or SIGNING where the file asks for signatures of parties.

        Raises:
            ForbiddenError: they are no approver.
            SuspensionError: nothing is active, a registry is another's, or the days are out of order.
        """
        official.must(OfficialRole.APPROVER)
        reason = check_why(why)
        automatic = not (nothing_counts or statuses)
        if automatic:
            tell(Stage.FINDING_LISTS, 0, 0)
        listed = await listed_by(issuer, self._find_statuses) if automatic else None
        async with self.publication.turn(tell) as turn:
            if (draft := await self._suspension_before(issuer, official, reason, draft_id)) is None:
                today = self._clock().date()
                base = await self.publication.published()
                before = await base.record(issuer)
                pinned = pins(listed, issuer, before) if automatic else None
                after = suspended(
                    before,
                    decided_on=today,
                    effective_from=effective_from or today,
                    statuses=pinned.statuses if pinned else () if nothing_counts else statuses,
                    reason=reason,
                    decision=decision,
                )
                change = record_change(issuer, after, before)
                draft = self._decided(Action.SUSPENSION, official.id, reason, base, draft_id)
                if pinned is not None:
                    note = Step(at=self._clock(), who=SYSTEM, what="statuses", why=pinned.note)
                    draft = draft.model_copy(update={"trail": (*draft.trail, note)})
                errors = [
                    finding
                    for finding in await findings_of(self.publication, [change])
                    if finding.severity is Severity.ERROR
                ]
                if errors:
                    raise PublicationRefusedError(errors)
                review = SuspensionReview(
                    id=draft.id, created_at=self._clock(), issuer=issuer, decided_by=official.id, why=reason
                )
                await turn.check()
                await self.drafts.insert_decided(draft, [change], also=[review])
            return await self._progress.advance(turn, draft)

    async def lists_of(self, issuer: str) -> tuple[str, ...] | None:
        """Return the registries that an issuer lists; None if they cannot be found now."""
        return await listed_by(issuer, self._find_statuses)

    async def rotate(self, why: str, *, who: str = OPERATOR, draft_id: str | None = None) -> Draft:
        """Replace the signing key, and publish the current file anew, signed with the new one.

        Where the file asks for signatures of parties, they sign the next version first: the key is rotated when enough
        have, so that at no time the file served is one that nobody can verify.

        Args:
            why: public.
            who: stands in the history.
            draft_id: chosen by the caller, so that a repeated request rotates once.
        """
        reason = check_why(why)
        async with self.publication.turn() as turn:
            draft = None if draft_id is None else await self._draft(draft_id, Action.ROTATION)
            if draft is None:
                base = await self.publication.published()
                draft = self._decided(Action.ROTATION, who, reason, base, draft_id)
                draft = draft.model_copy(update={"rotated_from": str(await self.publication.key.kid())})
                await self.drafts.insert_decided(draft, [])
            return await self._progress.advance(turn, draft)

    async def refuse(
        self,
        draft_id: str,
        editor: Official,
        *,
        applicant: str,
        refusal_id: str,
        occupations: Sequence[str],
        decision: str,
        reason: str,
        redress: str | None = None,
        decided_on: date | None = None,
    ) -> Draft:
        """Record in an open draft that an accreditation was refused, and whom to appeal to.

        Args:
            draft_id: which draft.
            editor: who records it.
            applicant: DID of who applied.
            refusal_id: unique within the file, such as "2026-017".
            occupations: ISCO-08 codes that were applied for.
            decision: address where the decision can be read.
            reason: public; nothing about workers.
            redress: whom to appeal to; by default the authority's own address for appeals.
            decided_on: by default today.

        Raises:
            RefusedError: nobody says whom to appeal to, or the draft is not OPEN.
        """
        if redress is None and self.redress is None:
            raise RefusedError("a refusal must say whom to appeal to", hint="give redress, or set [authority] redress")
        refusal = {
            "id": refusal_id,
            "occupations": list(occupations),
            "decided_on": (decided_on or self._clock().date()).isoformat(),
            "decision": decision,
            "reason": check_why(reason),
            "redress": redress or self.redress,
        }
        base = await self.drafts.base()
        record = await self.drafts.record(draft_id, applicant, base=base) or {"did": applicant}
        refusals = record.get("refusals")
        others = [other for other in refusals if _id_of(other) != refusal_id] if isinstance(refusals, list) else []
        changed = {**record, "refusals": [*others, refusal]}
        return await self.drafts.edit(draft_id, editor, records={applicant: changed}, base=base)

    async def round(self, draft_id: str) -> tuple[SigningRound, tuple[str, ...]]:
        """Return the round in which a draft is signed, and the DIDs of who could still sign.

        Raises:
            RefusedError: nobody has to sign it now.
        """
        draft = await self.drafts.get(draft_id)
        round_ = await self._progress.rounds.get_or_none(draft_id)
        if round_ is None or draft.state not in (DraftState.SIGNING, DraftState.SCHEDULED):
            raise RefusedError(f"the draft is {draft.state.value}; nobody has to sign it now")
        async with self.publication.turn() as turn:
            return round_, await turn.missing(round_.body, round_.received)

    async def signing_input(self, draft_id: str, kid: DidUrl) -> tuple[SigningRound, bytes]:
        """Return a draft's round, and the exact bytes that the holder of the key `kid` signs; errors as `round`."""
        round_, _ = await self.round(draft_id)
        return round_, await signing_input(round_.body, kid)

    async def sign(
        self, draft_id: str, *, jws: str | None = None, kid: DidUrl | None = None, signature: str | None = None
    ) -> Draft:
        """Take in a party's signature and go on at once; see `take_signature`."""
        await self.take_signature(draft_id, jws=jws, kid=kid, signature=signature)
        return await self.go_on_with(draft_id)

    async def take_signature(
        self, draft_id: str, *, jws: str | None = None, kid: DidUrl | None = None, signature: str | None = None
    ) -> None:
        """Take in a party's signature; nothing is published here, the sweep or `go_on_with` does it.

        Args:
            draft_id: which draft.
            jws: a compact JWS over the round's bytes; if it is None,
            kid: the key, and
            signature: the bare signature in base64url over `signing_input`.

        Raises:
            RefusedError: nobody has to sign the draft now.
            SignatureError: it is not over these bytes, not by a party, or does not hold.
            ResolutionError: the party's key could not be checked.
        """
        round_, _ = await self.round(draft_id)
        if jws is not None:
            received = jws.strip().encode("ascii", "replace")
        elif kid is not None and signature is not None:
            received = await with_bare_signature(round_.body, kid, signature)
        else:
            raise RefusedError("expected jws, or kid and signature")
        parties = await self._progress.parties(round_)
        did, text = await checked_signature(round_.body, received, parties, self.publication.resolve_key)

        def step(kept: SigningRound) -> SigningRound:
            if kept.payload != round_.payload:
                raise RefusedError("another version was published meanwhile", hint="sign the new bytes")
            return kept.model_copy(update={"signatures": {**kept.signatures, str(did): text}})

        await self._progress.rounds.change(draft_id, step)

    async def go_on(self) -> None:
        """Go on with everything that is decided; what fails is logged and tried again at the next sweep."""
        await self.drafts.go_on(self.go_on_with)
        await self._sign_anew()

    async def _sign_anew(self) -> None:
        """Publish anew what is signed with a key that was replaced, and drop an old key that nothing needs any more."""
        if any(draft.action is Action.ROTATION for draft in await self.drafts.decided()):
            return
        current = await self.publication.current()
        if current is not None and current.kid != str(await self.publication.key.kid()):
            LOGGER.warning("the current version is signed with a key that was replaced; publishing it anew")
            base = await self.publication.published()
            draft = self._decided(Action.ROTATION, SYSTEM, "the signing key was replaced", base, None)
            await self.drafts.insert_decided(draft.model_copy(update={"rotated_from": current.kid}), [])
            await self.go_on_with(draft.id)
        elif self._drop_old_key is not None:
            await self._drop_old_key()

    async def go_on_with(self, draft_id: str, tell: TellStage = tell_nobody) -> Draft:
        """Take a draft that was decided as far as it can go now.

        Args:
            draft_id: which draft.
            tell: told how far it is.

        Raises:
            NotFoundError: there is none.
            ConfigurationError: it could not be published now; it will be, as soon as that is possible.
        """
        async with self.publication.turn(tell) as turn:
            return await self._progress.advance(turn, await self.drafts.get(draft_id))

    def _decided(self, action: Action, who: str, why: str, base: Base, draft_id: str | None) -> Draft:
        """Return the draft of what one person decided in one step."""
        now = self._clock()
        step = Step(at=now, who=who, what=action.value, why=why)
        return Draft(
            id=draft_id or new_id(),
            created_at=now,
            why=why,
            state=DraftState.APPROVED,
            action=action,
            base_version=base.version,
            opened_by=who,
            editors=(who,),
            approvals=(step.model_copy(update={"revision": 0}),),
            trail=(step,),
        )

    async def _draft(self, draft_id: str, action: Action) -> Draft | None:
        """Return the draft with an id that a caller chose, None if it is new.

        Raises:
            RefusedError: it is one of another kind.
        """
        draft = await self.drafts.get_or_none(draft_id)
        if draft is not None and draft.action is not action:
            raise RefusedError(f"the id {draft_id} is another draft's")
        return draft

    async def _suspension_before(self, issuer: str, official: Official, why: str, draft_id: str | None) -> Draft | None:
        """Return the draft of the same suspension, if its answer was lost; None if it is new."""
        asked = None if draft_id is None else await self._draft(draft_id, Action.SUSPENSION)
        for review in reversed(await self.reviews.of_issuer(issuer)):
            if asked is not None and review.id != asked.id:
                continue
            if (review.decided_by, review.why) == (official.id, why):
                record = await (await self.publication.published()).record(issuer)
                if asked is not None or not is_active(record):
                    return await self.drafts.get(review.id)
        if asked is not None:
            raise RefusedError(f"the id {draft_id} is another draft's")
        return None


def _id_of(value: object) -> object:
    return value.get("id") if isinstance(value, dict) else None
