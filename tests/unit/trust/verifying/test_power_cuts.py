"""The power fails behind every step of a verifier, one after the other: one decision for one question."""

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.power import Power, marks_end, power
from tests.unit.trust.ecosystem import Held, Worker
from tests.unit.trust.employer import ACKED, REPORTED, Employer, verdict

from wanderbuch.governance.facts.question import Verdict
from wanderbuch.plugins.trust.verifying.exchange import VerificationState
from wanderbuch.plugins.trust.verifying.verifier import VerificationDesk

__all__ = ["power"]


async def restart(employer: Employer) -> None:
    """Do what a start does, with the sweep."""
    employer.desk = VerificationDesk(employer.source, clock=employer.clock)
    await employer.desk.sweep(employer.profile, employer.now)


@pytest.mark.parametrize("refused", [False, True])
async def test_an_answer_is_decided_once_wherever_the_power_fails(
    employer: Employer, worker: Worker, welder: Held, young_welder: Held, power: Power, refused: bool
) -> None:
    for steps in power.cuts():
        asked = await employer.ask()
        proof: dict[str, Any] = (
            worker.present_unrestricted(asked.proof_request, young_welder)
            if refused
            else worker.present(asked.proof_request, welder)
        )
        employer.wallet.messages.clear()
        cut = await power.lasts(steps, lambda asked=asked, proof=proof: employer.get(asked, proof))
        before = await employer.desk.status(employer.profile, asked.id)
        if cut:
            await restart(employer)
            await employer.get(asked, proof)  # the kept envelope, or the wallet sends it again
        ended = await employer.desk.status(employer.profile, asked.id)
        assert verdict(ended) is (Verdict.NOT_TRUSTED if refused else Verdict.TRUSTED), f"cut after {steps} steps"
        assert before.decision in (None, ended.decision)
        assert set(employer.heard()) == {REPORTED if refused else ACKED}
        employer.now += timedelta(minutes=11)
        await marks_end(employer.profile)
        await employer.desk.sweep(employer.profile, employer.now)
        assert (await employer.seen(asked) is None) is refused  # what was seen is there with its decision
        again = await employer.desk.page(employer.profile, states=(VerificationState.OPEN,))
        assert asked.id not in {verification.id for verification in again.items}
        employer.now -= timedelta(minutes=11)
        if not cut:
            break
    assert steps > 1


async def test_a_decline_ends_a_question_wherever_the_power_fails(employer: Employer, power: Power) -> None:
    for steps in power.cuts():
        asked = await employer.ask()
        cut = await power.lasts(steps, lambda asked=asked: employer.decline(asked.id))
        if cut:
            await restart(employer)
            await employer.decline(asked.id)
        ended = await employer.desk.status(employer.profile, asked.id)
        assert (ended.state, ended.decline_code) == (VerificationState.DECLINED, "abandoned")
        if not cut:
            break
    assert steps > 0
