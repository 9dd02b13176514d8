"""`python -m tests.bench.profiled FOLDER`: which functions the main threads' CPU of whole exchanges goes to.

Starts the bench's agents, issuer, holder and verifier watched, and samples their main threads while so many credentials
are issued, and again while as many are presented, one after the other. FOLDER gets the stacks of each agent and part,
as tools for flame graphs read them; what is told is CPU milliseconds an exchange, by function: alone, and with what it
called. Sampling costs too, so these tell shares: how much a mend saves is told by the ratios of `python -m tests.bench
--only rounds,stock`, in one run.
"""

import argparse
import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from tests.bench.agents import Agents, running_agents
from tests.bench.errors import BenchError
from tests.bench.sampled import spent_by_function
from tests.bench.written import signalled, start_with, watched_command

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.machine.interrupting import run_to_the_end
from wanderbuch.agents.machine.temporary import TemporaryFolder
from wanderbuch.errors import WanderbuchError

_PLACES: Final = 1_000
_WARM_UPS: Final = 3
_DECIDED_S: Final = 60.0
_SETTLED_S: Final = 2.0
_SHOWN: Final = 60
_AROUND: Final = (
    "/<frozen",
    "_click/",
    "bench/",
    "cli/",
    "runtime/process",
    "typer/",
    "asyncio/runners",
    "site-packages/nest",
)


def main() -> None:
    """Profile as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.profiled", description="Profile whole exchanges.")
    parser.add_argument("folder", type=Path, help="where the stacks go")
    parser.add_argument("--exchanges", type=int, default=30)
    told = parser.parse_args()
    raise SystemExit(run_to_the_end(_run(told.folder, told.exchanges)))


async def _run(folder: Path, exchanges: int) -> int:
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 (nobody waits)
    temporary = TemporaryFolder("wanderbuch-profiled")
    try:
        async with running_agents(temporary.path / "agents", _PLACES) as agents:
            watched = {"issuer": agents.issuer, "holder": agents.holder, "verifier": agents.verifier}
            for agent in watched.values():
                await start_with(agent, watched_command(folder, agent.command))
            credential = ""
            for _ in range(_WARM_UPS):
                credential = await agents.issue()
                await _presented(agents, credential)

            async def issue() -> None:
                await agents.issue()

            async def present() -> None:
                await _presented(agents, credential)

            await _profiled(folder, {name: watched[name] for name in ("issuer", "holder")}, "issue", issue, exchanges)
            presenting = {name: watched[name] for name in ("holder", "verifier")}
            await _profiled(folder, presenting, "present", present, exchanges)
    except WanderbuchError:
        print(f"The agents' logs are in {temporary.remove_but_logs()}")
        raise
    temporary.remove()
    return 0


async def _presented(agents: Agents, credential: str) -> None:
    asked = await agents.ask()
    request = await agents.open(asked["invitation_url"])
    await agents.holder.get(f"/requests/{request}")
    await agents.holder.post(f"/requests/{request}/present", {"credential_id": credential})
    await agents.verifier.wait_for(f"/requests/{asked['id']}", "state", "DECIDED", timeout_s=_DECIDED_S)


async def _profiled(
    folder: Path, watched: dict[str, AgentHandle], what: str, once: Callable[[], Awaitable[None]], exchanges: int
) -> None:
    files = {name: folder / str(_pid(agent)) for name, agent in watched.items()}
    for name, agent in watched.items():
        await signalled(_pid(agent), signal.SIGUSR2, files[name].with_suffix(".sampling"))
    for _ in range(exchanges):
        await once()
    await asyncio.sleep(_SETTLED_S)
    for name, agent in watched.items():
        stacks = files[name].with_suffix(".stacks")
        await signalled(_pid(agent), signal.SIGUSR2, stacks)
        kept = stacks.rename(folder / f"{name}-{what}.stacks")
        _tell(f"{name}: {what}", kept.read_text(), exchanges)


def _tell(title: str, folded: str, exchanges: int) -> None:
    alone, whole = spent_by_function(folded)
    print(f"\n{title}: {sum(alone.values()) / exchanges / 1e6:.2f} ms an exchange\n  whole  alone")
    shown = [name for name, _ in whole.most_common() if not name.startswith(_AROUND)]
    for name in sorted(
        {*shown[:_SHOWN], *(name for name, _ in alone.most_common(_SHOWN))}, key=lambda name: -whole[name]
    ):
        print(f"{whole[name] / exchanges / 1e6:7.2f}{alone[name] / exchanges / 1e6:7.2f}  {name}")


def _pid(agent: AgentHandle) -> int:
    if agent.process is None:
        raise BenchError("an agent does not run")
    return agent.process.pid


if __name__ == "__main__":
    main()
