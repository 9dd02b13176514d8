"""How long an exchange takes, for whoever waits for it: alone, and with many at once; and is one lost?

A presentation counts as lost unless the verifier's decision is TRUSTED in the end, whatever the reason; nothing is
tried a second time. Looking whether something is done costs the agents CPU, so this is apart from the rounds.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.bench.agents import Agents
from tests.bench.ratios import quantile

from wanderbuch.agents.machine import AgentHandle, AppError
from wanderbuch.errors import WanderbuchError

_END_S: Final = 90.0
_LOOK_EVERY_S: Final = 0.25
_LOOK_ALONE_S: Final = 0.01
_SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class LoadResult:
    """How it went.

    Args:
        seconds: in all.
        outcomes: how each ended; what is not `wanted` is lost.
        took_s: how long each took that ended as wanted, from the first call to the end.
    """

    wanted: str
    in_flight: int
    seconds: float
    outcomes: dict[str, int]
    took_s: Sequence[float]

    @property
    def lost(self) -> int:
        """How many were lost."""
        return sum(self.outcomes.values()) - self.outcomes.get(self.wanted, 0)

    def as_json(self) -> dict[str, Any]:
        """Return the result for programs."""
        return {
            "exchanges": sum(self.outcomes.values()),
            "in_flight": self.in_flight,
            "seconds": round(self.seconds, 1),
            "outcomes": self.outcomes,
            "wall_ms": percentiles(self.took_s),
        }


def percentiles(took_s: Sequence[float]) -> dict[str, float]:
    """Return p50, p95 and p99 in milliseconds; nothing where nothing was measured."""
    ordered = sorted(took_s)
    return {name: round(1e3 * quantile(ordered, share), 1) for name, share in _SHARES.items()} if ordered else {}


async def run_many(one: Callable[[], Awaitable[str]], wanted: str, *, times: int, in_flight: int) -> LoadResult:
    """Do something so often, so many at any time.

    Args:
        one: does it once and returns how it ended.
        wanted: how it should end.
        times: how often.
        in_flight: how many at once.
    """
    outcomes: Counter[str] = Counter()
    took_s: list[float] = []
    room = asyncio.Semaphore(in_flight)

    async def timed() -> None:
        async with room:
            began = time.monotonic()
            outcome = await one()
            outcomes[outcome] += 1
            if outcome == wanted:
                took_s.append(time.monotonic() - began)

    began = time.monotonic()
    await asyncio.gather(*(timed() for _ in range(times)))
    return LoadResult(wanted, in_flight, time.monotonic() - began, dict(outcomes), took_s)


async def present_many(agents: Agents, credentials: Sequence[str], *, presentations: int, in_flight: int) -> LoadResult:
    """Put questions and answer them, by the wallets in turn.

    Args:
        credentials: for each wallet its id of the credential that answers.
    """
    every = _LOOK_EVERY_S if in_flight > 1 else _LOOK_ALONE_S
    turns = itertools.cycle(zip(agents.wallets, credentials, strict=True))
    return await run_many(
        lambda: _presented(agents, *next(turns), every), "TRUSTED", times=presentations, in_flight=in_flight
    )


async def issue_many(agents: Agents, *, credentials: int, in_flight: int) -> LoadResult:
    """Offer credentials and accept them: invited, connected, offered, issued, stored."""
    every = _LOOK_EVERY_S if in_flight > 1 else _LOOK_ALONE_S
    turns = itertools.cycle(agents.wallets)
    return await run_many(
        lambda: _issued(agents, next(turns), every), "RECEIVED", times=credentials, in_flight=in_flight
    )


async def _presented(agents: Agents, holder: AgentHandle, credential: str, every_s: float) -> str:
    """Return the verdict, or in a few words what went wrong and where."""
    try:
        step = "ask"
        asked = await agents.ask(deadline_s=900)
        step = "open"
        opened = await agents.open(asked["invitation_url"], holder)
        step = "present"
        await holder.post(f"/requests/{opened}/present", {"credential_id": credential})
        step = "look"
        return await _ended(lambda: agents.verdict(asked["id"]), ("OPEN",), every_s)
    except (AppError, WanderbuchError, OSError, TimeoutError) as err:
        return _failed(step, err)


async def _issued(agents: Agents, holder: AgentHandle, every_s: float) -> str:
    async def state() -> str:
        return str((await holder.get(f"/offers/{opened}"))["state"])

    try:
        step = "offer"
        offer = await agents.offer()
        step = "open"
        opened = await agents.open(offer["invitation_url"], holder)
        step = "accept"
        await holder.post(f"/offers/{opened}/accept")
        step = "look"
        return await _ended(state, ("OPEN", "ACCEPTED"), every_s)
    except (AppError, WanderbuchError, OSError, TimeoutError) as err:
        return _failed(step, err)


async def _ended(look: Callable[[], Awaitable[str]], before: Sequence[str], every_s: float) -> str:
    deadline = time.monotonic() + _END_S
    while time.monotonic() < deadline:
        if (state := await look()) not in before:
            return state
        await asyncio.sleep(every_s)
    return f"no end within {_END_S:g} s"


def _failed(step: str, err: Exception) -> str:
    if isinstance(err, AppError):
        return f"failed: {step}: {err.status} {err.problem.get('code', '')}"
    return f"failed: {step}: {type(err).__name__}"
