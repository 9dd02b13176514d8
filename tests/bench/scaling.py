"""An issuer and a verifier with two processes each on one PostgreSQL, beside one process of the same.

Both processes run all the time; a round for one sends every connection to the first, a round for two to both in turn.
Rounds alternate. What counts for `two_processes_cpu_over_one` is the CPU of the issuer's processes for each issuance,
less what they use when nothing is asked of them. The server's commits wait as in `processes`. While two work, the
server is asked every few milliseconds who waits for a lock of another, and what the one is doing who has it: the share
of the looks at which somebody waited is `…_lock_waits_over_wall`.

How many more exchanges a second two processes do than one (`…_two_processes_over_one`) can only be told where wallets,
server and processes do not share the processors: with fewer than `CORES` of them these figures are left out. Waits are
counted there, too: they are longer then, since who has a lock is kept from running by others.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg
from tests.bench.agents import Agents, running_agents
from tests.bench.errors import BenchError
from tests.bench.figures import Figures
from tests.bench.keys import PROCESSES
from tests.bench.load import LoadResult, issue_many, present_many
from tests.bench.meter import idle_share
from tests.bench.process_clock import ProcessClocks
from tests.bench.processes import SETTINGS
from tests.bench.ratios import median_of_ratios, without_idle

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.machine.children import Child
from wanderbuch.agents.machine.errors import MachineError
from wanderbuch.agents.machine.postgresql import PostgresServer

CORES: Final = 8
_WALLETS: Final = 5  # beside the first, where throughput is measured
_ROUNDS: Final = 5
_FEW_ROUNDS: Final = 3  # where waits alone are counted
_EXCHANGES: Final = 24
_IN_FLIGHT: Final = 12
_LOOK_S: Final = 0.005
_TOLD: Final = 12
_WAITING: Final = (  # statements have their values beside them, so none is told
    "SELECT one.wait_event || ': ' || left(regexp_replace(one.query, '\\s+', ' ', 'g'), 100)"
    " || coalesce(' | ' || other.state || ' ' || coalesce(other.wait_event, 'running') || ': '"
    " || left(regexp_replace(other.query, '\\s+', ' ', 'g'), 60), '')"
    " FROM pg_stat_activity AS one"
    " LEFT JOIN pg_stat_activity AS other ON other.pid = (pg_blocking_pids(one.pid))[1]"
    " WHERE one.wait_event_type = 'Lock'"
)


@dataclass(slots=True)
class LockWaits:
    """How often somebody waited for a lock of another, while it was looked."""

    looks: int = 0
    waiting: int = 0
    most: int = 0
    for_what: Counter[str] = field(default_factory=Counter)

    async def watch(self, server: PostgresServer, ended: asyncio.Event) -> None:
        """Look again and again until the end."""
        address = f"host=127.0.0.1 port={server.port} user=postgres dbname=postgres"
        connection = await psycopg.AsyncConnection.connect(address, password=server.password, autocommit=True)
        async with connection:
            while not ended.is_set():
                rows = await (await connection.execute(_WAITING)).fetchall()
                self.looks += 1
                self.waiting += bool(rows)
                self.most = max(self.most, len(rows))
                self.for_what.update(row[0] for row in rows)
                await asyncio.sleep(_LOOK_S)

    @property
    def share(self) -> float:
        """The share of the looks at which somebody waited.

        Raises:
            BenchError: nobody looked.
        """
        if not self.looks:
            raise BenchError("nobody looked who waits for locks")
        return self.waiting / self.looks

    def as_json(self) -> dict[str, Any]:
        """Return who waited how often, and for what."""
        return {
            "share_of_wall": round(self.share, 4),
            "looks": self.looks,
            "most_at_once": self.most,
            "looks_by_statement": dict(self.for_what.most_common(_TOLD)),
        }


@dataclass(slots=True)
class _Samples:
    cpu_ms: dict[int, list[float]] = field(default_factory=lambda: {1: [], 2: []})
    per_s: dict[int, list[float]] = field(default_factory=lambda: {1: [], 2: []})
    outcomes: list[LoadResult] = field(default_factory=list)
    waits: LockWaits = field(default_factory=LockWaits)

    def as_json(self) -> dict[str, Any]:
        cpu, rate = (median_of_ratios(by_processes[2], by_processes[1]) for by_processes in (self.cpu_ms, self.per_s))
        return {
            "cpu": cpu.as_json("two", "one"),
            "rate": rate.as_json("two", "one", "per_s"),
            "lost": sum(outcome.lost for outcome in self.outcomes),
            "exchanges_a_round": _EXCHANGES,
            "in_flight": _IN_FLIGHT,
            "waits_for_locks": self.waits.as_json(),
        }


async def measure_scaling(
    folder: Path, registry_size: int, figures: Figures, progress: Callable[[str], None], *, any_cores: bool = False
) -> None:
    """Start a PostgreSQL and the agents on it, and measure.

    Args:
        any_cores: take as many rounds of verifications however few processors there are; how many a second two
            processes do is for `details` then.
    """
    enough = (os.cpu_count() or 1) >= CORES
    is_rate_told = enough or any_cores
    try:
        server = await asyncio.to_thread(PostgresServer, SETTINGS)
    except MachineError as err:  # it is not installed
        figures.leave_out(PROCESSES, f"{err.message} ({err.hint})")
        return
    progress("Issuer and verifier start with two processes each on one PostgreSQL")
    try:
        databases = [server.create_database() for _ in range(2)]
        wallets = _WALLETS if enough else 0
        async with running_agents(folder, registry_size, databases=databases, wallets=wallets) as agents:
            progress("Issuances, by one process and by two in turn")
            issued = await _compare(agents, agents.issuer, server, lambda: _issue(agents))
            figures.take_ratio("two_processes_cpu_over_one", median_of_ratios(issued.cpu_ms[2], issued.cpu_ms[1]))
            progress("Verifications, by one process and by two in turn")
            credentials = [await agents.issue(wallet) for wallet in agents.wallets]
            verified = await _compare(
                agents,
                agents.verifier,
                server,
                lambda: _present(agents, credentials),
                rounds=_ROUNDS if is_rate_told else _FEW_ROUNDS,
            )
            for name, samples in (("issuer", issued), ("verifier", verified)):
                figures.take(f"{name}_lock_waits_over_wall", samples.waits.share)
            figures.details["two_processes"] = {"issuer": issued.as_json(), "verifier": verified.as_json()}
            if lost := sum(outcome.lost for samples in (issued, verified) for outcome in samples.outcomes):
                figures.faults.append(f"{lost} exchanges with two processes did not end as they should")
    finally:
        await asyncio.to_thread(server.close)
    rates = ("issuer_two_processes_over_one", "verifier_two_processes_over_one")
    if not enough:
        figures.leave_out(
            rates, f"{os.cpu_count()} processors: two processes, their wallets and the server need {CORES} or more"
        )
        return
    for key, samples in zip(rates, (issued, verified), strict=True):
        figures.take_ratio(key, median_of_ratios(samples.per_s[2], samples.per_s[1]), "one", "per_s")


async def _compare(
    agents: Agents,
    handle: AgentHandle,
    server: PostgresServer,
    work: Callable[[], Any],
    *,
    rounds: int = _ROUNDS,
) -> _Samples:
    pids = {
        f"process {number}": _pid(agent_process.process) for number, agent_process in enumerate(handle.processes, 1)
    }
    clocks = ProcessClocks(pids | {"wallet": _pid(agents.holder.process)})
    idle = await idle_share(clocks)
    samples = _Samples()
    for number in range(-1, rounds):
        for processes in (1, 2) if number % 2 else (2, 1):
            await _send_to(handle, processes)
            before, ended = await clocks.when_quiet(), asyncio.Event()
            looking = (
                asyncio.create_task(samples.waits.watch(server, ended)) if processes == 2 and number >= 0 else None
            )
            done: LoadResult = await work()
            ended.set()
            if looking is not None:
                await looking
            after = await clocks.when_quiet()
            if number < 0:  # the first warms up
                continue
            used = sum(
                without_idle(after.cpu_s[name] - before.cpu_s[name], after.at - before.at, idle[name]) for name in pids
            )
            samples.cpu_ms[processes].append(1e3 * used / _EXCHANGES)
            samples.per_s[processes].append(_EXCHANGES / done.seconds)
            samples.outcomes.append(done)
    return samples


async def _send_to(handle: AgentHandle, processes: int) -> None:
    """Send all connections from now on to so many processes; those that are open end."""
    for proxy, ports in zip(
        handle.proxies,
        ([process.public_port for process in handle.processes], [process.app_port for process in handle.processes]),
        strict=True,
    ):
        await proxy.close()
        proxy._targets = tuple(ports[:processes])
        await proxy.open()


async def _issue(agents: Agents) -> LoadResult:
    return await issue_many(agents, credentials=_EXCHANGES, in_flight=_IN_FLIGHT)


async def _present(agents: Agents, credentials: Sequence[str]) -> LoadResult:
    return await present_many(agents, credentials, presentations=_EXCHANGES, in_flight=_IN_FLIGHT)


def _pid(process: Child | None) -> int:
    if process is None:
        raise BenchError("a process does not run")
    return process.pid
