"""`governance publish --agent`, against the authority's real routes, wallet and publication, all in this process."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from pydantic import SecretStr
from tests.unit.authority.conftest import (
    AUTHORITY,
    CENTRE,
    FOLDER,
    HEADER,
    URL,
    World,
    centre_record,
    hire,
    payload,
    world,
)
from tests.unit.authority.flow import published
from tests.unit.cli.conftest import EXAMPLE
from tests.unit.http.tls_host import PrivateAuthority, TlsHost, tls_host

from wanderbuch.agents.authority.api import AUTHORITY_ROUTES
from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.draft import DraftState
from wanderbuch.agents.cli.governance.authority_client import AnsweredNoError, AuthorityClient
from wanderbuch.agents.cli.governance.publishing import _as_draft, _directly
from wanderbuch.agents.runtime.app import Caller, ReadyReport
from wanderbuch.agents.runtime.app_site import Mount, make_app
from wanderbuch.agents.runtime.tenant_config import DEFAULT_TENANT
from wanderbuch.errors import ConfigurationError, GovernanceError, ResolutionError
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION
from wanderbuch.governance.signed.jws import unverified_payload

__all__ = ["world"]

OPERATOR = "operator-token-operator-token"


class Site:
    """An authority whose REST API and public site really listen."""

    def __init__(self, desk: Desk, server: TestServer, host: TlsHost, folder: Path) -> None:
        self.desk = desk
        self.url = str(server.make_url("/")).rstrip("/")
        self.host = host
        self.folder = folder
        self.network = (host.ca_file, [f"authority.example.test:443=127.0.0.1:{host.port}"])

    def token(self, text: str) -> Path:
        path = self.folder / "token"
        path.write_text(text + "\n")
        return path

    def file(self, change: dict[str, Any], name: str | None = None) -> Path:
        """Write the published file, with another name of the centre."""
        payload = json.loads(unverified_payload((self.host.folder / FOLDER / "current.jws").read_bytes()))
        payload |= change
        if name is not None:
            payload["participants"]["entries"][DESCRIPTION][str(CENTRE)] = {"name": name}
        path = self.folder / "governance.json"
        path.write_text(json.dumps(payload))
        return path

    async def as_draft(self, file: Path, token: Path, why: str = "a new name") -> dict[str, Any]:
        return await _as_draft(file, self.url, token, why, *self.network)


@pytest.fixture
async def site(world: World, tmp_path: Path) -> AsyncIterator[Site]:
    desk = world.desk(four_eyes=True)
    office = SimpleNamespace(
        tenant=SimpleNamespace(did=AUTHORITY, name="Authority"),
        ecosystem="sri-lanka",
        governance_url=URL,
        desk=desk,
        publication=desk.publication,
        history=desk.history,
        schema_ids={},
    )

    async def enter(tenant: str) -> SimpleNamespace:
        assert tenant == DEFAULT_TENANT
        return office

    async def identify(tenant: str, token: str) -> Caller | None:
        official = await desk.officials.by_token(token)
        return official and Caller(official.id, frozenset(role.value for role in official.roles))

    async def look() -> ReadyReport:
        return ReadyReport(True, {})

    app = make_app(
        [Mount("authority", enter, AUTHORITY_ROUTES)],
        token=SecretStr(OPERATOR),
        max_body_bytes=1 << 20,
        is_serving=lambda: True,
        look=look,
        description=dict,
        identify=identify,
    )
    async with (
        TestServer(app) as server,
        tls_host(PrivateAuthority(tmp_path), "authority.example.test", world.folder) as host,
    ):
        yield Site(desk, server, host, tmp_path)


async def test_the_difference_becomes_a_draft_for_the_approvers(site: Site) -> None:
    people = await hire(site.desk)
    await published(site.desk, people, header=HEADER, records={str(CENTRE): centre_record()})
    _, token = await site.desk.officials.renew_token("ed")
    told = await site.as_draft(site.file({"description": "Who counts."}, "Colombo Welding School"), site.token(token))
    (draft,) = await site.desk.drafts.all(state=DraftState.SUBMITTED)
    assert told["draft"]["id"] == draft.id
    assert "changes 2 parts" in told["text"]
    changed = {
        (difference.kind.value, difference.key): difference.after
        for difference in await site.desk.drafts.diff(draft.id)
    }
    assert changed[("header", "description")] == "Who counts."
    assert changed[("record", str(CENTRE))]["description"] == {"name": "Colombo Welding School"}
    assert len(changed) == 2


async def test_the_first_version_is_a_draft_of_everything(site: Site) -> None:
    await hire(site.desk)
    _, token = await site.desk.officials.renew_token("ed")
    file = site.folder / "first.json"
    file.write_text(json.dumps(payload(1)))
    told = await site.as_draft(file, site.token(token))
    assert told["draft"]["state"] == DraftState.SUBMITTED.value


async def test_another_authoritys_file_opens_no_draft(site: Site) -> None:
    await hire(site.desk)
    _, token = await site.desk.officials.renew_token("ed")
    with pytest.raises(GovernanceError, match="the author of the file is"):
        await site.as_draft(EXAMPLE, site.token(token))
    assert await site.desk.drafts.all() == []


async def test_a_draft_with_mistakes_stays_with_its_editor_and_is_named(site: Site) -> None:
    people = await hire(site.desk)
    await published(site.desk, people, header=HEADER, records={str(CENTRE): centre_record()})
    _, token = await site.desk.officials.renew_token("ed")
    file = site.file({"last_updated": "2027-06-01T00:00:00Z"})
    document = json.loads(file.read_bytes())
    (statement,) = document["participants"]["entries"][ACCREDITATION].values()
    decided = {"status": "suspended", "decided_on": "2027-05-01", "effective_from": "2027-05-01"}
    statement["accreditations"][0]["status"] = [decided]  # in the agent's future, not in the file's
    file.write_text(json.dumps(document))
    with pytest.raises(AnsweredNoError, match="mistake") as refused:
        await site.as_draft(file, site.token(token))
    (draft,) = await site.desk.drafts.all(state=DraftState.OPEN)
    assert draft.id in str(refused.value.hint)


async def test_without_a_difference_no_draft_is_opened(site: Site) -> None:
    people = await hire(site.desk)
    await published(site.desk, people, header=HEADER, records={str(CENTRE): centre_record()})
    _, token = await site.desk.officials.renew_token("ed")
    assert (await site.as_draft(site.file({}), site.token(token)))["draft"] is None
    assert await site.desk.drafts.all(state=DraftState.SUBMITTED) == []


async def test_what_the_public_site_serves_must_be_what_the_agent_published(site: Site) -> None:
    people = await hire(site.desk)
    await published(site.desk, people, header=HEADER, records={str(CENTRE): centre_record()})
    _, token = await site.desk.officials.renew_token("ed")
    file = site.file({}, "Another")
    version = site.host.folder / FOLDER / "versions" / "1.jws"
    version.write_bytes(version.read_bytes()[:-4] + b"AAAA")
    with pytest.raises(GovernanceError, match="found another file"):
        await site.as_draft(file, site.token(token))


async def test_who_may_not_edit_opens_no_draft(site: Site) -> None:
    people = await hire(site.desk)
    await published(site.desk, people, header=HEADER, records={str(CENTRE): centre_record()})
    file = site.file({}, "Another")
    _, approver = await site.desk.officials.renew_token("ann")
    for token in (approver, OPERATOR, "nobody-nobody-nobody-nobody"):
        with pytest.raises(ConfigurationError, match="does not let this token"):
            await site.as_draft(file, site.token(token))


async def test_the_operator_publishes_directly_only_without_four_eyes(site: Site) -> None:
    await hire(site.desk)
    with pytest.raises((AnsweredNoError, ConfigurationError)):
        await _directly(EXAMPLE, site.url, site.token(OPERATOR))
    assert not (site.host.folder / FOLDER / "current.jws").exists()


async def test_an_answer_that_is_none_of_an_agent_is_no_answer(site: Site) -> None:
    async with AuthorityClient(site.url, site.token(OPERATOR)) as client:
        with pytest.raises(AnsweredNoError):
            await client.ask("GET", "/nothing")
        assert (await client.ask("GET", "/identity"))["did"] == str(AUTHORITY)
    async with AuthorityClient("http://127.0.0.1:9", site.token(OPERATOR)) as client:
        with pytest.raises(ResolutionError):
            await client.ask("GET", "/identity")
    for url in ("http://authority.example.test", "ftp://127.0.0.1", "authority"):
        with pytest.raises(ConfigurationError):
            AuthorityClient(url, site.token(OPERATOR))
