"""What the W3C's threat model for recognised entities names, where no other test shows that it fails here.

`docs/threats.md` goes through all eighteen threats and names the tests of each; the numbers are those of that page.
"""

import ast
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from tests.unit.authority.trqp_site import Registry, query, serving
from tests.unit.governance import statements
from tests.unit.governance.conftest import EXAMPLE, NOW, Json, changed, fresh, payload_of
from tests.unit.governance.form.test_statement_rules import at_host, entries
from tests.unit.trust.ecosystem import FileHost, webvh
from tests.unit.trust.states import World

import wanderbuch
from wanderbuch.agents.authority.config import AuthorityConfig
from wanderbuch.agents.authority.trqp_role import open_endpoint
from wanderbuch.agents.authority.trqp_source import Publishing
from wanderbuch.agents.issuer.role import IssuerRole
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import GovernanceConfig
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.short_links import ShortLinks
from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.agents.runtime.tenant import ProcessParts, Tenant
from wanderbuch.agents.runtime.tenant_config import default_tenant
from wanderbuch.agents.verifier.role import VerifierRole
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.deciding.asking_rules import may_ask
from wanderbuch.governance.deciding.standing import standing
from wanderbuch.governance.facts.identifiers import Did, DidUrl, WebvhDid
from wanderbuch.governance.facts.question import Purpose, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.cte_model import ALIAS, DESCRIPTION, ROLES
from wanderbuch.governance.form.model import (
    ACCREDITATION,
    CROSSWALK,
    PROGRAMMES,
    RECOGNITION,
    REFUSAL,
    SIGNATORIES,
    VERIFICATION,
)
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.plugins.http.answers import Fetched
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.following.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.webvh.publisher import NoPublisher

ROOT = Path(__file__).parents[2]
RUN_TIME = {part: ROOT / part for part in ("agents", "governance", "plugins", "schemas", "src")}
AWARDED = date(2024, 6, 10)
TRADES = ("C7212", "C7411", "C5120", "C2221", "C9")


@dataclass
class WatchedHost(FileHost):
    """Remembers every address that was asked for, also in vain."""

    urls: list[str] = field(default_factory=list)

    async def get(self, url: str, **how: Any) -> Fetched:
        self.urls.append(url)
        return await super().get(url, **how)


@dataclass
class WatchedWorld(World):
    """Remembers whose DID document was asked for."""

    host: WatchedHost = field(default_factory=WatchedHost)
    keys_asked: list[DidUrl] = field(default_factory=list)

    async def resolve_key(self, url: DidUrl) -> bytes:
        self.keys_asked.append(url)
        return await super().resolve_key(url)


@pytest.fixture
def world() -> WatchedWorld:
    return WatchedWorld(datetime.now(UTC))


@pytest.fixture
def document() -> Json:
    document: Json = json.loads(EXAMPLE.read_bytes())
    return document


def verdict(snapshot: GovernanceSnapshot | None, issuer: str, at: datetime, occupation: str = "C7212") -> Verdict:
    return standing(
        snapshot, issuer=Did.parse(issuer), occupation=occupation, jurisdiction="MLT", at=at, on=AWARDED
    ).verdict


def python_files(*parts: str) -> Iterator[Path]:
    for part in parts:
        paths = sorted((RUN_TIME.get(part) or ROOT / part).rglob("*.py"))
        assert paths, part
        yield from paths


# T4: privacy leak by asking


async def test_t4_deciding_about_different_issuers_asks_nobody(world: WatchedWorld) -> None:
    a, b = world.state("a"), world.state("b")
    await world.publish(b, b.document())
    await world.publish(a, a.document(recognises={b: 0}))
    source = world.source(a)
    await source.refresh()
    world.host.urls.clear()
    world.keys_asked.clear()
    strangers = [webvh(f"stranger{number}") for number in range(20)]
    answers = [verdict(await source.current(), issuer, world.now) for issuer in (a.issuer, b.issuer, *strangers)]
    assert answers == [Verdict.TRUSTED, Verdict.TRUSTED, *[Verdict.NOT_TRUSTED] * 20]
    assert (world.host.urls, world.keys_asked) == ([], [])


async def test_t4_what_is_fetched_does_not_depend_on_whom_one_asks_about(world: WatchedWorld) -> None:
    a, b = world.state("a"), world.state("b")
    await world.publish(b, b.document())
    await world.publish(a, a.document(recognises={b: 0}))
    fetched = []
    for issuer in (a.issuer, b.issuer, webvh("stranger")):
        world.host.urls.clear()
        source = world.source(a)
        await source.refresh()
        verdict(source.snapshot(), issuer, world.now)
        fetched.append(sorted(world.host.urls))
    assert fetched[0]
    assert fetched[0] == fetched[1] == fetched[2]
    assert not any(str(a.issuer.host) in url or str(b.issuer.host) in url for url in fetched[0])


async def test_t4_trqp_is_off_unless_it_is_switched_on() -> None:
    config = AuthorityConfig(ecosystem="lanka").trqp
    assert not config.enabled
    assert open_endpoint(cast(Tenant, None), config, cast(Publishing, None)) is None  # neither is looked at
    async with serving(None) as client:
        assert (await client.post("/trqp/2.0/authorization", json=query())).status == 404
    async with serving(Registry().endpoint()) as client:
        assert (await client.post("/trqp/2.0/authorization", json=query())).status == 200


def test_t4_no_agent_that_decides_can_ask_a_registry() -> None:
    def asks(path: Path) -> bool:
        return "trqp" in path.read_text().lower()

    deciding = ("plugins", "agents/verifier", "agents/holder", "agents/issuer", "agents/runtime")
    asking = {path.relative_to(ROOT).as_posix() for path in python_files(*deciding) if asks(path)}
    # Whoever posts to `/v1/didcomm/questions`, or types `governance query --trqp`, asks knowingly; that also shows
    # that the words that are looked for are the right ones.
    assert asking == {"plugins/exchange/v2/protocols/trqp.py", "agents/runtime/v2_api.py"}
    assert asks(ROOT / "agents" / "cli" / "governance" / "querying.py")


# T7: harm by association


def centres(document: Json) -> list[str]:
    return list(entries(document)[ACCREDITATION])


def told(document: Json) -> dict[tuple[str, str], Verdict]:
    snapshot = fresh(parse_file(payload_of(document)))
    everybody = [did for by_did in entries(document).values() for did in by_did]
    return {(did, trade): verdict(snapshot, did, NOW, trade) for did in dict.fromkeys(everybody) for trade in TRADES}


def decided(kind: str) -> Any:
    """Return what an authority does against one issuer."""

    def against(document: Json, did: str) -> None:
        by_type = entries(document)
        if kind in ("suspended", "withdrawn"):
            for accreditation in by_type[ACCREDITATION][did]["accreditations"]:
                accreditation["status"] = [
                    {"status": kind, "decided_on": "2020-01-02", "effective_from": "2020-01-01", "reason": "x"}
                ]
        elif kind == "refused":
            del by_type[ACCREDITATION][did]
            by_type.get(PROGRAMMES, {}).pop(did, None)
            by_type[REFUSAL] = {did: {"refusals": [statements.refusal()]}}
        else:
            for by_did in by_type.values():
                by_did.pop(did, None)

    return against


@pytest.mark.parametrize("kind", ["suspended", "withdrawn", "refused", "forgotten"])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_t7_a_decision_about_one_issuer_touches_nobody_else(kind: str, number: int, document: Json) -> None:
    del entries(document)[REFUSAL]
    for entry in entries(document)[ACCREDITATION].values():
        for accreditation in entry["accreditations"]:
            accreditation |= {"intervals": [{"start": "2015-01-01"}], "jurisdictions": ["MLT"], "status": []}
    one = centres(document)[number]
    before = told(document)
    after = told(changed(document, lambda copy: decided(kind)(copy, one)))
    assert Verdict.TRUSTED in {answer for (did, _), answer in before.items() if did == one}
    assert Verdict.TRUSTED not in {answer for (did, _), answer in after.items() if did == one}
    assert {key: answer for key, answer in after.items() if key[0] != one} == {
        key: answer for key, answer in before.items() if key[0] != one
    }


def test_t7_who_names_a_suspended_issuer_as_alias_is_not_suspended(document: Json) -> None:
    one, other = centres(document)[:2]
    before = told(document)
    decided("withdrawn")(document, one)
    entries(document)[ALIAS] = {other: {"alias_dids": [one]}, one: {"alias_dids": [other]}}
    after = told(document)
    assert {trade: after[other, trade] for trade in TRADES} == {trade: before[other, trade] for trade in TRADES}


# T8: unvetted propagation


@pytest.mark.parametrize(("onward", "expected"), [(0, Verdict.NOT_TRUSTED), (1, Verdict.TRUSTED)])
async def test_t8_whom_a_recognised_authority_recognises_comes_in_only_if_we_say_so(
    world: WatchedWorld, onward: int, expected: Verdict
) -> None:
    a, b, c = (world.state(name) for name in "abc")
    await world.publish(c, c.document())
    await world.publish(b, b.document(recognises={c: 3}))
    await world.publish(a, a.document(recognises={b: onward}))
    source = world.source(a)
    await source.refresh()
    assert verdict(source.snapshot(), b.issuer, world.now) is Verdict.TRUSTED
    assert verdict(source.snapshot(), c.issuer, world.now) is expected
    assert any(url.startswith(c.url) for url in world.host.urls) is bool(onward)


# T11: external resources


async def test_t11_nothing_is_fetched_from_what_a_file_merely_names(world: WatchedWorld) -> None:
    a = world.state("a")
    document = a.document(version=2)
    evil = "https://elsewhere.wanderbuch.test/"
    document["@context"] = [*document["@context"], evil + "context.jsonld"]
    document |= {"docs_uri": evil + "docs", "uri": evil + "current.jws", "current_version": evil + "current.jws"}
    document["previous_versions"] = [{"version": 1, "uri": evil + "versions/0.jws"}]
    by_type = entries(document)
    by_type[evil + "statement.json"] = {a.issuer: {"$ref": evil + "schema.json", "anything": True}}
    by_type[DESCRIPTION][a.issuer]["website"] = evil + "website"
    accreditation = by_type[ACCREDITATION][a.issuer]["accreditations"][0]
    accreditation |= {"decision": evil + "decision", "redress": evil + "redress"}
    by_type[CROSSWALK][a.did]["crosswalks"][0]["source"] = evil + "source"
    named = {url for url in json.dumps(document).split('"') if url.startswith("https://")}
    assert len([url for url in named if url.startswith(evil)]) >= 9
    world.host.files |= dict.fromkeys(named, b"{}")  # all of it could be had
    await world.publish(a, document)
    source = world.source(a)
    await source.refresh()
    assert verdict(source.snapshot(), a.issuer, world.now) is Verdict.TRUSTED
    assert set(world.host.urls) == {f"{a.url}/current.jws", f"{a.url}/freshness.jws"}


# T13: actions read too widely


def statement(kind: str, stranger: str, document: Json) -> None:
    """Say something of a stranger that lets nobody issue."""
    by_type = entries(document)
    author = document["author"]
    if kind == "issuing role":
        by_type[ROLES][stranger] = {"roles": [{"role": "issue_qualification", "start": "2015-01-01T00:00:00Z"}]}
    elif kind == "verifying role":
        by_type[ROLES][stranger] = {"roles": [{"role": "verify_qualification", "start": "2015-01-01T00:00:00Z"}]}
    elif kind == "verification":
        by_type[VERIFICATION] = {stranger: {"verifications": [statements.verification()]}}
    elif kind == "description":
        by_type[DESCRIPTION][stranger] = by_type[DESCRIPTION][centres(document)[0]]
    elif kind == "alias":
        by_type[ALIAS] = {stranger: {"alias_dids": centres(document)}}
    elif kind == "refusal":
        by_type[REFUSAL] = {stranger: {"refusals": [statements.refusal()]}}
    elif kind == "signatory":
        by_type[SIGNATORIES] = {author: statements.signatories(author)}
        by_type[SIGNATORIES][author]["parties"][1]["did"] = stranger
    elif kind == "recognition":
        document["trusted_governance"] = [{"publisher": stranger, "uri": statements.NEIGHBOUR_FILE["uri"]}]
        by_type[RECOGNITION] = {
            stranger: {
                "recognitions": [statements.recognition(jurisdictions=["MLT"], intervals=[{"start": "2015-01-01"}])]
            }
        }
    else:
        accreditation = by_type[ACCREDITATION][at_host(document, "centre")]["accreditations"][0]
        definitions = [source.replace(at_host(document, "centre"), stranger) for source in accreditation["sources"]]
        members = {"id": "TA-9999", "sources": definitions, "jurisdictions": ["MLT"], "status": []}
        by_type[ACCREDITATION][stranger] = {
            "accreditations": [accreditation | members | {"intervals": [{"start": "2015-01-01"}]}]
        }


STRANGER = "did:webvh:QmStranger111111111111111111111111111111111111:stranger.wanderbuch.test:org"
NO_MANDATE = ["issuing role", "verifying role", "verification", "description", "alias", "refusal", "signatory"]


@pytest.mark.parametrize("kind", [*NO_MANDATE, "recognition", "accreditation"])
def test_t13_only_an_accreditation_lets_issue(kind: str, document: Json) -> None:
    statement(kind, STRANGER, document)
    snapshot = fresh(parse_file(payload_of(document)))
    expected = Verdict.TRUSTED if kind == "accreditation" else Verdict.NOT_TRUSTED
    assert verdict(snapshot, STRANGER, NOW) is expected
    assert all(verdict(snapshot, STRANGER, NOW, trade) is not Verdict.TRUSTED for trade in TRADES[1:])


def test_t13_a_programme_teaches_and_lets_nobody_issue(document: Json) -> None:
    centre = at_host(document, "centre")
    assert entries(document)[PROGRAMMES][centre]["programmes"]
    entries(document)[ACCREDITATION][centre]["accreditations"][0]["status"] = [
        {"status": "withdrawn", "decided_on": "2015-01-02", "effective_from": "2015-01-01", "reason": "x"}
    ]
    file = parse_file(payload_of(document))
    assert any(programme.provider == centre for programme in file.programmes)
    assert verdict(fresh(file), centre, NOW) is Verdict.NOT_TRUSTED


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("verification", Verdict.TRUSTED),
        ("verifying role", Verdict.UNKNOWN),
        ("issuing role", Verdict.UNKNOWN),
        ("accreditation", Verdict.UNKNOWN),
    ],
)
def test_t13_only_a_verification_lets_ask(kind: str, expected: Verdict, document: Json) -> None:
    statement(kind, STRANGER, document)
    decision = may_ask(
        fresh(parse_file(payload_of(document))),
        verifier=Did.parse(STRANGER),
        credential_type="qualification/1.0",
        revealed=["occupation_isco08"],
        predicates=[],
        purpose=Purpose.EMPLOYMENT,
        at=NOW,
    )
    assert decision.verdict is expected


# T15: attack by JSON Schema


def imports(path: Path, wanted: set[str]) -> set[str]:
    """Return which of some packages a module imports, anywhere in it."""
    text = path.read_text()
    if not any(letter in text for letter in wanted):  # most modules need not be parsed
        return set()
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names} & wanted


def test_t15_no_json_schema_is_evaluated_at_run_time() -> None:
    evaluators = {
        "jsonschema",
        "jsonschema_rs",
        "jsonschema_specifications",
        "fastjsonschema",
        "referencing",
        "rfc3987",
    }
    assert {path.name: imported for path in python_files(*RUN_TIME) if (imported := imports(path, evaluators))} == {}
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert not any(requirement.replace("-", "_").startswith(tuple(evaluators)) for requirement in needed)
    assert imports(
        ROOT / "tests" / "unit" / "governance" / "signed" / "test_published.py", evaluators
    )  # it can be found


# T17: misconfigured trust anchor


def tenant_with(agent: RunningAgent, wallet: WalletProfile) -> Tenant:
    """Return the default tenant of an agent that is never started, with an office for whoever decides."""
    told = default_tenant(agent.config)
    settings = agent.role.settings()
    return Tenant(
        replace(told, roles={agent.role.name: settings}),
        wallet,
        ProcessParts(agent.config, agent.edge, agent.documents, agent.library),
        publisher=NoPublisher(),
        short_links=ShortLinks(wallet, told.place.url),
    )


@pytest.mark.parametrize("role", [VerifierRole(), IssuerRole()], ids=["verifier", "issuer"])
async def test_t17_who_decides_does_not_start_without_an_author_to_believe(
    role: Role, agent_config: AgentConfig, wallet: WalletProfile
) -> None:
    agent = RunningAgent(agent_config, role)
    with pytest.raises(ConfigurationError, match="governance"):
        await role.open(tenant_with(agent, wallet))
    await agent.edge.close()


async def test_t17_a_verifier_starts_with_one(agent_config: AgentConfig, wallet: WalletProfile) -> None:
    told = GovernanceConfig(url="https://authority.wanderbuch.test/g", author=webvh("authority"))
    agent = RunningAgent(agent_config.model_copy(update={"governance": told}), VerifierRole())
    tenant = tenant_with(agent, wallet)
    tenant.has_identity(WebvhDid.parse(webvh("employer")))
    office = await VerifierRole().open(tenant)
    assert office.governance.snapshot() is None  # and believes nothing before a first good file
    await agent.edge.close()


@pytest.mark.parametrize("author", [None, "", "*", "anybody", "https://authority.wanderbuch.test", "did:", ["did:a:b"]])
def test_t17_an_address_without_an_author_is_no_setting(author: object) -> None:
    told = {"url": "https://authority.wanderbuch.test/g"}
    GovernanceConfig.model_validate(told | {"author": webvh("authority")})
    with pytest.raises(ValueError, match="author"):
        GovernanceConfig.model_validate(told if author is None else told | {"author": author})


async def test_t17_a_wrong_anchor_believes_nobody(world: WatchedWorld) -> None:
    """The author of another authority at the address of ours: nothing is taken over, nobody is trusted."""
    a, b = world.state("a"), world.state("b")
    await world.publish(a, a.document())
    source = GovernanceSource(
        GovernanceSourceConfig(url=a.url, author=b.did),
        edge=cast(HttpEdge, world.host),
        resolve_key=world.resolve_key,
        clock=lambda: world.now + timedelta(seconds=1),
    )
    await source.refresh()
    assert source.snapshot() is None
    assert verdict(source.snapshot(), a.issuer, world.now) is Verdict.UNKNOWN


def test_the_package_under_test_is_the_one_that_is_read() -> None:
    """The tests above read source files: these are the ones that run."""
    assert Path(wanderbuch.__file__).is_relative_to(ROOT)
