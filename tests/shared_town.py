"""One town for the modules that deal with each other's agents and break nothing: it is opened once.

    pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="session")]

    async def test_x(shared_town: Town) -> None: ...

With xdist these modules go to one worker. Each finds what the others left: credentials, offers, questions, and versions
of the governance file; what it says of all of those it must say of its own. A module that kills, restarts or changes
what `employer` may ask has a town of its own; `listed` is the employer of whom a version may say what it may ask. Who
withdraws an accreditation gives it back. `newcomer` has never asked before `test_hard_cases`, which runs last, since it
ends a DID.

The modules that have wallets of others meet our agents share those of `tests/interop/conftest.py` in the same way.
"""

import signal
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Final

import pytest
import pytest_asyncio
from tests.abuse.town import Town
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

from wanderbuch.agents.machine import LocalMachine

SHARED: Final[Mapping[str, tuple[str, ...]]] = {
    "shared_town": (
        "tests/flow/test_holder_offers.py",
        "tests/flow/test_holder_requests.py",
        "tests/flow/test_verifier.py",
        "tests/flow/test_receipts.py",
        "tests/flow/test_case_files.py",
        "tests/flow/test_console.py",
        "tests/flow/test_employer_desk.py",
        "tests/flow/test_erasure.py",
        "tests/flow/test_integrators.py",
        "tests/flow/test_every_problem.py",
        "tests/flow/test_mediated_holder.py",
        "tests/abuse/test_lying_wallet.py",
        "tests/abuse/test_changed_standing.py",
        "tests/abuse/test_wrong_clock.py",
        "tests/abuse/test_hard_cases.py",
    ),
    "shared_scene": ("tests/abuse/test_cheated_wallet.py", "tests/abuse/test_lying_mediator.py"),
    "shared_ecosystem": (
        "tests/interop/test_credo_interrupted.py",
        "tests/interop/test_credo_mediated.py",
        "tests/interop/test_credo_wallet.py",
        "tests/interop/test_link_for_many.py",
        "tests/interop/test_page_wallet.py",
        "tests/interop/test_page_offline.py",
        "tests/interop/test_stock_acapy.py",
    ),
}
"""By the fixture, the modules that share it, in the order in which they run."""
RUNNING: Final[dict[str, LocalMachine]] = {}
"""The machine of each town that was opened."""
BROWSER: Final = "tests/browser/"
UNITS: Final = "tests/unit/"
LONGEST: Final = (
    BROWSER,
    "shared_ecosystem",
    "shared_town",
    "tests/flow/test_two_processes.py",
    "tests/interop/test_page.py",
    "tests/flow/test_doubles.py",
    "tests/interop/test_credo_install.py",
    "tests/abuse/test_several_credentials.py",
    "tests/abuse/test_malformed_messages.py",
    "tests/flow/test_issuing.py",
    "tests/flow/test_backup.py",
    "tests/flow/test_demo.py",
    "tests/abuse/test_tenant_isolation.py",
    "tests/interop/test_openid_provider.py",
    "tests/flow/test_agent_runs.py",
    "tests/flow/test_joining.py",
)
"""What takes longest, the longest first: whoever begins with it last would end alone."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """Everybody, with a governance file that names the issuers."""
    town = Town(
        tmp_path_factory.mktemp("town"),
        holders=("worker",),
        phones=("phone",),
        liars=("liar", "friend", "cousin"),
        employers=("employer", "listed", "newcomer"),
        academy=True,
        mill=True,
        late=True,
        registry_size=64,
    )
    RUNNING["shared_town"] = town.machine
    try:
        await town.open()
        yield town
    finally:
        await town.machine.stop()


class OneWorkerForATown(LoadFileScheduling):
    """A file at a time to each worker; the modules of a town count as one file, and so do those of the browser.

    Modules with agents wait half of their time, and those without work all of it. So one of several workers begins
    with these while the others do the former, the longest first; at the end all do what is left.
    """

    def _assign_work_unit(self, node: WorkerController) -> None:
        begins_with_units = len(self.nodes) > 2 and node.gateway.id == "gw0"
        if (first := next_scope(self.workqueue, begins_with_units=begins_with_units)) is not None:
            self.workqueue.move_to_end(first, last=False)
        super()._assign_work_unit(node)

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        if file.startswith(BROWSER):
            return BROWSER
        return next((fixture for fixture, modules in SHARED.items() if file in modules), file)


def next_scope(waiting: Iterable[str], *, begins_with_units: bool) -> str | None:
    """Return what a worker does next, in the order of what waits but for the longest; None: nothing of its kind waits.

    Args:
        waiting: files, and what counts as one.
        begins_with_units: whether it does those without agents as long as there are any, or the others.
    """
    wanted = (scope for scope in waiting if scope.startswith(UNITS) is begins_with_units)
    return min(wanted, key=lambda scope: LONGEST.index(scope) if scope in LONGEST else len(LONGEST), default=None)


def order_modules(items: list[pytest.Item]) -> None:
    """Let modules of a town run in their order, where the first of them would.

    Raises:
        pytest.UsageError: a module is not among ours: it would open the town once more.
    """
    for fixture, modules in SHARED.items():
        users = {_file_of(item) for item in items if fixture in getattr(item, "fixturenames", ())}
        if further := users.difference(modules):
            raise pytest.UsageError(f"add to SHARED of tests/shared_town.py: {', '.join(sorted(further))}")
        together = [item for item in items if _file_of(item) in modules]
        if together:
            first = items.index(together[0])
            together.sort(key=lambda item: modules.index(_file_of(item)))
            items[:] = [*items[:first], *together, *(item for item in items[first:] if _file_of(item) not in modules)]


def leave_town(item: pytest.Item, following: pytest.Item | None) -> None:
    """Tell the agents of a town to end once its last test has: until the session does, they would take their turns."""
    for fixture, machine in RUNNING.items():
        modules = SHARED[fixture]
        if _file_of(item) in modules and (following is None or _file_of(following) not in modules):
            for process in (process for agent in machine.agents for process in agent.processes):
                if process.process is not None and process.is_running:
                    process.process.send_signal(signal.SIGTERM)


def _file_of(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
