"""What is proven of each of several credentials, and what can be asked of them at all."""

import json
from dataclasses import replace
from datetime import date

import anoncreds
import pytest
from tests.unit.trust.ecosystem import (
    WELDER,
    Issuer,
    Worker,
)
from tests.unit.trust.employer import Employer, verdict
from tests.unit.trust.verifying.several.certificates import (
    MALTESE,
    WORK,
    WORKED,
    Wallet,
    answered,
    ask,
    claim,
)

from wanderbuch.agents.holder.asked import parse_proof_request
from wanderbuch.errors import PresentationError
from wanderbuch.governance.facts.question import Requirement, Subject, Verdict
from wanderbuch.plugins.trust.verifying.asked import NobodyCountsError


class TestBounds:
    @pytest.mark.parametrize(("months", "is_enough"), [("24", True), ("23", False)])
    async def test_months_are_proven_exactly(
        self, employer: Employer, worker: Worker, shipyard: Issuer, months: str, is_enough: bool
    ) -> None:
        credential = shipyard.issue(worker.link_secret, claim("experience/1.0", months=months))
        asked = await employer.ask_several(work=WORKED)
        chosen = dict.fromkeys(("work", "work.months", "work.since"), credential)
        if not is_enough:
            with pytest.raises(anoncreds.AnoncredsError):
                worker.present(asked.proof_request, chosen)
            return
        assert verdict(await answered(employer, asked, worker.present(asked.proof_request, chosen))) is Verdict.TRUSTED

    async def test_refuses_a_weaker_predicate_than_was_asked(
        self, employer: Employer, worker: Worker, shipyard: Issuer
    ) -> None:
        credential = shipyard.issue(worker.link_secret, claim("experience/1.0", months="23"))
        asked = await employer.ask_several(work=WORKED)
        weaker = json.loads(json.dumps(asked.proof_request))
        weaker["requested_predicates"]["work.months"]["p_value"] = 23
        proof = worker.present(weaker, dict.fromkeys(WORK, credential))
        assert verdict(await answered(employer, asked, proof)) is Verdict.NOT_TRUSTED

    async def test_a_level_bit_of_zero_is_refused(
        self, employer: Employer, worker: Worker, institute: Issuer, wallet: Wallet
    ) -> None:
        low = institute.issue(worker.link_secret, claim("language/1.0", cefr_level="A2"))
        asked = await ask(employer)
        proof = worker.present_unrestricted(asked.proof_request, wallet.answer | {"maltese": low})
        assert verdict(await answered(employer, asked, proof)) is Verdict.NOT_TRUSTED


class TestAsking:
    @pytest.mark.parametrize(
        "wrong",
        [
            replace(WELDER, min_months=3),
            replace(WELDER, min_cefr_level="B1"),
            replace(WORKED, min_eqf_level=3),
            replace(MALTESE, min_cefr_level="D1"),
            replace(MALTESE, occupation="C7212"),
            replace(WORKED, occupation="C72"),
        ],
    )
    async def test_what_such_a_credential_does_not_say_is_not_asked(
        self, employer: Employer, wrong: Requirement
    ) -> None:
        with pytest.raises(PresentationError):
            await employer.ask_several(trade=WELDER, wrong=wrong)

    async def test_one_credential_that_nobody_could_attest_asks_nothing_of_anybody(self, employer: Employer) -> None:
        with pytest.raises(NobodyCountsError, match="mlt \\(Maltese\\) at level C1"):
            await ask(employer, maltese=replace(MALTESE, min_cefr_level="C1"))

    async def test_a_predicate_says_whose_it_is_also_of_a_group_that_is_called_like_one_alone(
        self, employer: Employer, wallet: Wallet, worker: Worker
    ) -> None:
        """`qualification` is the name that a question in words gives; a wallet finds one credential for each."""
        recent = replace(WELDER, not_before=date(2023, 1, 1))
        asked = await employer.ask_several(qualification=recent, work=WORKED)
        parts = parse_proof_request(asked.proof_request).of_each
        assert [[one.referent for one in part.predicates] for part in parts] == [
            ["qualification.since"],
            ["work.months", "work.since"],
        ]
        chosen = dict.fromkeys(("qualification", "qualification.since"), wallet.welder)
        proof = worker.present(asked.proof_request, wallet.answer | chosen)
        assert verdict(await answered(employer, asked, proof)) is Verdict.TRUSTED

    async def test_place_purpose_and_names_are_asked_once(self, employer: Employer) -> None:
        with pytest.raises(PresentationError, match="one place"):
            await ask(employer, maltese=replace(MALTESE, subject=Subject.NAME))
