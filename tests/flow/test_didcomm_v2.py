"""Two real agents that speak DIDComm v2 with each other, found by invitation or by DID."""

import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.prepared import start_prepared

from wanderbuch.agents.machine import AgentHandle, AppError, LocalMachine

pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="module")]

TINY = (sys.executable, "-m", "tests.flow.tiny_role")


def tiny(machine: LocalMachine, name: str, *, takes_v2: bool) -> AgentHandle:
    agent = machine.add("tiny", name, f"{name}.wanderbuch.test", command=TINY)
    agent.configure(public={"didcomm_v2": takes_v2})
    return agent


async def ask(agent: AgentHandle, path: str, body: dict[str, Any]) -> Any:
    """Post to an agent's `/v1/didcomm`."""
    return await agent.post(f"/v1/didcomm{path}", body)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def agents(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, AgentHandle]]:
    """Two agents that take v2, one that does not, and a person's wallet that does."""
    machine = LocalMachine(tmp_path_factory.mktemp("machine") / "all", start_child=start_prepared)
    agents = {name: tiny(machine, name, takes_v2=name != "old") for name in ("one", "other", "old")}
    agents["holder"] = machine.add("holder", "Holder", "holder.wanderbuch.test")
    agents["holder"].configure(public={"didcomm_v2": True})
    await machine.start()
    yield agents
    await machine.stop()


async def test_an_invitation_leads_to_who_made_it(agents: dict[str, AgentHandle]) -> None:
    invitation = await ask(agents["other"], "/invitations", {"goal": "Show your passport"})
    assert invitation["url"].startswith("https://other.wanderbuch.test/?_oob=")
    assert (await ask(agents["one"], "/pings", {"to": invitation["url"]}))["did"] == invitation["did"]


async def test_a_did_says_what_it_speaks(agents: dict[str, AgentHandle]) -> None:
    did = (await ask(agents["other"], "/invitations", {}))["did"]
    told = await ask(agents["one"], "/features", {"to": did, "match": "https://didcomm.org/*"})
    assert "https://didcomm.org/trust-ping/2.0" in told["protocols"]
    told = await ask(agents["one"], "/features", {"to": did, "match": "https://example.org/*"})
    assert told["protocols"] == []


async def test_who_takes_v1_alone_says_what_to_do(agents: dict[str, AgentHandle]) -> None:
    with pytest.raises(AppError, match="does not speak DIDComm v2") as refusal:
        await ask(agents["old"], "/invitations", {})
    assert refusal.value.status == 409


@pytest.mark.parametrize(
    ("to", "complaint"),
    [
        ("did:example:nobody", "can be resolved"),
        ("https://example.org/?oob=eyJ9", "DIDComm v1"),
        ("https://example.org/?_oob=!!", "base64url"),
        ("nonsense", "address of an invitation"),
    ],
)
async def test_whoever_cannot_be_asked_is_told_in_one_line(
    agents: dict[str, AgentHandle], to: str, complaint: str
) -> None:
    with pytest.raises(AppError, match=complaint):
        await ask(agents["one"], "/pings", {"to": to})


async def test_who_takes_v1_alone_is_not_asked_in_v2(agents: dict[str, AgentHandle]) -> None:
    ready = [json.loads(line) for line in agents["old"].log_path.read_text().splitlines() if '"ready": true' in line]
    with pytest.raises(AppError, match="key for key agreement"):
        await ask(agents["one"], "/pings", {"to": ready[0]["did"]})


async def test_a_wallet_asks_under_a_did_for_each_question(agents: dict[str, AgentHandle]) -> None:
    did = (await ask(agents["other"], "/invitations", {}))["did"]
    assert (await ask(agents["holder"], "/pings", {"to": did}))["did"] == did
    told = await ask(agents["holder"], "/features", {"to": did, "match": "https://didcomm.org/*"})
    assert "https://didcomm.org/trust-ping/2.0" in told["protocols"]


async def test_a_wallet_invites_under_a_did_for_each_invitation(agents: dict[str, AgentHandle]) -> None:
    one, other = [await ask(agents["holder"], "/invitations", {"goal": "Say hello"}) for _ in range(2)]
    assert one["did"] != other["did"]
    assert one["valid_until"] is not None
    for to in (one["url"], other["did"]):
        assert (await ask(agents["one"], "/pings", {"to": to}))["did"].startswith("did:peer:2.")
    told = await ask(agents["one"], "/features", {"to": one["url"]})
    assert "https://didcomm.org/trust-ping/2.0" in told["protocols"]
    with pytest.raises(AppError, match="no keys of one to replace"):
        await ask(agents["holder"], "/keys/rotate", {})
