"""What a question costs whoever asks, and how long a verifier takes over many answers at once; beside the raw library.

A real employer on real sockets. Its questions are put over REST, in words: read, compiled, kept, made into invitations;
the CPU time of its process for that, over the library's verifying of one answer. Then a wallet that has made an answer
to each sends them all at once: from when the first begins to arrive to the last decision, over what the library needs
to verify as many on all processors. The wallet makes its answers before. Workers send from phones of their own, here
one wallet takes all orders to send before it has sent one, and the wallet, the hosts and this bench use the same
processors: so the clock starts when the employer has something to do, and what the others used from then on, shared out
over the processors, is taken off (`details.asking` has the time with it too). Nobody asks the employer whether it is
ready before it has used most of the library's time, for asking would be work. Every answer has to be TRUSTED in the
end.
"""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests.abuse.town import Town
from tests.bench.crypto import RawCrypto
from tests.bench.errors import BenchError
from tests.bench.process_clock import ProcessClocks, Reading
from tests.bench.ratios import Ratio, median_of_ratios
from tests.unit.trust.ecosystem import WELDER_VALUES
from tests.welders import CLAIM

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.schemas.credential_type import load_credential_type

_QUESTION: Final = {
    "place": "Malta",
    "answer_within_s": 3600,
    "credentials": [{"ask": "qualification", "occupation": "welder", "level": {"at_least": "3"}}],
}
_BATCH: Final = 20
_VERIFIED: Final = 5
_END_S: Final = 300.0
_LOOK_EVERY_S: Final = 0.1
_WATCHED_EVERY_S: Final = 0.01
_UNASKED: Final = 0.8  # of the library's CPU: the employer uses more
_AT_WORK_S: Final = 0.01  # CPU: more than an idle employer uses within a few moments


@dataclass(frozen=True, slots=True)
class AskingFigures:
    """What was found.

    Args:
        ask: CPU of a question, over verifying an answer.
        makespan: wall time of all answers at once, less what others used of the processors, over the library's.
        outcomes: how many questions ended how; all should be TRUSTED.
    """

    ask: Ratio
    makespan: float
    outcomes: dict[str, int]
    details: dict[str, Any]

    @property
    def lost(self) -> int:
        """How many answers did not end TRUSTED."""
        return sum(count for outcome, count in self.outcomes.items() if outcome != "TRUSTED")


async def measure_asking(
    folder: Path, *, registry_size: int, sessions: int, progress: Callable[[str], None]
) -> AskingFigures:
    """Start everybody, and measure.

    Args:
        folder: for the agents.
        registry_size: places in a revocation registry.
        sessions: so many questions are answered at once; as many are put in batches.
        progress: is told what is being done.

    Raises:
        BenchError: an agent did not do its part.
        NoClockError: the CPU clock of another process cannot be read here.
        NotQuietError: the employer never came to rest.
    """
    town = Town(
        folder,
        liars=("liar",),
        employers=("employer",),
        academy=True,
        registry_size=registry_size,
        machine=LocalMachine(folder / "town"),
    )
    try:
        progress("A town for many questions at once")
        await town.open()
        return await _measured(town, folder, registry_size, sessions, progress)
    finally:
        await town.machine.stop()


async def _measured(
    town: Town, folder: Path, registry_size: int, sessions: int, progress: Callable[[str], None]
) -> AskingFigures:
    employer, liar = town.people["employer"], town.people["liar"]
    if employer.process is None:
        raise BenchError("expected an employer that runs")
    clocks = ProcessClocks({"employer": employer.process.pid})
    others = _Others(town)
    credential = await _credential(town, liar)
    first = await employer.post("/questions", _QUESTION)  # it reads the crosswalks and the titles
    await employer.post(f"/requests/{first['id']}/cancel")  # nobody answers it, and what is open is waited for
    progress(f"{sessions} questions are put")
    asked: list[dict[str, Any]] = []
    asking: list[float] = []
    for _ in range(0, sessions, _BATCH):
        before = (await clocks.when_quiet()).cpu_s["employer"]
        asked += [await employer.post("/questions", _QUESTION) for _ in range(_BATCH)]
        asking.append(1e3 * ((await clocks.when_quiet()).cpu_s["employer"] - before) / _BATCH)
    verifying = await asyncio.to_thread(_verifying_ms, folder, registry_size, asked[0]["proof_request"], len(asking))
    progress("An answer to each is made")
    made = [await _answer(liar, question, credential) for question in asked]
    progress(f"{len(made)} answers are sent at once")
    await clocks.when_quiet()
    cores = len(os.sched_getaffinity(0))
    library_ms = len(asked) * median(verifying) / cores
    sent = asyncio.gather(
        *(liar.post(f"/requests/{request}/send", {"presentation": answer}) for request, answer in made)
    )
    start = await _has_used(clocks, _AT_WORK_S)
    others_before = others.cpu_s()
    after_library = asyncio.create_task(_has_used(clocks, _UNASKED * library_ms * cores / 1e3))
    await sent
    await after_library
    await _all_ended(employer)
    after = clocks.read()
    wall_ms = 1e3 * (after.at - start.at)
    own_ms = 1e3 * (after.cpu_s["employer"] - start.cpu_s["employer"]) / cores
    others_ms = 1e3 * (others.cpu_s() - others_before) / cores
    outcomes = await _outcomes(employer, asked)
    details = {
        "wall_ms": round(wall_ms),
        "own_ms": round(own_ms),
        "others_ms": round(others_ms),
        "library_ms": round(library_ms),
        "cores": cores,
        "outcomes": outcomes,
    }
    makespan = (wall_ms - others_ms) / library_ms
    return AskingFigures(median_of_ratios(asking, verifying), makespan, outcomes, details)


async def _has_used(clocks: ProcessClocks, cpu_s: float) -> Reading:
    """Return the clocks once the employer has used so much from now on, whatever it is doing by then.

    Raises:
        BenchError: it has not after a long while.
    """
    began = clocks.read()
    while (now := clocks.read()).cpu_s["employer"] - began.cpu_s["employer"] < cpu_s:
        if now.at - began.at > _END_S:
            raise BenchError(f"expected the employer to be at work, found it idle after {_END_S:g} s")
        await asyncio.sleep(_WATCHED_EVERY_S)
    return now


class _Others:
    """Everybody in town but the employer, and this bench itself."""

    def __init__(self, town: Town) -> None:
        agents = [town.authority, town.centre, town.school, town.academy, *town.people.values()]
        employer = town.people["employer"]
        running = [agent for agent in agents if agent and agent is not employer and agent.process]
        self._clocks = ProcessClocks({agent.host: agent.process.pid for agent in running if agent.process})

    def cpu_s(self) -> float:
        """Return the CPU seconds that they used so far."""
        return sum(self._clocks.read().cpu_s.values()) + time.process_time()


async def _credential(town: Town, liar: AgentHandle) -> str:
    if town.academy is None:
        raise BenchError("expected a town with an academy")
    made = await town.academy.post("/offers", {"claim": CLAIM})
    await liar.post("/invitations", {"url": made["short_url"]})
    await town.academy.wait_for(f"/offers/{made['id']}", "receipt", "KEPT")
    return str((await liar.get("/credentials"))["items"][0]["id"])


async def _answer(liar: AgentHandle, question: dict[str, Any], credential: str) -> tuple[str, dict[str, Any]]:
    """Return the wallet's id of a question, and its answer, which is not sent yet."""
    opened = await liar.post("/invitations", {"url": question["invitation_url"]})
    request = question["proof_request"]
    credentials = dict.fromkeys(request["requested_attributes"], credential)
    part = await liar.post("/parts", {"proof_request": request, "credentials": credentials})
    return str(opened["id"]), part["presentation"]


async def _all_ended(employer: AgentHandle) -> None:
    """Wait until no question is open any more.

    Raises:
        BenchError: some are still open, so there is no time to tell.
    """
    deadline = time.monotonic() + _END_S
    while (await employer.get("/requests", state="OPEN", limit="1"))["items"]:
        if time.monotonic() > deadline:
            raise BenchError(f"expected every question to have ended after {_END_S:g} s, found some that are open")
        await asyncio.sleep(_LOOK_EVERY_S)


async def _outcomes(employer: AgentHandle, asked: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Return how the questions ended."""
    outcomes: Counter[str] = Counter()
    for question in asked:
        request = await employer.get(f"/requests/{question['id']}")
        outcomes[(request["decision"] or {"verdict": request["state"]})["verdict"]] += 1
    return dict(outcomes)


def _verifying_ms(folder: Path, registry_size: int, proof_request: dict[str, Any], rounds: int) -> list[float]:
    """Return how long the raw library takes to verify an answer to such a question, in CPU milliseconds."""
    raw = RawCrypto(load_credential_type("qualification/1.0").attr_names, registry_size, folder)
    request, metadata = raw.request(offer := raw.offer())
    credential, index = raw.issue(offer, request, WELDER_VALUES)
    question = {**raw.proof_request(proof_request), "nonce": "1234567890"}
    presentation = raw.present(raw.store(credential, metadata, index), question)
    if not raw.verify(presentation, question):
        raise BenchError(f"expected a presentation that verifies, found another one: {json.dumps(question)[:200]}")
    times_ms: list[float] = []
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(_VERIFIED):
            raw.verify(presentation, question)
        times_ms.append(1e3 * (time.process_time() - began) / _VERIFIED)
    return times_ms
