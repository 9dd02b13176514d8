"""How long a desk takes to read a worker's answer from codes on a screen.

Its camera has 640 x 480 points and 10 blurred pictures a second. Both pages are real, in Chromium; the camera is its
fake one, and sees what the wallet's page has drawn. From the press to the last code; who has a browser with a detector
of its own is faster than this one, which has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acapy_agent.utils.testing import create_test_profile
from tests.browser.offline_walk import walk_offline
from tests.browser.wallet_site import wallet_site
from tests.unit.verifier_pages.place import open_place
from tests.unit.wallet.wallet_process import wallet_process


@dataclass(frozen=True, slots=True)
class OfflineFigures:
    """Seconds from the press to the last code of an answer; how many codes, and the question's way, in the details."""

    answer_s: float
    details: Mapping[str, Any]


async def measure_offline(folder: Path) -> OfflineFigures:
    """Return how long reading takes on this machine."""
    profile = await create_test_profile({"wallet.type": "askar-anoncreds"})
    try:
        with wallet_process() as wallet:
            async with wallet_site() as site:
                walked = await walk_offline(await open_place(profile), site, wallet, folder)
    finally:
        await profile.close()
    details = {
        "answer_codes": walked.answer_codes,
        "request_codes": walked.request_codes,
        "request_s": round(walked.request_s, 2),
    }
    return OfflineFigures(round(walked.answer_s, 2), details)
