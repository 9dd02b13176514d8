"""The steps of the OWL agent test harness that our agents can take, over the harness's own HTTP interface.

The harness itself is on no package registry, so no test runs it: what it said when it was run by hand, and how to do
so, is in `docs/interop.md`.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from tests.interop.backchannel import running_backchannels

pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="module")]

DID_EXCHANGE = {"handshake_protocols": ["https://didcomm.org/didexchange/1.1"]}

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Harness:
    """Calls backchannels as the harness does: trailing slashes, `id` and `data` in the body."""

    addresses: Mapping[str, str]
    session: aiohttp.ClientSession

    async def does(self, role: str, step: str, named: str | None = None, **data: object) -> Json:
        status, answer = await self.tries(role, step, named, **data)
        assert status == 200, answer
        return answer

    async def tries(self, role: str, step: str, named: str | None = None, **data: object) -> tuple[int, Json]:
        body = {name: value for name, value in (("id", named), ("data", data)) if value}
        async with self.session.post(f"{self.addresses[role]}/agent/command/{step}/", json=body) as response:
            return response.status, await response.json()

    async def sees(self, role: str, path: str) -> tuple[int, Json]:
        async with self.session.get(f"{self.addresses[role]}/agent/{path}") as response:
            return response.status, await response.json()

    async def invites(self, **data: object) -> Json:
        made = await self.does("issuer", "out-of-band/send-invitation-message", **data)
        assert made["state"] == "invitation-sent"
        invitation: Json = made["invitation"]
        return invitation

    async def receives(self, invitation: Json) -> str:
        received = await self.does(
            "holder", "out-of-band/receive-invitation", **invitation, use_existing_connection=False
        )
        assert received["state"] == "invitation-received"
        return str(received["connection_id"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Harness]:
    folder = tmp_path_factory.mktemp("backchannel")
    async with running_backchannels(folder) as addresses, aiohttp.ClientSession() as session:
        yield Harness(addresses, session)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"use_public_did": False}, id="0023 T001, explicit invitation"),
        pytest.param({"use_public_did": True}, id="0023 T003, explicit invitation with a public DID"),
        pytest.param(DID_EXCHANGE, id="0793 T001, no method named"),
        pytest.param({"use_did_method": "did:peer:4", **DID_EXCHANGE}, id="0793 T001, did-peer-4"),
    ],
)
async def test_both_sides_have_a_connection(harness: Harness, asked: Json) -> None:
    invitation = await harness.invites(**asked)
    assert await harness.sees("issuer", f"response/did-exchange/{invitation['@id']}") == (200, {})
    of_holder = await harness.receives(invitation)
    method = {name: value for name, value in asked.items() if name == "use_did_method"}
    requested = await harness.does("holder", "did-exchange/send-request", of_holder, **method)
    assert requested["my_did"].startswith("did:peer:4")

    _, came = await harness.sees("issuer", f"response/did-exchange/{invitation['@id']}")
    answered = await harness.does("issuer", "did-exchange/send-response", came["connection_id"])
    assert answered["their_did"].startswith("did:peer:4")
    again, _ = await harness.tries("issuer", "did-exchange/send-response", came["connection_id"])
    assert again == 400  # 0023 T007: nothing goes on after the end
    for role, connection in (("issuer", came["connection_id"]), ("holder", of_holder)):
        status, shown = await harness.sees(role, f"command/did-exchange/{connection}")
        assert (status, shown["state"]) == (200, "completed")


async def test_the_public_did_of_the_issuer_is_the_service_of_its_invitation(harness: Harness) -> None:
    status, told = await harness.sees("issuer", "command/did/")
    assert status == 200
    assert (await harness.invites(use_public_did=True))["services"] == [told["did"]]


async def test_an_invitation_is_no_connection_before_the_request(harness: Harness) -> None:
    of_holder = await harness.receives(await harness.invites())
    status, _ = await harness.sees("holder", f"command/did-exchange/{of_holder}")
    assert status == 404


@pytest.mark.parametrize(
    ("role", "step", "data"),
    [
        pytest.param("issuer", "out-of-band/send-invitation-message", {"use_did_method": "did:peer:2"}, id="peer-2"),
        pytest.param("issuer", "out-of-band/send-invitation-message", {"attachments": [{}]}, id="attached offer"),
        pytest.param(
            "issuer",
            "out-of-band/send-invitation-message",
            {"handshake_protocols": ["https://didcomm.org/connections/1.0"]},
            id="connections 1.0",
        ),
        pytest.param("holder", "out-of-band/send-invitation-message", {}, id="a holder invites"),
        pytest.param("verifier", "out-of-band/receive-invitation", {"@id": "1"}, id="a verifier is invited"),
        pytest.param("holder", "did-exchange/create-request-resolvable-did", {"their_did": "did:x:1"}, id="implicit"),
        pytest.param("issuer", "schema", {"schema_name": "licence"}, id="foreign schema"),
        pytest.param("holder", "issue-credential-v2/send-proposal", {}, id="proposal"),
        pytest.param("verifier", "proof-v2/send-request", {}, id="free request"),
    ],
)
async def test_what_our_agents_do_not_do_is_said(harness: Harness, role: str, step: str, data: Json) -> None:
    status, answer = await harness.tries(role, step, **data)
    assert status == 501
    assert answer["error"]
