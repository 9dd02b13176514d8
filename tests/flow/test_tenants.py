"""Two organisations in one process, from the first credential to the removal of who issued it.

A school (issuer and verifier, below the process's host) and a shipyard (verifier, on a host of its own) are tenants of
one process; the authority, a worker's wallet and another employer are processes of their own.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.prepared import start_prepared

from wanderbuch.agents.demo.example import example_claim, example_payload, suspend
from wanderbuch.agents.machine import AgentHandle, AppError, LocalMachine
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]

YARD = "yard.wanderbuch.test"
SCHOOL_API, YARD_API = "/v1/t/school", "/v1/t/yard"
WELDER = {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3}


class Service:
    """A process for several organisations, and those whom they deal with."""

    def __init__(self, folder: Path) -> None:
        self.machine = LocalMachine(folder, start_child=start_prepared)
        add = self.machine.add
        self.authority = add(
            "authority", "Authority", "authority.wanderbuch.test", authority={"ecosystem": "x", "four_eyes": False}
        )
        self.process = add("issuer", "Service", "service.wanderbuch.test")
        self.worker = add("holder", "Nimal", "worker.wanderbuch.test")
        self.employer = add("verifier", "Shipyard", "shipyard.wanderbuch.test")
        self.machine.reach(YARD, self.process.target)
        self.payload: dict[str, Any] = {}
        self.standing: dict[str, Any] = {}
        self.token = ""

    async def open(self) -> None:
        await self.authority.start()
        about = await self.authority.get("/identity")
        governance = {"url": about["governance_url"], "author": about["did"]}
        schema_id = about["schemas"]["qualification/1.0"]
        self.machine.authority.write_server(YARD, self.process.folder / "yard.crt", self.process.folder / "yard.key")
        host = {"host": YARD, "tls_certificate": "yard.crt", "tls_key": "yard.key"}
        self.process.configure(
            governance=governance,
            public={"hosts": [host]},
            issuer={"schema_id": schema_id, "registry_size": 16},
            tenants={"roles": ["issuer", "verifier"]},
        )
        for agent in (self.worker, self.employer):
            agent.configure(governance=governance)
        await asyncio.gather(self.process.start(), self.employer.start())
        school = {"id": "school", "name": "Galle Welding School", "roles": {"issuer": {}, "verifier": {}}}
        self.token = (await self.process.post("/v1/tenants", school))["token"]
        yard = {"id": "yard", "name": "Galle Shipyard", "roles": {"verifier": {}}, "host": YARD}
        await self.process.post("/v1/tenants", yard)
        async with asyncio.timeout(120):
            while len((await self.school_stands())["registries"]) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        self.payload = example_payload(
            {"authority.wanderbuch.test": about["did"], "centre.wanderbuch.test": self.standing["did"]},
            {"centre.wanderbuch.test": self.standing["cred_def_id"]},
            schema_id,
        )
        await self.publish(self.payload)
        await self.worker.start()

    async def school_stands(self) -> dict[str, Any]:
        self.standing = await self.process.get(f"{SCHOOL_API}/issuer/standing")
        return self.standing

    async def publish(self, payload: dict[str, Any]) -> None:
        await self.authority.post("/versions", {"payload": payload})
        await asyncio.gather(
            self.process.post("/governance/refresh"),
            self.employer.post("/governance/refresh"),
            *([self.worker.post("/governance/refresh")] if self.worker.process else []),
        )

    async def offer(self) -> dict[str, Any]:
        made = await self.process.post(f"{SCHOOL_API}/issuer/offers", {"claim": example_claim(), "deadline_s": 600})
        return dict(made)

    async def take(self, offer: dict[str, Any]) -> str:
        """Let the worker accept an offer; returns the credential's id in the wallet."""
        opened = await self.worker.post("/invitations", {"url": offer["invitation_url"]})
        await self.worker.post(f"/offers/{opened['id']}/accept")
        kept = await self.worker.wait_for(f"/offers/{opened['id']}", "state", "RECEIVED")
        await self.process.wait_for(f"{SCHOOL_API}/issuer/offers/{offer['id']}", "receipt", "KEPT")
        return str(kept["credential_id"])

    async def decided(self, asker: AgentHandle, api: str, credential: str) -> tuple[str, list[str]]:
        """Ask for a welder and let the worker answer; returns the verdict and the reasons' codes."""
        return await self.answered(asker, api, await self.asked(asker, api), credential)

    async def asked(self, asker: AgentHandle, api: str) -> dict[str, Any]:
        return dict(await asker.post(f"{api}/requests", {"requirement": WELDER}))

    async def answered(
        self, asker: AgentHandle, api: str, asked: dict[str, Any], credential: str
    ) -> tuple[str, list[str]]:
        opened = await self.worker.post("/invitations", {"url": asked["short_url"]})
        await self.worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential})
        ended = await asker.wait_for(f"{api}/requests/{asked['id']}", "state", "DECIDED")
        return ended["decision"]["verdict"], [reason["code"] for reason in ended["decision"]["reasons"]]

    async def cannot_show(self, asker: AgentHandle, api: str, credential: str) -> None:
        """Ask for a welder: the worker's wallet finds by the public list that it cannot, and declines."""
        asked = await self.asked(asker, api)
        opened = await self.worker.post("/invitations", {"url": asked["short_url"]})
        with pytest.raises(AppError) as refused:
            await self.worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential})
        assert [reason["code"] for reason in refused.value.problem["reasons"]] == ["fit.revoked"]
        await self.worker.post(f"/requests/{opened['id']}/decline", {})
        ended = await asker.wait_for(f"{api}/requests/{asked['id']}", "state", "DECLINED")
        assert ended["decision"] is None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    service = Service(tmp_path_factory.mktemp("tenants") / "machine")
    try:
        await service.open()
        yield service
    finally:
        await service.machine.stop()


async def test_two_tenants_of_a_process_from_the_first_credential_to_the_removal(service: Service) -> None:
    process, employer = service.process, service.employer
    school, yard = f"{SCHOOL_API}/verifier", f"{YARD_API}/verifier"

    # Issued by one tenant, shown to both.
    good, bad = await service.offer(), await service.offer()
    credential, revoked = await service.take(good), await service.take(bad)
    for api in (school, yard):
        assert await service.decided(process, api, credential) == ("TRUSTED", ["issuer.accredited", "subject.none"])
    assert (await process.get(f"{yard}/identity"))["did"].split(":")[3] == YARD

    # Taken back: both see it, and of the other credential nothing changes.
    told = await process.post(f"{SCHOOL_API}/issuer/credentials/{bad['id']}/revoke")
    assert told["published"]
    for api in (school, yard):
        await service.cannot_show(process, api, revoked)
        assert (await service.decided(process, api, credential))[0] == "TRUSTED"

    # Suspended in the middle of an offer: as if it were not there; what it issued counts, and its neighbour goes on.
    begun = await service.offer()
    await process.post("/v1/tenants/school/suspend")
    with pytest.raises(AppError, match="404"):
        await process.get(f"{SCHOOL_API}/issuer/offers/{begun['id']}")
    with pytest.raises(AppError):
        await service.worker.post("/invitations", {"url": begun["short_url"]})
    assert (await service.decided(process, yard, credential))[0] == "TRUSTED"
    await service.cannot_show(process, yard, revoked)

    # Resumed: it goes on where it was.
    await process.post("/v1/tenants/school/resume")
    further = await service.take(begun)
    assert (await service.decided(process, school, further))[0] == "TRUSTED"

    # Removed: gone for whoever asks, but what it issued is judged as before, by others and after a restart.
    did = service.standing["did"]
    removed = await process.app.delete("/v1/tenants/school")
    assert (removed["state"], removed["roles"]) == ("REMOVED", [])
    with pytest.raises(AppError, match="404"):
        await process.get(f"{SCHOOL_API}/issuer/standing")
    assert did in await published(service, did)
    await process.stop()
    await process.start()
    for asker, api in ((process, yard), (employer, "")):
        assert (await service.decided(asker, api, credential))[0] == "TRUSTED"
        await service.cannot_show(asker, api, revoked)

    # And the authority's word still counts for it: what was asked before is judged by what it says now.
    askers = ((process, yard), (employer, ""))
    asked = [await service.asked(asker, api) for asker, api in askers]
    day = date(2020, 1, 1)
    await service.publish(suspend(service.payload, did, registries=[], effective_from=day, decided_on=day))
    for (asker, api), question in zip(askers, asked, strict=True):
        verdict, codes = await service.answered(asker, api, question, credential)
        assert verdict == "NOT_TRUSTED", codes
        with pytest.raises(AppError, match="no accredited issuer"):
            await service.asked(asker, api)


async def published(service: Service, did: str) -> str:
    """The DID log of a tenant, as anybody gets it."""
    edge = HttpEdge(
        HttpEdgeConfig(connect=ConnectionMap.parse(service.machine.connections()), ca_file=service.machine.ca_file)
    )
    try:
        url = f"https://{did.split(':')[3]}/{'/'.join(did.split(':')[4:])}/did.jsonl"
        return (await edge.get(url, max_bytes=100_000, timeout_s=5)).body.decode()
    finally:
        await edge.close()
