"""Shown without a network: a wallet's page and a desk's page, by their cameras alone."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from acapy_agent.utils.testing import create_test_profile
from tests.browser.offline_walk import walk_offline
from tests.browser.wallet_site import wallet_site
from tests.unit.verifier_pages.place import open_place
from tests.unit.wallet.wallet_process import wallet_process

from wanderbuch.plugins.http.replaying import FallbackEdge
from wanderbuch.plugins.trust.verifying.exchange import VerificationState

pytestmark = [
    pytest.mark.needs("chromium", "camera"),
    pytest.mark.needs("node"),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_a_worker_shows_a_certificate_where_there_is_no_network(tmp_path: Path) -> None:
    profile = await create_test_profile({"wallet.type": "askar-anoncreds"})
    place = await open_place(profile)
    recorded_at = place.employer.now - timedelta(minutes=30)
    recording = FallbackEdge(None, {}, recorded_at=recorded_at, clock=place.employer.clock)
    recording.last_replayed_at = place.employer.now
    place.office.desk._judge._recording = recording
    place.employer.host.down = True
    with wallet_process() as wallet:
        async with wallet_site() as site:
            walked = await walk_offline(place, site, wallet, tmp_path)
    assert "Without a network nobody can check who shows it" in walked.consent
    assert "No, and tell them so" not in walked.consent
    ended = await place.office.desk.status(profile, walked.asked)
    assert ended.state is VerificationState.DECIDED
    assert walked.verdict.startswith("Accepted")
    assert re.search(r"\b3[0-9] minutes old", walked.verdict)  # and as long as the walk took, on a busy machine minutes
    assert re.search(r"\(\d+ min old\)", walked.verdict)  # the status list, of the facts that have a source
    assert walked.answer_codes > 1
    await profile.close()
