"""A class takes its certificates: a list is handed in as a file, and each slip of it is claimed as people do.

Each person comes from a network of their own, over a TLS connection of their own: they open the page of their slip,
press its button over the same connection, and open in a wallet, which accepts, what the page shows then. Nothing is
tried a second time. What a browser fetches beside the pages is left out: style sheet and mark, which do not change, and
the picture of the code, which is for another device.
"""

import asyncio
import base64
import re
import ssl
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from tests.bench.agents import Agents
from tests.bench.errors import BenchError

from wanderbuch.agents.demo.example import example_claim
from wanderbuch.agents.machine import AgentHandle

_OWN: Final = ("credential_id", "family_name", "given_names", "birth_date")
_HEADER: Final = "Certificate No,Surname,First names,Date of birth\r\n"
_OFFER: Final = re.compile(r"https://[^<\s\"]+/i/[A-Za-z0-9_-]+")
_FORM: Final = re.compile(r'<form[^>]* action="([^"]+)"')
_HELD_S: Final = 120.0
_LOOK_EVERY_S: Final = 0.1
_PART: Final = 100


class ClassDay:
    """Those with slips, so many at once.

    Args:
        agents: whose issuer and wallets.
        at_once: how many people come at the same time.
    """

    def __init__(self, agents: Agents, at_once: int) -> None:
        self._agents = agents
        self._at_once = at_once
        self._trusted = ssl.create_default_context(cafile=str(agents.machine.ca_file))
        self._came = 0

    async def hand_in(self, rows: int, *, series: str) -> str:
        """Hand in a list of so many rows and have its slips claimed from now on; return the batch's id.

        Args:
            rows: how many people.
            series: what the numbers of their certificates begin with.
        """
        lines = (
            f"{series}-{at:06},Perera{at},Nimal Sunil,{1970 + at % 30}-03-{at % 28 + 1:02}\r\n" for at in range(rows)
        )
        text = _HEADER + "".join(lines)
        for_all = {name: value for name, value in example_claim().items() if name not in (*_OWN, "award_year")}
        sent = {"list": base64.b64encode(text.encode()).decode(), "for_all": for_all}
        issuer = self._agents.issuer
        made = await issuer.post("/batches", {"title": series, "list": sent, "access": "in-person"})
        batch_id = str(made["batch"]["id"])
        await issuer.post(f"/batches/{batch_id}/start")
        return batch_id

    async def slips(self, batch_id: str) -> AsyncIterator[dict[str, Any]]:
        """Yield the rows of a batch with the addresses of their slips."""
        asked = {"limit": str(_PART)}
        while True:
            part = await self._agents.issuer.get(f"/batches/{batch_id}/slips", **asked)
            for slip in part["items"]:
                yield slip
            if part["next_cursor"] is None:
                return
            asked["cursor"] = part["next_cursor"]

    async def issued(self, batch_id: str) -> int:
        """Return how many rows of a batch have become credentials, once all that are open were looked at."""
        return int((await self._agents.issuer.get(f"/batches/{batch_id}"))["counts"]["issued"])

    async def take(self, addresses: Sequence[str]) -> None:
        """Have these slips claimed and the credentials stored in wallets, by the wallets in turn.

        Raises:
            BenchError: one did not become a credential.
        """
        waiting = list(enumerate(addresses))
        wallets = self._agents.wallets

        async def person() -> None:
            while waiting:
                at, address = waiting.pop(0)
                await self._hold(wallets[at % len(wallets)], await self._claim(address))

        async with asyncio.TaskGroup() as group:
            for _ in range(self._at_once):
                group.create_task(person())

    async def _claim(self, slip: str) -> str:
        """Return the address of the offer that a slip becomes."""
        host, path = urlsplit(slip).netloc, urlsplit(slip).path
        number, self._came = self._came, self._came + 1
        own = f"127.{10 + number // 250 % 240}.{number % 250}.{number // 60_000 + 1}"  # a /24 is one network
        site = f"https://{self._agents.issuer.target}"
        asked: dict[str, Any] = {"headers": {"Host": host}, "ssl": self._trusted, "server_hostname": host}
        connector = aiohttp.TCPConnector(local_addr=(own, 0))
        async with aiohttp.ClientSession(connector=connector) as session:
            async with session.get(site + path, allow_redirects=False, **asked) as shown:
                form = _FORM.search(await shown.text())
            if form is None:
                raise BenchError(f"expected the page of a slip, found status {shown.status}")
            async with session.post(site + form[1], data={"told": ""}, **asked) as answer:
                text = await answer.text()
        offer = _OFFER.search(text)
        if answer.status != 200 or offer is None:
            raise BenchError(f"expected an offer for a slip, found status {answer.status}")
        return offer[0]

    async def _hold(self, wallet: AgentHandle, address: str) -> None:
        opened = (await wallet.post("/invitations", {"url": address}))["id"]
        await wallet.post(f"/offers/{opened}/accept")
        async with asyncio.timeout(_HELD_S):
            while (state := (await wallet.get(f"/offers/{opened}"))["state"]) in {"OPEN", "ACCEPTED"}:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_EVERY_S)
        if state != "RECEIVED":
            raise BenchError(f"expected a credential in the wallet, found {state}")
