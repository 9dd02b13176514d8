"""Who certifies, who holds, who asks for several certificates at once."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from tests.memory_wallet import memory_wallet
from tests.unit.trust.ecosystem import (
    Authority,
    Held,
    Issuer,
    Worker,
    payload,
    webvh,
)
from tests.unit.trust.employer import Employer, open_employer
from tests.unit.trust.verifying.several.certificates import EXPERIENCE, LANGUAGE, SCHEMAS, Wallet, claim
from tests.welders import accreditation


@pytest.fixture(scope="module")
def shipyard() -> Issuer:
    """Certifies work experience."""
    return Issuer(webvh("yard"), schema_id=SCHEMAS[EXPERIENCE.id], credential_type=EXPERIENCE)


@pytest.fixture(scope="module")
def institute() -> Issuer:
    """Examines in Maltese, up to B2."""
    return Issuer(webvh("institute"), schema_id=SCHEMAS[LANGUAGE.id], credential_type=LANGUAGE)


@pytest.fixture(scope="module")
def wallet(worker: Worker, welder: Held, shipyard: Issuer, institute: Issuer) -> Wallet:
    return Wallet(
        worker,
        welder,
        shipyard.issue(worker.link_secret, claim("experience/1.0")),
        institute.issue(worker.link_secret, claim("language/1.0")),
    )


@pytest.fixture
async def employer(
    authority: Authority,
    training_centre: Issuer,
    cooking_school: Issuer,
    shipyard: Issuer,
    institute: Issuer,
    now: datetime,
) -> AsyncIterator[Employer]:
    profile = await memory_wallet()
    opened = await open_employer(profile, authority, training_centre, cooking_school, now)
    opened.registry.issuers = (training_centre, cooking_school, shipyard, institute)
    yard = accreditation([shipyard.cred_def_id], id="acc-3", credential_types=["experience/1.0"])
    spoken = accreditation(
        [institute.cred_def_id],
        id="acc-4",
        credential_types=["language/1.0"],
        occupations=["mlt"],
        level_range={"framework": "CEFR", "min": "A1", "max": "B2"},
    )
    centre = accreditation([training_centre.cred_def_id], occupations=["C72", "C22"])
    signed = await authority.file(
        payload(
            {training_centre.did: [centre], shipyard.did: [yard], institute.did: [spoken]}, version=2, schemas=SCHEMAS
        )
    )
    opened.host.files = {"current.jws": signed.jws, "freshness.jws": await authority.statement(signed, at=now)}
    await opened.source.refresh()
    yield opened
    await profile.close()
