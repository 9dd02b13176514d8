"""A village for soak tests: an authority, a training centre, a wallet, an employer, each a process of its own.

    village = Village(folder, centre={"registry_size": 32})
    await village.open()
    credential_id = await village.issue()

Nobody cheats here; what is hostile is the power supply (`power.cuts`) and the disk.
"""

import asyncio
import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.postgresql import Database, PostgresServer

from wanderbuch.agents.demo.example import example_claim, example_payload
from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.machine.children import StartChild, start_child

ECOSYSTEM = "sri-lanka"
WELDER = {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3}


class Village:
    """Everybody on one machine.

    Args:
        folder: where the agents live; must be empty.
        authority, centre, worker, employer: further settings of each one's own table.
        doubled_on: a server on which centre, worker and employer have a database each, and two processes.
        start_child: how the processes are started.
    """

    def __init__(
        self,
        folder: Path,
        *,
        authority: Mapping[str, object] | None = None,
        centre: Mapping[str, object] | None = None,
        worker: Mapping[str, object] | None = None,
        employer: Mapping[str, object] | None = None,
        doubled_on: PostgresServer | None = None,
        start_child: StartChild = start_child,
    ) -> None:
        self.machine = LocalMachine(folder, start_child=start_child)
        add, processes = self.machine.add, 1 if doubled_on is None else 2
        self.authority = add(
            "authority",
            "Training Authority of Sri Lanka (example)",
            "authority.wanderbuch.test",
            authority={"ecosystem": ECOSYSTEM, "four_eyes": False, **(authority or {})},
        )
        self.centre = add("issuer", "Colombo Welding Centre (example)", "centre.wanderbuch.test", processes=processes)
        self.worker = add(
            "holder", "Nimal's wallet", "worker.wanderbuch.test", processes=processes, holder=worker or {}
        )
        self.employer = add(
            "verifier",
            "Valletta Shipyard (example employer)",
            "shipyard.wanderbuch.test",
            processes=processes,
            verifier=employer or {},
        )
        self.databases: list[Database] = []
        if doubled_on is not None:
            for agent in (self.centre, self.worker, self.employer):
                self.databases.append(doubled_on.create_database())
                agent.use_store(self.databases[-1].url, self.databases[-1].password)
        self._centre_settings = dict(centre or {})
        self.payload: dict[str, Any] = {}

    async def open_authority(self) -> None:
        """Start the authority, and tell everybody whom to follow."""
        await self.authority.start()
        about = await self.authority.get("/identity")
        governance = {"url": about["governance_url"], "author": about["did"]}
        schema_id = about["schemas"]["qualification/1.0"]
        self.centre.configure(governance=governance, issuer={"schema_id": schema_id, **self._centre_settings})
        self.worker.configure(governance=governance)
        self.employer.configure(governance=governance)

    async def open(self) -> None:
        """Start everybody and publish a governance file that names the centre."""
        await self.open_authority()
        await asyncio.gather(*(agent.start() for agent in (self.centre, self.employer)))
        await self.publish_first()
        await self.worker.start()

    async def publish_first(self) -> None:
        """Publish version 1 once the centre can issue."""
        centre = await ready_to_issue(self.centre)
        employer = await self.employer.get("/identity")
        about = await self.authority.get("/identity")
        self.payload = example_payload(
            dids={
                "authority.wanderbuch.test": about["did"],
                "centre.wanderbuch.test": centre["did"],
                "shipyard.wanderbuch.test": employer["did"],
            },
            cred_defs={"centre.wanderbuch.test": centre["cred_def_id"]},
            schema_id=centre["schema_id"],
        )
        await self.authority.post("/versions", {"payload": self.payload})
        await asyncio.gather(self.centre.post("/governance/refresh"), self.employer.post("/governance/refresh"))

    async def offer(self, *, deadline_s: int = 300, **changes: str) -> tuple[str, str]:
        """Return the ids of one offer with the centre and with the worker."""
        made = await self.centre.post("/offers", {"claim": example_claim(**changes), "deadline_s": deadline_s})
        opened = await self.worker.post("/invitations", {"url": made["invitation_url"]})
        return made["id"], opened["id"]

    async def issue(self, **changes: str) -> tuple[str, str]:
        """Return the offer's id with the centre and the credential's with the worker."""
        made, received = await self.offer(deadline_s=300, **changes)
        await self.worker.post(f"/offers/{received}/accept")
        kept = await self.worker.wait_for(f"/offers/{received}", "state", "RECEIVED")
        await self.centre.wait_for(f"/offers/{made}", "receipt", "KEPT")
        return made, kept["credential_id"]


async def ready_to_issue(centre: AgentHandle, *, registries: int = 2) -> dict[str, Any]:
    """Wait until the centre stands, with an active registry and a spare."""
    async with asyncio.timeout(300):
        while len((standing := await centre.get("/standing"))["registries"]) < registries:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return dict(standing)


def thread_of(invitation_url: str) -> str:
    """Return the thread of the message that an invitation carries."""
    encoded = parse_qs(urlsplit(invitation_url).query)["oob"][0]
    invitation = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    message = invitation["requests~attach"][0]["data"]["json"]
    return str(message.get("~thread", {}).get("thid") or message["@id"])
