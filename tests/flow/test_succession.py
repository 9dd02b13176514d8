"""A centre is suspended in the midst of a batch; its successor issues what was open; an employer trusts it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
from tests.flow.batch_doubles import class_list
from tests.prepared import start_prepared
from tests.welders import accreditation, governance_file

from wanderbuch.agents.machine import AgentHandle, AppError, LocalMachine
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION, SUCCESSION

pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="module")]

SUSPENDED = {
    "status": "suspended",
    "decided_on": "2025-06-01",
    "effective_from": "2025-06-01",
    "reason": "Exams were not watched over.",
}


class Lanka:
    """An authority, a centre, its successor, a worker and an employer."""

    def __init__(self, folder: Path) -> None:
        self.machine = LocalMachine(folder, start_child=start_prepared)
        add = self.machine.add
        self.authority = add(
            "authority",
            "Authority of Lanka",
            "authority.wanderbuch.test",
            authority={"ecosystem": "lanka", "four_eyes": False},
        )
        self.centre = add("issuer", "Colombo Centre", "centre.wanderbuch.test", issuer={"registry_size": 6})
        self.institute = add("issuer", "Galle Institute", "institute.wanderbuch.test", issuer={"registry_size": 6})
        self.worker = add("holder", "Nimal", "worker.wanderbuch.test")
        self.employer = add("verifier", "Shipyard", "employer.wanderbuch.test")
        self.standings: dict[str, dict[str, Any]] = {}
        self.version = 0
        self.did, self.schema_id = "", ""

    async def open(self) -> None:
        await self.authority.start()
        view = await self.authority.get("/identity")
        self.did, self.schema_id = view["did"], view["schemas"]["qualification/1.0"]
        everybody = (self.centre, self.institute, self.worker, self.employer)
        for agent in everybody:
            agent.configure(governance={"url": view["governance_url"], "author": self.did})
        await self.publish()  # names the schema, and nobody
        await asyncio.gather(*(agent.start() for agent in everybody))
        for issuer in (self.centre, self.institute):
            self.standings[issuer.host] = await stands(issuer)
        await self.publish()

    async def publish(self, *, status: tuple[dict[str, Any], ...] = (), successor: AgentHandle | None = None) -> None:
        """Publish the next version, and have everybody fetch it."""
        self.version += 1
        entries: dict[str, Any] = {DESCRIPTION: {self.did: {"name": "Authority of Lanka"}}}
        for host, standing in self.standings.items():
            changed = {"id": f"acc-{host}", "status": list(status) if host == self.centre.host else []}
            given = accreditation([standing["cred_def_id"]], **changed)
            entries.setdefault(ACCREDITATION, {})[standing["did"]] = {"accreditations": [given]}
            entries[DESCRIPTION][standing["did"]] = {"name": host, "website": f"https://{host}/"}
        if successor is not None:
            named = {
                "id": "SUC-1",
                "centre": self.standings[self.centre.host]["did"],
                "successor": self.standings[successor.host]["did"],
                "decided_on": "2025-06-02",
                "decision": "https://authority.wanderbuch.test/decisions/SUC-1",
            }
            entries[SUCCESSION] = {self.did: {"successions": [named]}}
        payload = governance_file(
            self.did, self.schema_id, entries, version=self.version, updated="2026-01-01T00:00:00Z"
        )
        await self.authority.post("/versions", {"payload": payload})
        everybody = (self.centre, self.institute, self.worker, self.employer) if self.standings else ()
        await asyncio.gather(*(agent.post("/governance/refresh") for agent in everybody))

    async def at_slip(self, issuer: AgentHandle, slip: str, told: str | None = None) -> tuple[int, str]:
        """Return what the page of a slip answers: opened, or (with `told`) its button pressed."""
        trusted = ssl.create_default_context(cafile=str(self.machine.ca_file))
        host, token = urlsplit(slip).netloc, slip.rpartition("/")[2]
        address = f"https://{issuer.target}/claim/en/{token}"
        async with aiohttp.ClientSession() as session:
            how: dict[str, Any] = {"headers": {"Host": host}, "ssl": trusted, "server_hostname": host}
            call = session.get(address, **how) if told is None else session.post(address, data={"told": told}, **how)
            async with call as answer:
                return answer.status, await answer.text()

    async def take(self, issuer: AgentHandle, batch: str, row: int) -> str:
        """Have the worker take what the slip of a row became, and return the credential's id in the wallet."""
        offer = (await issuer.get(f"{batch}/rows/{row}"))["slip"]["offer_id"]
        url = (await issuer.get(f"/offers/{offer}"))["short_url"]
        opened = await self.worker.post("/invitations", {"url": url})
        await self.worker.post(f"/offers/{opened['id']}/accept")
        await issuer.wait_for(f"/offers/{offer}", "receipt", "KEPT")
        kept = await self.worker.wait_for(f"/offers/{opened['id']}", "state", "RECEIVED")
        return str(kept["credential_id"])

    async def decided(self, credential: str) -> dict[str, Any]:
        """Return what the employer decides on a credential of the worker."""
        requirement = {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3}
        asked = await self.employer.post("/requests", {"requirement": requirement})
        opened = await self.worker.post("/invitations", {"url": asked["short_url"]})
        await self.worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential})
        ended = await self.employer.wait_for(f"/requests/{asked['id']}", "state", "DECIDED", "DECLINED", "NO_ANSWER")
        return dict(ended["decision"])


async def stands(issuer: AgentHandle) -> dict[str, Any]:
    """Wait until an issuer can issue."""
    async with asyncio.timeout(300):
        while not (standing := await issuer.get("/standing"))["registries"]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return dict(standing)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lanka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lanka]:
    made = Lanka(tmp_path_factory.mktemp("lanka"))
    try:
        await made.open()
        yield made
    finally:
        await made.machine.stop()


async def test_who_passed_in_time_gets_it_from_the_successor_and_is_trusted(lanka: Lanka) -> None:
    centre, institute = lanka.centre, lanka.institute
    made = await centre.post("/batches", {"title": "Welders", "access": "in-person", "list": class_list()})
    batch = f"/batches/{made['batch']['id']}"
    await centre.post(f"{batch}/start")
    slips = [item["address"] for item in (await centre.get(f"{batch}/slips"))["items"]]
    assert (await lanka.at_slip(centre, slips[0], ""))[0] == 200
    await lanka.take(centre, batch, 2)

    await lanka.publish(status=(SUSPENDED,))
    assert (await lanka.at_slip(centre, slips[1], ""))[0] == 409
    with pytest.raises(AppError, match="409"):
        await centre.post(f"{batch}/hand-over", {})

    await lanka.publish(status=(SUSPENDED,), successor=institute)
    assert (await centre.get("/succession"))["successor"] == lanka.standings[institute.host]["did"]
    handed = await centre.post(f"{batch}/hand-over", {})
    assert (handed["rows"], handed["next_after"], "Perera" in handed["file"]) == (1, None, False)
    with pytest.raises(AppError):
        await centre.post("/take-overs", {"file": handed["file"], "access": "in-person"})
    status, page = await lanka.at_slip(centre, slips[1])
    assert (status, institute.host in page) == (410, True)

    looked = await institute.post("/take-overs/read", {"file": handed["file"]})
    assert (looked["rows"], looked["batch"], looked["left"]) == (1, None, [])
    taken = await institute.post("/take-overs", {"file": handed["file"], "access": "in-person"})
    ours = f"/batches/{taken['batch']['id']}"
    await institute.kill()
    await institute.start()
    await stands(institute)
    again = await institute.post("/take-overs", {"file": handed["file"], "access": "in-person"})
    assert (again["batch"], [row["why"] for row in again["left"]]) == (None, ["again"])
    await institute.post(f"{ours}/start")
    [slip] = [item["address"] for item in (await institute.get(f"{ours}/slips"))["items"]]
    assert (await lanka.at_slip(institute, slip, ""))[0] == 200
    credential = await lanka.take(institute, ours, 3)
    decision = await lanka.decided(credential)
    assert decision["verdict"] == "TRUSTED", decision
    assert lanka.standings[centre.host]["did"] in (await institute.get(f"{ours}/rows/3"))["claim"]["details"]
    assert (await lanka.at_slip(centre, slips[1], ""))[0] == 410
