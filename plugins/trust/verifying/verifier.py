"""The verifier's desk: puts a question to a holder, judges the answer, and ends every verification in a saved state.

    verification = await desk.ask(profile, requirement, asker=asker, answer_in=timedelta(minutes=10))
    ...                                   # the wallet answers, declines, or does not
    verification = await desk.status(profile, verification.id)

What is certain:

- The decision is saved before the wallet hears of it, and the wallet hears "accepted" only if it is TRUSTED.
- A presentation is judged in memory and never stored. What stays is listed in `exchange`.
- Whatever happens while judging (an unreachable host, a bug, too little time) ends in UNKNOWN, never in silence.
- The same message delivered again, also after a crash, leads to the same end; another message is a second answer.
- Of all processes of a verifier one judges an answer (`deciding`).

How a question is put is in `asking`, whose answer is taken in `taking`, how it is judged in `judging`, how a
verification ends in `ending_verifications`; what comes from wallets reaches `receive` and `declined` through
`receiving`.
"""

import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from acapy_agent.core.profile import Profile

from wanderbuch.errors import ExchangeError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.indy import UNKNOWN_LEDGER, OldNames
from wanderbuch.governance.facts.question import Reason
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.http.replaying import FallbackEdge
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.plugins.trust.offline.messages import answer_members
from wanderbuch.plugins.trust.verifying.anoncreds.presentation import message_digest, presentation_members
from wanderbuch.plugins.trust.verifying.anoncreds.request import CompiledRequest
from wanderbuch.plugins.trust.verifying.asked import AskedCredential
from wanderbuch.plugins.trust.verifying.asking import (
    Asker,
    LinkPlace,
    NoGovernanceError,
    OverAskingError,
    Preview,
    Questions,
    Shorten,
    put_over_connection,
    put_question,
    title_of,
)
from wanderbuch.plugins.trust.verifying.deciding import Decisions, KeepsCases
from wanderbuch.plugins.trust.verifying.ending_verifications import DeskLimits, Endings
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState, busy_verifications
from wanderbuch.plugins.trust.verifying.judging import Judge
from wanderbuch.plugins.trust.verifying.keeping import Keeping, KeepingError
from wanderbuch.plugins.trust.verifying.seen import forget_seen, seen_of
from wanderbuch.plugins.trust.verifying.staples import Staples
from wanderbuch.plugins.trust.verifying.taking import is_from_whom_was_asked, take_codes, take_message
from wanderbuch.plugins.trust.verifying.telling import tell_decision, tell_problem
from wanderbuch.store.errors import LeaseBusyError
from wanderbuch.store.records import Page, new_id
from wanderbuch.store.tables import tenant_of

__all__ = ["Asker", "DeskLimits", "LinkPlace", "NoGovernanceError", "OverAskingError", "VerificationDesk"]

LOGGER = logging.getLogger(__name__)


class VerificationDesk:
    """Asks, judges and ends, for every profile of one agent.

    Args:
        source: the governance that decisions rest on.
        limits: how long things may take and stay.
        recording: serves what was recorded where the network is away; decisions on that say so.
        oldest_facts: how old recorded facts may be for a yes, by the verifier's own rule; None: as the author says.
        clock: the instant now, aware UTC.
        old_names: which ledger old ids are on.
        keeps_cases: keeps the case file of an answer where the question said so; None: nobody does.
    """

    def __init__(
        self,
        source: GovernanceSource,
        *,
        limits: DeskLimits | None = None,
        recording: FallbackEdge | None = None,
        oldest_facts: timedelta | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        old_names: OldNames = UNKNOWN_LEDGER,
        keeps_cases: KeepsCases | None = None,
    ) -> None:
        self.limits = limits or DeskLimits()
        self._clock, self._since = clock, clock()
        self._judge = Judge(source, recording=recording, oldest_facts=oldest_facts, clock=clock)
        self._decisions = Decisions(self._judge, limits=self.limits, cases=keeps_cases, clock=clock)
        self._questions = Questions(source, clock, old_names)
        self._endings: dict[str, Endings] = {}  # by tenant

    async def ask(
        self,
        profile: Profile,
        *asked: AskedCredential,
        asker: Asker,
        answer_in: timedelta,
        shorten: Shorten | None = None,
        ref: str | None = None,
        keeping: Keeping | None = None,
        asked_by: str | None = None,
        question_id: str | None = None,
    ) -> Verification:
        """Compile a question, and make the invitation that carries it.

        Args:
            profile: whose wallet.
            asked: what must be proven, by credential.
            asker: who asks.
            answer_in: after this nothing is accepted.
            shorten: makes a short address that stands for the invitation's; fits into a QR code.
            ref: a reference that both sides see.
            keeping: why and how long the answer is kept as a case file, where a law asks for that.
            asked_by: id of the person who asks; None: a program.
            question_id: its id, as `new_id` makes them; by default a fresh one.

        Raises:
            DuplicateError: there is one with that id.
            KeepingError: it cannot be kept like that, or this agent keeps none.
            NoGovernanceError: there is no governance file yet.
            NobodyCountsError: no accredited issuer could satisfy a requirement.
            OverAskingError: the governance file lists us, and we may not ask this.
        """
        self.check_keeping(keeping, title=title_of(asker, ref), last_answer=self._clock() + answer_in)
        compiled = await self._questions.compile(asked, asker=asker)
        at = self._clock()
        markers = self._of(profile).markers
        return await put_question(
            markers,
            compiled,
            question_id=question_id or new_id(),
            asker=asker,
            at=at,
            answer_by=at + answer_in,
            shorten=shorten,
            ref=ref,
            keeping=keeping,
            asked_by=asked_by,
        )

    def check_keeping(self, keeping: Keeping | None, *, title: str, last_answer: datetime) -> None:
        """Refuse an answer to be kept as none can be; None is kept nowhere, and passes.

        Args:
            keeping: why and how long.
            title: of the question, as wallets show it.
            last_answer: until when answers are taken.

        Raises:
            KeepingError: it cannot be kept like that, or this agent keeps none.
        """
        if keeping is None:
            return
        if self._decisions.cases is None:
            raise KeepingError("this agent keeps no case files", hint="leave out `keep`")
        today = self._clock().astimezone(UTC).date()
        keeping.check(today, title=title, last_answer=last_answer.astimezone(UTC).date())

    async def compile(self, *asked: AskedCredential, asker: Asker) -> CompiledRequest:
        """Return a question that may be put; errors as with `ask`."""
        return await self._questions.compile(asked, asker=asker)

    async def put_over_connection(
        self,
        profile: Profile,
        compiled: CompiledRequest,
        *,
        asker: Asker,
        place: LinkPlace,
        ref: str,
        answer_by: datetime,
        keeping: Keeping | None = None,
        asked_by: str | None = None,
    ) -> Verification:
        """Put a question to somebody who answered a link; see `asking.put_over_connection`.

        Raises:
            DuplicateError: it was put before.
            KeepingError: as with `check_keeping`.
        """
        markers, at = self._of(profile).markers, self._clock()
        self.check_keeping(keeping, title=title_of(asker, ref), last_answer=answer_by)
        return await put_over_connection(
            markers,
            compiled,
            asker=asker,
            at=at,
            answer_by=answer_by,
            place=place,
            ref=ref,
            keeping=keeping,
            asked_by=asked_by,
        )

    async def find(self, profile: Profile, verification_id: str) -> Verification | None:
        """Return the verification as it stands now, None if there is none with this id."""
        endings = self._of(profile)
        verification = await endings.markers.get_or_none(verification_id)
        return None if verification is None else await endings.look(verification, at=self._clock())

    async def preview(self, *asked: AskedCredential, asker: Asker) -> Preview:
        """Return what a question would be, without putting it; errors as with `ask`, but that it may not be put."""
        return await self._questions.preview(asked, asker=asker)

    async def take_staple(
        self, profile: Profile, verification_id: str, staple: bytes, *, issuer: Did
    ) -> GovernanceSnapshot:
        """Take an issuer's standing that was handed over for one verification, and return what it says.

        It is used only where the own governance is not fresh when the answer comes, and only while it is fresh itself.

        Args:
            profile: who asked.
            verification_id: an open verification.
            staple: as it came.
            issuer: whose standing it should be.

        Raises:
            NotFoundError: there is no such verification.
            ExchangeError: it is over.
            GovernanceError: the staple is refused.
            ResolutionError: a DID log in it could not be compared with what was seen.
        """
        verification = await self.status(profile, verification_id)
        if verification.state is VerificationState.OPEN:
            snapshot, staples = await self._judge.opened(profile, staple, issuer), Staples(profile)
            await staples.keep(verification.id, staple, issuer=issuer, answer_by=verification.answer_by)
            verification = await self.status(profile, verification_id)
            if verification.state.is_final:
                await staples.forget(verification.id)
        if verification.state is not VerificationState.OPEN:
            raise ExchangeError(f"expected an open request, found one that is {verification.state.value}")
        return snapshot

    async def status(self, profile: Profile, verification_id: str) -> Verification:
        """Return a verification as it stands now; a deadline that is over counts at once.

        Raises:
            NotFoundError: there is none with this id.
        """
        endings = self._of(profile)
        return await endings.look(await endings.markers.get(verification_id), at=self._clock())

    async def cancel(self, profile: Profile, verification_id: str, *, by: str | None = None) -> Verification:
        """Take a question back that nobody has answered; one that was taken back stays so.

        Args:
            profile: who asked.
            verification_id: which.
            by: id of the person who takes it back; None: a program.

        Raises:
            NotFoundError: there is none with this id.
            ExchangeError: it was answered, or is over.
        """
        verification = await self.status(profile, verification_id)
        verification = await self._of(profile).cancel(verification, by=by, at=self._clock())
        if verification.state is not VerificationState.CANCELLED:
            raise ExchangeError(f"expected an open request, found one that is {verification.state.value}")
        return verification

    async def seen(self, profile: Profile, verification: Verification) -> dict[str, str] | None:
        """Return the values that were revealed, None if nothing was accepted, or they are forgotten."""
        return await seen_of(profile, verification.id) if verification.has_seen else None

    async def page(
        self,
        profile: Profile,
        *,
        states: Collection[VerificationState] | None = None,
        limit: int = 200,
        cursor: str | None = None,
        newest_first: bool = False,
    ) -> Page[Verification]:
        """Return a page of the verifications (in these states) as they stand now, oldest first unless told otherwise.

        Raises:
            CursorError: the cursor was not given out for this list.
        """
        endings, at = self._of(profile), self._clock()
        for verification in await endings.markers.due(at):
            await endings.look(verification, at=at)
        wanted = None if states is None else {state.listed for state in states}
        return await endings.markers.page(state=wanted, limit=limit, cursor=cursor, newest_first=newest_first)

    async def forget(self, profile: Profile, verification_id: str) -> Verification:
        """Remove the values that were seen, now; the decision stays.

        Raises:
            NotFoundError: there is none with this id.
            ExchangeError: it is open: values may still come.
        """
        verification = await self.ended(profile, verification_id)
        if verification.has_seen:
            await forget_seen(profile, verification.id)
        return verification

    async def ended(self, profile: Profile, verification_id: str) -> Verification:
        """Return a verification that has ended; errors as with `forget`."""
        verification = await self.status(profile, verification_id)
        if not verification.state.is_final:
            raise ExchangeError(
                "expected a request that has ended, found one that is open: nothing was seen yet, and values may still"
                " come",
                hint="take the question back, or wait for its end",
            )
        return verification

    async def forget_answer(self, profile: Profile, verification_id: str, *, with_record: bool) -> None:
        """Remove what was shown, and the verification itself, if they are there; nobody may be judging it."""
        await self._of(profile).forget_answer(verification_id, with_record=with_record)

    @asynccontextmanager
    async def judged(self, profile: Profile, verification_id: str) -> AsyncIterator[None]:
        """Have nobody judge an answer meanwhile; LeaseBusyError: it takes too long."""
        async with self._of(profile).judging(verification_id, wait_s=2 * self.limits.judging.total_seconds()):
            yield

    async def remove(self, profile: Profile, verification_id: str) -> bool:
        """Remove a verification with all that is kept of it, and return whether it was there.

        Who answers it after that is turned away, like who answers what was never asked.
        """
        await forget_seen(profile, verification_id)
        await Staples(profile).forget(verification_id)
        if self._decisions.cases is not None:
            await self._decisions.cases.drop(profile, verification_id)
        return await self._of(profile).markers.remove(verification_id)

    async def knows(self, profile: Profile, thread_id: str) -> bool:
        """Return whether a thread is that of a verification of ours."""
        return await self._of(profile).markers.knows(thread_id)

    async def receive(self, incoming: Incoming) -> None:
        """Take a presentation, judge it, save the decision and tell the wallet."""
        endings, at = self._of(incoming.profile), self._clock()
        message = presentation_members(incoming.members)
        digest = message_digest(message)
        verification = await endings.markers.get_or_none(incoming.thread_id)
        if verification is not None and verification.answer_digest == digest:
            await self._receive_again(endings, verification, message, incoming)
            return
        taken = await take_message(endings, verification, digest, incoming, at=at)
        if not isinstance(taken, Reason):
            await self._receive_again(endings, taken, message, incoming)
            return
        LOGGER.warning("verification %s: answer refused: %s", verification.id if verification else "(none)", taken.code)
        await tell_problem(incoming, taken)  # what is already decided stays as it is

    async def receive_codes(self, profile: Profile, verification_id: str, texts: list[str]) -> Verification:
        """Take an answer that was shown as codes, judge it, save the decision, and return how it stands then.

        Nobody is told: there is no way to the wallet. The same codes again lead to the same end.

        Args:
            profile: who asked.
            verification_id: what the page shows that scanned them.
            texts: as they were read, in any order.

        Raises:
            NotFoundError: there is no such verification.
            FramesError: they are no whole answer to it; it stays open.
            ExchangeError: it is over, was answered before, or was put to somebody else (rule 1).
        """
        verification, endings = await self.status(profile, verification_id), self._of(profile)
        message = presentation_members(answer_members(texts, question_id=verification.id))
        taken = await take_codes(endings, verification, message_digest(message), at=self._clock())
        if isinstance(taken, Reason):
            LOGGER.warning("verification %s: codes refused: %s", verification.id, taken.code)
            raise ExchangeError(taken.text)
        return await self._decisions.of(endings, taken, message)

    async def declined(self, incoming: Incoming, code: str) -> bool:
        """Take a wallet's decline; return whether it is about a verification of ours."""
        endings = self._of(incoming.profile)
        verification = await endings.markers.get_or_none(incoming.thread_id)
        if verification is None:
            return False
        if not await is_from_whom_was_asked(verification, incoming):
            LOGGER.warning("verification %s: somebody else declines it", verification.id)
            return True
        await endings.decline(verification, code, at=self._clock())
        return True

    def keep_seen(self, profile: Profile, period: timedelta) -> None:
        """Keep what answers reveal to a profile for so long from now on, and what they revealed before."""
        self._of(profile).keep_seen(period)

    async def sweep(self, profile: Profile, now: datetime) -> None:
        """End what is overdue, and remove what need not stay any longer."""
        await self._of(profile).sweep(now, self._clock)
        await Staples(profile).sweep(now)

    async def _receive_again(
        self, endings: Endings, verification: Verification, message: dict[str, object], incoming: Incoming
    ) -> None:
        """Judge an answer that was taken, or tell the same end again; LeaseBusyError: it is to be said once more."""
        verification = await self._decisions.of(endings, verification, message)
        if verification.decision is None:
            raise LeaseBusyError("the answer is being judged")
        await tell_decision(incoming, verification.decision)

    def _of(self, profile: Profile) -> Endings:
        """Return what ends the verifications of a profile."""
        tenant = tenant_of(profile)
        endings = self._endings.get(tenant)
        if endings is None or endings.profile is not profile:
            endings = self._endings[tenant] = Endings(
                profile,
                busy_verifications(profile),
                judge=self._judge,
                limits=self.limits,
                since=self._since,
                cases=self._decisions.cases,
            )
        return endings
