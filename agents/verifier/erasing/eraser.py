"""Erase what is kept of an answer.

1. What was asked is kept first, so that whatever cuts us, a sweep goes on with it.
2. An answer that is being judged is judged to its end before.
3. What was shown goes in any case. Where a law asks for the case file, and the worker was told so before they answered,
   it stays with the decision that it explains until its last day; else both go, and the place at a link with them.
4. What was erased is kept with the erasure, and told to the event log.
5. The record of the question goes last: it alone knows the place and what else there is, for whoever goes on after a
   crash.
6. What cannot go on now holds up nothing else that is due.

Asked again, with the same message or another of the same key, it answers the same.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.verifier.erasing.erasure import (
    COMPLETED,
    ERASED,
    Erasure,
    erased_marker,
    erasure_events,
    erasures,
)
from wanderbuch.errors import WanderbuchError
from wanderbuch.plugins.exchange.erasure_messages import ErasedPart, KeptPart
from wanderbuch.plugins.trust.case_files.keeping_cases import CaseFiles
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.plugins.trust.verifying.verifier import VerificationDesk
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.once import one_step
from wanderbuch.store.telling import MarkTeller

LOGGER = logging.getLogger(__name__)
_BOTH: Final = (ErasedPart.CASE_FILE, ErasedPart.DECISION)

type ForgetPlace = Callable[[str, int], Awaitable[None]]
"""Takes the id of a link and the number of a place."""


class Eraser:
    """The erasures of one verifier.

    Args:
        profile: whose.
        desk: has the verifications.
        cases: has the case files.
        forget_place: forgets who stands at a place of a link.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        desk: VerificationDesk,
        cases: CaseFiles,
        forget_place: ForgetPlace,
        clock: Callable[[], datetime],
    ) -> None:
        self._profile = profile
        self._desk = desk
        self._cases = cases
        self._forget_place = forget_place
        self._clock = clock
        self._erasures = erasures(profile)
        self._teller = MarkTeller(erasures, profile, erasure_events, markers=self._erasures)
        self.get = self._erasures.get
        self.find = self._erasures.get_or_none
        self.page = self._erasures.page

    async def erase(self, verification: Verification, *, key: str | None, signed: str | None) -> Erasure:
        """Erase what is kept of an answer, and return what was erased and what was not.

        Args:
            verification: as it stands.
            key: that answered and asks; None: the verifier itself does it.
            signed: what it signed.

        Raises:
            LeaseBusyError: the answer is still being judged.
        """
        asked = Erasure(id=verification.id, created_at=self._clock(), key=key, signed=signed)
        try:
            erasure = await self._erasures.insert(asked)  # 1
        except DuplicateError:
            erasure = await self._erasures.get(asked.id)
        return await self.finish(erasure)

    async def finish(self, erasure: Erasure) -> Erasure:
        """Go on with an erasure that was cut off; errors as with `erase`."""
        if erasure.erased_at is not None:
            return erasure
        async with one_step(self._profile, f"erasing.{erasure.id}"), self._desk.judged(self._profile, erasure.id):  # 2
            erasure = await self._erasures.get(erasure.id)
            if erasure.erased_at is not None:
                return erasure
            verification = await self._desk.find(self._profile, erasure.id)
            kept = () if verification is None else await self._kept_by_law(verification)
            gone = [] if verification is None or not verification.has_seen else [ErasedPart.VALUES]
            if not kept:
                gone.append(ErasedPart.DECISION)
                if verification is not None and await self._cases.get(verification, at=self._clock()) is not None:
                    gone.append(ErasedPart.CASE_FILE)
            await self._remove(erasure.id, verification, with_record=not kept)  # 3
            made = await self._teller.add(erasure, ERASED, erased_marker(gone, kept, at=self._clock()))  # 4
        LOGGER.info("verification %s: erased%s", erasure.id, ", but for what a law keeps" if kept else "")
        return made or await self._erasures.get(erasure.id)

    async def sweep(self, now: datetime) -> None:
        """Go on with what was cut off, erase what no law keeps any more, and forget proofs that are old."""
        async with self._erasures.claiming(now) as due:
            async for erasure in due:
                try:
                    await self._go_on_with(erasure, now)
                except WanderbuchError as err:  # 6
                    LOGGER.warning("the erasure of verification %s could not go on: %s", erasure.id, err.code)

    async def _go_on_with(self, erasure: Erasure, now: datetime) -> None:
        if erasure.erased_at is None:
            await self.finish(erasure)
        elif not erasure.is_whole:
            verification = await self._desk.find(self._profile, erasure.id)
            await self._remove(erasure.id, verification, with_record=True)
            await self._teller.add(erasure, COMPLETED, {"completed_at": now.isoformat()})
        else:
            await self._erasures.remove(erasure.id)

    async def _kept_by_law(self, verification: Verification) -> tuple[KeptPart, ...]:
        """Return what may not be erased yet: a case file that is there, and the decision that it is about."""
        keeping = verification.keeping
        if keeping is None or await self._cases.get(verification, at=self._clock()) is None:
            return ()
        return tuple(
            KeptPart(what=part, law=keeping.law, purpose=keeping.purpose, until=keeping.until) for part in _BOTH
        )

    async def _remove(self, verification_id: str, verification: Verification | None, *, with_record: bool) -> None:
        """Remove what was shown, and with the record all the rest; what is gone already stays gone."""
        if with_record:  # 5
            if verification is not None and verification.link is not None and verification.place is not None:
                await self._forget_place(verification.link, verification.place)
            await self._cases.destroy(verification_id)
        await self._desk.forget_answer(self._profile, verification_id, with_record=with_record)
