"""Whatever answers a live question: it is trusted only as it was proven, and a stranger changes no answer."""

import logging
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from tests.abuse.malformed import spoiled
from tests.unit.trust.ecosystem import Held, Worker, message
from tests.unit.trust.employer import Employer, verdict

from wanderbuch.errors import ExchangeError
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.plugins.exchange.attachments import check_attachments
from wanderbuch.plugins.exchange.proof_messages import PRESENTATION
from wanderbuch.plugins.trust.verifying.exchange import VerificationState

SEEDS = pytest.mark.parametrize("seed", range(5))
STRANGER = "8HH5gYEeNc3z7PYXmd54d4x6qAfCNrqqQqEB3nS7Zfu7K"


def answers(seed: int, proof: dict[str, Any]) -> list[dict[str, Any]]:
    """Return several spoiled answers made from a good one; a proof is dear to make."""
    chance, good = Random(seed), message(proof)  # noqa: S311
    return [answer for answer in (spoiled(chance, good) for _ in range(12)) if is_other(answer, good)]


def is_other(spoilt: dict[str, Any], good: dict[str, Any]) -> bool:
    """Tell whether the proof is changed, and not only what is around it."""
    return spoilt.get("presentations~attach") != good["presentations~attach"]


@SEEDS
async def test_a_spoiled_answer_is_refused_or_ends_the_question_without_trust(
    employer: Employer, worker: Worker, welder: Held, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    asked = await employer.ask()
    proof = worker.present(asked.proof_request, welder)
    for spoilt in answers(seed, proof):
        with caplog.at_level(logging.INFO), suppress(ExchangeError):
            check_attachments(spoilt)
            await employer.take(employer.incoming(PRESENTATION, asked.id, spoilt))
        assert "C7212" not in caplog.text
        stands = await employer.desk.status(employer.profile, asked.id)
        if stands.state is not VerificationState.OPEN:
            assert verdict(stands) is not Verdict.TRUSTED
            break
    else:
        assert verdict(await employer.get(asked, proof)) is Verdict.TRUSTED


@SEEDS
async def test_nothing_that_a_second_sender_says_changes_an_answered_question(
    employer: Employer, worker: Worker, welder: Held, seed: int
) -> None:
    asked = await employer.ask()
    proof = worker.present(asked.proof_request, welder)
    ended = await employer.get(asked, proof)
    for spoilt in [message(proof), *answers(seed, proof)]:
        with suppress(ExchangeError):
            check_attachments(spoilt)
            await employer.take(employer.incoming(PRESENTATION, asked.id, spoilt, sender=STRANGER))
    assert await employer.desk.status(employer.profile, asked.id) == ended
