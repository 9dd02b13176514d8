"""One round of our agents, and one of the raw library: everything once, each step until all are at rest.

The raw library does each of its steps `_REPEATED` times a round, for the library's own cost varies (it looks for
primes); a round's sample is their median.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any, Final

from tests.bench.agents import Agents
from tests.bench.crypto import RawCrypto
from tests.bench.errors import BenchError
from tests.bench.meter import Meter, Samples

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
_REPEATED: Final = 3


async def run_agents(agents: Agents, meter: Meter) -> dict[str, Any]:
    """Run one round of our agents; return the proof request that the verifier compiled.

    Raises:
        BenchError: a step did not end as it should.
    """
    at_rest = await meter.at_rest()
    offer = await agents.offer()
    at_rest = await meter.note(at_rest, issuer="issuer invites")
    opened = await agents.open(offer["invitation_url"])
    at_rest = await meter.note(at_rest, issuer="issuer connects and offers", holder="holder connects")
    await agents.holder.post(f"/offers/{opened}/accept")
    await meter.note(at_rest, lambda: agents.has_received(opened), issuer="issuer issues", holder="holder receives")
    credential = await agents.received(opened)
    at_rest = await meter.at_rest()
    asked = await agents.ask()
    at_rest = await meter.note(at_rest, verifier="verifier asks")
    request = await agents.open(asked["invitation_url"])
    shown = await agents.holder.get(f"/requests/{request}")
    at_rest = await meter.note(at_rest, holder="holder reads the question")
    if not shown["can_answer"]:
        raise BenchError(f"no credential answers the question: {shown['explanation']}")
    await agents.holder.post(f"/requests/{request}/present", {"credential_id": credential})
    await meter.note(
        at_rest, lambda: agents.has_decided(asked["id"]), holder="holder presents", verifier="verifier judges"
    )
    if (verdict := await agents.verdict(asked["id"])) != "TRUSTED":
        raise BenchError(f"expected TRUSTED, found {verdict}")
    proof_request: dict[str, Any] = asked["proof_request"]
    return proof_request


class RawRounds:
    """The same with the library alone, on this thread, so nothing of ours runs beside it."""

    def __init__(self, crypto: RawCrypto, values: Mapping[str, str]) -> None:
        self._crypto = crypto
        self._values = values
        self.samples: Samples = defaultdict(list)

    def run(self, compiled: Mapping[str, Any]) -> None:
        """Run one round.

        Args:
            compiled: the proof request of our verifier.

        Raises:
            BenchError: what it made does not verify.
        """
        durations: Samples = defaultdict(list)

        def timed[T](name: str, work: Callable[[], T]) -> T:
            began = time.process_time_ns()
            done = work()
            durations[name].append((time.process_time_ns() - began) / 1e6)
            return done

        crypto = self._crypto

        def once() -> None:
            offer = timed("offer", crypto.offer)
            asked, metadata = timed("request", lambda: crypto.request(offer))
            credential, index = timed("issue", lambda: crypto.issue(offer, asked, self._values))
            stored = timed("store", lambda: crypto.store(credential, metadata, index))
            request = timed("ask", lambda: crypto.proof_request(compiled))
            presentation = timed("present", lambda: crypto.present(stored, request))
            if not timed("verify", lambda: crypto.verify(presentation, request)):
                raise BenchError("the raw library's own presentation does not verify")

        for _ in range(_REPEATED):
            once()
        for name, samples in durations.items():
            self.samples[name].append(median(samples))
