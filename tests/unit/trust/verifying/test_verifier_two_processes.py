"""Two processes of one verifier on one PostgreSQL: whichever is answered, one decides, and both tell the same."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.processes import Processes
from tests.unit.trust.ecosystem import Authority, Held, Issuer, Worker
from tests.unit.trust.employer import ACKED, REPORTED, Employer, codes, open_employer, verdict

from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.plugins.trust.verifying.exchange import VerificationState
from wanderbuch.plugins.trust.verifying.staples import Staples
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory, LogMemory
from wanderbuch.store.errors import LeaseBusyError

pytestmark = pytest.mark.needs("postgresql")


@dataclass
class Verifier:
    """Two processes."""

    first: Employer
    second: Employer

    @property
    def both(self) -> tuple[Employer, Employer]:
        return self.first, self.second

    def heard(self) -> list[str]:
        return [kind for employer in self.both for kind in employer.heard()]


@pytest.fixture
async def verifier(
    processes: Processes, authority: Authority, training_centre: Issuer, cooking_school: Issuer, now: datetime
) -> Verifier:
    return Verifier(
        *[
            await open_employer(process.profile, authority, training_centre, cooking_school, now)
            for process in processes.both
        ]
    )


async def test_a_question_of_one_process_is_answered_at_the_other_and_the_decision_is_read_at_both(
    verifier: Verifier, worker: Worker, welder: Held
) -> None:
    asked = await verifier.first.ask()
    ended = await verifier.second.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.TRUSTED
    assert await verifier.first.desk.status(verifier.first.profile, asked.id) == ended


async def test_of_two_answers_at_two_processes_one_is_refused(
    verifier: Verifier, worker: Worker, welder: Held, young_welder: Held
) -> None:
    asked = await verifier.first.ask()
    answers = [worker.present(asked.proof_request, credential) for credential in (welder, welder)]
    await asyncio.gather(*(employer.get(asked, proof) for employer, proof in zip(verifier.both, answers, strict=True)))
    assert sorted(verifier.heard()) == [ACKED, REPORTED]
    ended = await verifier.first.desk.status(verifier.first.profile, asked.id)
    assert verdict(ended) is Verdict.TRUSTED


async def test_one_answer_that_comes_at_both_is_judged_by_one(
    verifier: Verifier, worker: Worker, welder: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await verifier.first.ask()
    proof = worker.present(asked.proof_request, welder)
    judging, most = 0, 0
    for employer in verifier.both:
        real = employer.desk._judge._judge

        async def judge(*args: Any, real: Any = real) -> Any:
            nonlocal judging, most
            judging += 1
            most = max(most, judging)
            try:
                return await real(*args)
            finally:
                judging -= 1

        monkeypatch.setattr(employer.desk._judge, "_judge", judge)
    answers = (verifier.both[at % 2].get(asked, proof) for at in range(6))
    ends = await asyncio.gather(*answers, return_exceptions=True)
    turned_away = [end for end in ends if isinstance(end, BaseException)]
    assert {type(end) for end in turned_away} <= {LeaseBusyError}  # who is told to come again
    assert len(turned_away) < len(ends) - 1
    assert most == 1
    assert set(verifier.heard()) == {ACKED}
    assert verdict(await verifier.second.desk.status(verifier.second.profile, asked.id)) is Verdict.TRUSTED


async def test_a_decline_and_an_answer_at_two_processes_end_in_one_state(
    verifier: Verifier, worker: Worker, welder: Held
) -> None:
    asked = await verifier.first.ask()
    proof = worker.present(asked.proof_request, welder)
    await asyncio.gather(
        verifier.first.get(asked, proof),
        verifier.second.decline(asked.id),
    )
    ends = [await employer.desk.status(employer.profile, asked.id) for employer in verifier.both]
    assert ends[0] == ends[1]
    wanted = {VerificationState.DECIDED: ACKED, VerificationState.DECLINED: REPORTED}
    assert verifier.heard() == [wanted[ends[0].state]]


async def test_a_judgement_that_goes_on_is_not_called_cut_off_by_a_process_whose_clock_is_ahead(
    verifier: Verifier, worker: Worker, welder: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await verifier.first.ask()
    begun, go_on = asyncio.Event(), asyncio.Event()
    real = verifier.first.desk._judge._judge

    async def judge(*args: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await real(*args)

    monkeypatch.setattr(verifier.first.desk._judge, "_judge", judge)
    answering = asyncio.create_task(verifier.first.get(asked, worker.present(asked.proof_request, welder)))
    await begun.wait()
    verifier.second.now += timedelta(minutes=5)
    seen = await verifier.second.desk.status(verifier.second.profile, asked.id)
    assert seen.state is VerificationState.JUDGING
    go_on.set()
    assert verdict(await answering) is Verdict.TRUSTED


async def test_what_a_process_that_slept_decides_late_changes_nothing(
    verifier: Verifier, processes: Processes, worker: Worker, welder: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease ran out; another has ended the verification meanwhile, and the wallet hears that end."""
    asked = await verifier.first.ask()
    begun, go_on = asyncio.Event(), asyncio.Event()
    real = verifier.first.desk._judge._judge

    async def judge(*args: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await real(*args)

    monkeypatch.setattr(verifier.first.desk._judge, "_judge", judge)
    proof = worker.present(asked.proof_request, welder)
    answering = asyncio.create_task(verifier.first.receive(asked.id, proof))
    await begun.wait()
    await processes.first.engine.run("UPDATE lease SET until = 0")
    verifier.second.now += timedelta(minutes=5)
    ended = await verifier.second.desk.status(verifier.second.profile, asked.id)
    assert codes(ended) == ["judgement.interrupted"]
    go_on.set()
    await asyncio.gather(answering, return_exceptions=True)
    assert await verifier.second.desk.status(verifier.second.profile, asked.id) == ended
    assert ACKED not in verifier.heard()


async def test_a_staple_handed_to_one_process_is_used_by_the_other(
    verifier: Verifier, worker: Worker, welder: Held, training_centre: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = verifier.first.source.snapshot()
    assert fresh is not None

    async def open_any(received: bytes, *, issuer: Did, **_: Any) -> GovernanceSnapshot:
        assert (received, issuer) == (b"a staple", training_centre.did)
        assert fresh is not None
        return fresh

    monkeypatch.setattr("wanderbuch.plugins.trust.verifying.judging.open_staple", open_any)
    for employer in verifier.both:
        employer.profile.context.injector.bind_instance(LogMemory, InMemoryLogMemory())
    asked = await verifier.first.ask()
    await verifier.first.desk.take_staple(verifier.first.profile, asked.id, b"a staple", issuer=training_centre.did)
    verifier.second.source._home._trusted.lapse()
    verifier.second.host.down = True
    ended = await verifier.second.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.TRUSTED
    assert "staple.used" in codes(ended)
    assert await Staples(verifier.first.profile).get(asked.id) is None
