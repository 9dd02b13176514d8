"""The roles that the tests of trust act with; definitions take seconds to make, so they live for the session."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.memory_wallet import memory_wallet
from tests.unit.trust.ecosystem import (
    WELDER_VALUES,
    Authority,
    Held,
    Issuer,
    Worker,
    payload,
    values,
    webvh,
)
from tests.unit.trust.employer import Employer, open_employer
from tests.welders import accreditation

from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.signed.freshness import FreshnessStatement, snapshot_of


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def training_centre() -> Issuer:
    """Accredited for welders."""
    return Issuer(webvh("centre"))


@pytest.fixture(scope="session")
def cooking_school() -> Issuer:
    """Accredited for cooks."""
    return Issuer(webvh("cooks"))


@pytest.fixture(scope="session")
def worker() -> Worker:
    return Worker()


@pytest.fixture(scope="session")
def welder(worker: Worker, training_centre: Issuer) -> Held:
    """A welder's credential at EQF 4."""
    return training_centre.issue(worker.link_secret, WELDER_VALUES)


@pytest.fixture(scope="session")
def young_welder(worker: Worker, training_centre: Issuer) -> Held:
    """A welder's credential at EQF 2."""
    return training_centre.issue(worker.link_secret, values(eqf_level="2", framework_level="2"))


@pytest.fixture(scope="session")
def nurse(worker: Worker, training_centre: Issuer) -> Held:
    """The same worker's credential as a nurse at EQF 5, from the same definition."""
    return training_centre.issue(
        worker.link_secret, values(occupation_isco08="C2221", eqf_level="5", framework_level="5")
    )


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def snapshot(
    authority: Authority, training_centre: Issuer, cooking_school: Issuer, now: datetime
) -> GovernanceSnapshot:
    """Fresh governance in which the centre counts for welders and the school for cooks."""
    signed = await authority.file(
        payload(
            {
                training_centre.did: [accreditation([training_centre.cred_def_id])],
                cooking_school.did: [accreditation([cooking_school.cred_def_id], id="acc-2", occupations=["C512"])],
            }
        )
    )
    return snapshot_of(signed, FreshnessStatement.for_file(signed.ref, at=now, lifetime=timedelta(hours=1)))


@pytest.fixture
async def employer(
    authority: Authority, training_centre: Issuer, cooking_school: Issuer, now: datetime
) -> AsyncIterator[Employer]:
    profile = await memory_wallet()
    yield await open_employer(profile, authority, training_centre, cooking_school, now)
    await profile.close()
