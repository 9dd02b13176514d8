"""Make and keep case files, and destroy their keys when their time is over.

A case file is made before its decision is saved: everything is read anew over the network, and recorded, and the answer
is judged once more on that. Only if the same decision comes out is there a case file. If another one does, something
was published in the meantime: the answer is judged again by that, once, and a case is made of it. A decision of which
none could be made says so (`case.not_kept`).

The key is a record of its own, apart from the sealed file. On the first sweep after the last day the key goes, and with
it what it opens, wherever copies lie; then the sealed file goes too.
"""

import asyncio
import base64
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from copy import replace
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import Reason, Verdict
from wanderbuch.governance.signed.bundle import Bundle, write_bundle_file
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.replaying import RecordingEdge
from wanderbuch.plugins.trust.case_files.case_file import CaseFile, CaseFileError, new_key, seal
from wanderbuch.plugins.trust.case_files.replaying_cases import check_question, is_same, judge_on
from wanderbuch.plugins.trust.verifying.exchange import JUDGING, Verification, as_put
from wanderbuch.plugins.trust.verifying.judgement import Judgement
from wanderbuch.plugins.trust.verifying.keeping import end_of
from wanderbuch.store.record import Record
from wanderbuch.store.records import RecordStore

LOGGER = logging.getLogger(__name__)

NOT_KEPT: Final = "case.not_kept"


class OtherDecisionError(CaseFileError):
    """What was read anew decides otherwise, and was read whole."""


class KeptCase(Record):
    """A sealed case file; its id is that of the verification.

    Args:
        sealed: the file.
        digest: SHA-256 of it, hexadecimal.
        until: the last day.
        decided_at: of the decision that it is about.
    """

    category: ClassVar[str] = "wanderbuch.case"
    sealed: str
    digest: str
    until: date
    decided_at: datetime

    def due_at(self) -> datetime | None:
        """Return when it goes."""
        return end_of(self.until)


class CaseKey(Record):
    """The key of a case file; its id is that of the verification.

    Args:
        key: base64.
        until: the last day.
    """

    category: ClassVar[str] = "wanderbuch.case_key"
    key: str
    until: date

    def due_at(self) -> datetime | None:
        """Return when it is destroyed."""
        return end_of(self.until)


@dataclass(frozen=True, slots=True)
class CaseMaker:
    """Makes case files.

    Args:
        edge: the way out to the network.
        url: the folder of the governance file.
        author: who must have signed it.
        limit: how long making one may take, downloads included.
    """

    edge: HttpEdge
    url: str
    author: Did
    limit: timedelta = JUDGING

    async def keep(
        self,
        profile: Profile,
        asked: Verification,
        message: Mapping[str, object],
        judgement: Judgement,
        judge_again: Callable[[], Awaitable[Judgement]],
    ) -> Judgement:
        """Keep the case of a judgement, and return the judgement; with a reason more if it could not be kept.

        Args:
            profile: who asked.
            asked: a question that said that its answer would be kept.
            message: the members of the answer that make up the presentation, as they came.
            judgement: what is about to be decided.
            judge_again: judges the same answer by what is published now; its judgement then counts instead.
        """
        try:
            try:
                await self._put(profile, asked, message, judgement)
            except OtherDecisionError as err:
                LOGGER.info("verification %s: judged again, since something was published: %s", asked.id, err.message)
                judgement = await judge_again()  # in a time of its own: what was decided before is overtaken
                await self._put(profile, asked, message, judgement)
        except TimeoutError:
            LOGGER.warning("verification %s: no case file is kept: it took too long", asked.id)
        except WanderbuchError as err:
            LOGGER.warning("verification %s: no case file is kept: %s", asked.id, err.message)
        except Exception:
            # As with judging: whatever a stranger's answer sets off must not leave the exchange hanging.
            LOGGER.exception("verification %s: no case file is kept", asked.id)
        else:
            return judgement
        try:  # half of it may have been kept, or that of a judgement which a crash cut off
            await self.drop(profile, asked.id)
        except Exception:
            LOGGER.exception("verification %s: a case file that belongs to no decision was left", asked.id)
        told = Reason(NOT_KEPT, "No case file could be kept of this decision: ask again if the law needs one.")
        decision = replace(judgement.decision, reasons=(*judgement.decision.reasons, told))
        return replace(judgement, decision=decision)

    async def drop(self, profile: Profile, verification_id: str) -> None:
        """Destroy the key of a case that belongs to no decision, and remove what it opens, if there is one."""
        await CaseFiles(profile).destroy(verification_id)

    async def _put(
        self, profile: Profile, asked: Verification, message: Mapping[str, object], judgement: Judgement
    ) -> None:
        async with asyncio.timeout(self.limit.total_seconds()):
            await CaseFiles(profile).put(await self._made(asked, message, judgement))

    async def _made(self, asked: Verification, message: Mapping[str, object], judgement: Judgement) -> CaseFile:
        check_question(asked)
        recording, decision = RecordingEdge(self.edge), judgement.decision
        again = await judge_on(recording, self.url, self.author, asked, message, at=decision.decided_at)
        if not is_same(decision, judgement.grounds.facts, again):
            codes = ", ".join(reason.code for reason in again.decision.reasons)
            # What could not be read anew says nothing against what was decided.
            kind = CaseFileError if again.decision.verdict is Verdict.UNKNOWN else OtherDecisionError
            raise kind(
                f"expected the same decision from what was read anew, found {again.decision.verdict.value} ({codes})"
            )
        bundle = Bundle(self.author, self.url, decision.decided_at, (), recording.recorded)
        recorded = await asyncio.to_thread(write_bundle_file, bundle)  # of a large list it takes its time
        return CaseFile(
            asked=as_asked(asked),
            presentation=dict(message),
            bundle=base64.b64encode(recorded).decode("ascii"),
            decision=decision,
            grounds=judgement.grounds,
        )


class CaseFiles:
    """The case files of one profile."""

    def __init__(self, profile: Profile) -> None:
        self._cases = RecordStore(profile, KeptCase)
        self._keys = RecordStore(profile, CaseKey)

    async def put(self, case: CaseFile) -> None:
        """Seal a case under a fresh key and keep both; the key first, so that nothing is sealed without one."""
        key, until = new_key(), case.keeping.until
        sealed = await asyncio.to_thread(seal, case, key)
        digest = hashlib.sha256(sealed.encode()).hexdigest()
        await self._keys.put(CaseKey(id=case.asked.id, key=base64.b64encode(key).decode("ascii"), until=until))
        await self._cases.put(
            KeptCase(
                id=case.asked.id,
                sealed=sealed,
                digest=digest,
                until=until,
                decided_at=case.decision.decided_at,
            )
        )

    async def get(self, verification: Verification, *, at: datetime) -> KeptCase | None:
        """Return the case of a verification, None if there is none, or its time is over."""
        kept = await self._cases.get_or_none(verification.id)
        if kept is None or at >= end_of(kept.until):
            return None
        if verification.decision is None or verification.decision.decided_at != kept.decided_at:
            return None  # of a judgement that a crash, or another process, came before
        return kept

    async def key(self, verification: Verification, *, at: datetime) -> bytes | None:
        """Return the key of a verification's case, None if there is none, or it was destroyed."""
        if await self.get(verification, at=at) is None:
            return None
        kept = await self._keys.get_or_none(verification.id)
        return None if kept is None else base64.b64decode(kept.key)

    async def destroy(self, verification_id: str) -> None:
        """Destroy a key, and remove what it opens."""
        await self._keys.remove(verification_id)
        await self._cases.remove(verification_id)

    async def sweep(self, now: datetime) -> None:
        """Destroy the keys whose time is over, and remove what they open."""
        async with self._keys.claiming(now) as due:
            async for key in due:
                await self.destroy(key.id)
        async with self._cases.claiming(now) as left:
            async for case in left:
                await self.destroy(case.id)


def as_asked(verification: Verification) -> Verification:
    """Return a verification as it was put, without a way to the verifier: whoever opens the case needs none."""
    return as_put(verification).model_copy(update={"invitation_url": "", "short_url": None})
