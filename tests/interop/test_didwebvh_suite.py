"""The did:webvh test suite, resolved as an agent resolves: from https hosts, through `WebvhDocuments`.

What the vectors are, and where they come from: `tests/vectors/didwebvh/README.md`. Where we differ from one, the table
`deviations.json` says so and why; a row that is no longer true fails, as a difference without a row does.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tests.unit.http.tls_host import PrivateAuthority, tls_host

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.identifiers import IdentifierError, WebvhDid
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.errors import DeactivatedError
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory

VECTORS: Final = Path(__file__).parents[1] / "vectors" / "didwebvh"
SUITE: Final = VECTORS / "resolver-suite"
HOSTS: Final = ("example.com", "example.org", "domain.example")
A_SCID: Final = "Qm" + "A" * 44

LOGS: Final = sorted(
    str(file.parent.relative_to(VECTORS))
    for file in VECTORS.glob("*/*/did.jsonl")
    if not file.parts[-3].startswith("negative-")
)
EARLIER: Final = sorted(str(file.relative_to(VECTORS)) for file in VECTORS.glob("*/*/resolutionResult.*.json"))
NEGATIVE: Final = sorted(folder.name for folder in VECTORS.glob("negative-*"))
URLS: Final = [
    (folder, step["did"])
    for folder in NEGATIVE
    for step in yaml.safe_load((VECTORS / folder / "script.yaml").read_text())["steps"]
    if step["op"] == "resolve-did"
]
SUITE_CASES: Final[list[dict[str, Any]]] = json.loads((SUITE / "resolver-suite.json").read_text())
DEVIATIONS: Final[Mapping[str, str]] = {
    vector: row["ours"].removeprefix("refused: ")
    for row in json.loads((VECTORS / "deviations.json").read_text())
    for vector in row["vectors"]
}
REFUSALS: Final[Mapping[str, str]] = json.loads((VECTORS / "refusals.json").read_text())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> PrivateAuthority:
    return PrivateAuthority(tmp_path_factory.mktemp("ca"))


class Web:
    """The hosts that the vectors name, each with its files."""

    def __init__(self, folder: Path, edge: HttpEdge) -> None:
        self.folder = folder
        self.documents = WebvhDocuments(edge, InMemoryLogMemory())

    def serve(self, host: str, log: bytes, witness: bytes | None) -> None:
        place = self.folder / host / ".well-known"
        place.mkdir(parents=True, exist_ok=True)
        (place / "did.jsonl").write_bytes(log)
        if witness is not None:
            (place / "did-witness.json").write_bytes(witness)

    async def resolve(self, did: str) -> Any:
        return await self.documents.resolve(WebvhDid.parse(did))


@asynccontextmanager
async def running(authority: PrivateAuthority, folder: Path) -> AsyncIterator[Web]:
    async with AsyncExitStack() as stack:
        hosts = [await stack.enter_async_context(tls_host(authority, host, folder / host)) for host in HOSTS]
        lines = [f"{host.host}:443=127.0.0.1:{host.port}" for host in hosts]
        config = HttpEdgeConfig(connect=ConnectionMap.parse(lines), ca_file=authority.ca_file)
        yield Web(folder, await stack.enter_async_context(HttpEdge(config)))


@pytest.fixture
async def web(authority: PrivateAuthority, tmp_path: Path) -> AsyncIterator[Web]:
    async with running(authority, tmp_path) as hosts:
        yield hosts


def files_of(folder: Path) -> tuple[bytes, bytes | None]:
    witness = folder / "did-witness.json"
    return (folder / "did.jsonl").read_bytes(), witness.read_bytes() if witness.exists() else None


def names_of(log: bytes) -> list[str]:
    """Every name of the DID, in the order in which it had them."""
    return list(dict.fromkeys(str(json.loads(line)["state"]["id"]) for line in log.splitlines() if line.strip()))


def without_implicit_services(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as the log states it: some resolvers add the services that every did:webvh DID has by itself."""
    services = [
        service for service in document.get("service", []) if not str(service.get("id")).endswith(("#files", "#whois"))
    ]
    rest = {name: value for name, value in document.items() if name != "service"}
    return {**rest, "service": services} if services else rest


@pytest.mark.parametrize("vector", LOGS)
async def test_a_log_resolves_as_its_writer_says(web: Web, vector: str) -> None:
    log, witness = files_of(VECTORS / vector)
    names = names_of(log)
    for name in names:
        web.serve(WebvhDid.parse(name).host, log, witness)
    expected = json.loads((VECTORS / vector / "resolutionResult.json").read_text())
    if vector in DEVIATIONS:
        with pytest.raises(WanderbuchError, match=DEVIATIONS[vector]):
            await web.resolve(names[-1])
        return
    if expected["didDocumentMetadata"].get("deactivated"):
        with pytest.raises(DeactivatedError):
            await web.resolve(names[-1])
        return
    for name in names:  # a moved DID is found by each of its names
        resolved = await web.resolve(name)
        assert resolved.version_id == expected["didDocumentMetadata"]["versionId"]
        assert without_implicit_services(resolved.content) == without_implicit_services(expected["didDocument"])
        assert [str(name) for name in resolved.names] == names[::-1]


@pytest.mark.parametrize("result", EARLIER)
async def test_a_log_resolved_as_it_was_then(web: Web, result: str) -> None:
    """We resolve the newest version only; that of a log that ends earlier is the earlier one."""
    log, witness = files_of((VECTORS / result).parent)
    number = int(result.split(".")[-2])
    web.serve("example.com", b"\n".join(log.splitlines()[:number]), witness)
    expected = json.loads((VECTORS / result).read_text())
    resolved = await web.resolve(names_of(log)[0])
    assert resolved.version_id.startswith(f"{number}-")
    as_expected = resolved.version_id == expected["didDocumentMetadata"]["versionId"]
    assert as_expected != (result in DEVIATIONS)
    if as_expected:
        assert without_implicit_services(resolved.content) == without_implicit_services(expected["didDocument"])


@pytest.mark.parametrize("vector", [name for name in NEGATIVE if name not in {folder for folder, _ in URLS}])
async def test_a_negative_log_is_refused_for_its_defect(web: Web, vector: str) -> None:
    log, witness = files_of(VECTORS / vector / "ts")
    web.serve("example.com", log, witness or b"[]")  # the defect is another one than a file that is missing
    did = f"did:webvh:{json.loads(log.splitlines()[0])['parameters']['scid']}:example.com"
    with pytest.raises(WanderbuchError, match=REFUSALS[vector]):
        await web.resolve(did)


@pytest.mark.parametrize(("vector", "did"), URLS)
async def test_a_negative_did_is_refused_for_its_defect(web: Web, vector: str, did: str) -> None:
    with pytest.raises(IdentifierError):
        await web.resolve(did)
    rest = did.split(":", 3)[3]
    with pytest.raises(IdentifierError, match=REFUSALS[vector]):  # and not only for its SCID, which is none
        await web.resolve(f"did:webvh:{A_SCID}:{rest}")


def suite_name(case: Mapping[str, Any]) -> str:
    query = case["did_url"].partition("?")[2]
    return f"resolver-suite/{case['log']}" + (f"?{query}" if query else "")


@pytest.mark.parametrize("case", SUITE_CASES, ids=suite_name)
async def test_the_resolver_suite(web: Web, case: dict[str, Any]) -> None:
    log, witness = files_of(SUITE / "logs" / case["log"])
    web.serve("domain.example", log, witness)
    name = suite_name(case)
    if name in DEVIATIONS or "?" in name:
        assert (case["status"] == "ok") == (name in DEVIATIONS)
        with pytest.raises(IdentifierError, match=DEVIATIONS.get(name, "expected did:webvh")):
            await web.resolve(case["did_url"])
    elif case["status"] == "ok":
        assert (await web.resolve(case["did_url"])).version_id == case["didDocumentMetadata"]["versionId"]
    else:
        with pytest.raises(WanderbuchError, match=REFUSALS[name]):
            await web.resolve(case["did_url"])


def test_every_row_of_the_tables_is_about_a_vector_and_every_vector_is_run() -> None:
    names = {*LOGS, *EARLIER, *NEGATIVE, *map(suite_name, SUITE_CASES)}
    assert not set(DEVIATIONS) - names
    assert not set(REFUSALS) - names
    assert set(NEGATIVE) <= set(REFUSALS)
    assert [len(vectors) for vectors in (LOGS, EARLIER, NEGATIVE, URLS, SUITE_CASES)] == [64, 10, 16, 9, 22]
