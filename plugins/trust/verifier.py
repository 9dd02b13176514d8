"""The verifier's desk: puts a question to a holder, judges the answer, and ends every verification in a saved state.

    verification = await desk.ask(profile, requirement, did=did, answer_in=timedelta(minutes=10), title="…")
    ...                                   # the wallet answers, declines, or does not
    verification = await desk.status(profile, verification.id)

What is certain:

- The decision is saved before the wallet hears of it, and the wallet hears "accepted" only if it is TRUSTED.
- A presentation is judged in memory and never stored. What stays is listed in `exchange`.
- Whatever happens while judging (an unreachable host, a bug, too little time) ends in UNKNOWN, never in silence.
- The same message delivered again, also after a crash, leads to the same end; another message is a second answer.
- Of all processes of a verifier one judges an answer; whether it still does, the store knows, not a clock.

Connectionless: the invitation names the verifier's did:webvh as its service and carries the question. No connection is
made and none is kept: whoever answers stays as unknown as they were.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from acapy_agent.anoncreds.util import generate_pr_nonce
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.profile import Profile
from acapy_agent.core.protocol_registry import ProtocolRegistry
from acapy_agent.messaging.responder import BaseResponder

from wanderbuch.errors import ExchangeError, GovernanceError, PresentationError, ResolutionError
from wanderbuch.governance.asking_rules import may_ask
from wanderbuch.governance.identifiers import Did, WebvhDid
from wanderbuch.governance.question import Reason, Requirement, TrustDecision, Verdict
from wanderbuch.governance.snapshot import GovernanceSnapshot
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.replaying import FallbackEdge
from wanderbuch.plugins.trust.age import with_age
from wanderbuch.plugins.trust.asking import end_exchange, forget_exchange, send_question
from wanderbuch.plugins.trust.cryptography import find_out
from wanderbuch.plugins.trust.ended import teller
from wanderbuch.plugins.trust.exchange import (
    JUDGING,
    LINGER,
    Verification,
    VerificationState,
    decide_with,
    decline_with,
    end_without_answer,
    forget_now,
    forget_seen,
    is_stuck,
    note_staple,
    take_answer,
    tidied,
)
from wanderbuch.plugins.trust.judgement import Judgement, Terms, check_exchange, check_identifiers, judge, refuse
from wanderbuch.plugins.trust.once import one_step
from wanderbuch.plugins.trust.presentation import message_digest, read_presentation
from wanderbuch.plugins.trust.request import (
    AwardPrecision,
    CompiledRequest,
    NobodyCountsError,
    compile_request,
)
from wanderbuch.plugins.trust.source import GovernanceSource
from wanderbuch.plugins.trust.staples import Staples
from wanderbuch.plugins.trust.stapling import open_staple
from wanderbuch.plugins.trust.telling import tell_decision, tell_problem
from wanderbuch.plugins.webvh.memory import LogMemory
from wanderbuch.store.errors import LeaseBusyError
from wanderbuch.store.records import Page, RecordStore
from wanderbuch.store.tables import tenant_of

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeskLimits:
    """How long things may take and stay.

    Args:
        judging: for one judgement, downloads included.
        keep_seen: how long revealed values are kept; the decision stays.
        linger: how long ACA-Py's records of an ended exchange stay, so that a second answer can be refused politely.
    """

    judging: timedelta = JUDGING
    keep_seen: timedelta = timedelta(days=30)
    linger: timedelta = LINGER


_EVER: Final = timedelta(days=36_500)


class OverAskingError(PresentationError):
    """The governance file lists this verifier, and it may not ask this; nobody is asked.

    Args:
        decision: says what it may not ask.
    """

    code = "presentation.may_not_ask"

    def __init__(self, decision: TrustDecision) -> None:
        texts = " ".join(reason.text for reason in decision.reasons)
        hint = "ask for less, or ask the authority for a wider permission"
        super().__init__(f"the governance file does not let this verifier ask that: {texts}", hint=hint)
        self.decision = decision


class NoGovernanceError(ResolutionError):
    """There is no governance file yet, so nobody can be asked for anything."""

    code = "resolution.no_governance"


class VerificationDesk:
    """Asks, judges and ends, for every profile of one agent."""

    def __init__(
        self,
        source: GovernanceSource,
        *,
        limits: DeskLimits | None = None,
        recording: FallbackEdge | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Prepare a desk; bind it in the injector with `setup_verifying`.

        Args:
            source: the governance that decisions rest on.
            limits: how long things may take and stay.
            recording: serves what was recorded where the network is away; decisions on that say so.
            clock: the instant now, aware UTC.
        """
        self._recording = recording
        self.limits = limits or DeskLimits()
        self._source = source
        self._clock = clock
        self._swept: set[str] = set()  # tenants

    async def ask(
        self,
        profile: Profile,
        requirement: Requirement,
        *,
        did: WebvhDid,
        answer_in: timedelta,
        title: str,
        award_precision: AwardPrecision = AwardPrecision.YEAR,
        shorten: Callable[[str], Awaitable[str]] | None = None,
    ) -> Verification:
        """Compile a question, and make the invitation that carries it.

        Args:
            profile: who asks.
            requirement: what must be proven.
            did: the public DID of who asks; the invitation names it as its service.
            answer_in: after this nothing is accepted.
            title: who asks, in words; shown by wallets, proves nothing.
            award_precision: ask the day only where the year is not enough.
            shorten: makes a short address that stands for the invitation's; fits into a QR code.

        Raises:
            NoGovernanceError: there is no governance file yet.
            NobodyCountsError: no accredited issuer could satisfy the requirement.
            OverAskingError: the governance file lists us, and we may not ask this.
        """
        snapshot = await self._source.current()
        if snapshot is None:
            raise NoGovernanceError(
                "no governance file could be fetched and checked yet",
                hint="see GET /v1/verifier/governance for the reasons",
            )
        at, nonce = self._clock(), await generate_pr_nonce()

        def compiled_for(governance: GovernanceSnapshot) -> CompiledRequest:
            found = compile_request(
                requirement,
                governance,
                at=at,
                answer_by=at + answer_in,
                name=title,
                nonce=nonce,
                award_precision=award_precision,
            )
            allowed = may_ask(
                governance,
                verifier=did,
                credential_type=requirement.credential_type,
                revealed=found.names,
                predicates={each["name"] for each in found.proof_request["requested_predicates"].values()},
                purpose=requirement.purpose,
                at=at,
            )
            if allowed.verdict is Verdict.NOT_TRUSTED:  # one that is not listed may ask, and is shown as unknown
                raise OverAskingError(allowed)
            return found

        try:
            compiled = compiled_for(snapshot)
        except (NobodyCountsError, OverAskingError):
            # A no rests on what the authority says now: an issuer may have become accredited since.
            newer = await self._source.ask()
            if newer is None or newer.ref == snapshot.ref:
                raise
            compiled = compiled_for(newer)
        sent = await send_question(profile, compiled.proof_request, did=did, title=title, purpose=requirement.purpose)
        verification = Verification(
            thread_id=sent.thread_id,
            pres_ex_id=sent.pres_ex_id,
            invitation_id=sent.invitation_id,
            invitation_url=sent.invitation_url,
            short_url=await shorten(sent.invitation_url) if shorten else None,
            requirement=requirement,
            award_precision=award_precision,
            proof_request=compiled.proof_request,
            words=compiled.words,
            names=compiled.names,
            hidden=compiled.hidden,
            eligible=tuple(sorted(compiled.eligible)),
            schemas=tuple(sorted(compiled.schemas)),
            created_at=at,
            answer_by=at + answer_in,
        )
        await RecordStore(profile, Verification).insert(verification)
        LOGGER.info("verification %s: asked", verification.id)
        return verification

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
        held = await self.status(profile, verification_id)
        if held.state is VerificationState.OPEN:
            snapshot = await self._opened(profile, staple, issuer)
            await Staples(profile).keep(held.id, staple, issuer=issuer)
            held = await RecordStore(profile, Verification).change(held.id, note_staple)
        if held.state is not VerificationState.OPEN:
            raise ExchangeError(f"expected an open request, found one that is {held.state.value}")
        return snapshot

    async def status(self, profile: Profile, verification_id: str) -> Verification:
        """Return a verification as it stands now; a deadline that is over counts at once.

        Raises:
            NotFoundError: there is none with this id.
        """
        held = await RecordStore(profile, Verification).get(verification_id)
        return await self._end_if_overdue(profile, held)

    async def page(
        self,
        profile: Profile,
        *,
        states: Collection[VerificationState] | None = None,
        limit: int = 200,
        cursor: str | None = None,
    ) -> Page[Verification]:
        """Return a page of the verifications (in these states) as they stand now, oldest first.

        Raises:
            CursorError: the cursor was not given out for this list.
        """
        store = RecordStore(profile, Verification)
        for state in (VerificationState.OPEN, VerificationState.JUDGING):
            for held in await store.due(self._clock(), state=state.value):
                await self._end_if_overdue(profile, held)
        wanted = None if states is None else [state.value for state in states]
        return await store.page(state=wanted, limit=limit, cursor=cursor, newest_first=False)

    async def forget(self, profile: Profile, verification_id: str) -> Verification:
        """Remove the values that were seen, now; the decision stays.

        Raises:
            NotFoundError: there is none with this id.
        """
        return await RecordStore(profile, Verification).change(verification_id, forget_now)

    async def receive(
        self, profile: Profile, thread_id: str, message: Mapping[str, object], responder: BaseResponder
    ) -> None:
        """Take a presentation, judge it, save the decision and tell the wallet.

        Args:
            profile: who was answered.
            thread_id: of the message.
            message: its members, as they came.
            responder: the way back to the sender.
        """
        store = RecordStore(profile, Verification)
        digest, at = message_digest(message), self._clock()
        held = await _of_thread(store, thread_id)
        if held is not None and held.answer_digest == digest:
            await self._receive_again(profile, held, message, responder)
            return
        if (reason := check_exchange(held, at=at)) is not None:  # rule 1
            await self._turn_away(held, thread_id, reason, responder)
            return
        assert held is not None  # noqa: S101  (rule 1; for the type checker)
        taken = await store.change(held.id, take_answer(digest, at=at))
        if taken.state is not VerificationState.JUDGING or taken.answer_digest != digest:
            lost = check_exchange(taken, at=at) or Reason("exchange.late", "The answer came after the deadline.")
            await self._turn_away(taken, thread_id, lost, responder)
            return
        await self._judge_and_tell(profile, taken, message, responder)

    async def declined(self, profile: Profile, thread_id: str, code: str) -> bool:
        """Take a wallet's decline; return whether it is about a verification of ours."""
        store = RecordStore(profile, Verification)
        held = await _of_thread(store, thread_id)
        if held is None:
            return False
        at = self._clock()
        ended = await teller(profile).change(held, decline_with(code, at=at))
        if ended.state is VerificationState.DECLINED and ended.ended_at == at:
            LOGGER.info("verification %s: declined", held.id)
            await _forget_staple(profile, ended)
            await end_exchange(profile, held.pres_ex_id, verified=None, reason="declined by the wallet")
        return True

    async def sweep(self, profile: Profile, now: datetime) -> None:
        """End what is overdue, and remove what need not stay any longer.

        The first sweep of a process looks at all that still holds what was seen: it may have to go earlier, or later,
        than the process before had thought.
        """
        store = RecordStore(profile, Verification)
        is_first = tenant_of(profile) not in self._swept
        self._swept.add(tenant_of(profile))
        async with store.claiming(now + _EVER if is_first else now) as due:
            async for held in due:
                await self._look(profile, store, held, now)

    async def _look(
        self, profile: Profile, store: RecordStore[Verification], held: Verification, now: datetime
    ) -> None:
        """Do what is due with a verification."""
        held = await self._end_if_overdue(profile, held)
        if held.ended_at is None:
            return
        if not held.tidy and now > held.ended_at + self.limits.linger:
            await forget_exchange(profile, held.pres_ex_id, held.invitation_id)
            await store.change(held.id, tidied)
        if held.seen is not None:
            await store.change(held.id, forget_seen(at=now, keep_seen=self.limits.keep_seen))

    async def _receive_again(
        self, profile: Profile, held: Verification, message: Mapping[str, object], responder: BaseResponder
    ) -> None:
        """Finish what a crash interrupted, or tell the same end again."""
        if held.decision is not None:
            await tell_decision(held.thread_id, held.decision, responder)
        elif held.state is VerificationState.JUDGING:
            await self._judge_and_tell(profile, held, message, responder)

    async def _judge_and_tell(
        self, profile: Profile, held: Verification, message: Mapping[str, object], responder: BaseResponder
    ) -> None:
        try:
            async with _judging(profile, held.id):
                judgement = await self._judge_in_time(profile, held, message)
                shown = dict(judgement.presentation.shown) if judgement.presentation else None
                step = decide_with(judgement.decision, shown, at=self._clock(), keep_seen=self.limits.keep_seen)
                decided = await teller(profile).change(held, step)
        except LeaseBusyError:
            LOGGER.info("verification %s: it is being judged", held.id)
            return
        await self._conclude(profile, decided)
        if decided.decision is not None:
            await tell_decision(decided.thread_id, decided.decision, responder)

    async def _judge_in_time(self, profile: Profile, held: Verification, message: Mapping[str, object]) -> Judgement:
        """Return a judgement whatever happens."""
        try:
            async with asyncio.timeout(self.limits.judging.total_seconds()):
                return await self._judge(profile, held, message)
        except TimeoutError:
            reason = Reason("judgement.too_slow", "What the proof names could not be fetched in time; ask again.")
        except Exception:
            # A process boundary: whatever a stranger's message sets off must not leave the exchange hanging.
            LOGGER.exception("verification %s: the judgement failed", held.id)
            reason = Reason("judgement.failed", "The judgement failed inside this agent; its log says where.")
        return refuse([reason], self._source.snapshot(), at=self._clock(), verdict=Verdict.UNKNOWN)

    async def _judge(self, profile: Profile, held: Verification, message: Mapping[str, object]) -> Judgement:
        """Rules 2 to 8 (see `judgement`)."""
        snapshot, terms = await self._governance_for(profile, held), Terms.of(held)
        try:
            received = read_presentation(message)
        except PresentationError as err:
            return refuse([Reason("presentation.malformed", err.message)], snapshot, at=self._clock())
        if wrong := check_identifiers(received, terms):
            return refuse(wrong, snapshot, at=self._clock())
        findings = await find_out(profile, held.proof_request, received)
        at, recording = self._clock(), self._recording
        judged = judge(received, terms, findings, snapshot, at=at)
        if recording is None or snapshot is None or not recording.serves_recording(at):
            return judged
        vouched_at = snapshot.fresh_from or recording.recorded_at
        then = judge(received, terms, findings, snapshot, at=vouched_at)
        as_of = min(vouched_at, recording.recorded_at)
        lasts = timedelta(0) if snapshot.fresh_until is None else snapshot.fresh_until - vouched_at
        aged = with_age(judged.decision, then.decision, as_of=as_of, now=at, lasts=lasts)
        return replace(judged, decision=aged)

    async def _opened(self, profile: Profile, staple: bytes, issuer: Did) -> GovernanceSnapshot:
        return await open_staple(
            staple,
            issuer=issuer,
            author=self._source.config.author,
            seen=self._source.seen,
            before=self._source.before,
            memory=profile.inject(LogMemory),
            clock=self._clock,
        )

    async def _governance_for(self, profile: Profile, held: Verification) -> GovernanceSnapshot | None:
        """Return the own governance or, where that is not fresh, what was handed over for this verification."""
        snapshot, at = await self._source.current(), self._clock()
        if not held.stapled or (snapshot is not None and snapshot.is_fresh(at)):
            return snapshot
        if (kept := await Staples(profile).get(held.id)) is None:
            return snapshot
        try:
            stapled = await self._opened(profile, *kept)
        except (GovernanceError, ResolutionError) as err:  # it was good when it came
            LOGGER.info("verification %s: its staple is not used: %s", held.id, err.message)
            return snapshot
        text = "The issuer's standing was handed over with the answer, signed by the authority."
        return replace(stapled, notes=(*stapled.notes, Reason("staple.used", text)))

    async def _end_if_overdue(self, profile: Profile, held: Verification) -> Verification:
        """End a verification whose deadline is over, or whose judgement was cut off."""
        at = self._clock()
        if held.state is VerificationState.OPEN and held.expired(at):
            ended = await teller(profile).change(held, end_without_answer(at=at))
            if ended.state is VerificationState.NO_ANSWER:
                LOGGER.info("verification %s: no answer", held.id)
                await _forget_staple(profile, ended)
                await end_exchange(profile, held.pres_ex_id, verified=None, reason="no answer before the deadline")
            return ended
        limit = 2 * self.limits.judging
        if not is_stuck(held, at=at, judging_limit=limit):
            return held
        try:
            async with _judging(profile, held.id):
                reason = Reason("judgement.interrupted", "The agent stopped while it judged; ask again.")
                cut_off = refuse([reason], self._source.snapshot(), at=at, verdict=Verdict.UNKNOWN)
                ended = await teller(profile).change(held, decide_with(cut_off.decision, None, at=at))
        except LeaseBusyError:  # by this process, or by another, whose clock may be another too
            return held
        await self._conclude(profile, ended)
        return ended

    async def _conclude(self, profile: Profile, decided: Verification) -> None:
        """Write the end into ACA-Py's record: refusals are saved as not verified."""
        if decided.decision is None:
            return
        codes = ", ".join(reason.code for reason in decided.decision.reasons)
        LOGGER.info("verification %s: %s (%s)", decided.id, decided.decision.verdict.value, codes)
        await _forget_staple(profile, decided)
        trusted = decided.decision.verdict is Verdict.TRUSTED
        await end_exchange(profile, decided.pres_ex_id, verified=trusted, reason=codes)

    async def _turn_away(
        self, held: Verification | None, thread_id: str, reason: Reason, responder: BaseResponder
    ) -> None:
        """Refuse an answer by rule 1; what is already decided stays as it is."""
        LOGGER.warning("verification %s: answer refused: %s", held.id if held else "(none)", reason.code)
        await tell_problem(thread_id, reason, responder)


def _judging(profile: Profile, verification_id: str) -> AbstractAsyncContextManager[None]:
    """Return the step in which an answer is judged; entering it fails at once while another judges it."""
    return one_step(profile, f"judging.{verification_id}", wait_s=0)


async def _forget_staple(profile: Profile, ended: Verification) -> None:
    if ended.stapled:
        await Staples(profile).forget(ended.id)


async def _of_thread(store: RecordStore[Verification], thread_id: str) -> Verification | None:
    return next(iter(await store.find(thread_id=thread_id, limit=1)), None)


async def setup_verifying(context: InjectionContext) -> None:
    """Put the judging handlers in place of ACA-Py's own, if this agent has a governance to judge by."""
    source = context.inject_or(GovernanceSource)
    if source is None:
        return
    if context.inject_or(VerificationDesk) is None:
        edge = context.inject_or(HttpEdge)
        recording = edge if isinstance(edge, FallbackEdge) else None
        context.injector.bind_instance(VerificationDesk, VerificationDesk(source, recording=recording))
    take_over_messages(context)


def take_over_messages(context: InjectionContext) -> None:
    """Put the judging handlers in place of ACA-Py's own, for whoever has a desk bound when a message comes."""
    from wanderbuch.plugins.trust.verifying_messages import MESSAGE_TYPES  # which imports this module

    context.inject(ProtocolRegistry).register_message_types(MESSAGE_TYPES)
