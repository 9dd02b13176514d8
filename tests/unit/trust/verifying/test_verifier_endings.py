"""The desk: second answers are refused, and every verification ends in a saved state."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.trust.ecosystem import (
    Held,
    Worker,
    message,
)
from tests.unit.trust.employer import ACKED, REPORTED, Employer, codes, verdict

from wanderbuch.governance.facts.question import Verdict
from wanderbuch.plugins.trust.verifying.anoncreds.presentation import message_digest, presentation_members
from wanderbuch.plugins.trust.verifying.exchange import (
    ANSWER,
    Verification,
    VerificationState,
    open_verifications,
    taken,
)
from wanderbuch.plugins.trust.verifying.seen import forget_due, seen_of
from wanderbuch.plugins.trust.verifying.verifier import DeskLimits, VerificationDesk
from wanderbuch.store.errors import LeaseBusyError
from wanderbuch.store.records import NotFoundError


class TestSecondAnswers:
    async def test_refuses_a_second_answer_after_the_decision(
        self, employer: Employer, worker: Worker, welder: Held, young_welder: Held
    ) -> None:
        asked = await employer.ask()
        await employer.get(asked, worker.present_unrestricted(asked.proof_request, young_welder))
        ended = await employer.get(asked, worker.present(asked.proof_request, welder))
        assert verdict(ended) is Verdict.NOT_TRUSTED
        assert employer.heard() == [REPORTED, REPORTED]

    async def test_of_two_answers_at_once_one_is_judged(self, employer: Employer, worker: Worker, welder: Held) -> None:
        asked = await employer.ask()
        proofs = [worker.present(asked.proof_request, welder) for _ in range(2)]
        await asyncio.gather(*(employer.get(asked, proof) for proof in proofs))
        assert sorted(employer.heard()) == [ACKED, REPORTED]

    async def test_an_answer_that_is_said_again_while_it_is_judged_is_told_the_same_end(
        self, employer: Employer, worker: Worker, welder: Held
    ) -> None:
        """Who said it first may have been ended meanwhile; of several that say it again one waits."""
        asked = await employer.ask()
        proof = worker.present(asked.proof_request, welder)
        first = asyncio.create_task(employer.get(asked, proof))
        while (await employer.desk.status(employer.profile, asked.id)).answer_digest is None:  # noqa: ASYNC110 (nobody says that it is taken)
            await asyncio.sleep(0)
        again = [employer.get(asked, proof) for _ in range(3)]
        ends = await asyncio.gather(first, *again, return_exceptions=True)
        assert [type(end) for end in ends] == [Verification, Verification, LeaseBusyError, LeaseBusyError]
        await employer.get(asked, proof)  # as who is told to come again does
        assert employer.heard() == [ACKED, ACKED, ACKED]

    async def test_what_was_decided_while_it_was_on_its_way_to_be_judged_is_not_judged_again(
        self, employer: Employer, worker: Worker, welder: Held, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its case file, made anew, would be of no decision."""
        asked, judged = await employer.ask(), 0
        real = employer.desk._judge.judge

        async def counted(*args: Any, **how: Any) -> Any:
            nonlocal judged
            judged += 1
            return await real(*args, **how)

        monkeypatch.setattr(employer.desk._judge, "judge", counted)
        proof = worker.present(asked.proof_request, welder)
        first = asyncio.create_task(employer.get(asked, proof))
        while (before := await employer.desk.status(employer.profile, asked.id)).answer_digest is None:  # noqa: ASYNC110 (nobody says that it is taken)
            await asyncio.sleep(0)
        ended = await first
        desk, members = employer.desk, presentation_members(message(proof))
        assert before.decision is None
        assert await desk._decisions.of(desk._of(employer.profile), before, members) == ended
        assert judged == 1

    async def test_refuses_the_answer_to_another_question(
        self, employer: Employer, worker: Worker, welder: Held
    ) -> None:
        first, second = await employer.ask(), await employer.ask()
        proof = worker.present(first.proof_request, welder)
        assert verdict(await employer.get(first, proof)) is Verdict.TRUSTED
        replayed = await employer.get(second, proof)
        assert verdict(replayed) is Verdict.NOT_TRUSTED
        assert codes(replayed) == ["proof.invalid"]

    async def test_the_same_message_delivered_again_changes_nothing(
        self, employer: Employer, worker: Worker, welder: Held
    ) -> None:
        asked = await employer.ask()
        proof = worker.present(asked.proof_request, welder)
        first = await employer.get(asked, proof)
        employer.registry.down = True
        assert await employer.get(asked, proof) == first
        assert employer.heard() == [ACKED, ACKED]

    async def test_an_answer_whose_judgement_a_crash_cut_off_is_judged_when_it_is_delivered_again(
        self, employer: Employer, worker: Worker, welder: Held
    ) -> None:
        asked = await employer.ask()
        proof = worker.present(asked.proof_request, welder)
        answer = taken(message_digest(message(proof)), at=employer.now)
        assert await open_verifications(employer.profile).add(asked.id, ANSWER, answer)
        assert verdict(await employer.get(asked, proof)) is Verdict.TRUSTED

    async def test_an_answer_that_is_not_delivered_again_after_a_crash_ends_unknown(
        self, employer: Employer, worker: Worker, welder: Held
    ) -> None:
        asked = await employer.ask()
        assert await open_verifications(employer.profile).add(asked.id, ANSWER, taken("0" * 64, at=employer.now))
        await employer.desk.sweep(employer.profile, employer.now)
        assert (await employer.desk.status(employer.profile, asked.id)).state is VerificationState.JUDGING
        employer.now += timedelta(minutes=5)
        await employer.desk.sweep(employer.profile, employer.now)
        ended = await open_verifications(employer.profile).get(asked.id)
        assert verdict(ended) is Verdict.UNKNOWN
        assert codes(ended) == ["judgement.interrupted"]

    async def test_an_answer_cut_off_long_before_this_process_began_may_be_delivered_again(
        self, employer: Employer, worker: Worker, welder: Held
    ) -> None:
        """The agent was away for longer than a judgement may take; what it had kept, or what comes again, counts."""
        asked = await employer.ask()
        proof = worker.present(asked.proof_request, welder)
        answer = taken(message_digest(message(proof)), at=employer.now - timedelta(hours=1))
        assert await open_verifications(employer.profile).add(asked.id, ANSWER, answer)
        await employer.desk.sweep(employer.profile, employer.now)
        assert (await employer.desk.status(employer.profile, asked.id)).state is VerificationState.JUDGING
        assert verdict(await employer.get(asked, proof)) is Verdict.TRUSTED

    async def test_refuses_an_answer_to_no_question(self, employer: Employer) -> None:
        await employer.receive("no such thread", {})
        assert employer.heard() == [REPORTED]


class TestEndings:
    async def test_a_malformed_presentation_is_refused_and_saved(self, employer: Employer) -> None:
        asked = await employer.ask()
        ended = await employer.get(asked, {"proof": True})
        assert verdict(ended) is Verdict.NOT_TRUSTED
        assert codes(ended) == ["presentation.malformed"]
        assert await employer.seen(ended) is None

    async def test_a_decline_ends_the_verification(self, employer: Employer) -> None:
        asked = await employer.ask()
        assert await employer.decline(asked.id)
        ended = await employer.desk.status(employer.profile, asked.id)
        assert (ended.state, ended.decline_code) == (VerificationState.DECLINED, "abandoned")

    async def test_refuses_an_answer_after_a_decline(self, employer: Employer, worker: Worker, welder: Held) -> None:
        asked = await employer.ask()
        await employer.decline(asked.id)
        ended = await employer.get(asked, worker.present(asked.proof_request, welder))
        assert ended.state is VerificationState.DECLINED

    async def test_a_decline_after_the_decision_changes_nothing(
        self, employer: Employer, worker: Worker, welder: Held
    ) -> None:
        asked = await employer.ask()
        await employer.get(asked, worker.present(asked.proof_request, welder))
        assert await employer.decline(asked.id)
        assert verdict(await employer.desk.status(employer.profile, asked.id)) is Verdict.TRUSTED

    async def test_a_decline_of_somebody_elses_exchange_is_not_ours(self, employer: Employer) -> None:
        assert not await employer.decline("no such thread")

    async def test_the_deadline_counts_when_the_state_is_read(self, employer: Employer) -> None:
        asked = await employer.ask()
        employer.now += timedelta(minutes=10)
        assert (await employer.desk.status(employer.profile, asked.id)).state is VerificationState.OPEN
        employer.now += timedelta(seconds=1)
        assert (await employer.desk.status(employer.profile, asked.id)).state is VerificationState.NO_ANSWER

    async def test_the_sweep_ends_what_nobody_answered(self, employer: Employer) -> None:
        asked = await employer.ask()
        employer.now += timedelta(minutes=11)
        await employer.desk.sweep(employer.profile, employer.now)
        assert (await open_verifications(employer.profile).get(asked.id)).state is VerificationState.NO_ANSWER

    async def test_refuses_an_answer_after_the_deadline(self, employer: Employer, worker: Worker, welder: Held) -> None:
        asked = await employer.ask()
        proof = worker.present(asked.proof_request, welder)
        employer.now += timedelta(minutes=11)
        ended = await employer.get(asked, proof)
        assert ended.state is VerificationState.NO_ANSWER
        assert ended.decision is None

    async def test_what_was_seen_is_forgotten_after_thirty_days_and_the_decision_stays(
        self, employer: Employer, worker: Worker, welder: Held
    ) -> None:
        asked = await employer.ask()
        await employer.get(asked, worker.present(asked.proof_request, welder))
        employer.now += timedelta(days=31)
        await employer.desk.sweep(employer.profile, employer.now)
        ended = await employer.desk.status(employer.profile, asked.id)
        assert await employer.seen(ended) is None
        assert verdict(ended) is Verdict.TRUSTED

    async def test_what_a_suspended_tenant_saw_is_forgotten_too(
        self, employer: Employer, worker: Worker, welder: Held
    ) -> None:
        answered, unanswered = await employer.ask(), await employer.ask()
        await employer.get(answered, worker.present(answered.proof_request, welder))
        await forget_due(employer.profile, employer.now + timedelta(days=29))
        assert await employer.seen(answered) is not None
        await forget_due(employer.profile, employer.now + timedelta(days=31))
        assert await seen_of(employer.profile, answered.id) is None
        assert (await employer.desk.find(employer.profile, unanswered.id)) is not None

    @pytest.mark.parametrize(("keep_seen", "is_kept"), [(timedelta(days=2), True), (timedelta(hours=12), False)])
    async def test_how_long_what_was_seen_is_kept_is_told_anew_at_each_start(
        self, employer: Employer, worker: Worker, welder: Held, keep_seen: timedelta, is_kept: bool
    ) -> None:
        asked = await employer.ask()
        await employer.get(asked, worker.present(asked.proof_request, welder))
        employer.now += timedelta(days=1)
        restarted = VerificationDesk(employer.source, limits=DeskLimits(keep_seen=keep_seen), clock=employer.clock)
        await restarted.sweep(employer.profile, employer.now)
        employer.desk = restarted
        assert (await employer.seen(asked) is not None) is is_kept
        employer.now += timedelta(days=2)
        await restarted.sweep(employer.profile, employer.now)
        assert await employer.seen(asked) is None

    async def test_lists_what_was_asked_oldest_first_and_in_parts(self, employer: Employer) -> None:
        asked = [await employer.ask() for _ in range(3)]
        employer.now += timedelta(minutes=11)
        newest = await employer.ask()
        first = await employer.desk.page(employer.profile, limit=3)
        assert [verification.id for verification in first.items] == [verification.id for verification in asked]
        assert {verification.state for verification in first.items} == {VerificationState.NO_ANSWER}
        rest = await employer.desk.page(employer.profile, limit=3, cursor=first.next_cursor)
        assert [verification.id for verification in rest.items] == [newest.id]
        assert rest.next_cursor is None
        still_open = await employer.desk.page(employer.profile, states=(VerificationState.OPEN,))
        assert list(still_open.items) == [newest]

    async def test_an_unknown_verification_has_no_status(self, employer: Employer) -> None:
        with pytest.raises(NotFoundError):
            await employer.desk.status(employer.profile, "nothing")
