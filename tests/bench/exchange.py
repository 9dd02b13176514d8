"""The agents beside the raw library and stock ACA-Py, in the same rounds; then what else they are asked."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.agents import Agents, running_agents
from tests.bench.crypto import RawCrypto
from tests.bench.figures import Figures
from tests.bench.full_wallet import measure_full_wallet
from tests.bench.keys import EXCHANGE, LOAD, PROCESS, STOCK, WALLET, WRITTEN
from tests.bench.load import issue_many, present_many
from tests.bench.memory import resident_kib
from tests.bench.meter import Meter, idle_share, medians
from tests.bench.process_clock import NoClockError, ProcessClocks
from tests.bench.rounds import RawRounds, run_agents
from tests.bench.starting import measure_starting
from tests.bench.stock.agents import StockAgents, running_stock
from tests.bench.written import measure_written

from wanderbuch.schemas.credential_type import load_credential_type

type Progress = Callable[[str], None]

PARTS: Final = {
    "rounds": EXCHANGE,
    "stock": STOCK,
    "process": PROCESS,
    "written": WRITTEN,
    "load": LOAD,
    "wallet": WALLET,
}
"""What can be asked for, and the keys that it gives."""


@dataclass(frozen=True, slots=True)
class ExchangeOptions:
    """What is measured.

    Args:
        parts: of `rounds`, `stock` (in the rounds), `process`, `written`, `load` and `wallet`.
        rounds: how many.
        registry_size: places in a revocation registry.
        presentations, in_flight: under load.
        alone: exchanges one after the other, of each kind.
        full: credentials of a full wallet.
    """

    parts: frozenset[str]
    rounds: int
    registry_size: int
    presentations: int
    in_flight: int
    alone: int
    full: int


async def measure_exchange(folder: Path, options: ExchangeOptions, figures: Figures, progress: Progress) -> None:
    """Start everybody and measure what is wanted.

    Raises:
        BenchError: an agent did not do its part.
        NotQuietError: the agents never came to rest.
    """
    wanted = options.parts
    progress("The agents start")
    async with AsyncExitStack() as opened:
        agents = await opened.enter_async_context(running_agents(folder / "agents", options.registry_size))
        stock, stock_kib = None, None
        if "stock" in wanted:
            progress("Stock ACA-Py starts")
            stock = await opened.enter_async_context(
                running_stock(agents.machine, agents.values, options.registry_size)
            )
            stock_kib = {agent.name: agent.ready_kib for agent in stock.all}
            figures.details["stock"] = stock.settings
        if "rounds" in wanted:
            await _rounds(agents, stock, folder, options, figures, progress)
        if "process" in wanted:
            progress("Agents are started again, beside an import of ACA-Py's conductor")
            await measure_starting(agents, stock_kib, figures)
        if "written" in wanted:
            progress("What an issuance writes")
            await measure_written(agents, folder / "watched", figures)
        if "load" in wanted:
            await _load(agents, options, figures, progress)
        if "wallet" in wanted:
            await measure_full_wallet(agents, figures, progress, full=options.full, in_flight=options.in_flight)


async def _rounds(
    agents: Agents,
    stock: StockAgents | None,
    folder: Path,
    options: ExchangeOptions,
    figures: Figures,
    progress: Progress,
) -> None:
    try:
        clocks = ProcessClocks(agents.pids)
        stock_clocks = ProcessClocks(stock.pids) if stock else None
    except NoClockError as err:
        figures.leave_out([*EXCHANGE, *STOCK], str(err))
        return
    raw = RawRounds(
        RawCrypto(load_credential_type("qualification/1.0").attr_names, options.registry_size, folder), agents.values
    )
    all_clocks = (clocks, stock_clocks) if stock_clocks else (clocks,)
    own_idle, *stock_idle = await asyncio.gather(*(idle_share(clock) for clock in all_clocks))
    ours = Meter(clocks, own_idle)
    theirs = Meter(stock_clocks, stock_idle[0]) if stock_clocks else None
    progress(f"{options.rounds} rounds: ours, stock ACA-Py, the raw library")
    for number in range(options.rounds + 1):
        compiled = await run_agents(agents, ours)
        if stock is not None and theirs is not None:
            await stock.run(theirs, compiled)
        raw.run(compiled)
        if number == 0:  # the first warms up
            raw.samples.clear()
            for meter in (ours, *([theirs] if theirs else [])):
                meter.forget()
    figures.compare(ours.samples, raw.samples, theirs.samples if theirs else None)
    figures.details |= {
        "steps_ms": {
            "ours": ours.medians(),
            "library": medians(raw.samples),
            **({"stock": theirs.medians()} if theirs else {}),
        },
        "steps_ms_by_thread": ours.by_kind(),
        "idle_cpu_ms_per_s": {name: round(1e3 * share, 2) for name, share in ours.idle.items()},
        "kib_after_rounds": {
            **{name: resident_kib(pid) for name, pid in agents.pids.items()},
            **({f"stock {agent.name}": resident_kib(agent.pid) for agent in stock.all} if stock else {}),
        },
    }


async def _load(agents: Agents, options: ExchangeOptions, figures: Figures, progress: Progress) -> None:
    progress(f"{options.alone} issuances and presentations one after the other")
    credential = (await agents.holder.get("/credentials"))["items"][0]["id"]
    alone = {
        "issuance": await issue_many(agents, credentials=options.alone, in_flight=1),
        "presentation": await present_many(agents, [credential], presentations=options.alone, in_flight=1),
    }
    progress(f"{options.presentations} presentations, {options.in_flight} in flight")
    load = await present_many(agents, [credential], presentations=options.presentations, in_flight=options.in_flight)
    figures.take("presentations_lost", load.lost)
    figures.details["one_after_the_other"] = {name: ratio.as_json() for name, ratio in alone.items()}
    figures.details["presentations_under_load"] = load.as_json()
    if load.lost:
        figures.faults.append(f"{load.lost} presentations were lost: {load.outcomes}")
