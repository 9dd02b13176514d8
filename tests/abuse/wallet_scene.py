"""Real agents around a wallet in the page that others try to cheat: honest ones, and a cheat for each of them.

The mediator is `rogues/lying_mediator.py`: it reorders, drops and replays what waits for wallets all the time, and
answers for others what a test tells it to. `false_centre` (`rogues/rogue_issuer.py`) and `false_yard` (an agent as
anybody can run one) bear the names of the centre and of the shipyard, and the authority knows neither.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.interop.ecosystem import Ecosystem, running_ecosystem
from tests.interop.page_wallet_process import PageWallet, page_wallet
from tests.interop.page_wallet_visits import answers_of

from wanderbuch.agents.demo.example import next_version
from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import VERIFICATION

HOST: Final = "liar.wanderbuch.test"
CENTRE: Final = "Colombo Welding Centre (example)"
YARD: Final = "Valletta Shipyard (example employer)"
OTHERS: Final = [
    *("authority.wanderbuch.test", "centre.wanderbuch.test", "shipyard.wanderbuch.test"),
    *("false-centre.wanderbuch.test", "false-yard.wanderbuch.test"),
]

REGISTERED: Final = {
    "aim": "To hire welders for the yard",
    "privacy_policy": "https://shipyard.wanderbuch.test/privacy",
    "keeps_days": 30,
}
QUEUE: Final = 64


@dataclass
class Scene:
    """Everybody, and the wallet."""

    ecosystem: Ecosystem
    mediator: AgentHandle
    false_centre: AgentHandle
    false_yard: AgentHandle
    wallet: PageWallet
    offer: str = ""
    too_much: dict[str, Any] = field(default_factory=dict)
    """What the shipyard asked before the authority listed it: name and day of birth too, which it may not ask now."""
    too_much_in_part: dict[str, Any] = field(default_factory=dict)
    """The same, of which name and day of birth may be left out."""

    def lie(self, **lies: object) -> None:
        (self.mediator.folder / "lies.json").write_text(json.dumps(lies))

    async def come_again(self) -> None:
        """As a worker who opens the page once more."""
        await self.wallet.do("leave")
        await self.wallet.visit(egress=True)

    async def until(self, kind: str, **what: object) -> str:
        """Wait, and come again where something was kept back."""
        for _ in range(6):
            if await self.wallet.lives_s("until", 10, kind=kind, **what):
                return await self.wallet.until(kind, **what)
            await self.come_again()
        raise AssertionError(f"no {kind} is {what}")

    async def take(self, **changes: str) -> str:
        """Take a qualification; give the id of its offer at the centre."""
        offer = await self.ecosystem.offer(changes)
        connection = (await self.wallet.do("follow", address=offer["short_url"]))["id"]
        received = await self._offered(connection)
        await self.wallet.do("accept", id=received)
        await self.until("offer", id=received, state="kept")
        await self.ecosystem.centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT")
        return str(offer["id"])

    async def _offered(self, connection: str) -> str:
        """Wait for what is offered over a connection: others may offer something meanwhile."""
        for number in range(60):
            rows = await self.wallet.rows("offer")
            for name, row in rows.items():
                if (row["connection"], row["state"]) == (connection, "offered"):
                    return name
            if number % 10 == 9:
                await self.come_again()
            await asyncio.sleep(1)
        raise AssertionError("nothing is offered")

    async def answer(self, **requirement: object) -> dict[str, Any]:
        """Answer the employer; give the end of it."""
        request = await self.ecosystem.ask(**requirement)
        opened = (await self.wallet.do("follow", address=request["short_url"]))["id"]
        await self.wallet.do("answer", id=opened, answers=await answers_of(self.wallet, opened))
        return await self.ecosystem.outcome(request)


@asynccontextmanager
async def wallet_scene(folder: Path) -> AsyncIterator[Scene]:
    """Start everybody, and let the wallet take a certificate."""
    rogues: dict[str, AgentHandle] = {}

    def add(machine: LocalMachine) -> None:
        command = (sys.executable, "-m", "rogues.lying_mediator")
        egress = {"egress": True, "egress_hosts": OTHERS, "queue_messages": QUEUE}
        rogues["mediator"] = machine.add("mediator", "Mediator", HOST, command=command, mediator=egress)
        command = (sys.executable, "-m", "rogues.rogue_issuer")
        rogues["centre"] = machine.add("rogue_issuer", CENTRE, "false-centre.wanderbuch.test", command=command)
        rogues["yard"] = machine.add("verifier", YARD, "false-yard.wanderbuch.test")

    async with running_ecosystem(folder, further=add) as ecosystem:
        view = await ecosystem.authority.get("/identity")
        governance = {"url": view["governance_url"], "author": view["did"]}
        rogues["centre"].configure(rogue_issuer={"schema_id": view["schemas"]["qualification/1.0"]})
        rogues["yard"].configure(governance=governance)
        for rogue in rogues.values():
            await rogue.start()
        async with page_wallet(ecosystem.machine, HOST) as wallet:
            wallet.governance = governance
            await wallet.visit(egress=True)
            scene = Scene(ecosystem, rogues["mediator"], rogues["centre"], rogues["yard"], wallet)
            scene.offer = await scene.take()
            named = {"min_eqf_level": 3, "subject": "name_and_birth_date"}
            scene.too_much = await ecosystem.ask(**named, deadline_s=3_600)
            scene.too_much_in_part = await ecosystem.ask(**named, least_subject="none", deadline_s=3_600)
            await list_the_yard(ecosystem)
            yield scene


async def list_the_yard(ecosystem: Ecosystem) -> None:
    """Publish what the shipyard may ask: the first of the two statements of the example."""
    did = (await ecosystem.employer.get("/identity"))["did"]
    payload = next_version(ecosystem.payload)
    entries = payload["participants"]["entries"]
    (example,) = entries[VERIFICATION]
    (first, _) = entries[VERIFICATION].pop(example)["verifications"]
    entries[VERIFICATION][did] = {"verifications": [first | REGISTERED]}
    entries[DESCRIPTION][did] = entries[DESCRIPTION].pop(example)
    payload["participants"]["entries"] = json.loads(json.dumps(entries).replace(example, did))
    await ecosystem.authority.post("/versions", {"payload": payload})
    followers = (ecosystem.centre, ecosystem.employer)
    await asyncio.gather(*(agent.post("/governance/refresh") for agent in followers))
