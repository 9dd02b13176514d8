"""Many presentations at once: is one lost?

A presentation counts as lost unless the verifier's decision is TRUSTED in the end, whatever the reason; nothing is
tried a second time.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.bench.agents import Agents

from wanderbuch.agents.machine import AppError
from wanderbuch.errors import WanderbuchError

_END_S = 90.0
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class LoadResult:
    """How it went.

    Args:
        lost_by_kind: what became of each that was lost.
    """

    presentations: int
    in_flight: int
    seconds: float
    lost_by_kind: dict[str, int]
    slowest_s: float

    @property
    def lost(self) -> int:
        """How many were lost."""
        return sum(self.lost_by_kind.values())

    def as_json(self) -> dict[str, Any]:
        """Return the result for programs."""
        return {
            "presentations": self.presentations,
            "in_flight": self.in_flight,
            "seconds": round(self.seconds, 1),
            "slowest_s": round(self.slowest_s, 1),
            "lost_by_kind": self.lost_by_kind,
        }


async def present_many(agents: Agents, credential: str, *, presentations: int, in_flight: int) -> LoadResult:
    """Put questions and answer them, `in_flight` at any time.

    Args:
        credential: the holder's id of the credential that answers.
    """
    outcomes: Counter[str] = Counter()
    seconds: list[float] = []
    room = asyncio.Semaphore(in_flight)

    async def one() -> None:
        async with room:
            began = time.monotonic()
            outcomes[await _outcome(agents, credential)] += 1
            seconds.append(time.monotonic() - began)

    began = time.monotonic()
    await asyncio.gather(*(one() for _ in range(presentations)))
    lost = {kind: count for kind, count in outcomes.items() if kind != "TRUSTED"}
    return LoadResult(presentations, in_flight, time.monotonic() - began, lost, max(seconds))


async def _outcome(agents: Agents, credential: str) -> str:
    """Return the verdict, or in a few words what went wrong and where."""
    asked = await _try("ask", lambda: agents.ask(deadline_s=900))
    if isinstance(asked, str):
        return asked
    opened: str = await _try("open", lambda: agents.open(asked["invitation_url"]))
    if opened.startswith("failed: "):
        return opened
    body = {"credential_id": credential}
    sent = await _try("present", lambda: agents.holder.post(f"/requests/{opened}/present", body))
    if isinstance(sent, str):
        return sent
    deadline = time.monotonic() + _END_S
    while time.monotonic() < deadline:
        verdict = await _try("look", lambda: agents.verdict(asked["id"]))
        if verdict != "OPEN":
            return str(verdict)
        await asyncio.sleep(_LOOK_EVERY_S)
    return f"no decision within {_END_S:g} s"


async def _try(step: str, call: Callable[[], Awaitable[Any]]) -> Any:
    """Return what the call returns, or a text that starts with `failed: `."""
    try:
        return await call()
    except AppError as err:
        return f"failed: {step}: {err.status} {err.problem.get('code', '')}"
    except (WanderbuchError, OSError, TimeoutError) as err:
        return f"failed: {step}: {type(err).__name__}"
