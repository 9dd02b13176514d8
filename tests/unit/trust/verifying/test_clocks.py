"""Clocks that are wrong, ours or the issuer's: nobody is trusted by one, and what is right again counts again."""

from datetime import timedelta

import pytest
from tests.unit.trust.ecosystem import Held, Issuer, Worker, values
from tests.unit.trust.employer import Employer, codes, verdict

from wanderbuch.governance.facts.question import Verdict


@pytest.mark.parametrize(
    ("wrong_by", "expected"),
    [
        (timedelta(minutes=30), Verdict.TRUSTED),  # within what the authority vouches for
        (timedelta(hours=2), Verdict.STALE),
        (timedelta(days=400), Verdict.STALE),
        (timedelta(seconds=-30), Verdict.TRUSTED),  # within what clocks may differ by
        (timedelta(minutes=-10), Verdict.STALE),  # the authority has not spoken yet, by our clock
        (timedelta(hours=-1), Verdict.UNKNOWN),  # nor has the issuer
        (timedelta(days=-1), Verdict.UNKNOWN),
    ],
)
async def test_our_clock_is_wrong(
    employer: Employer, worker: Worker, welder: Held, wrong_by: timedelta, expected: Verdict
) -> None:
    right = employer.now
    employer.now = right + wrong_by
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is expected, codes(ended)
    employer.now = right  # somebody has set it
    again = await employer.ask()
    assert verdict(await employer.get(again, worker.present(again.proof_request, welder))) is Verdict.TRUSTED


@pytest.mark.parametrize(("ahead", "expected"), [(30, Verdict.TRUSTED), (3600, Verdict.UNKNOWN)])
async def test_the_issuers_clock_runs_ahead(
    employer: Employer, worker: Worker, shifty: Issuer, ahead: int, expected: Verdict
) -> None:
    """Its newest list is dated in the future: what is proven with it does not count before it is that time."""
    credential = shifty.issue(worker.link_secret, values())
    employer.registry.issuers = (*employer.registry.issuers, shifty)
    shifty.publish_list(at=int(employer.now.timestamp()) + ahead)
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present(asked.proof_request, credential))
    assert verdict(ended) is expected, codes(ended)


@pytest.mark.parametrize(("ahead", "expected"), [(30, "revocation.old_list"), (3600, "revocation.list_in_future")])
async def test_a_revocation_that_the_issuer_dates_in_the_future_is_not_overlooked(
    employer: Employer, worker: Worker, shifty: Issuer, ahead: int, expected: str
) -> None:
    """The wallet proves from the list of now, which does not revoke yet; one of a clock that is ahead does."""
    credential = shifty.issue(worker.link_secret, values())
    employer.registry.issuers = (*employer.registry.issuers, shifty)
    shifty.publish_list(revoke=[credential], at=int(employer.now.timestamp()) + ahead)
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present(asked.proof_request, credential, list_index=-2))
    assert verdict(ended) in {Verdict.UNKNOWN, Verdict.NOT_TRUSTED}
    assert codes(ended)[0] == expected


@pytest.fixture
def shifty(training_centre: Issuer) -> Issuer:
    """The centre with a registry of its own, so that its lists are nobody else's."""
    return training_centre.with_another_registry()


async def test_the_issuer_dates_an_award_in_the_future(
    employer: Employer, worker: Worker, training_centre: Issuer
) -> None:
    year = employer.now.year + 2
    credential = training_centre.issue(worker.link_secret, values(awarded_on=f"{year}0101"))
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present(asked.proof_request, credential))
    assert (verdict(ended), codes(ended)[0]) == (Verdict.NOT_TRUSTED, "award.in_future")
