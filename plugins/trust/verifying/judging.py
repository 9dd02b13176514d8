"""Judge an answer, whatever happens: an unreachable host, a bug, too little time end in UNKNOWN, never in silence.

The rules are those of `judgement`; here are the governance that they rest on, what is found out, and the limits.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.errors import GovernanceError, ResolutionError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import Reason, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.plugins.http.replaying import FallbackEdge
from wanderbuch.plugins.trust.age import with_age
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.plugins.trust.offline.stapling import open_staple
from wanderbuch.plugins.trust.verifying.anoncreds.adapter import AnonCredsFormat
from wanderbuch.plugins.trust.verifying.answer_grounds import grounds_of
from wanderbuch.plugins.trust.verifying.asked import AskedGroup
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.plugins.trust.verifying.judgement import Judgement, judge, refuse
from wanderbuch.plugins.trust.verifying.proof import CredentialFormat, Examined, Proven, Unproven
from wanderbuch.plugins.trust.verifying.several import as_a_whole, grounds_as_a_whole
from wanderbuch.plugins.trust.verifying.staples import Staples
from wanderbuch.plugins.webvh.memory import LogMemory

LOGGER = logging.getLogger(__name__)
_ANONCREDS: Final = AnonCredsFormat()


class Judge:
    """Judges answers by one governance.

    Args:
        source: the governance that decisions rest on.
        recording: serves what was recorded where the network is away; decisions on that say so.
        oldest_facts: how old recorded facts may be for a yes, by the verifier's own rule; None: as the author says.
        clock: the instant now, aware UTC.
        reads: the format of the credentials that are asked for.
    """

    def __init__(
        self,
        source: GovernanceSource,
        *,
        recording: FallbackEdge | None,
        clock: Callable[[], datetime],
        oldest_facts: timedelta | None = None,
        reads: CredentialFormat = _ANONCREDS,
    ) -> None:
        self._source = source
        self._format = reads
        self._recording = recording
        self._oldest = oldest_facts
        self._clock = clock

    async def judge(
        self,
        profile: Profile,
        verification: Verification,
        message: Mapping[str, object],
        *,
        limit: timedelta,
        anew: bool = False,
    ) -> Judgement:
        """Return a judgement in time, whatever happens.

        Args:
            profile: who asked.
            verification: what was asked.
            message: the members of the answer that make up the presentation, as they came.
            limit: for the whole of it, downloads included.
            anew: look first whether there is a newer governance file, although ours is fresh.
        """
        try:
            async with asyncio.timeout(limit.total_seconds()):
                if anew:
                    await self._source.refresh()
                return await self._judge(profile, verification, message)
        except TimeoutError:
            reason = Reason("judgement.too_slow", "What the proof names could not be fetched in time; ask again.")
        except Exception:
            # A process boundary: whatever a stranger's message sets off must not leave the exchange hanging.
            LOGGER.exception("verification %s: the judgement failed", verification.id)
            reason = Reason("judgement.failed", "The judgement failed inside this agent; its log says where.")
        return self.unknown(verification, reason)

    def unknown(self, verification: Verification, reason: Reason) -> Judgement:
        """Return the judgement that something could not be checked."""
        at, snapshot = self._clock(), self._source.snapshot()
        judged = refuse([reason], snapshot, at=at, verdict=Verdict.UNKNOWN)
        asked = [
            replace(judged, grounds=grounds_of(None, group.requirement, judged.decision, snapshot, at=at))
            for group in verification.groups
        ]
        return replace(judged, grounds=grounds_as_a_whole(verification.groups, asked, judged.decision))

    async def opened(self, profile: Profile, staple: bytes, issuer: Did) -> GovernanceSnapshot:
        """Return the governance in a staple after all checks; errors as with `open_staple`."""
        return await open_staple(
            staple,
            issuer=issuer,
            author=self._source.config.author,
            seen=self._source.seen,
            before=self._source.before,
            memory=profile.inject(LogMemory),
            clock=self._clock,
        )

    async def _judge(self, profile: Profile, verification: Verification, message: Mapping[str, object]) -> Judgement:
        """Rules 2 to 8 (see `judgement`)."""
        snapshot = await self._governance_for(profile, verification)
        examined = await self._format.examine(profile, verification, message, at=self._clock())
        at, recording = self._clock(), self._recording
        groups = verification.groups
        if recording is None or snapshot is None or not recording.serves_recording(at):
            return judge_at(examined, groups, snapshot, at=at)
        vouched_at = snapshot.fresh_from or recording.recorded_at
        as_of = min(vouched_at, recording.recorded_at)
        lasts = timedelta(0) if snapshot.fresh_until is None else snapshot.fresh_until - vouched_at
        proofs = examined.at(at)
        judged = [
            replace(
                now,
                decision=with_age(now.decision, then.decision, as_of=as_of, now=at, lasts=lasts, oldest=self._oldest),
            )
            for now, then in zip(
                _judge_each(proofs, groups, snapshot, at),
                _judge_each(examined.at(vouched_at), groups, snapshot, vouched_at),
                strict=True,
            )
        ]
        return _whole(proofs, groups, judged, snapshot, at)

    async def _governance_for(self, profile: Profile, verification: Verification) -> GovernanceSnapshot | None:
        """Return the own governance or, where that is not fresh, what was handed over for this verification."""
        snapshot, at = await self._source.current(), self._clock()
        if snapshot is not None and snapshot.is_fresh(at):
            return snapshot
        staples = Staples(profile)
        if (kept := await staples.get(verification.id)) is None:
            return snapshot
        try:
            stapled = await self.opened(profile, *kept)
        except (GovernanceError, ResolutionError) as err:  # it was good when it came
            LOGGER.info("verification %s: its staple is not used: %s", verification.id, err.message)
            return snapshot
        text = "The issuer's standing was handed over with the answer, signed by the authority."
        return replace(stapled, notes=(*stapled.notes, Reason("staple.used", text)))


def judge_at(
    examined: Examined, groups: Sequence[AskedGroup], snapshot: GovernanceSnapshot | None, *, at: datetime
) -> Judgement:
    """Return the judgement of an answer about which everything was found out, fact by fact.

    Args:
        examined: rules 2 to 6.
        groups: the credentials that were asked for.
        snapshot: the governance in force, None if there is none.
        at: the instant of the decision.
    """
    proofs = examined.at(at)
    return _whole(proofs, groups, _judge_each(proofs, groups, snapshot, at), snapshot, at)


def _judge_each(
    proofs: Sequence[Proven | Unproven], groups: Sequence[AskedGroup], snapshot: GovernanceSnapshot | None, at: datetime
) -> list[Judgement]:
    pairs = zip(proofs, groups, strict=True)
    return [judge(proof, group.requirement, snapshot, at=at) for proof, group in pairs]


def _whole(
    proofs: Sequence[Proven | Unproven],
    groups: Sequence[AskedGroup],
    judged: Sequence[Judgement],
    snapshot: GovernanceSnapshot | None,
    at: datetime,
) -> Judgement:
    grounded = [
        replace(judgement, grounds=grounds_of(proof, group.requirement, judgement.decision, snapshot, at=at))
        for judgement, proof, group in zip(judged, proofs, groups, strict=True)
    ]
    return as_a_whole(groups, grounded)
