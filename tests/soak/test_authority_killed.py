"""Power cuts at the authority: while it makes its DID and schemas, and while it publishes."""

import asyncio
import copy
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.soak.power import cuts, patiently
from tests.soak.village import ECOSYSTEM, Village

from wanderbuch.agents.demo.example import example_payload
from wanderbuch.agents.machine import AppError
from wanderbuch.errors import ResolutionError, WanderbuchError
from wanderbuch.governance.freshness import FreshnessStatement, verify_freshness
from wanderbuch.governance.identifiers import Did
from wanderbuch.governance.signing import verify_file
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory

VERSIONS = 30
CUTS = 9
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
    about = await authority.get("/authority")
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
    assert [each["version"] for each in versions] == list(range(VERSIONS, 0, -1))
    assert {each["state"] for each in versions} == {"PUBLISHED"}
    assert {each["version"]: each["digest"] for each in versions} == digests
    assert last.version == VERSIONS
    assert last.exp > datetime.now(UTC)
    assert len({each.iat for each in reader.statements if each.version == VERSIONS}) >= 2
    for number, body in reader.served.items():
        path = authority.data / "public" / "governance" / ECOSYSTEM / "versions" / f"{number}.jws"
        assert path.read_bytes() == body
    left = [path.name for path in (authority.data / "public").rglob("*") if path.is_file() and path.suffix == ".tmp"]
    assert left == []


async def test_the_authority_becomes_itself_once_whenever_the_power_fails(
    village: Village, rng: random.Random, tell: Callable[[str], None]
) -> None:
    authority = village.authority
    await authority.start(wait=False)
    seen: set[tuple[str, str]] = set()
    for _ in range(9):
        await asyncio.sleep(rng.uniform(0.7, 6.5))
        try:
            about = await authority.get("/authority")
            seen.add((about["did"], about["schemas"]["qualification/1.0"]))
        except (AppError, aiohttp.ClientError, KeyError):
            pass
        await authority.kill()
        await authority.start(wait=False)
    await authority.wait_ready()
    about = await authority.get("/authority")
    logs = list((authority.data / "public").rglob("did.jsonl"))
    tell(f"{len(seen)} identity seen before the last cut, {len(logs)} DID log(s) in the end")
    assert seen <= {(about["did"], about["schemas"]["qualification/1.0"])}
    assert len(logs) == 1
    await authority.post("/versions", {"payload": following(example(about), 1)})
    assert (await authority.get("/authority"))["freshness"]["version"] == 1


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
