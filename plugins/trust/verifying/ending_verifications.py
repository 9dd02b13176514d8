"""How a verification ends: taken and decided, declined, overdue, or cut off; each by one marker, told once."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.governance.facts.question import Reason
from wanderbuch.plugins.trust.verifying.ended import teller
from wanderbuch.plugins.trust.verifying.exchange import (
    ANSWER,
    DECISION,
    JUDGING,
    Verification,
    VerificationState,
    cancelled,
    decided,
    declined,
    taken,
    unanswered,
)
from wanderbuch.plugins.trust.verifying.judgement import Judgement
from wanderbuch.plugins.trust.verifying.judging import Judge
from wanderbuch.plugins.trust.verifying.seen import forget_seen, forgetting_seen, keeping_seen
from wanderbuch.plugins.trust.verifying.staples import Staples
from wanderbuch.store.errors import LeaseBusyError
from wanderbuch.store.markers import Markers, over
from wanderbuch.store.once import one_step
from wanderbuch.store.records import utc_now
from wanderbuch.store.tables import tables_of, tenant_of

LOGGER = logging.getLogger(__name__)

_EVER: Final = timedelta(days=36_500)


@dataclass(frozen=True, slots=True)
class DeskLimits:
    """How long things may take and stay.

    Args:
        judging: for one judgement, downloads included.
        keep_seen: how long revealed values are kept; the decision stays.
    """

    judging: timedelta = JUDGING
    keep_seen: timedelta = timedelta(days=30)


class DropsCases(Protocol):
    """Removes the case file of an answer that comes to no decision."""

    async def drop(self, profile: Profile, verification_id: str) -> None:
        """Destroy its key, and remove what it opens, if there is one."""
        ...


class Endings:
    """Ends the verifications of one profile.

    Args:
        profile: whose.
        markers: its verifications.
        judge: makes the judgement of what was cut off.
        limits: how long things may take.
        since: when this process began; what was cut off before may be judged yet, from a message that was kept or that
            comes again.
        cases: has the case files of answers that were judged; None: nobody keeps any.
    """

    def __init__(
        self,
        profile: Profile,
        markers: Markers[Verification],
        *,
        judge: Judge,
        limits: DeskLimits,
        since: datetime,
        cases: DropsCases | None = None,
    ) -> None:
        self.profile = profile
        self.markers = markers
        self._teller = teller(profile, markers=markers)
        self._judge = judge
        self._limits = limits
        self._since = since
        self._cases = cases
        self._tables, self._tenant = tables_of(profile), tenant_of(profile)
        self._was_swept = False

    def keep_seen(self, period: timedelta) -> None:
        """Keep what was seen for so long from now on; what was seen longer ago goes with the next sweep."""
        if period != self._limits.keep_seen:
            self._limits, self._was_swept = replace(self._limits, keep_seen=period), False

    async def take(
        self, verification: Verification, digest: str, *, at: datetime, by: str | None = None
    ) -> Verification:
        """Take an answer, and return the verification as it stands then: another one may have been taken."""
        answer = taken(digest, by=by, at=at)
        if self._tables.engine.is_shared:  # if this process dies another one has to notice; else it starts again
            stuck = at + 2 * self._limits.judging
            await self._tables.rows.sooner(
                self._tenant, verification.category, verification.id, verification.index_state(), stuck
            )
        made = over(verification, answer)
        if await self.markers.add(verification.id, ANSWER, answer, record=verification, made=made):
            return made
        return await self.markers.get(verification.id)

    async def decide(self, verification: Verification, judgement: Judgement, *, at: datetime) -> Verification:
        """Save a decision, and return the verification as it stands then: the first decision stays."""
        of_groups, grounds = [part.decision for part in judgement.parts], judgement.grounds
        shown = judgement.shown([group.group for group in verification.groups])
        if shown is None:
            made = decided(judgement.decision, grounds, seen_until=None, at=at, of_groups=of_groups)
            # Of an answer that was judged before a crash, or by another process, something may be there.
            ended = await self._teller.add(verification, DECISION, made, then=forgetting_seen(verification.id))
        else:
            made = decided(
                judgement.decision,
                judgement.grounds,
                seen_until=at + self._limits.keep_seen,
                at=at,
                of_groups=of_groups,
            )
            kept = keeping_seen(verification.id, shown)
            ended = await self._teller.add(verification, DECISION, made, first=kept)
        if ended is None:
            ended = await self.markers.get(verification.id)
            if not ended.has_seen:  # what another process decided rests on none of it
                await forget_seen(self.profile, verification.id)
            return ended
        codes = ", ".join(reason.code for reason in judgement.decision.reasons)
        LOGGER.info("verification %s: %s (%s)", verification.id, judgement.decision.verdict.value, codes)
        if "staple.used" in codes:
            await Staples(self.profile).forget(verification.id)
        return ended

    async def decline(self, verification: Verification, code: str, *, at: datetime) -> None:
        """Take a decline, if nothing came before it and it comes in time."""
        if verification.state is not VerificationState.OPEN or verification.expired(at):
            return
        if await self._teller.add(verification, ANSWER, declined(code, at=at)) is not None:
            LOGGER.info("verification %s: declined", verification.id)
            await Staples(self.profile).forget(verification.id)

    async def cancel(self, verification: Verification, *, by: str | None, at: datetime) -> Verification:
        """Take a question back that nobody has answered, and return the verification as it stands then."""
        if verification.state is not VerificationState.OPEN:
            return verification
        ended = await self._teller.add(verification, ANSWER, cancelled(by=by, at=at))
        if ended is None:
            return await self.markers.get(verification.id)
        LOGGER.info("verification %s: cancelled", verification.id)
        await Staples(self.profile).forget(verification.id)
        return ended

    async def look(self, verification: Verification, *, at: datetime) -> Verification:
        """End a verification whose deadline is over, or whose judgement was cut off; return how it stands then."""
        if verification.is_overdue(at):
            ended = await self._teller.add(verification, ANSWER, unanswered(at=at))
            if ended is None:
                return await self.markers.get(verification.id)
            LOGGER.info("verification %s: no answer", verification.id)
            await Staples(self.profile).forget(verification.id)
            return ended
        given_up_after = 2 * self._limits.judging
        if at <= self._since + given_up_after or not verification.is_stuck(at, judging_limit=given_up_after):
            return verification
        try:
            async with self.judging(verification.id):
                verification = await self.markers.get(verification.id)
                if verification.state is not VerificationState.JUDGING:
                    return verification
                if (
                    verification.keeping is not None and self._cases is not None
                ):  # of a judgement that was never decided on
                    await self._cases.drop(self.profile, verification.id)
                reason = Reason("judgement.interrupted", "The agent stopped while it judged; ask again.")
                ended = await self.decide(verification, self._judge.unknown(verification, reason), at=at)
        except LeaseBusyError:  # by this process, or by another, whose clock may be another too
            return verification
        await Staples(self.profile).forget(verification.id)
        return ended

    async def sweep(self, now: datetime, clock: Callable[[], datetime]) -> None:
        """End what is overdue or was cut off, and forget what was seen for long enough.

        The first sweep of a process looks at all that may be due some day: a judgement may have been cut off with the
        process before, and values may have to go earlier, or later, than that one had thought.
        """
        until, self._was_swept = now if self._was_swept else now + _EVER, True
        async with self.markers.claiming(until, due_of=self._due_again, also_early=True) as due:
            async for verification in due:
                at = clock()
                if verification.state is not VerificationState.DECIDED:
                    await self.look(verification, at=at)
                elif (forgotten := self._forgotten_at(verification)) is not None and forgotten <= at:
                    await forget_seen(self.profile, verification.id)

    def _due_again(self, verification: Verification) -> datetime | None:
        now, forgotten = utc_now(), self._forgotten_at(verification)
        if forgotten is None:
            return verification.due_again(now)
        return forgotten if forgotten > now else None

    def _forgotten_at(self, verification: Verification) -> datetime | None:
        """Return when what was seen is forgotten, by what is set now."""
        if not verification.has_seen or verification.ended_at is None:
            return None
        return verification.ended_at + self._limits.keep_seen

    async def forget_answer(self, verification_id: str, *, with_record: bool) -> None:
        """Remove what was shown, and the verification itself, if they are there."""
        await forget_seen(self.profile, verification_id)
        await Staples(self.profile).forget(verification_id)
        if with_record:
            await self.markers.remove(verification_id)

    @asynccontextmanager
    async def judging(self, verification_id: str, *, wait_s: float = 0) -> AsyncIterator[None]:
        """Judge an answer alone; LeaseBusyError, at once by default, while another process, or task, judges it."""
        async with one_step(self.profile, f"judging.{verification_id}", wait_s=wait_s):
            yield
