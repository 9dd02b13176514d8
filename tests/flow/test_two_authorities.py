"""Two authorities: what the one publishes the other signs as a party at its desk, by real agents on real sockets."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
import pytest_asyncio
from tests.flow.doubles import call
from tests.prepared import start_prepared
from tests.unit.authority_pages.conftest import Browser, hidden
from tests.unit.authority_pages.test_party_signing import PARTY, bring
from tests.welders import governance_file

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import SIGNATORIES

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def authorities(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[AgentHandle, AgentHandle]]:
    machine = LocalMachine(tmp_path_factory.mktemp("authorities"), start_child=start_prepared)
    first = {"ecosystem": "lanka", "four_eyes": False}  # else its first version needs a draft of its own
    lanka = machine.add("authority", "Lanka", "lanka.wanderbuch.test", authority=first)
    malta = machine.add("authority", "Malta", "malta.wanderbuch.test", authority={"ecosystem": "malta"})
    try:
        await machine.start()
        yield lanka, malta
    finally:
        await machine.stop()


async def hired(authority: AgentHandle) -> tuple[str, str]:
    """Return the tokens of an editor and an approver."""
    tokens = []
    for role in ("editor", "approver"):
        added = await authority.post("/officials", {"id": role, "name": role, "roles": [role]})
        tokens.append(str(added["token"]))
    return tokens[0], tokens[1]


async def test_a_version_counts_once_the_other_authority_has_signed_it_at_its_desk(
    authorities: tuple[AgentHandle, AgentHandle],
) -> None:
    lanka, malta = authorities
    view, party = await lanka.get("/identity"), (await malta.get("/identity"))["did"]
    did, schema_id = view["did"], view["schemas"]["qualification/1.0"]
    entries = {DESCRIPTION: {did: {"name": "Authority of Lanka"}}}
    await lanka.post("/versions", {"payload": governance_file(did, schema_id, entries)})
    editor, approver = await hired(lanka)

    async def at_lanka(token: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
        status, answer = await call(lanka, method, path, body, token)
        assert status < 400, answer
        return dict(answer)

    parties = [{"did": one, "name": name, "kind": "authority"} for one, name in ((did, "Lanka"), (party, "Malta"))]
    draft = await at_lanka(editor, "POST", "/drafts", {"why": "Malta signs with us"})
    place = f"/drafts/{draft['id']}"
    await at_lanka(editor, "PATCH", place, {"header": {SIGNATORIES: {did: {"threshold": 2, "parties": parties}}}})
    submitted = await at_lanka(editor, "POST", f"{place}/submit")
    approval = {name: submitted[name] for name in ("revision", "digest")}
    assert (await at_lanka(approver, "POST", f"{place}/approve", approval))["state"] == "SIGNING"
    to_sign = (await at_lanka(editor, "GET", f"{place}/signing"))["payload"]

    site = SimpleNamespace(make_url=lambda path: f"{malta.app_url}{path}")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        first, second = (Browser(cast(Any, site), session) for _ in range(2))
        for browser, token in zip((first, second), await hired(malta), strict=True):
            assert (await browser.sign_in(token)).status == 303
        at = (await bring(first, to_sign.encode())).target
        assert at.startswith(PARTY)
        page = (await second.ask(at)).text
        assert (did in page, 'name="sure"' in page) == (True, True)
        ticked = {"sure": "yes", "looked_into": "address_new"}
        signed = await second.send(f"{at}/sign", compared=hidden(page, "compared"), **ticked)
        assert signed.target == at, signed.text
        signature = (await first.ask(f"{at}/signature")).text
    taken = await at_lanka(editor, "POST", f"{place}/signatures", {"jws": signature})
    assert (taken["state"], taken["version"]) == ("PUBLISHED", 2)
    malta_sees = await lanka.get("/identity")
    assert malta_sees["current"]["version"] == 2
