"""One round: the raw library does everything once, then the agents do, step by step, each step until all are at rest.

The clock is read before anything is asked about the outcome, so asking does not count.
"""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from tests.bench.agents import Agents, BenchError
from tests.bench.crypto import RawCrypto
from tests.bench.process_clock import ProcessClocks, Reading
from tests.bench.ratios import without_idle

# Steps of the agents -> whose CPU.
STEPS: Final[Mapping[str, str]] = {
    "issuer invites": "issuer",
    "issuer connects and offers": "issuer",
    "issuer issues": "issuer",
    "holder connects": "holder",
    "holder receives": "holder",
    "holder reads the question": "holder",
    "holder presents": "holder",
    "verifier asks": "verifier",
    "verifier judges": "verifier",
}

_LONGEST_STEP_S: Final = 60.0

type Samples = dict[str, list[float]]


class Rounds:
    """Runs rounds and keeps, in CPU milliseconds, what each step took.

    Args:
        idle: CPU seconds a second of each process when nothing is asked of it.
    """

    def __init__(self, agents: Agents, crypto: RawCrypto, clocks: ProcessClocks, idle: Mapping[str, float]) -> None:
        self._agents = agents
        self._crypto = crypto
        self._clocks = clocks
        self._idle = idle
        self.agent: Samples = defaultdict(list)
        self.raw: Samples = defaultdict(list)

    async def run(self) -> None:
        """Run one round.

        Raises:
            BenchError: a step did not end as it should.
        """
        agents = self._agents
        at_rest = await self._clocks.when_quiet()
        offer = await agents.offer()
        at_rest = await self._note(at_rest, issuer="issuer invites")
        opened = await agents.open(offer["invitation_url"])
        at_rest = await self._note(at_rest, issuer="issuer connects and offers", holder="holder connects")
        await agents.holder.post(f"/offers/{opened}/accept")
        at_rest = await self._note(
            at_rest, lambda: agents.has_received(opened), issuer="issuer issues", holder="holder receives"
        )
        credential = await agents.received(opened)
        at_rest = await self._clocks.when_quiet()
        asked = await agents.ask()
        at_rest = await self._note(at_rest, verifier="verifier asks")
        request = await agents.open(asked["invitation_url"])
        shown = await agents.holder.get(f"/requests/{request}")
        at_rest = await self._note(at_rest, holder="holder reads the question")
        if not shown["can_answer"]:
            raise BenchError(f"no credential answers the question: {shown['explanation']}")
        await agents.holder.post(f"/requests/{request}/present", {"credential_id": credential})
        await self._note(
            at_rest, lambda: agents.has_decided(asked["id"]), holder="holder presents", verifier="verifier judges"
        )
        if (verdict := await agents.verdict(asked["id"])) != "TRUSTED":
            raise BenchError(f"expected TRUSTED, found {verdict}")
        self._run_raw(asked["proof_request"])

    def _run_raw(self, compiled: Mapping[str, Any]) -> None:
        """Do the same with the library alone, on this thread, so nothing of ours runs beside it."""
        crypto, values = self._crypto, self._agents.values
        offer = self._timed("offer", crypto.offer)
        asked, metadata = self._timed("request", lambda: crypto.request(offer))
        credential, index = self._timed("issue", lambda: crypto.issue(offer, asked, values))
        held = self._timed("store", lambda: crypto.store(credential, metadata, index))
        request = self._timed("ask", lambda: crypto.proof_request(compiled))
        presentation = self._timed("present", lambda: crypto.present(held, request))
        if not self._timed("verify", lambda: crypto.verify(presentation, request)):
            raise BenchError("the raw library's own presentation does not verify")

    def _timed[T](self, name: str, work: Callable[[], T]) -> T:
        began = time.process_time_ns()
        done = work()
        self.raw[name].append((time.process_time_ns() - began) / 1e6)
        return done

    async def _note(
        self, before: Reading, is_done: Callable[[], Awaitable[bool]] | None = None, **steps: str
    ) -> Reading:
        """Wait until all are at rest, and note the CPU that each named process used for its step.

        Args:
            before: the clocks at the start of the step.
            is_done: asked after the clocks were read; if not, the machine only kept an agent from running.
            steps: process -> step.
        """
        after = await self._clocks.when_quiet()
        deadline = after.at + _LONGEST_STEP_S
        while is_done is not None and not await is_done():
            if after.at > deadline:
                raise BenchError(f"not done within {_LONGEST_STEP_S:g} s: {', '.join(steps.values())}")
            after = await self._clocks.when_quiet()
        for process, step in steps.items():
            used = after.cpu_s[process] - before.cpu_s[process]
            self.agent[step].append(1e3 * without_idle(used, after.at - before.at, self._idle[process]))
        return after
