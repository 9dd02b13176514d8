"""What becomes of requests is told to the event log once."""

from datetime import timedelta
from itertools import count

from tests.unit.power import Power, power
from tests.unit.told import tell_what_was_cut, told
from tests.unit.trust.ecosystem import Held, Worker
from tests.unit.trust.employer import Employer

from wanderbuch.plugins.trust.verifying.ended import teller
from wanderbuch.plugins.trust.verifying.exchange import ANSWER, VerificationState, open_verifications, unanswered

__all__ = ["power"]


async def test_a_decision_is_told_and_a_second_answer_tells_nothing(
    employer: Employer, worker: Worker, welder: Held, young_welder: Held
) -> None:
    asked = await employer.ask()
    assert await told(employer.profile) == []
    await employer.get(asked, worker.present_unrestricted(asked.proof_request, young_welder))
    await employer.get(asked, worker.present(asked.proof_request, welder))
    assert await told(employer.profile) == [("request.decided", asked.id, {"verdict": "NOT_TRUSTED"})]
    assert await tell_what_was_cut(employer.profile) == 0


async def test_declined_and_not_answered(employer: Employer) -> None:
    declined, late = await employer.ask(), await employer.ask()
    assert await employer.decline(declined.id, "request-not-accepted")
    assert await employer.decline(declined.id, "request-not-accepted")
    employer.now = late.answer_by + timedelta(seconds=1)
    await employer.desk.status(employer.profile, late.id)
    await employer.desk.status(employer.profile, late.id)
    assert await told(employer.profile) == [
        ("request.ended", declined.id, {"state": "DECLINED"}),
        ("request.ended", late.id, {"state": "NO_ANSWER"}),
    ]


async def test_an_end_is_told_once_wherever_the_power_fails(employer: Employer, power: Power) -> None:
    asked = [await employer.ask() for _ in range(12)]
    ends = teller(employer.profile)
    for steps, one in zip(count(), asked, strict=False):
        marker = unanswered(at=one.answer_by + timedelta(seconds=1))
        cut = await power.lasts(steps, lambda one=one, marker=marker: ends.add(one, ANSWER, marker))
        assert await tell_what_was_cut(employer.profile) == 0
        verification = await open_verifications(employer.profile).get(one.id)
        is_saved = verification.state is VerificationState.NO_ANSWER
        ended = [(one.id, {"state": "NO_ANSWER"})] if is_saved else []
        told_ends = [(subject, body) for _, subject, body in await told(employer.profile) if subject == one.id]
        assert told_ends == ended, f"cut after {steps} steps"
        if not cut:
            assert is_saved
            break
    assert 3 < steps < 11
