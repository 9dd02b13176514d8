"""Holes that AnonCreds proofs or their users have had: each is tried, with the library that is installed.

Where another test has a hole already, it is named: mixing of credentials (`test_verifier`, `test_several`), a bit "0"
that verifies, lists from before a revocation, no proof of non-revocation (`tests/abuse/test_lying_wallet`), warnings of
ACA-Py's that are refusals (`test_judgement`), predicates at the edge of int32 (`tests/abuse/test_lying_wallet`).
"""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.trust.ecosystem import Held, Issuer, Worker, values
from tests.unit.trust.employer import Employer, codes, verdict

from wanderbuch.governance.facts.question import Verdict

_DIGITS = 20  # of a number that two proofs do not share by chance


@pytest.fixture
def centre(training_centre: Issuer) -> Issuer:
    """With a registry of its own."""
    return training_centre.with_another_registry()


async def answered(employer: Employer, proof_of: Any) -> tuple[Verdict, str]:
    asked = await employer.ask()
    ended = await employer.get(asked, proof_of(asked.proof_request))
    return verdict(ended), codes(ended)[0]


class TestARevokedHolderForgesNonRevocation:
    """GHSA-r78f-4q2q-hvv4, and the plainer ways to the same."""

    @pytest.mark.parametrize("taken", ["of another credential", "from before the revocation", "of another question"])
    async def test_a_part_taken_from_an_honest_proof_does_not_fit(
        self, employer: Employer, worker: Worker, centre: Issuer, taken: str
    ) -> None:
        employer.registry.issuers = (*employer.registry.issuers, centre)
        revoked, good = (centre.issue(worker.link_secret, values()) for _ in range(2))
        earlier = await employer.ask()
        before = worker.present(earlier.proof_request, revoked)
        centre.publish_list(revoke=[revoked])

        def spliced(request: dict[str, Any]) -> dict[str, Any]:
            other_request = earlier.proof_request if taken == "of another question" else request
            donor = before if taken == "from before the revocation" else worker.present(other_request, good)
            forged = worker.present(request, revoked, list_index=0)
            part = copy.deepcopy(donor["proof"]["proofs"][0]["non_revoc_proof"])
            assert part is not None
            forged["proof"]["proofs"][0]["non_revoc_proof"] = part
            forged["identifiers"][0]["timestamp"] = centre.list_in_force.to_dict()["timestamp"]
            return forged

        assert await answered(employer, spliced) == (Verdict.NOT_TRUSTED, "proof.invalid")
        assert (await answered(employer, lambda request: worker.present(request, good)))[0] is Verdict.TRUSTED

    async def test_a_time_that_is_only_written_over_proves_nothing(
        self, employer: Employer, worker: Worker, centre: Issuer
    ) -> None:
        employer.registry.issuers = (*employer.registry.issuers, centre)
        revoked = centre.issue(worker.link_secret, values())
        centre.publish_list(revoke=[revoked])

        def dated(request: dict[str, Any]) -> dict[str, Any]:
            forged = worker.present(request, revoked, list_index=0)
            forged["identifiers"][0]["timestamp"] = centre.list_in_force.to_dict()["timestamp"]
            return forged

        assert await answered(employer, dated) == (Verdict.NOT_TRUSTED, "proof.invalid")


async def test_two_answers_of_one_worker_share_nothing_that_links_them(
    employer: Employer, worker: Worker, welder: Held
) -> None:
    """GHSA-6698-mhxx-r84g: a factor of the revocation that was the same in every proof."""
    first, second = [worker.present((await employer.ask()).proof_request, welder) for _ in range(2)]
    public = set(_numbers(first["requested_proof"])) | set(_numbers(first["identifiers"]))
    public |= {value["encoded"] for value in _revealed(first).values()}
    shared = set(_numbers(first["proof"])) & set(_numbers(second["proof"])) - public
    assert shared == set()
    assert len(set(_numbers(first["proof"]))) > 20  # there is something to compare


@pytest.mark.parametrize("verified", ["proof", "aggregated_proof"])
async def test_what_the_library_says_no_to_is_no(
    employer: Employer, worker: Worker, welder: Held, verified: str
) -> None:
    """CVE-2024-21669: a presentation was taken although its proof did not hold."""

    def altered(request: dict[str, Any]) -> dict[str, Any]:
        forged = copy.deepcopy(worker.present(request, welder))
        if verified == "proof":
            forged["proof"]["proofs"][0]["primary_proof"]["eq_proof"]["v"] = "1"
        else:
            forged["proof"]["aggregated_proof"]["c_hash"] = "1"
        return forged

    assert await answered(employer, altered) == (Verdict.NOT_TRUSTED, "proof.invalid")


@pytest.mark.parametrize("year", ["2_024", "+2024", "٢٠٢٤", " 2024", "02024", "2024.0"])
async def test_another_text_with_the_same_encoding_is_not_the_value(
    employer: Employer, worker: Worker, welder: Held, year: str
) -> None:
    """Texts of digits that programs read as one number are encoded alike: the proof holds for each."""

    def rewritten(request: dict[str, Any]) -> dict[str, Any]:
        forged = copy.deepcopy(worker.present(request, welder))
        _revealed(forged)["award_year"]["raw"] = year
        return forged

    told = await answered(employer, rewritten)
    assert told[0] is Verdict.NOT_TRUSTED
    assert told[1] in {"value.not_canonical", "presentation.malformed", "proof.invalid"}


def _revealed(proof: dict[str, Any]) -> dict[str, Any]:
    (group,) = proof["requested_proof"]["revealed_attr_groups"].values()
    revealed: dict[str, Any] = group["values"]
    return revealed


def _numbers(part: Any) -> Iterator[str]:
    """Give every long number, and point of a curve, in a part of a proof."""
    if isinstance(part, dict):
        for inner in part.values():
            yield from _numbers(inner)
    elif isinstance(part, list):
        if part and all(isinstance(number, int) for number in part):
            yield json.dumps(part)
            return
        for inner in part:
            yield from _numbers(inner)
    elif isinstance(part, str) and len(part) >= _DIGITS:
        yield part
