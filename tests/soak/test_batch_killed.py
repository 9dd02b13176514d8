"""kill -9 of the centre at random moments while a class takes its certificates: no row is lost, none has two.

On SQLite one process, on PostgreSQL two behind a plain proxy. Each person opens the page of their slip, presses the
button, and accepts with the wallet; where nobody answers they come again, as people do. WANDERBUCH_SOAK_ROWS says how
many there are (2,000), WANDERBUCH_SOAK_KILLS how many kills (50).
"""

import asyncio
import base64
import os
import random
import re
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from tests.postgresql import PostgresServer
from tests.soak.power import patiently
from tests.soak.test_processes_killed import events
from tests.soak.village import Village

from wanderbuch.agents.demo.example import example_claim
from wanderbuch.agents.machine import AppError

ROWS = int(os.environ.get("WANDERBUCH_SOAK_ROWS", "2000"))
KILLS = int(os.environ.get("WANDERBUCH_SOAK_KILLS", "50"))
AT_ONCE = 8
DEADLINE_S = 120
OWN = ("credential_id", "family_name", "given_names", "birth_date")
_NOT_NOW = (429, 502, 503, 504)
_OFFER = re.compile(r"https://[^<\s\"]+/i/[A-Za-z0-9_-]+")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))])
async def village(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Village]:
    server: PostgresServer | None = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
    village = Village(
        tmp_path / "village",
        centre={"registry_size": 512, "offer_deadline_s": DEADLINE_S},
        worker={"offer_deadline_s": 3600},
        doubled_on=server,
    )
    village.centre.configure(public={"trusted_proxies": ["127.0.0.0/8"]})  # each person comes from a network of theirs
    try:
        await village.open()
        yield village
    finally:
        await village.machine.stop()
        for database in village.databases:
            assert server is not None
            await asyncio.to_thread(server.drop_database, database)


class ClassDay:
    """People with slips, so many at once, until each has a certificate."""

    def __init__(self, village: Village, slips: list[str], session: aiohttp.ClientSession) -> None:
        self.village = village
        self.waiting = list(enumerate(slips))
        self.came = 0
        self._session = session
        self._trusted = ssl.create_default_context(cafile=str(village.machine.ca_file))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._person())

    async def _person(self) -> None:
        while self.waiting:
            number, slip = self.waiting.pop(0)
            while True:
                self.came += 1
                status, page = await patiently(lambda: self._press(number, slip))  # noqa: B023
                if status == 410:  # it was taken
                    break
                assert status == 200, page
                offer = _OFFER.search(page)
                assert offer is not None, page
                await self._accept(offer[0])

    async def _press(self, number: int, slip: str) -> tuple[int, str]:
        """Press the button of a slip's page, from a network of one's own."""
        host, token = urlsplit(slip).netloc, slip.rpartition("/")[2]
        network = f"198.{18 + number // 62_500}.{number // 250 % 250}.{number % 250 + 1}"
        call = self._session.post(
            f"https://{self.village.centre.target}/claim/en/{token}",
            data={"told": ""},
            headers={"Host": host, "X-Forwarded-For": network},
            ssl=self._trusted,
            server_hostname=host,
        )
        async with call as answer:
            if answer.status in _NOT_NOW:
                raise ConnectionError
            return answer.status, await answer.text()

    async def _accept(self, address: str) -> None:
        worker = self.village.worker
        try:
            opened = await patiently(lambda: worker.post("/invitations", {"url": address}))
            path = f"/offers/{opened['id']}"
            await patiently(lambda: worker.post(f"{path}/accept"))
        except AppError:  # it had it, or the offer was over when it came: the slip says so
            await asyncio.sleep(0.5)
            return
        async with asyncio.timeout(DEADLINE_S * 2):
            while (await patiently(lambda: worker.get(path)))["state"] in {"OPEN", "ACCEPTED"}:  # noqa: ASYNC110
                await asyncio.sleep(0.2)


async def test_no_row_is_lost_and_none_has_two_certificates(
    village: Village, rng: random.Random, tell: Callable[[str], None]
) -> None:
    centre = village.centre
    slips = await started(village)

    async def kills() -> None:
        for _ in range(KILLS):
            await asyncio.sleep(rng.uniform(0.5, max(1.0, 0.4 * ROWS / KILLS)))
            process = rng.choice(centre.processes)
            await process.kill()
            await asyncio.sleep(rng.uniform(0.0, 1.0))
            await centre.start_one(process)

    async with aiohttp.ClientSession() as session:
        day = ClassDay(village, [slip["address"] for slip in slips], session)
        async with asyncio.TaskGroup() as group:
            group.create_task(day.run())
            group.create_task(kills())
    await centre.wait_ready()
    issued = Counter([event["subject"] async for event in events(centre, "credential.issued")])
    rows = await every_slip(village)
    in_wallet = [offer for offer in await received(village) if offer["state"] == "RECEIVED"]
    tell(
        f"{KILLS} kills; {len(rows)} rows, {len(issued)} credentials, {len(in_wallet)} in the wallet; {day.came} visits"
    )
    assert Counter(row["state"] for row in rows) == {"ISSUED": ROWS}
    assert {row["offer_id"] for row in rows} == set(issued)  # so none was issued beside the one that the row knows
    assert max(issued.values()) == 1
    assert len({offer["credential_id"] for offer in in_wallet}) == len(in_wallet) == ROWS


async def started(village: Village) -> list[dict[str, Any]]:
    """Return the slips of a class that may be claimed."""
    text = "Certificate No,Surname,First names,Date of birth\r\n" + "".join(
        f"K-{at},Perera{at},Nimal,1991-03-05\r\n" for at in range(ROWS)
    )
    for_all = {name: value for name, value in example_claim().items() if name not in (*OWN, "award_year")}
    sent = {"list": base64.b64encode(text.encode()).decode(), "for_all": for_all}
    made = await village.centre.post("/batches", {"title": "Class", "list": sent, "access": "in-person"})
    await village.centre.post(f"/batches/{made['batch']['id']}/start")
    return await every_slip(village)


async def every_slip(village: Village) -> list[dict[str, Any]]:
    """Return the rows of the one batch."""
    (batch,) = (await village.centre.get("/batches"))["items"]
    await village.centre.get(f"/batches/{batch['id']}")  # looks at those that are open
    return await every(village.centre, f"/batches/{batch['id']}/slips")


async def received(village: Village) -> list[dict[str, Any]]:
    """Return the offers of the wallet."""
    items: list[dict[str, Any]] = []
    while part := (await village.worker.get("/offers", limit="100", offset=str(len(items))))["items"]:
        items += part
    return items


async def every(agent: Any, path: str) -> list[dict[str, Any]]:
    """Return all items of a list."""
    items: list[dict[str, Any]] = []
    asked = {"limit": "100"}
    while True:
        part = await agent.get(path, **asked)
        items += part["items"]
        if part["next_cursor"] is None:
            return items
        asked["cursor"] = part["next_cursor"]
