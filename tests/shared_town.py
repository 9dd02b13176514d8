"""One town for the modules that deal with each other's agents and break nothing: it is opened once.

    pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="session")]

    async def test_x(shared_town: Town) -> None: ...

With xdist these modules go to one worker. Each finds what the others left: credentials, offers, questions, and versions
of the governance file; what it says of all of those it must say of its own. A module that kills, restarts, withdraws an
accreditation or changes what `employer` may ask has a town of its own; `listed` is the employer of whom a version may
say what it may ask.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

import pytest
import pytest_asyncio
from tests.abuse.town import Town
from xdist.scheduler import LoadFileScheduling

FIXTURE: Final = "shared_town"
MODULES: Final = (
    "tests/abuse/test_lying_wallet.py",
    "tests/flow/test_holder_offers.py",
    "tests/flow/test_holder_requests.py",
    "tests/flow/test_verifier.py",
    "tests/flow/test_receipts.py",
    "tests/flow/test_case_files.py",
    "tests/flow/test_console.py",
    "tests/flow/test_employer_desk.py",
    "tests/flow/test_erasure.py",
    "tests/flow/test_integrators.py",
)
BROWSER: Final = "tests/browser/"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """Everybody, with a governance file that names the issuers."""
    town = Town(
        tmp_path_factory.mktemp("town"),
        holders=("worker",),
        liars=("liar",),
        employers=("employer", "listed"),
        academy=True,
        registry_size=64,
    )
    try:
        await town.open()
        yield town
    finally:
        await town.machine.stop()


class OneWorkerForTheTown(LoadFileScheduling):
    """A file at a time to each worker; the modules of the town count as one file, and so do those of the browser."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        if file.startswith(BROWSER):
            return BROWSER
        return FIXTURE if file in MODULES else file


def check_modules(items: Sequence[pytest.Item]) -> None:
    """Refuse a module that is not among ours: it would open the town once more."""
    users = {item.nodeid.partition("::")[0] for item in items if FIXTURE in getattr(item, "fixturenames", ())}
    if further := users.difference(MODULES):
        raise pytest.UsageError(f"add to MODULES of tests/shared_town.py: {', '.join(sorted(further))}")
