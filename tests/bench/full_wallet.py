"""A wallet of 500 credentials beside one of one: reading a question and presenting, in turn. `present_500_over_1`.

The credentials are issued by the issuer, 30 at once, one like the other: each of them fits.
"""

from collections.abc import Callable
from typing import Final

from tests.bench.agents import Agents, settled
from tests.bench.errors import BenchError
from tests.bench.figures import Figures
from tests.bench.load import issue_many
from tests.bench.meter import Meter, idle_share
from tests.bench.process_clock import ProcessClocks
from tests.bench.ratios import in_all, median_of_ratios

from wanderbuch.agents.machine import AgentHandle

FULL: Final = 500
_ROUNDS: Final = 15
_READS, _PRESENTS = "reads", "presents"


async def measure_full_wallet(
    agents: Agents, figures: Figures, progress: Callable[[str], None], *, full: int, in_flight: int
) -> None:
    """Fill the holder's wallet, start the other holder with one credential, and compare.

    Args:
        full: how many credentials make a wallet full.
        in_flight: how many are issued at once.
    """
    await agents.other.start()
    only = await agents.issue(agents.other)
    there = len(await _held(agents.holder))
    progress(f"{full - there} credentials are issued, {in_flight} at once")
    load = await issue_many(agents, credentials=max(0, full - there), in_flight=in_flight)
    figures.details["issuances_under_load"] = load.as_json()
    if load.lost:
        figures.faults.append(f"{load.lost} issuances under load did not end: {load.outcomes}")
    some = (await _held(agents.holder))[0]
    await settled(agents.other)
    progress("A full wallet and one of one credential answer in turn")
    pids = {"full": _pid(agents.holder), "one": _pid(agents.other)}
    clocks = ProcessClocks(agents.pids | pids)
    meters = {name: Meter(clocks, await idle_share(clocks)) for name in pids}
    for number in range(_ROUNDS + 1):
        if number == 1:  # the first warms up
            for meter in meters.values():
                meter.forget()
        await _answer(agents, agents.holder, some, "full", meters["full"])
        await _answer(agents, agents.other, only, "one", meters["one"])
    whole = {name: in_all(meter.samples, (_READS, _PRESENTS)) for name, meter in meters.items()}
    figures.take_ratio("present_500_over_1", median_of_ratios(whole["full"], whole["one"]), below="one")
    figures.details["full_wallet"] = {
        "credentials": len(await _held(agents.holder)),
        "steps_ms": {name: meter.medians() for name, meter in meters.items()},
    }


async def _answer(agents: Agents, holder: AgentHandle, credential: str, name: str, meter: Meter) -> None:
    asked = await agents.ask()
    at_rest = await meter.at_rest()
    request = await agents.open(asked["invitation_url"], holder)
    shown = await holder.get(f"/requests/{request}")
    if not shown["can_answer"]:
        raise BenchError(f"no credential answers the question: {shown['explanation']}")
    at_rest = await meter.note(at_rest, None, **{name: _READS})
    await holder.post(f"/requests/{request}/present", {"credential_id": credential})
    await meter.note(at_rest, lambda: agents.has_decided(asked["id"]), **{name: _PRESENTS})


async def _held(holder: AgentHandle) -> list[str]:
    return [item["id"] for item in (await holder.get("/credentials"))["items"]]


def _pid(handle: AgentHandle) -> int:
    if handle.process is None:
        raise BenchError(f"{handle.name} does not run")
    return handle.process.pid
