"""An answer that was taken is decided once, by one process, and its case file is kept before its decision is saved.

- Of all processes of a verifier one judges an answer; whether it still does, the store knows, not a clock.
- Who delivers an answer again while it is judged waits for that end, one at a time; others are told to come again.
- A second judgement would decide nothing, and put its case file in the place of the one that was decided on: there is
  none.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.plugins.trust.verifying.ending_verifications import DeskLimits, DropsCases, Endings
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.plugins.trust.verifying.judgement import Judgement
from wanderbuch.plugins.trust.verifying.judging import Judge
from wanderbuch.store.errors import LeaseBusyError

LOGGER = logging.getLogger(__name__)


class KeepsCases(DropsCases, Protocol):
    """Keeps the case file of an answer before its decision is saved."""

    async def keep(
        self,
        profile: Profile,
        asked: Verification,
        message: Mapping[str, object],
        judgement: Judgement,
        judge_again: Callable[[], Awaitable[Judgement]],
    ) -> Judgement:
        """Keep it, and return the judgement; with a reason more where it could not be kept.

        `judge_again` judges by what is published now. Its judgement counts if what was published in the meantime
        decides otherwise.
        """
        ...


class Decisions:
    """Comes to the decisions of one desk.

    Args:
        judge: judges answers.
        limits: how long a judgement may take.
        cases: keeps the case file of an answer where the question said so; None: nobody does.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self, judge: Judge, *, limits: DeskLimits, cases: KeepsCases | None, clock: Callable[[], datetime]
    ) -> None:
        self.cases = cases
        self._judge = judge
        self._limits = limits
        self._clock = clock
        self._awaited: set[str] = set()  # verifications whose end somebody waits for

    async def of(self, endings: Endings, verification: Verification, message: Mapping[str, object]) -> Verification:
        """Judge an answer that was taken, unless it is decided, and return the verification as it stands then.

        While somebody judges it this waits for what they decide; without a decision they still judge.

        Args:
            endings: of whoever asked.
            verification: with this answer taken.
            message: the members of the answer that make up the presentation, as they came.
        """
        if verification.decision is not None:
            return verification
        try:
            async with endings.judging(verification.id):
                return await self._alone(endings, verification, message)
        except LeaseBusyError:
            return await self._by_another(endings, verification, message)

    async def _by_another(
        self, endings: Endings, verification: Verification, message: Mapping[str, object]
    ) -> Verification:
        """Wait for the end of a judgement, one at a time: who says an answer again does not hear what is told there."""
        LOGGER.info("verification %s: it is being judged", verification.id)
        if verification.id in self._awaited:
            return verification
        self._awaited.add(verification.id)
        try:
            async with endings.judging(verification.id, wait_s=self._limits.judging.total_seconds()):
                return await self._alone(endings, verification, message)  # if they came to no end
        except LeaseBusyError:
            return verification
        finally:
            self._awaited.discard(verification.id)

    async def _alone(self, endings: Endings, verification: Verification, message: Mapping[str, object]) -> Verification:
        """Judge an answer, unless it was decided, or removed, before nobody else judged it any more."""
        now = await endings.markers.get_or_none(verification.id)
        if now is None or now.decision is not None:
            return now or verification
        judgement = await self._judged_and_kept(endings.profile, now, message)
        return await endings.decide(now, judgement, at=self._clock())

    async def _judged_and_kept(
        self, profile: Profile, verification: Verification, message: Mapping[str, object]
    ) -> Judgement:
        """Judge an answer, and keep its case file where the question said so."""

        async def judged(*, anew: bool = False) -> Judgement:
            return await self._judge.judge(profile, verification, message, limit=self._limits.judging, anew=anew)

        judgement = await judged()
        if verification.keeping is None or self.cases is None:
            return judgement
        return await self.cases.keep(profile, verification, message, judgement, judge_again=lambda: judged(anew=True))
