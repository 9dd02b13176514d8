"""Power cuts at the authority: while it makes its DID and schemas, publishes, approves, suspends and rotates."""

import asyncio
import copy
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.soak.power import cuts, patiently
from tests.soak.village import ECOSYSTEM, Village

from wanderbuch.agents.demo.example import example_payload
from wanderbuch.agents.machine import AgentHandle, AppError
from wanderbuch.errors import ResolutionError, WanderbuchError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.form.model import CROSSWALK
from wanderbuch.governance.form.records import split
from wanderbuch.governance.signed.freshness import FreshnessStatement, verify_freshness
from wanderbuch.governance.signed.history import entries_match, read_entries
from wanderbuch.governance.signed.signing import verify_file
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory

VERSIONS = 30
CUTS = 9
DECISIONS = 6
LIFETIME_S = 24


@pytest.fixture
async def village(tmp_path: Path) -> AsyncIterator[Village]:
    village = Village(
        tmp_path / "village", authority={"freshness_lifetime_s": LIFETIME_S, "reissue_every_s": LIFETIME_S / 6}
    )
    try:
        yield village
    finally:
        await village.machine.stop()


@dataclass
class Reader:
    """Reads what the authority serves, all the time, as a consumer with a perfect memory."""

    village: Village
    author: Did
    served: dict[int, bytes] = field(default_factory=dict)
    statements: list[FreshnessStatement] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    reads: int = 0
    highest: int = 0

    async def run(self) -> None:
        """Read until cancelled."""
        machine = self.village.machine
        connect = ConnectionMap.parse(machine.connections())
        edge = HttpEdge(HttpEdgeConfig(connect=connect, ca_file=machine.ca_file))
        documents = WebvhDocuments(edge, InMemoryLogMemory())
        try:
            while True:
                try:
                    await self._read(edge, documents)
                except ResolutionError:
                    pass  # nobody answers: the power is off
                except WanderbuchError as err:
                    self.faults.append(f"{err.code}: {err.message}")
                await asyncio.sleep(0.05)
        finally:
            await edge.close()

    async def _read(self, edge: HttpEdge, documents: WebvhDocuments) -> None:
        base = f"{self.village.authority.public_url}/governance/{ECOSYSTEM}"
        bodies = {}
        for name in ("current.jws", "freshness.jws"):
            fetched = await edge.get(f"{base}/{name}", max_bytes=1 << 20, timeout_s=5)
            if fetched.status != 200:
                return
            bodies[name] = fetched.body
        signed = await verify_file(bodies["current.jws"], author=self.author, resolve_key=documents.assertion_key)
        version = signed.file.version
        statement = await verify_freshness(
            bodies["freshness.jws"], author=self.author, resolve_key=documents.assertion_key, at=datetime.now(UTC)
        )
        immutable = await edge.get(f"{base}/versions/{version}.jws", max_bytes=1 << 20, timeout_s=5)
        if immutable.status == 200 and immutable.body != bodies["current.jws"]:
            self.faults.append(f"versions/{version}.jws is not what was served as current")
        if self.served.setdefault(version, bodies["current.jws"]) != bodies["current.jws"]:
            self.faults.append(f"version {version} changed")
        if version < self.highest:
            self.faults.append(f"version {version} was served after {self.highest}")
        if self.statements and statement.version < self.statements[-1].version:
            self.faults.append(f"freshness of {statement.version} after that of {self.statements[-1].version}")
        self.highest = max(self.highest, version)
        self.statements.append(statement)
        self.reads += 1


async def test_one_version_or_the_next_is_served_whole_whenever_the_power_fails(
    village: Village, rng: random.Random, tell: Callable[[str], None]
) -> None:
    await village.open_authority()
    authority = village.authority
    about = await authority.get("/identity")
    payloads = [following(example(about), number) for number in range(1, VERSIONS + 1)]
    await authority.post("/versions", {"payload": payloads[0]})
    reader = Reader(village, Did.parse(about["did"]))
    reading = asyncio.create_task(reader.run())
    digests: dict[int, str] = {}

    async def publish() -> None:
        for payload in payloads:
            answer = await patiently(lambda payload=payload: authority.post("/versions", {"payload": payload}))  # type: ignore[misc]
            digests[answer["version"]] = answer["digest"]
            await asyncio.sleep(rng.uniform(0, 1.6))

    async with asyncio.TaskGroup() as group:
        group.create_task(publish())
        group.create_task(cuts(authority, rng, times=CUTS, within_s=(0.3, 6.0)))
    await asyncio.sleep(LIFETIME_S / 3)  # freshness goes on by itself
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    versions = (await authority.get("/versions"))["items"]
    last = reader.statements[-1]
    tell(f"{len(reader.served)} of {VERSIONS} versions seen as current in {reader.reads} reads")
    assert reader.faults == []
    assert [version["version"] for version in versions] == list(range(VERSIONS, 0, -1))
    assert {version["state"] for version in versions} == {"PUBLISHED"}
    assert {version["version"]: version["digest"] for version in versions} == digests
    assert last.version == VERSIONS
    assert last.exp > datetime.now(UTC)
    assert len({statement.iat for statement in reader.statements if statement.version == VERSIONS}) >= 2
    for number, body in reader.served.items():
        path = authority.data / "public" / "governance" / ECOSYSTEM / "versions" / f"{number}.jws"
        assert path.read_bytes() == body
    left = [path.name for path in (authority.data / "public").rglob("*") if path.is_file() and path.suffix == ".tmp"]
    assert left == []


async def test_what_officials_decide_happens_once_whenever_the_power_fails(
    tmp_path: Path, rng: random.Random, tell: Callable[[str], None]
) -> None:
    village = Village(
        tmp_path / "village",
        authority={"four_eyes": True, "freshness_lifetime_s": LIFETIME_S, "reissue_every_s": LIFETIME_S / 6},
    )
    authority = village.authority
    try:
        await village.open_authority()
        await officials_decide(village, rng, tell)
    finally:
        await authority.stop()


async def officials_decide(village: Village, rng: random.Random, tell: Callable[[str], None]) -> None:
    """Approve, suspend, lift and rotate while the power fails, then look at what is there."""
    authority = village.authority
    about = await authority.get("/identity")
    editor, approver = [await hired(authority, *id_and_role) for id_and_role in (("ed", "editor"), ("ann", "approver"))]
    header, records = split(example(about))
    centre = next(did for did, record in records.items() if record.get("accreditations"))
    parts = {"name": header["name"], "schemas": header["schemas"], "roles": header["roles"]}
    crosswalks = {CROSSWALK: header["participants"]["entries"][CROSSWALK]}

    async def publish(number: int, **edit: Any) -> None:
        draft_id = f"{number:032x}"
        path = f"/drafts/{draft_id}"
        await editor("POST", "/drafts", {"why": f"draft {number}", "id": draft_id})
        if (await editor("GET", path))["state"] == "OPEN":
            await editor("PATCH", path, edit)
            await editor("POST", f"{path}/submit")
        draft = await editor("GET", path)
        done = await approver("POST", f"{path}/approve", {"revision": draft["revision"]})
        assert done["state"] == "PUBLISHED", done

    async def suspend_and_lift(number: int) -> None:
        body = {"issuer": centre, "why": f"suspension {number}", "id": f"a{number:031x}"}
        done = await approver("POST", "/suspensions", body)
        assert done["draft"]["state"] == "PUBLISHED", done
        today = datetime.now(UTC).date().isoformat()
        record = (await editor("GET", f"/record?did={centre}"))["record"]
        for accreditation in record["accreditations"]:
            if accreditation.get("status", [{}])[-1].get("status") == "suspended":
                accreditation["status"].append({"status": "active", "decided_on": today, "effective_from": today})
        await publish(1000 + number, records={centre: record})

    async def work() -> None:
        await publish(1, header={**parts, **crosswalks}, records=records)
        for number in range(2, 2 + DECISIONS):
            await publish(number, header={"description": f"Text {number}"})
            await suspend_and_lift(number)
            await operator(authority)("POST", "/keys/rotate", {"why": f"rotation {number}", "id": f"b{number:031x}"})

    async with asyncio.TaskGroup() as group:
        group.create_task(work())
        group.create_task(cuts(authority, rng, times=CUTS, within_s=(0.3, 6.0)))
    reader = Reader(village, Did.parse(about["did"]))
    reading = asyncio.create_task(reader.run())
    while reader.reads < 3 and not reader.faults:  # noqa: ASYNC110 (nobody tells when)
        await asyncio.sleep(0.1)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    wanted = 1 + DECISIONS * 4
    versions = (await authority.get("/versions"))["items"]
    entries = (await authority.get("/history"))["items"]
    drafts = (await editor("GET", "/drafts"))["items"]
    tell(f"{len(versions)} versions and {len(entries)} entries of the history after {CUTS} cuts")
    assert reader.faults == []
    assert {draft["state"] for draft in drafts} == {"PUBLISHED"}
    assert [version["version"] for version in versions] == list(range(wanted, 0, -1))
    became = [entry["version"] for entry in entries if entry["action"] in ("publication", "suspension", "rotation")]
    assert became == list(range(1, wanted + 1))
    refusals = sum(len(record.get("refusals", ())) for record in records.values())
    assert [entry["n"] for entry in entries] == list(range(2 + refusals + wanted))
    assert {entry["digest"] for entry in entries} - {None} == {entry["digest"] for entry in versions}
    assert [entry["action"] for entry in entries].count("suspension") == DECISIONS
    assert [entry["action"] for entry in entries].count("rotation") == DECISIONS
    head = reader.statements[-1].history
    assert head is not None
    lines = (authority.data / "public" / "governance" / ECOSYSTEM / "history" / "entries.jsonl").read_bytes()
    assert entries_match(read_entries(lines, size=head.size), head)


type Ask = Callable[..., Awaitable[Any]]


def as_person(agent: AgentHandle, token: str) -> Ask:
    """Return how somebody with this token asks, again and again until there is an answer."""

    async def once(method: str, path: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession(trust_env=False) as session,
            session.request(method, f"{agent.app_url}/v1/authority{path}", json=body, headers=headers) as response,
        ):
            answer = await response.json(content_type=None)
            if response.status >= 400:
                raise AppError(response.status, answer)
            return answer

    async def ask(method: str, path: str, body: Any = None) -> Any:
        return await patiently(lambda: once(method, path, body))

    return ask


def operator(agent: AgentHandle) -> Ask:
    """Return how the operator asks."""
    return as_person(agent, agent.token)


async def hired(agent: AgentHandle, name: str, role: str) -> Ask:
    """Add an official and return how they ask."""
    added = await agent.post("/officials", {"id": name, "name": name, "roles": [role]})
    return as_person(agent, added["token"])


async def test_the_authority_becomes_itself_once_whenever_the_power_fails(
    village: Village, rng: random.Random, tell: Callable[[str], None]
) -> None:
    authority = village.authority
    await authority.start(wait=False)
    seen: set[tuple[str, str]] = set()
    for _ in range(9):
        await asyncio.sleep(rng.uniform(0.7, 6.5))
        try:
            about = await authority.get("/identity")
            seen.add((about["did"], about["schemas"]["qualification/1.0"]))
        except (AppError, aiohttp.ClientError, KeyError):
            pass
        await authority.kill()
        await authority.start(wait=False)
    await authority.wait_ready()
    about = await authority.get("/identity")
    logs = list((authority.data / "public").rglob("did.jsonl"))
    tell(f"{len(seen)} identity seen before the last cut, {len(logs)} DID log(s) in the end")
    assert seen <= {(about["did"], about["schemas"]["qualification/1.0"])}
    assert len(logs) == 1
    await authority.post("/versions", {"payload": following(example(about), 1)})
    assert (await authority.get("/identity"))["freshness"]["version"] == 1


def example(about: dict[str, Any]) -> dict[str, Any]:
    """Return the example file of an authority that runs."""
    return example_payload(
        dids={"authority.wanderbuch.test": about["did"]},
        cred_defs={},
        schema_id=about["schemas"]["qualification/1.0"],
    )


def following(payload: dict[str, Any], version: int) -> dict[str, Any]:
    """Return a payload as its version `version`."""
    changed = copy.deepcopy(payload)
    first, address = payload["version"], payload["current_version"]

    def uri(number: int) -> str:
        return str(address).replace(f"/versions/{first}.jws", f"/versions/{number}.jws")

    changed["version"], changed["current_version"] = version, uri(version)
    changed["previous_versions"] = [{"version": number, "uri": uri(number)} for number in range(1, version)]
    return changed
