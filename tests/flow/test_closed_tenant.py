"""A centre that is one of several of a service closes; the service keeps everything in PostgreSQL.

Its open rows go from the store to the successor that the authority names, and, when it names another one, those of them
go on there that the first has not taken over. Then its free places are closed, and its neighbour's are not.
"""

import json
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from tests.flow.batch_doubles import class_list
from tests.flow.succession_town import Lanka, stands
from tests.postgresql import Database
from tests.prepared.running import run_prepared

from wanderbuch.agents.machine import AgentHandle

pytestmark = [pytest.mark.agents, pytest.mark.needs("postgresql")]

TENANT = "colombo"


class TenantOffice:
    """The issuer's API of a tenant."""

    def __init__(self, service: AgentHandle) -> None:
        self._service = service
        self._root = f"/v1/t/{TENANT}/issuer"
        self.target = service.target

    async def get(self, path: str) -> Any:
        return await self._service.get(self._root + path)

    async def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return await self._service.post(self._root + path, body)

    async def wait_for(self, path: str, name: str, *wanted: object) -> Any:
        return await self._service.wait_for(self._root + path, name, *wanted)


class Hosted(Lanka):
    """As Lanka, but that the centre is a tenant of a service, and that there is another institute."""

    def __init__(self, folder: Path, database: Database) -> None:
        super().__init__(folder)
        self.service = self.centre
        self.service.use_store(database.url, database.password)
        self.service.configure(tenants={"roles": ["issuer"]})
        self.other = self.machine.add("issuer", "Kandy Institute", "kandy.wanderbuch.test", issuer={"registry_size": 6})
        self.everybody.append(self.other)
        self.office = TenantOffice(self.service)

    async def open(self) -> None:
        await super().open()
        school = {"id": TENANT, "name": "Colombo Centre", "roles": {"issuer": {"registry_size": 6}}}
        await self.service.post("/v1/tenants", school)
        self.standings[self.other.host] = await stands(self.other)
        self.standings[self.service.host] = await stands(self.office)  # its accreditation, and not its neighbour's
        await self.publish()

    async def claimed(self, slip: str) -> str:
        """Press the button of a slip, and return its page."""
        trusted = ssl.create_default_context(cafile=str(self.machine.ca_file))
        host, path = urlsplit(slip).netloc, urlsplit(slip).path
        how: dict[str, Any] = {"headers": {"Host": host}, "ssl": trusted, "server_hostname": host}
        target = next(agent.target for agent in self.everybody if agent.host == host)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"https://{target}{path}", allow_redirects=False, **how) as shown:
                form = re.search(r'<form[^>]* action="([^"]+)"', await shown.text())
                assert form is not None
                page = form[1]
            async with session.post(f"https://{target}{page}", data={"told": ""}, **how) as answer:
                text = await answer.text()
                assert answer.status == 200, text
                return text


@pytest.fixture
async def hosted(tmp_path: Path, database: Database) -> AsyncIterator[Hosted]:
    made = Hosted(tmp_path / "lanka", database)
    try:
        await made.open()
        yield made
    finally:
        await made.machine.stop()


async def store(hosted: Hosted, *told: str, tenant: str = TENANT, code: int = 0) -> tuple[Any, str]:
    """Run a command of `wanderbuch store` on the service's; return what it answered, as JSON and in words."""
    where = ("--config", str(hosted.service.config_path), "--tenant", tenant)
    ended, out, err = await run_prepared("wanderbuch.agents.cli", "store", *told, *where, "--yes", "--json")
    assert ended == code, err
    return json.loads(out) if code == 0 else {}, err


async def test_its_rows_go_on_at_whom_the_authority_names_and_its_neighbour_issues_on(
    hosted: Hosted, tmp_path: Path
) -> None:
    service, office, institute, other = hosted.service, hosted.office, hosted.institute, hosted.other
    batches = []
    for title in ("Welders", "Cooks"):
        made = await office.post("/batches", {"title": title, "access": "in-person", "list": class_list()})
        await office.post(f"/batches/{made['batch']['id']}/start")
        batches.append(made["batch"]["id"])
    welders, cooks = batches
    [first, _] = [item["address"] for item in (await office.get(f"/batches/{welders}/slips"))["items"]]
    await hosted.claimed(first)
    issued = await hosted.take(office, f"/batches/{welders}", 2)
    await hosted.publish(successor=institute)
    await service.stop()

    # To the first successor, which takes over the one batch, and not the other.
    to_first = ("hand-over-rows", "--to", str(tmp_path / "first"))
    handed, _ = await store(hosted, *to_first)
    assert {one["batch"]: one["rows"] for one in handed["batches"]} == {welders: 1, cooks: 2}
    await service.start()  # for its other tenants, and the public files of this one
    files = {one["batch"]: one["files"] for one in handed["batches"]}
    sealed = Path(files[welders][0]).read_text()  # noqa: ASYNC240
    taken = await institute.post("/take-overs", {"file": sealed, "access": "in-person"})
    assert taken["rows"] == 1

    # The authority names another one: what the first has stays there, and all else goes on at the other.
    await hosted.publish(successor=other)
    await service.stop()
    anew = ("hand-over-rows", "--to", str(tmp_path / "other"))
    assert "which the authority names no more" in (await store(hosted, *anew, code=2))[1]
    centre = hosted.standings[service.host]["did"]
    rows_here = tmp_path / "rows-here.jws"
    rows_here.write_text((await institute.post("/take-overs/rows-here", {"centre": centre}))["rows_here"])
    handed, _ = await store(hosted, *anew, "--rows-here", str(rows_here))
    assert handed["successor"] == hosted.standings[other.host]["did"]
    assert {one["batch"]: one["rows"] for one in handed["batches"]} == {welders: 0, cooks: 2}
    await service.start()
    files = {one["batch"]: one["files"] for one in handed["batches"]}
    late = Path(files[cooks][0]).read_text()  # noqa: ASYNC240
    taken = await other.post("/take-overs", {"file": late, "access": "in-person"})
    assert (taken["rows"], taken["left"]) == (2, [])
    ours = f"/batches/{taken['batch']['id']}"
    await other.post(f"{ours}/start")
    [slip, _] = [item["address"] for item in (await other.get(f"{ours}/slips"))["items"]]
    await hosted.claimed(slip)
    continued = await hosted.take(other, ours, 2)

    await service.stop()

    # Its free places: the neighbour's are open as before.
    assert "has no tenant" in (await store(hosted, "close-places", tenant="kandy", code=2))[1]
    closed, _ = await store(hosted, "close-places")
    registries = {one["registry"] for one in closed if one["places"]}
    assert registries
    assert all(one.startswith(centre) for one in registries)
    assert [one["places"] for one in (await store(hosted, "close-places"))[0]] == [0] * len(closed)
    await service.start()
    for credential in (issued, continued):
        decision = await hosted.decided(credential)
        assert decision["verdict"] == "TRUSTED", decision
    await service.stop()
    assert all(
        one["places"] for one in (await store(hosted, "close-places", tenant="default"))[0]
    )  # nothing had closed them
