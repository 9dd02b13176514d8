"""An authority, a centre, its successor, a worker and an employer, each an agent of its own."""

import asyncio
import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import aiohttp
from tests.prepared import start_prepared
from tests.unit.authority_pages.conftest import Browser, hidden
from tests.unit.authority_pages.forms import begun, fields_of, with_values
from tests.welders import accreditation, governance_file

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION, SUCCESSION

SUSPENDED = {
    "status": "suspended",
    "decided_on": "2025-06-01",
    "effective_from": "2025-06-01",
    "reason": "Exams were not watched over.",
}


class Office(Protocol):
    """What an issuer's API is asked by: an agent, or a tenant of one."""

    async def get(self, path: str) -> Any: ...

    async def wait_for(self, path: str, name: str, *wanted: object) -> Any: ...


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
        self.everybody = [self.centre, self.institute, self.worker, self.employer]
        self.standings: dict[str, dict[str, Any]] = {}
        self.version = 0
        self.did, self.schema_id = "", ""

    async def open(self) -> None:
        await self.authority.start()
        view = await self.authority.get("/identity")
        self.did, self.schema_id = view["did"], view["schemas"]["qualification/1.0"]
        for agent in self.everybody:
            agent.configure(governance={"url": view["governance_url"], "author": self.did})
        await self.publish()  # names the schema, and nobody
        await asyncio.gather(*(agent.start() for agent in self.everybody))
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
        if self.standings:
            await self._fetched()

    async def _fetched(self) -> None:
        """Have everybody who runs fetch what is published."""
        running = [agent for agent in self.everybody if agent.processes[0].is_running]
        await asyncio.gather(*(agent.post("/governance/refresh") for agent in running))

    async def name_by_form(self, successor: AgentHandle) -> None:
        """Name the successor as officials do: in a form of the desk; a draft, handed in, approved, published."""
        tokens = {}
        for role in ("editor", "approver"):
            official = {"id": role, "name": role, "roles": [role]}
            tokens[role] = (await self.authority.post("/officials", official))["token"]
        site = SimpleNamespace(make_url=lambda path: f"{self.authority.app_url}{path}")
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            desk, other = (Browser(cast(Any, site), session) for _ in tokens)
            await desk.sign_in(tokens["editor"])
            await other.sign_in(tokens["approver"])
            draft = await begun(desk, "The centre closes")
            form = f"{draft}/statement?did={self.did}&kind=successions&at=new"
            filled = with_values(
                fields_of((await desk.ask(form)).text),
                id="SUC-1",
                centre=self.standings[self.centre.host]["did"],
                successor=self.standings[successor.host]["did"],
                decided_on="2025-06-02",
                decision="https://authority.wanderbuch.test/decisions/SUC-1",
            )
            saved = await desk.ask(f"{draft}/statement", method="POST", data=filled)
            assert saved.status == 303, saved.text
            await desk.send(f"{draft}/submit")
            shown = (await other.ask(draft)).text
            await other.send(f"{draft}/approve", **{name: hidden(shown, name) for name in ("revision", "digest")})
        self.version += 1
        async with asyncio.timeout(60):
            while (await self.authority.get("/identity"))["current"]["version"] != self.version:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await self._fetched()

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

    async def take(self, issuer: Office, batch: str, row: int) -> str:
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


async def stands(issuer: Office) -> dict[str, Any]:
    """Wait until an issuer can issue."""
    async with asyncio.timeout(300):
        while not (standing := await issuer.get("/standing"))["registries"]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return dict(standing)
