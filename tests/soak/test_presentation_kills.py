"""Wallet and employer are killed in mid presentation, a hundred times: no question is stuck.

A question ends DECIDED or DECLINED, or it is open and can be answered again, which the person here does. Every other
one is opened twice at once. WANDERBUCH_SOAK_KILLS sets another number of kills; a kill takes about four seconds.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.soak.power import patiently
from tests.soak.village import WELDER, Village

from wanderbuch.agents.machine import AppError

DECLINING = (0.0, 1.0, 0.5)
"""How many of ten that hurry at once decline, question by question: none, all, each by a coin."""
KILLS = int(os.environ.get("WANDERBUCH_SOAK_KILLS") or 100)
QUESTIONS_A_KILL = 2
DEADLINE_S = 3600  # nothing may end by it
SETTLE_S = 120
A_KILL_S = 20  # at the most; on an idle machine it is four
_HEARD = {"DECIDED TRUSTED": "ACCEPTED", "DECLINED": "DECLINED"}


@pytest.fixture
async def village(tmp_path: Path) -> AsyncIterator[Village]:
    village = Village(
        tmp_path / "village",
        worker={"request_deadline_s": DEADLINE_S},
        employer={"judging_limit_s": 10.0, "answer_deadline_s": DEADLINE_S},
    )
    try:
        await village.open()
        yield village
    finally:
        await village.machine.stop()


class Person:
    """Who opens questions and answers them, and does not give up."""

    def __init__(self, village: Village, credential: str) -> None:
        self._worker = village.worker
        self._credential = credential

    async def open(self, url: str, *, at_once: int = 1) -> str:
        """Open a question, perhaps several times at once, and return its id."""
        calls = (patiently(lambda: self._worker.post("/invitations", {"url": url})) for _ in range(at_once))
        ids = {opened["id"] for opened in await asyncio.gather(*calls)}
        assert len(ids) == 1
        return str(ids.pop())

    async def answer(self, request_id: str, *, decline: bool = False) -> None:
        """Answer a question that is open; what was done before a kill is found done."""
        shown = await patiently(lambda: self._worker.get(f"/requests/{request_id}"))
        if shown["state"] != "OPEN":
            return
        step, body = ("decline", {}) if decline else ("present", {"credential_id": self._credential})
        try:
            await patiently(lambda: self._worker.post(f"/requests/{request_id}/{step}", body))
        except AppError as err:
            if err.problem.get("code") != "exchange":  # it went on meanwhile
                raise


async def test_no_question_is_stuck_whoever_is_killed_in_mid_presentation(
    village: Village, rng: random.Random, tell: Callable[[str], None]
) -> None:
    worker, employer = village.worker, village.employer
    _, credential = await village.issue()
    person = Person(village, credential)
    asked: list[dict[str, Any]] = []
    hit: Counter[str] = Counter()

    async def one(question: dict[str, Any]) -> None:
        url = question[rng.choice(["invitation_url", "short_url"])]
        await person.answer(await person.open(url, at_once=rng.choice([1, 2])), decline=rng.random() < 0.15)

    body = {"requirement": WELDER, "deadline_s": DEADLINE_S}
    async with asyncio.timeout(KILLS * A_KILL_S):
        for _ in range(KILLS):
            questions = [await patiently(lambda: employer.post("/requests", body)) for _ in range(QUESTIONS_A_KILL)]
            asked += questions
            answering = [asyncio.create_task(one(question)) for question in questions]
            await asyncio.sleep(rng.uniform(0, 1.2))
            victims = rng.choice([[worker], [worker], [employer], [worker, employer]])
            for victim in victims:
                await victim.kill()
                hit[victim.role] += 1
            for victim in victims:
                await victim.start(wait=False)
            await asyncio.gather(*(victim.wait_ready() for victim in victims))
            await asyncio.gather(*answering)

    told: dict[str, str] = {}
    async with asyncio.timeout(SETTLE_S + len(asked)):
        while waiting := [question["id"] for question in asked if question["id"] not in told]:
            for question in asked:
                if question["id"] not in waiting:
                    continue
                shown = await patiently(partial(employer.get, f"/requests/{question['id']}"))
                if shown["state"] in ("DECIDED", "DECLINED", "NO_ANSWER"):
                    told[question["id"]] = f"{shown['state']} {shown['verdict']}"
                elif shown["state"] == "OPEN":
                    await person.answer(await person.open(question["short_url"] or question["invitation_url"]))
            await asyncio.sleep(2)
    opened = [await person.open(question["invitation_url"]) for question in asked]
    heard: Counter[str] = Counter()
    for request_id in opened:
        view = await worker.wait_for(f"/requests/{request_id}", "state", "ACCEPTED", "DECLINED", timeout_s=90)
        heard[view["state"]] += 1
    ends = Counter(told.values())
    tell(f"{dict(hit)} kills; {dict(ends)}; the wallet: {dict(heard)}")
    assert set(ends) <= {"DECIDED TRUSTED", "DECLINED None"}
    assert len(set(opened)) == len(asked)
    assert (ends["DECIDED TRUSTED"], ends["DECLINED None"]) == (heard["ACCEPTED"], heard["DECLINED"])


async def test_doubles_of_every_kind_leave_one_question_while_the_wallet_is_killed(
    village: Village, rng: random.Random, tell: Callable[[str], None]
) -> None:
    """Ten at once open, answer and decline, and the power fails among them.

    Where all answer it is decided, and where all decline it is declined. Where they differ one of the two is the end,
    and the same at the wallet and at the employer.
    """
    worker, employer = village.worker, village.employer
    _, credential = await village.issue()
    person = Person(village, credential)
    ends: Counter[tuple[float, str]] = Counter()
    for number in range(max(len(DECLINING), KILLS // 10)):
        share = DECLINING[number % len(DECLINING)]
        question = await employer.post("/requests", {"requirement": WELDER, "deadline_s": DEADLINE_S})

        async def hurry(url: str = question["invitation_url"], share: float = share) -> str:
            opened = await person.open(url)
            await person.answer(opened, decline=rng.random() < share)
            return opened

        async with asyncio.timeout(10 * A_KILL_S):
            hurrying = [asyncio.create_task(hurry()) for _ in range(10)]
            await asyncio.sleep(rng.uniform(0, 1.0))
            await worker.kill()
            await worker.start()
            (opened,) = set(await asyncio.gather(*hurrying))
        ended = await employer.wait_for(f"/requests/{question['id']}", "state", "DECIDED", "DECLINED", timeout_s=90)
        end = "DECLINED" if ended["decision"] is None else f"DECIDED {ended['decision']['verdict']}"
        ends[share, end] += 1
        heard = await worker.wait_for(f"/requests/{opened}", "state", "ACCEPTED", "DECLINED", timeout_s=90)
        assert heard["state"] == _HEARD[end]
    tell(f"{dict(ends)}")
    by_share = {share: {end for of, end in ends if of == share} for share in DECLINING}
    assert by_share[0.0] == {"DECIDED TRUSTED"}
    assert by_share[1.0] == {"DECLINED"}
    assert by_share[0.5] <= {"DECIDED TRUSTED", "DECLINED"}
    listed = (await worker.get("/requests"))["items"]
    assert len(listed) == sum(ends.values())
